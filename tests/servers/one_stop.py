"""A one-stop server for tests and demonstrations: real HTTP, both APIs, 500 made-up dossiers, faults.

It speaks the national integration API (``POST /auth``, ``POST /endpoint``) and the iGate kind
(``POST /token``, ``GET /pa/dossier-search/dvc``). Everything in it is invented; names, phones and identity
numbers belong to nobody. ``python -m tests.servers.one_stop`` serves it.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import secrets
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

HERE = ZoneInfo("Asia/Ho_Chi_Minh")
DSTCODE, UNIT = "VN:COM:DEMO", "H62"
USERNAME, PASSWORD = "hoi-mot-cua", "made-up"
CLIENT_ID, CLIENT_SECRET = "hoi-mot-cua", "made-up"
NUMBER = 500
STATUSES = (
    "Mới đăng ký",
    "Được tiếp nhận",
    "Không được tiếp nhận",
    "Đang xử lý",
    "Yêu cầu bổ sung giấy tờ",
    "Yêu cầu thực hiện nghĩa vụ tài chính",
    "Công dân yêu cầu rút hồ sơ",
    "Dừng xử lý",
    "Đã xử lý xong",
    "Đã trả kết quả",
)
# Of each procedure: its code, name, working days and fee in đồng.
PROCEDURES = (
    ("1.001193", "Thủ tục đăng ký khai sinh", 1, 0),
    ("1.000894", "Thủ tục đăng ký kết hôn", 1, 0),
    ("2.000635", "Thủ tục cấp bản sao Trích lục hộ tịch", 1, 8_000),
    ("1.013978", "Đăng ký biến động đất đai khi chuyển nhượng quyền sử dụng đất", 10, 250_000),
    ("1.004227", "Cấp phiếu lý lịch tư pháp số 1", 10, 200_000),
)
# What each procedure's dossiers lack.
LACKING = {
    "1.001193": "Thiếu bản sao Giấy chứng sinh có chứng thực.",
    "1.000894": "Thiếu Giấy xác nhận tình trạng hôn nhân của bên nữ.",
    "2.000635": "Tờ khai chưa ký ở trang 2, đề nghị ký và gửi lại.",
    "1.013978": "Thiếu bản chính Giấy chứng nhận quyền sử dụng đất.",
    "1.004227": "Ảnh chụp căn cước bị mờ, đề nghị chụp lại và gửi lại.",
}
NAMING = 54  # the dossier, by its number, whose office wrote a name and a phone number
NAME = " Liên hệ đ/c Nguyễn Văn Demo, 0900 000 123."
FRIDAY = 4
EXTRACT = "2.000635"  # a copy of an extract is given the working day after


@dataclass(frozen=True)
class MadeUp:
    """One invented dossier."""

    code: str
    procedure: tuple[str, str, int, int]
    status: int
    received: datetime
    appointed: datetime
    finished: datetime | None
    phone: str
    identity: str
    lacking: str | None = None
    asked_at: datetime | None = None


@dataclass
class Faults:
    """What goes wrong on demand; each lasts until it is taken away, or so many calls."""

    kinds: dict[str, float] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)

    def takes(self, kind: str) -> float | None:
        """Tell whether this goes wrong now, and its measure (seconds of ``slow`` and ``skew``)."""
        if kind not in self.kinds:
            return None
        if kind in self.left:
            self.left[kind] -= 1
            if self.left[kind] < 0:
                return None
        return self.kinds[kind]


class OneStop:
    """The server's dossiers, sessions, faults and counts."""

    def __init__(self, today: date | None = None, unit: str = UNIT) -> None:
        self.today = today or datetime.now(HERE).date()
        self.dossiers = {each.code: each for each in make_up(self.today, unit)}
        self.url = ""
        self.faults = Faults()
        self.asked: list[str] = []  # codes, in the order they were asked for
        self.sign_ins = 0
        self.token_life = 3600.0
        self._sessions: set[str] = set()
        self._tokens: dict[str, float] = {}

    def set_fault(self, kind: str, measure: float = 1.0, times: int | None = None) -> None:
        """Let something go wrong: slow, error, refused_session, malformed, empty, duplicate, other, skew."""
        self.faults.kinds[kind] = measure
        if times is not None:
            self.faults.left[kind] = times

    def mend(self) -> None:
        """Take every fault away."""
        self.faults = Faults()

    def change(self, code: str, **fields: Any) -> None:
        """Change a dossier."""
        self.dossiers[code] = replace(self.dossiers[code], **fields)

    def sign_in(self) -> str:
        """Open a session."""
        self.sign_ins += 1
        session = secrets.token_hex(8)
        self._sessions.add(session)
        return session

    def end_sessions(self) -> None:
        """Let every session and token be over."""
        self._sessions.clear()
        self._tokens.clear()

    def give_token(self) -> str:
        """Give a bearer token."""
        self.sign_ins += 1
        token = secrets.token_hex(16)
        self._tokens[token] = time.monotonic() + self.token_life
        return token

    def has_session(self, session: str) -> bool:
        """Tell whether a session is open."""
        return session in self._sessions and self.faults.takes("refused_session") is None

    def has_token(self, token: str) -> bool:
        """Tell whether a token still holds."""
        return self._tokens.get(token, 0) > time.monotonic() and self.faults.takes("refused_session") is None

    def find(self, code: str) -> list[MadeUp]:
        """Find what a search for a code gives, with the faults of the moment."""
        self.asked.append(code)
        known = self.dossiers.get(code)
        if known is None or self.faults.takes("empty") is not None:
            return []
        if self.faults.takes("other") is not None:
            return [next(each for each in self.dossiers.values() if each.code != code)]
        if skew := self.faults.takes("skew"):
            later = timedelta(seconds=skew)
            known = replace(known, received=known.received + later, appointed=known.appointed + later)
        if self.faults.takes("duplicate") is not None:
            older = replace(known, status=1, finished=None, received=known.received - timedelta(days=1))
            return [older, known]
        return [known]


