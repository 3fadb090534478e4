"""A province's one-stop system of the iGate kind: a bearer token by client credentials, then one GET.

Local systems name their states in their own words; they are read by ``status_names.yml``. Names of
applicants and officers are left where they are. What this search does not show (requests for papers, fees)
comes from the other sources.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError

from knowledge.database import now
from knowledge.dossiers.dossier import Channel, Dossier, State
from knowledge.dossiers.marks import Marks
from knowledge.dossiers.sources import HttpSource, NotUnderstood, SourceDown, read_moment
from knowledge.redaction import redact_names
from knowledge.search import folded_words

SEARCH = "/pa/dossier-search/dvc"
EARLY = 60.0  # seconds before its end that a token is renewed
SHORTEST_LIFE = 10.0  # seconds a token is used at least, whatever its end
_CHANNELS: tuple[tuple[str, Channel], ...] = (
    ("truc tuyen", "online"),
    ("buu chinh", "postal"),
    ("buu dien", "postal"),
    ("truc tiep", "direct"),
)


class OneStopAccess(BaseModel):
    """Where the gateway is and who asks."""

    gateway: str
    token_url: str
    client_id: str
    client_secret: SecretStr
    factors: tuple[str, ...]  # where the phone and identity number stand; of these only marks are kept


class OneStopSource(HttpSource):
    """Finds dossiers in a province's own one-stop system."""

    def __init__(
        self, access: OneStopAccess, marks: Marks, status_names: Callable[[], Mapping[str, int]]
    ) -> None:
        super().__init__("one_stop")
        self._access = access
        self._marks = marks
        self._status_names = status_names
        self._token = ""
        self._renew_at = 0.0

    def find(self, code: str) -> State | None:
        """Give the state of a dossier, nothing when there is none; raises SourceDown."""
        return self.within_breaker(lambda: self._find(code))

    def _find(self, code: str) -> State | None:
        token = self._valid_token()
        status, reply = self._search(token, code)
        if status in (401, 403):
            status, reply = self._search(self._valid_token(refused=token), code)
        if status != 200 or not isinstance(reply, dict) or not isinstance(reply.get("content"), list):
            raise NotUnderstood(f"one_stop: HTTP {status} without a content list")
        return self._read(reply["content"], code)

    def _valid_token(self, refused: str = "") -> str:
        """Give the token, renewed before its end or when it was refused, once for all who need it."""
        with self.signing_in():
            if time.monotonic() >= self._renew_at or self._token == refused:
                access = self._access
                status, reply = self.fetch_sign_in(
                    "POST",
                    access.token_url,
                    data={"grant_type": "client_credentials"},
                    auth=(access.client_id, access.client_secret.get_secret_value()),
                )
                if status != 200 or not isinstance(reply, dict) or not reply.get("access_token"):
                    self.sign_in_failed()
                    raise SourceDown("one_stop: the client is refused; check its id and secret")
                life = float(reply.get("expires_in") or 300)
                self._token = str(reply["access_token"])
                self._renew_at = time.monotonic() + max(life - EARLY, min(life, SHORTEST_LIFE))
            return self._token

    def _search(self, token: str, code: str) -> tuple[int, Any]:
        query = {"page": "0", "size": "10", "spec": "slice", "code": code}
        headers = {"Authorization": f"Bearer {token}"}
        return self.fetch("GET", f"{self._access.gateway}{SEARCH}", params=query, headers=headers)

    def _read(self, content: list[Any], code: str) -> State | None:
        if not content:
            return None
        found = [each for each in content if isinstance(each, dict) and _code_of(each) == code]
        if not found:  # the search also gives what is only alike
            return None
        try:
            read = [self._dossier(each) for each in found]
            newest = max(range(len(read)), key=lambda number: read[number].last_event(now()))
            numbers = (_at(found[newest], path) for path in self._access.factors)
            factors = (self._marks.of_factor(code, number) for number in numbers)
        except (ValidationError, LookupError, TypeError, AttributeError, ValueError) as error:
            raise NotUnderstood(f"one_stop: a dossier cannot be read ({type(error).__name__})") from None
        return State(read[newest], self.name, now(), tuple(factor for factor in factors if factor))

    def _dossier(self, data: dict[str, Any]) -> Dossier:
        procedure = data["procedure"]
        said = redact_names(str(data.get("statusCurrentTask") or "").strip())
        if not said:
            raise NotUnderstood("one_stop: a dossier has no status")
        return Dossier(
            code=_code_of(data),
            procedure=str(procedure["translate"][0]["name"]).strip(),
            procedure_code=str(procedure.get("code") or "").strip() or None,
            status=self._status_names().get(folded_words(said)),
            status_name=said or None,
            received=read_moment(data.get("acceptedDate")) or read_moment(data.get("appliedDate")),
            appointed=read_moment(data.get("appointmentDate")),
            finished=read_moment(data.get("completedDate")),
            agency=_name(data.get("agency")),
            channel=_channel(_name(data.get("applyMethod"))),
        )


def _code_of(data: dict[str, Any]) -> str:
    return str(data.get("code", "")).strip().upper()


def _at(data: Any, path: str) -> str:
    """Read the text at a dotted path, empty where there is none."""
    for name in path.split("."):
        data = data.get(name) if isinstance(data, dict) else None
    return str(data or "")


def _name(data: Any) -> str | None:
    """Read a name that stands either by itself or translated."""
    if not isinstance(data, dict):
        return None
    listed = data.get("translate") or data.get("name")
    name = listed[0].get("name") if isinstance(listed, list) and listed else listed
    return str(name).strip() or None if name else None


def _channel(name: str | None) -> Channel | None:
    folded = folded_words(name or "")
    return next((channel for words, channel in _CHANNELS if words in folded), None)
