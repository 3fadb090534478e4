"""When the hotline is open: hours of a working day, by the calendar of working days."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from knowledge.dossiers import HERE
from knowledge.working_days import WorkingDays

_SPAN = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d)")
_FURTHEST = 30  # days that an opening is looked for
_SATURDAY = 5

Span = tuple[time, time]


def read_hours(text: str) -> tuple[Span, ...]:
    """Read ``07:30-11:30,13:30-17:00``; raises ValueError."""
    spans: list[Span] = []
    for part in text.split(","):
        found = _SPAN.fullmatch(part.strip())
        if not found:
            raise ValueError(f"{part.strip()!r} is no span of hours; write 07:30-11:30,13:30-17:00")
        begins, ends = (time.fromisoformat(each) for each in found.groups())
        if begins >= ends or (spans and begins < spans[-1][1]):
            raise ValueError(f"{part.strip()!r} ends before it begins, or before the span in front of it")
        spans.append((begins, ends))
    return tuple(spans)


@dataclass(frozen=True)
class OpeningHours:
    """The hotline's hours; moments carry their zone."""

    spans: tuple[Span, ...]
    days: WorkingDays

    def is_open(self, at: datetime) -> bool:
        """Tell whether it is open; on a day not known of, when it is a weekday."""
        here = at.astimezone(HERE)
        return self._works(here) and any(begins <= here.time() < ends for begins, ends in self.spans)

    def end_of_day(self, at: datetime) -> datetime | None:
        """Say when it closes today for good; ``None`` when it has, or does not open today."""
        here = at.astimezone(HERE)
        end = datetime.combine(here.date(), self.spans[-1][1], HERE)
        return end if self._works(here) and here < end else None

    def next_opening(self, at: datetime) -> datetime | None:
        """Say when it opens next on a day that is certainly worked; ``None`` when no such day is known."""
        return next((begins for begins, _ in self._open_from(at) if begins > at), None)

    def after(self, at: datetime, length: timedelta) -> datetime | None:
        """Say when this much opening time will have passed; ``None`` when the days are not known."""
        for begins, ends in self._open_from(at):
            begins = max(begins, at)
            if begins + length <= ends:
                return begins + length
            length -= ends - begins
        return None

    def _works(self, here: datetime) -> bool:
        """Tell whether a day is worked; one not known of, when it is a weekday."""
        works = self.days.is_working(here.date())
        return here.weekday() < _SATURDAY if works is None else works

    def _open_from(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the certain openings that end after a moment."""
        today = at.astimezone(HERE).date()
        for number in range(_FURTHEST):
            day = today + timedelta(number)
            if not self.days.is_working(day):
                continue
            for begins, ends in self.spans:
                end = datetime.combine(day, ends, HERE)
                if end > at:
                    yield datetime.combine(day, begins, HERE), end
