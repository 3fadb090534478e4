"""Working days of state offices: Monday to Friday, without public holidays, with the swaps of each year.

Public holidays are those of the ``holidays`` package (Labour Code, article 112, with Tết and the days given
in place of weekends); what it lacks, and what a province decides for itself, stands in ``working_days.yml``.
Time limits of dossiers are counted in working days (Decree 118/2025/NĐ-CP; before it Decree 61/2018/NĐ-CP).
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import holidays

from knowledge.records import Record, Slug, Text

_SATURDAY = 5
_FIRST_YEAR = 2010


class ExceptionalDay(Record):
    """A day that is worked, or is not, against the rule; of one province or, when it names none, of all."""

    day: date
    works: bool
    why: Text
    source: Text
    province: Slug | None = None


class UndecidedSwap(Record):
    """A swap that was proposed: whether ``day`` is off and ``instead`` is worked is not known for certain."""

    day: date
    instead: date
    why: Text


class WorkingCalendar(Record):
    """The file: exceptions, swaps that are not decided, and the last day whose holidays are known."""

    known_to: date = date.min
    exceptions: tuple[ExceptionalDay, ...] = ()
    undecided: tuple[UndecidedSwap, ...] = ()


class WorkingDays:
    """Counts working days in one province."""

    def __init__(self, calendar: WorkingCalendar, province: str | None = None) -> None:
        self.known_to = calendar.known_to
        self._undecided = calendar.undecided
        self._holidays, self._worked = _public_holidays(calendar.known_to.year)
        own = [each for each in calendar.exceptions if each.province and each.province == province]
        for_all = [each for each in calendar.exceptions if each.province is None]
        self._exceptions = {each.day: each.works for each in (*for_all, *own)}  # a province's own go first

    def is_working(self, day: date) -> bool | None:
        """Tell whether offices work on this day; ``None`` when it is not known."""
        if day > self.known_to or any(day in (swap.day, swap.instead) for swap in self._undecided):
            return None
        return self._works(day)

    def _works(self, day: date) -> bool:
        if (exceptional := self._exceptions.get(day)) is not None:
            return exceptional
        if day in self._worked:
            return True
        return day.weekday() < _SATURDAY and day not in self._holidays

    def count(self, after: date, until: date) -> int | None:
        """Count the working days after one day up to and with another; ``None`` when not known of."""
        if until > self.known_to:
            return None
        if any((after < swap.day <= until) != (after < swap.instead <= until) for swap in self._undecided):
            return None  # one of two swapped days: the count hangs on a decision
        days = (until - after).days
        return sum(self._works(after + timedelta(number)) for number in range(1, days + 1))


@cache
def _public_holidays(last_year: int) -> tuple[frozenset[date], frozenset[date]]:
    """Give the public holidays, and the weekend days that are worked instead of another."""
    known = holidays.country_holidays("VN", years=range(_FIRST_YEAR, last_year + 1))
    return frozenset(known), frozenset(known.weekend_workdays)