def make_up(today: date, unit: str) -> Iterator[MadeUp]:
    """Invent dossiers around a day, fifty in each status, the same ones each time."""
    for number in range(NUMBER):
        status = number % 10 + 1
        procedure = PROCEDURES[number // 10 % len(PROCEDURES)]
        received = datetime(today.year, today.month, today.day, 8, 15, tzinfo=HERE) - timedelta(
            days=2 + number * 7 % 25
        )
        appointed = _appointed(received, procedure[0], number)
        has_ended = status in (3, 7, 8, 9, 10)
        finished = min(received + timedelta(days=2, hours=3), datetime.now(HERE)) if has_ended else None
        yield MadeUp(
            code=f"000.00.12.{unit}-{received:%y%m%d}-{number + 1:04d}",
            procedure=procedure,
            status=status,
            received=received,
            appointed=appointed,
            finished=finished,
            phone=f"0900{number * 7919 % 1_000_000:06d}",
            identity=f"026{number * 104_729 % 1_000_000_000:09d}",
            lacking=_lacking(procedure[0], number) if status == 5 else None,
            asked_at=received + timedelta(days=1, hours=1) if status == 5 else None,
        )


def _appointed(received: datetime, procedure: str, number: int) -> datetime:
    days = 5 + number * 3 % 30
    if procedure == EXTRACT:
        days = {FRIDAY: 3, FRIDAY + 1: 2}.get(received.weekday(), 1)
    return (received + timedelta(days=days)).replace(hour=16, minute=30)


def _lacking(procedure: str, number: int) -> str:
    return LACKING[procedure] + (NAME if number == NAMING else "")


def ho_so(each: MadeUp) -> dict[str, Any]:
    """Write a dossier as the national API does."""
    code, name, _, fee = each.procedure

    def moment(value: datetime | None) -> str:
        return value.strftime("%Y%m%d%H%M%S") if value else ""

    return {
        "MaHoSo": each.code,
        "MaTTHC": code,
        "TenTTHC": name,
        "MaLinhVuc": "G15",
        "TenLinhVuc": "Hộ tịch",
        "KenhThucHien": str(each.status % 3 + 1),
        "ChuHoSo": "Trần Thị Demo",
        "LoaiDoiTuong": "1",
        "SoDienThoai": each.phone,
        "TrichYeuHoSo": "Hồ sơ của bà Trần Thị Demo",
        "NgayTiepNhan": moment(each.received),
        "NgayHenTra": moment(each.appointed),
        "TrangThaiHoSo": str(each.status),
        "NgayTra": moment(each.finished) if each.status == 10 else "",
        "ThongTinTra": "",
        "HinhThuc": "0",
        "NgayKetThucXuLy": moment(each.finished),
        "DonViXuLy": "Trung tâm Phục vụ hành chính công (dữ liệu thử)",
        "GhiChu": "",
        "DanhSachLePhi": [{"TenPhiLePhi": "Lệ phí", "Gia": str(fee)}] if fee else [],
        "DanhSachHoSoBoSung": [
            {
                "NguoiYeuCauBoSung": "Nguyễn Văn Demo",
                "NoiDungBoSung": each.lacking,
                "NgayBoSung": moment(each.asked_at),
                "NgayHenTraTruoc": moment(each.appointed),
                "NgayHenTraMoi": "",
            }
        ]
        if each.lacking
        else [],
        "DanhSachGiayToKetQua": [],
    }


def i_gate(each: MadeUp) -> dict[str, Any]:
    """Write a dossier as a system of the iGate kind does."""

    def moment(value: datetime | None) -> str | None:
        return value.strftime("%Y-%m-%dT%H:%M:%S.000%z") if value else None

    return {
        "code": each.code,
        "applicant": {
            "data": {"fullname": "Trần Thị Demo", "phoneNumber": each.phone, "identityNumber": each.identity}
        },
        "procedure": {
            "code": each.procedure[0],
            "translate": [{"languageId": 228, "name": each.procedure[1]}],
        },
        "statusCurrentTask": STATUSES[each.status - 1],
        "applyMethod": {"name": ("Trực tiếp", "Trực tuyến", "Bưu chính công ích")[each.status % 3]},
        "appliedDate": moment(each.received),
        "appointmentDate": moment(each.appointed),
        "completedDate": moment(each.finished),
    }


def one_stop_app(server: OneStop) -> FastAPI:
    """Build the application that speaks both APIs."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    async def troubled() -> Response | None:
        if (pause := server.faults.takes("slow")) is not None:
            await asyncio.sleep(pause)
        if server.faults.takes("error") is not None:
            return JSONResponse({"message": "Internal Server Error"}, 500)
        if server.faults.takes("malformed") is not None:
            return Response('{"error_code":"00","result":[{"MaHoSo":', media_type="application/json")
        return None

    @app.post("/auth")
    async def sign_in(request: Request) -> Response:
        body = await request.json()
        if request.headers.get("dstcode") != DSTCODE or body != {"username": USERNAME, "password": PASSWORD}:
            return JSONResponse({"error_code": 1, "message": "Sai thông tin"}, 200)
        return JSONResponse({"session": server.sign_in(), "error_code": 0})

    @app.post("/endpoint")
    async def service(request: Request) -> Response:
        if trouble := await troubled():
            return trouble
        body = await request.json()
        if request.headers.get("dstcode") != DSTCODE or body.get("madonvi") != UNIT:
            return JSONResponse({"error_code": "01", "message": "dstcode"})
        if not server.has_session(str(body.get("session"))):
            return JSONResponse({"error_code": "02", "message": "Session expired"}, 401)
        if body.get("service") != "TraCuuHoSo":
            return JSONResponse({"error_code": "03", "message": "service"})
        found = server.find(str(body.get("MaHoSo")))
        return JSONResponse({"error_code": "00", "result": [ho_so(each) for each in found]})

    @app.post("/token")
    async def token(request: Request) -> Response:
        expected = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        body = (await request.body()).decode()
        if (
            request.headers.get("authorization") != f"Basic {expected}"
            or body != "grant_type=client_credentials"
        ):
            return JSONResponse({"error": "invalid_client"}, 401)
        return JSONResponse(
            {"access_token": server.give_token(), "token_type": "Bearer", "expires_in": server.token_life}
        )

    @app.get("/pa/dossier-search/dvc")
    async def search(request: Request, code: str = "", spec: str = "") -> Response:
        if trouble := await troubled():
            return trouble
        if not server.has_token(request.headers.get("authorization", "").removeprefix("Bearer ")):
            return JSONResponse({"error": "invalid_token"}, 401)
        found = server.find(code) if spec == "slice" else []
        return JSONResponse({"content": [i_gate(each) for each in found], "last": True})

    return app


@contextmanager
def serving(server: OneStop, port: int = 0) -> Iterator[str]:
    """Serve it in a thread; give its address."""
    config = uvicorn.Config(
        one_stop_app(server),
        host="127.0.0.1",
        port=port,
        log_config=None,
        backlog=2048,
        timeout_graceful_shutdown=1,
    )
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    pause = threading.Event()
    while not running.started:
        if time.monotonic() > deadline or not thread.is_alive():
            raise RuntimeError("the one-stop server did not start")
        pause.wait(0.01)
    try:
        yield f"http://127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}"
    finally:
        running.should_exit = True
        thread.join(10)


def examples(server: OneStop) -> list[MadeUp]:
    """Give three dossiers worth trying: in work and in time, waiting for a paper, waiting for a fee."""
    listed = list(server.dossiers.values())
    in_time = [each for each in listed if each.appointed.date() > server.today]

    def first(among: list[MadeUp], status: int, has_fee: bool) -> MadeUp:
        return next(each for each in among if each.status == status and bool(each.procedure[3]) == has_fee)

    return [first(in_time, 4, has_fee=True), first(listed, 5, has_fee=False), first(listed, 6, has_fee=True)]


def main() -> None:
    """Serve until ended; print the address, then codes to try with what proves them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--unit", default=UNIT, help="the province's unit code")
    parser.add_argument("--slow", type=float, help="seconds that every look-up takes")
    parser.add_argument("--today", type=date.fromisoformat, help="the day around which dossiers are made up")
    given = parser.parse_args()
    server = OneStop(given.today, unit=given.unit)
    if given.slow:
        server.set_fault("slow", given.slow)
    with serving(server, given.port) as url:
        print(url)
        for each in examples(server):
            print(f"{each.code} {each.phone[-4:]}", flush=True)
        signal.sigwait([signal.SIGINT, signal.SIGTERM])


if __name__ == "__main__":
    main()
