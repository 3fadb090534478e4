"""What is known of one dossier, whatever source it is from; no name, phone or identity number is in it.

The statuses are the ten of the national list (1 Mới đăng ký … 10 Đã trả kết quả). Moments carry their zone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

HERE = ZoneInfo("Asia/Ho_Chi_Minh")
NEW, RECEIVED, REFUSED, IN_PROGRESS, SUPPLEMENT, PAYMENT, WITHDRAWN, STOPPED, FINISHED, RETURNED = range(
    1, 11
)
ENDED = frozenset({REFUSED, WITHDRAWN, STOPPED, FINISHED, RETURNED})  # no longer worked on
CLOSED = ENDED - {FINISHED}  # nothing is to be expected any more
LONGEST_NAME = 500  # characters of a procedure's name

Channel = Literal["direct", "online", "postal"]


_AMOUNT = re.compile(r"\d+|\d{1,3}(?:\.\d{3})+|\d{1,3}(?:,\d{3})+")
_DECIMALS = re.compile(r"[.,]0{1,2}$")  # of a whole amount


def read_amount(text: str) -> int:
    """Read an amount in đồng as software writes it (150000, 150.000, 150,000.00); raises ValueError."""
    whole = _DECIMALS.sub("", text.replace(" ", ""))
    if not _AMOUNT.fullmatch(whole):
        raise ValueError("an amount is not a whole number of đồng")
    return int(re.sub(r"\D", "", whole))


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Fee(_Part):
    """One fee of the dossier, in đồng."""

    name: str
    amount: int


class Supplement(_Part):
    """A request to add or mend papers: what, since when, and the new appointed moment if there is one."""

    text: str
    requested_at: datetime | None = None
    appointed: datetime | None = None


class Step(_Part):
    """A step of the work on it: what, by which unit (never by whom), when."""

    name: str
    unit: str | None = None
    at: datetime | None = None


class Dossier(_Part):
    """One dossier; ``status`` is empty when the source's own ``status_name`` is in no table."""

    code: str
    procedure: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
    procedure_code: str | None = None
    status: Annotated[int, Field(ge=1, le=10)] | None
    status_name: str | None = None
    received: datetime | None = None
    appointed: datetime | None = None
    finished: datetime | None = None
    agency: str | None = None
    channel: Channel | None = None
    fees: tuple[Fee, ...] = ()
    supplements: tuple[Supplement, ...] = ()
    steps: tuple[Step, ...] = ()

    def without_details(self) -> Dossier:
        """Give what may be told by the code alone: status, procedure, dates."""
        dates = tuple(Supplement(text="", requested_at=each.requested_at) for each in self.supplements)
        return self.model_copy(update={"fees": (), "supplements": dates, "steps": ()})

    def completed_by(self, other: Dossier) -> Dossier:
        """Fill what this source leaves out with what another one, of the same status, tells."""
        if other.status != self.status:
            return self
        missing = {name: getattr(other, name) for name, value in self if value in (None, ())}
        return self.model_copy(update=missing)

    def last_event(self, now: datetime) -> datetime:
        """Give the last moment, not after ``now``, that something happened to it."""
        moments = (
            self.received,
            self.finished,
            *(each.requested_at for each in self.supplements),
            *(each.at for each in self.steps),
        )
        past = [moment for moment in moments if moment and moment <= now]
        return max(past, default=datetime.min.replace(tzinfo=HERE))


@dataclass(frozen=True)
class State:
    """A dossier as one source showed it: when, by our clock, and what proves whose it is.

    ``factors`` are marks (see ``marks``) of the last four characters of its phone and identity numbers.
    """

    dossier: Dossier
    source: str
    as_of: datetime
    factors: tuple[str, ...] = ()
