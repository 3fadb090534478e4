"""Checking that what holds one after another neither overlaps nor leaves days of which nobody said why."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Protocol, TypeVar

from knowledge.records import Dated

_A_DAY = timedelta(days=1)


class Valid(Protocol):
    """Something with its first and last day; none given reaches without end."""

    @property
    def valid_from(self) -> date | None:
        """The first day."""

    @property
    def valid_to(self) -> date | None:
        """The last day."""


V = TypeVar("V", bound=Valid)


def faults_of_validity(
    facts: Sequence[V], same: Callable[[V], Hashable], known_gaps: Sequence[Dated] = ()
) -> Iterator[tuple[int, str]]:
    """Yield the place of each fact that overlaps, or does not follow, the one before it of the same thing.

    ``known_gaps`` are days of which the content says that nothing is known.
    """
    for key in dict.fromkeys(map(same, facts)):
        places = [place for place, fact in enumerate(facts) if same(fact) == key]
        places.sort(key=lambda place: _first(facts[place]))
        for before, after in pairwise(places):
            if what := _between(facts[before], facts[after], known_gaps):
                yield after, what


def _between(before: Valid, after: Valid, known_gaps: Sequence[Dated]) -> str | None:
    last, first = before.valid_to or date.max, _first(after)
    if first <= last:
        until = before.valid_to or "without end"
        return f"begins on {first}, but the one before it holds {until}; let one end where the other begins"
    if first == last + _A_DAY:
        return None
    gap = (last + _A_DAY, first - _A_DAY)
    if any((one.valid_from, one.valid_to) == gap for one in known_gaps):
        return None
    return f"leaves {gap[0]} to {gap[1]} open after the one before it; close it, or say why under gaps"


def _first(fact: Valid) -> date:
    return fact.valid_from or date.min
