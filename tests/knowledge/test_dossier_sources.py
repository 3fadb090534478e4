"""Both clients against the reference server and recorded shapes, and what they do when a source fails."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import SecretStr

from knowledge.dossiers import HERE, Marks, State
from knowledge.dossiers.national import NationalAccess, NationalSource, read_ho_so
from knowledge.dossiers.one_stop import OneStopAccess, OneStopSource
from knowledge.dossiers.sources import FAILURES, LIMIT, NotUnderstood, SourceDown, read_moment
from knowledge.library import Library
from tests.servers.one_stop import (
    CLIENT_ID,
    CLIENT_SECRET,
    DSTCODE,
    NAMING,
    PASSWORD,
    STATUSES,
    UNIT,
    USERNAME,
    MadeUp,
    OneStop,
    examples,
)

MARKS = Marks("a key of the tests")
Client = NationalSource | OneStopSource


def national(url: str, password: str = PASSWORD) -> NationalSource:
    access = NationalAccess(
        base=url,
        auth="/auth",
        endpoint="/endpoint",
        dstcode=DSTCODE,
        unit=UNIT,
        username=USERNAME,
        password=SecretStr(password),
    )
    return NationalSource(access, MARKS)


def one_stop_client(url: str, library: Library, secret: str = CLIENT_SECRET) -> OneStopSource:
    access = OneStopAccess(
        gateway=url,
        token_url=f"{url}/token",
        client_id=CLIENT_ID,
        client_secret=SecretStr(secret),
        factors=("applicant.data.phoneNumber", "applicant.data.identityNumber"),
    )
    return OneStopSource(access, MARKS, lambda: library.catalogue.status_names)


@pytest.fixture(params=["national", "one_stop"])
def client(request: pytest.FixtureRequest, one_stop: OneStop, library: Library) -> Client:
    """Each client before the reference server."""
    return national(one_stop.url) if request.param == "national" else one_stop_client(one_stop.url, library)


def _some(server: OneStop, status: int) -> MadeUp:
    return next(each for each in server.dossiers.values() if each.status == status)


def _found(client: Client, code: str) -> State:
    state = client.find(code)
    assert state is not None
    return state


@pytest.mark.parametrize("status", range(1, 11))
def test_every_status_is_read(client: Client, one_stop: OneStop, status: int) -> None:
    made_up = _some(one_stop, status)
    dossier = _found(client, made_up.code).dossier
    assert (dossier.code, dossier.status) == (made_up.code, status)
    assert dossier.procedure == made_up.procedure[1] and dossier.procedure_code == made_up.procedure[0]
    assert (dossier.received, dossier.appointed) == (made_up.received, made_up.appointed)
    assert dossier.finished == (made_up.finished and made_up.finished.replace(microsecond=0))
    assert dossier.channel in ("direct", "online", "postal")


def test_no_name_and_no_number_of_a_person_is_read(client: Client, one_stop: OneStop) -> None:
    for made_up in list(one_stop.dossiers.values())[:60]:
        state = repr(_found(client, made_up.code))
        for word in ("Demo", made_up.phone, made_up.phone[-4:] + "'", made_up.identity, "'0900"):
            assert word not in state, word


def test_the_last_four_characters_prove_the_dossier(client: Client, one_stop: OneStop) -> None:
    made_up = _some(one_stop, 4)
    factors = _found(client, made_up.code).factors
    assert MARKS.proves(made_up.code, made_up.phone[-4:], factors)
    assert not MARKS.proves(made_up.code, "0000", factors)
    assert not MARKS.proves("H62.12-261101-0001", made_up.phone[-4:], factors)
    if client.name == "one_stop":
        assert MARKS.proves(made_up.code, made_up.identity[-4:], factors)


def test_an_unknown_code_is_not_found(client: Client) -> None:
    assert client.find("H62.12-261101-9999") is None


def test_the_supplement_tells_what_lacks_since_when_without_names(one_stop: OneStop) -> None:
    made_up = _some(one_stop, 5)
    (supplement,) = _found(national(one_stop.url), made_up.code).dossier.supplements
    assert "Giấy chứng sinh" in supplement.text
    assert supplement.requested_at == made_up.asked_at


def test_made_up_dossiers_are_likely(one_stop: OneStop) -> None:
    made_up = list(one_stop.dossiers.values())
    lacking = {each.procedure[1] for each in made_up if each.lacking and "chứng sinh" in each.lacking}
    assert lacking == {"Thủ tục đăng ký khai sinh"}
    assert sum("Nguyễn" in (each.lacking or "") for each in made_up) == 1
    days = [each.appointed - each.received for each in made_up if "Trích lục" in each.procedure[1]]
    assert max(days).days <= 3
    in_work, awaiting_papers, _ = examples(one_stop)
    assert in_work.appointed.date() > one_stop.today and "Nguyễn" not in (awaiting_papers.lacking or "")


def test_a_name_that_an_office_wrote_into_a_supplement_is_hidden(one_stop: OneStop) -> None:
    made_up = list(one_stop.dossiers.values())[NAMING]
    (supplement,) = _found(national(one_stop.url), made_up.code).dossier.supplements
    assert made_up.lacking is not None and "Nguyễn" in made_up.lacking
    assert "Giấy chứng sinh" in supplement.text and "Nguyễn" not in supplement.text


def test_one_session_serves_many_look_ups(client: Client, one_stop: OneStop) -> None:
    codes = list(one_stop.dossiers)[:20]
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(client.find, codes))
    assert one_stop.sign_ins == 1


def test_a_session_that_is_over_is_renewed_once_for_all(client: Client, one_stop: OneStop) -> None:
    codes = list(one_stop.dossiers)[:20]
    _found(client, codes[0])
    one_stop.end_sessions()
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(client.find, codes))
    assert one_stop.sign_ins == 2


def test_a_session_refused_again_and_again_is_given_up(client: Client, one_stop: OneStop) -> None:
    one_stop.set_fault("refused_session")
    with pytest.raises(SourceDown):
        client.find(next(iter(one_stop.dossiers)))
    assert one_stop.sign_ins == 2


def test_a_token_near_its_end_is_renewed_before_it_is_refused(one_stop: OneStop, library: Library) -> None:
    one_stop.token_life = 1.0
    client = one_stop_client(one_stop.url, library)
    code = next(iter(one_stop.dossiers))
    _found(client, code)
    client._renew_at = 0.0  # its time has come
    _found(client, code)
    assert one_stop.sign_ins == 2 and one_stop.asked == [code, code]


def test_wrong_credentials_say_what_to_check(one_stop: OneStop, library: Library) -> None:
    with pytest.raises(SourceDown, match="user name, password and dstcode"):
        national(one_stop.url, "wrong").find("H62.12-261101-0001")
    with pytest.raises(SourceDown, match="id and secret"):
        one_stop_client(one_stop.url, library, "wrong").find("H62.12-261101-0001")


@pytest.mark.parametrize("times", [1, 2])
def test_an_error_of_the_server_is_tried_again(client: Client, one_stop: OneStop, times: int) -> None:
    code = next(iter(one_stop.dossiers))
    _found(client, code)
    one_stop.set_fault("error", times=times)
    assert _found(client, code).dossier.code == code


@pytest.mark.parametrize("fault", ["error", "malformed"])
def test_a_lasting_fault_is_told_without_the_code(client: Client, one_stop: OneStop, fault: str) -> None:
    code = next(iter(one_stop.dossiers))
    one_stop.set_fault(fault)
    with pytest.raises(SourceDown) as raised:
        client.find(code)
    told = "".join(map(str, (raised.value, raised.value.__cause__, raised.value.__context__ or "")))
    assert code not in told and client.name in str(raised.value)


def test_a_reply_about_another_dossier_is_not_taken_for_this_one(client: Client, one_stop: OneStop) -> None:
    one_stop.set_fault("other")
    assert client.find(list(one_stop.dossiers)[3]) is None


def test_a_slow_source_is_waited_for_only_so_long_and_asked_once(client: Client, one_stop: OneStop) -> None:
    code = next(iter(one_stop.dossiers))
    one_stop.set_fault("slow", LIMIT + 5)
    with pytest.raises(SourceDown, match="no reply within 3 s"):
        client.find(code)
    assert one_stop.asked == []


def test_a_source_that_keeps_failing_is_left_alone_and_asked_again_later(
    client: Client, one_stop: OneStop
) -> None:
    code = next(iter(one_stop.dossiers))
    one_stop.set_fault("malformed")
    for _ in range(FAILURES):
        with pytest.raises(SourceDown):
            client.find(code)
    one_stop.mend()
    with pytest.raises(SourceDown, match="left alone"):
        client.find(code)
    assert one_stop.asked == []
    client._breaker._recovery_timeout = 0  # its rest is over
    assert _found(client, code).dossier.code == code


def test_a_duplicate_gives_the_one_that_went_further(client: Client, one_stop: OneStop) -> None:
    made_up = _some(one_stop, 9)
    one_stop.set_fault("duplicate")
    assert _found(client, made_up.code).dossier.status == 9


def test_the_time_told_is_ours_whatever_the_servers_clock(client: Client, one_stop: OneStop) -> None:
    made_up = _some(one_stop, 4)
    one_stop.set_fault("skew", 10 * 24 * 3600)
    state = _found(client, made_up.code)
    assert abs(state.as_of - datetime.now(HERE)) < timedelta(seconds=30)
    assert state.dossier.last_event(state.as_of) <= state.as_of


def test_nobody_there_is_a_source_that_is_down(library: Library) -> None:
    with pytest.raises(SourceDown):
        national("http://127.0.0.1:9").find("H62.12-261101-0001")


class _Shape(BaseHTTPRequestHandler):
    """Gives a body in pieces, as fast or as slowly as the test wants."""

    body: bytes = b""
    give: Callable[[BaseHTTPRequestHandler], None] | None = None

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/auth":
            self._say(b'{"session":"s","error_code":0}')
        elif self.give:
            type(self).give(self)  # type: ignore[misc]
        else:
            self._say(self.body)

    def _say(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def shaped() -> Iterator[tuple[type[_Shape], str]]:
    """A server whose every reply the test writes itself, and its address."""
    handler = type("Shape", (_Shape,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield handler, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


CODE = "000.00.12.H62-201105-0004"
HO_SO: dict[str, Any] = {
    "MaHoSo": CODE,
    "MaTTHC": "1.001193",
    "TenTTHC": "Thủ tục đăng ký khai sinh",
    "KenhThucHien": "2",
    "ChuHoSo": "NGUYỄN THỊ THỬ",
    "SoDienThoai": "0912 345 678",
    "NgayTiepNhan": "20201105083000",
    "NgayHenTra": "20201106",
    "TrangThaiHoSo": 4,
    "DanhSachLePhi": None,
    "DanhSachHoSoBoSung": None,
}


def _reply(result: object, error_code: object = "00") -> bytes:
    return json.dumps({"error_code": error_code, "result": result}).encode()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (_reply([HO_SO]), 4),
        (_reply([HO_SO], 0), 4),
        (_reply(HO_SO), 4),
        (_reply([]), None),
        (_reply(None), None),
    ],
)
def test_a_recorded_shape_is_read(shaped: tuple[type[_Shape], str], body: bytes, status: int | None) -> None:
    shaped[0].body = body
    state = national(shaped[1]).find(CODE)
    assert (state and state.dossier.status) == status
    assert state is None or MARKS.proves(CODE, "5678", state.factors)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'"text"',
        b"null",
        b"<html>",
        b'{"result":[]}',
        _reply(["x"]),
        _reply([HO_SO], "99"),
        _reply([HO_SO | {"TrangThaiHoSo": 11}]),
        _reply([HO_SO | {"TrangThaiHoSo": ""}]),
        _reply([HO_SO | {"NgayHenTra": "ngày mai"}]),
        _reply([HO_SO | {"TenTTHC": ""}]),
        _reply([HO_SO | {"DanhSachLePhi": [{"TenPhiLePhi": "Lệ phí"}]}]),
        _reply([HO_SO | {"DanhSachHoSoBoSung": ["x"]}]),
        _reply([HO_SO | {"DanhSachLePhi": [{"TenPhiLePhi": "Lệ phí", "Gia": "mười nghìn"}]}]),
        _reply([{name: value for name, value in HO_SO.items() if name != "TenTTHC"}]),
    ],
)
def test_what_breaks_the_protocol_is_a_failure_and_no_answer(
    shaped: tuple[type[_Shape], str], body: bytes
) -> None:
    shaped[0].body = body
    with pytest.raises(SourceDown):
        national(shaped[1]).find(CODE)


def test_a_reply_that_drips_is_not_waited_for_without_end(shaped: tuple[type[_Shape], str]) -> None:
    gone = threading.Event()

    def drip(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        for _ in range(200):
            if gone.wait(0.1):
                return
            handler.wfile.write(b" ")
            handler.wfile.flush()

    shaped[0].give = drip
    with pytest.raises(SourceDown, match="within 3 s"):
        national(shaped[1]).find(CODE)
    gone.set()


def test_a_reply_without_end_is_cut_off(shaped: tuple[type[_Shape], str]) -> None:
    shaped[0].body = b" " * 3_000_000
    with pytest.raises(NotUnderstood, match="larger"):
        national(shaped[1]).find(CODE)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("20261105083000", "2026-11-05T08:30:00+07:00"),
        ("20261105", "2026-11-05T00:00:00+07:00"),
        ("2026-11-05T01:30:00.000+0000", "2026-11-05T08:30:00+07:00"),
        ("2026-11-05T08:30:00", "2026-11-05T08:30:00+07:00"),
        ("2026-11-05T01:30:00Z", "2026-11-05T08:30:00+07:00"),
    ],
)
def test_moments_are_read_with_viet_nams_zone(text: str, moment: str) -> None:
    assert read_moment(text) == datetime.fromisoformat(moment)


def test_a_new_appointed_day_of_a_supplement_counts() -> None:
    dossier = read_ho_so(
        {
            "MaHoSo": CODE,
            "TenTTHC": "Khai sinh",
            "TrangThaiHoSo": "4",
            "NgayHenTra": "20261110163000",
            "DanhSachHoSoBoSung": [
                {"NoiDungBoSung": "Tờ khai", "NgayBoSung": "20261105", "NgayHenTraMoi": "20261120163000"}
            ],
        }
    )
    assert dossier.appointed == datetime(2026, 11, 20, 16, 30, tzinfo=HERE)


def test_the_ten_statuses_of_the_reference_server_are_in_the_table(library: Library) -> None:
    from knowledge.search import folded_words

    names = library.catalogue.status_names
    assert [names[folded_words(name)] for name in STATUSES] == list(range(1, 11))
