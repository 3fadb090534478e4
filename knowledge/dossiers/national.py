"""The national integration API: a session by ``{base}{auth}``, then service ``TraCuuHoSo``.

Names of services and fields are the API's own. Of a HoSo only what the citizen may see is read: the names of
the owner (ChuHoSo) and of officers (NguoiYeuCauBoSung), the excerpt and the notes are left where they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError

from knowledge.database import now
from knowledge.dossiers.dossier import Channel, Dossier, Fee, State, Supplement, read_amount
from knowledge.dossiers.marks import Marks
from knowledge.dossiers.sources import HttpSource, NotUnderstood, SourceDown, read_moment
from knowledge.redaction import redact_names

CHANNELS: dict[str, Channel] = {"1": "direct", "2": "online", "3": "postal"}
_SUCCESS = ("0", "00")


class NationalAccess(BaseModel):
    """Where the API is and who asks."""

    base: str
    auth: str
    endpoint: str
    dstcode: str
    unit: str
    username: str
    password: SecretStr


class _SessionOver(Exception):
    """The session is no longer valid."""


class NationalSource(HttpSource):
    """Finds dossiers in the national integration API."""

    def __init__(self, access: NationalAccess, marks: Marks) -> None:
        super().__init__("national")
        self._access = access
        self._marks = marks
        self._session = ""

    def find(self, code: str) -> State | None:
        """Give the state of a dossier, nothing when there is none; raises SourceDown."""
        return self.within_breaker(lambda: self._find(code))

    def _find(self, code: str) -> State | None:
        session = self._session or self._renew("")
        try:
            reply = self._ask(session, code)
        except _SessionOver:
            try:
                reply = self._ask(self._renew(session), code)
            except _SessionOver:
                raise SourceDown("national: the new session is refused too") from None
        return self._read(reply, code)

    def _renew(self, used: str) -> str:
        """Open a session, once for all who found the used one over."""
        with self.signing_in():
            if self._session == used:
                access = self._access
                who = {"username": access.username, "password": access.password.get_secret_value()}
                headers = {"dstcode": access.dstcode}
                url = f"{access.base}{access.auth}"
                status, reply = self.fetch_sign_in("POST", url, json=who, headers=headers)
                if status != 200 or not isinstance(reply, dict) or not reply.get("session"):
                    self.sign_in_failed()
                    raise SourceDown(
                        "national: the sign-in is refused; check user name, password and dstcode"
                    )
                self._session = str(reply["session"])
            return self._session

    def _ask(self, session: str, code: str) -> Any:
        access = self._access
        what = {"session": session, "madonvi": access.unit, "service": "TraCuuHoSo", "MaHoSo": code}
        status, reply = self._post(access.endpoint, what)
        if status in (401, 403):
            raise _SessionOver
        if status != 200 or not isinstance(reply, dict) or "error_code" not in reply:
            raise NotUnderstood(f"national: HTTP {status} without an error_code")
        if str(reply["error_code"]) not in _SUCCESS:
            if "session" in str(reply.get("message", reply.get("error_message", ""))).lower():
                raise _SessionOver
            raise SourceDown(f"national: error_code {str(reply['error_code'])[:20]}")
        return reply.get("result")

    def _post(self, path: str, body: dict[str, str]) -> tuple[int, Any]:
        headers = {"dstcode": self._access.dstcode}
        return self.fetch("POST", f"{self._access.base}{path}", json=body, headers=headers)

    def _read(self, result: Any, code: str) -> State | None:
        if result in (None, [], {}):
            return None
        listed = result if isinstance(result, list) else [result]
        if not all(isinstance(each, dict) for each in listed):
            raise NotUnderstood("national: a HoSo is not an object")
        matching = [each for each in listed if str(each.get("MaHoSo", "")).strip().upper() == code]
        if not matching:
            return None
        try:
            found = [read_ho_so(each) for each in matching]
        except (ValidationError, LookupError, TypeError, AttributeError, ValueError) as error:
            raise NotUnderstood(f"national: a HoSo cannot be read ({type(error).__name__})") from None
        at = now()
        newest = max(range(len(found)), key=lambda number: found[number].last_event(at))
        factor = self._marks.of_factor(code, str(matching[newest].get("SoDienThoai") or ""))
        return State(found[newest], self.name, at, (factor,) if factor else ())


def read_ho_so(data: dict[str, Any]) -> Dossier:
    """Read a HoSo; raises KeyError, ValidationError or NotUnderstood."""
    status = int(str(data["TrangThaiHoSo"])) if str(data.get("TrangThaiHoSo", "")).isdecimal() else None
    if status is None:
        raise NotUnderstood("national: TrangThaiHoSo is no number")
    supplements = tuple(_supplements(data.get("DanhSachHoSoBoSung") or ()))
    appointed = read_moment(data.get("NgayHenTra"))
    later = [each.appointed for each in supplements if each.appointed]
    return Dossier(
        code=str(data["MaHoSo"]).strip().upper(),
        procedure=str(data["TenTTHC"]).strip(),
        procedure_code=str(data.get("MaTTHC") or "").strip() or None,
        status=status,
        received=read_moment(data.get("NgayTiepNhan")),
        appointed=max([*later, *([appointed] if appointed else [])], default=None),
        finished=read_moment(data.get("NgayKetThucXuLy")) or read_moment(data.get("NgayTra")),
        agency=str(data.get("DonViXuLy") or "").strip() or None,
        channel=CHANNELS.get(str(data.get("KenhThucHien", "")).strip()),
        fees=tuple(_fees(data.get("DanhSachLePhi") or ())),
        supplements=supplements,
    )


def _fees(listed: Iterable[dict[str, Any]]) -> Iterable[Fee]:
    for each in listed:
        yield Fee(name=str(each["TenPhiLePhi"]).strip(), amount=read_amount(str(each["Gia"])))


def _supplements(listed: Iterable[dict[str, Any]]) -> Iterable[Supplement]:
    for each in listed:
        yield Supplement(
            text=redact_names(str(each.get("NoiDungBoSung") or "").strip()),
            requested_at=read_moment(each.get("NgayBoSung")),
            appointed=read_moment(each.get("NgayHenTraMoi")),
        )
