"""Comparing and merging records, field by field; a record is JSON data: dicts, lists, strings and numbers.

Entries of a list are told apart by their ``id``, code, channel, number, name, title or question where each
has its own, and merged field by field; else by what they are about and from when. Such an entry (a fee, a
rule, a tariff) is one fact, whose amount, days and basis belong together: changed by two people it is a
conflict. Where nothing tells entries apart, or two people moved or renamed them otherwise, the list is one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import itemgetter
from typing import Any, Final

Place = tuple[str | int, ...]
_NAMES = ("id", "code", "channel", "number", "name", "title", "question")
_ABOUT = ("what", "place", "name", "about", "province", "distance", "up_to_grams", "day")
_FACTS = (_ABOUT, (*_ABOUT, "valid_from"), (*_ABOUT, "valid_from", "basis"))


class _Missing:
    """What a field holds that is not there."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()


@dataclass(frozen=True)
class Change:
    """One field that differs; ``MISSING`` where it is not there."""

    place: Place
    before: Any
    after: Any


@dataclass(frozen=True)
class Conflict:
    """One field that two people changed, each otherwise."""

    place: Place
    base: Any
    theirs: Any
    mine: Any


@dataclass(frozen=True)
class Merged:
    """Both sides' changes in one record; a field in conflict holds what ``theirs`` says.

    ``taken`` is what of ``mine`` is in it: the base, where they are in conflict.
    """

    data: Any
    conflicts: tuple[Conflict, ...]
    taken: Any = field(default=None, compare=False)


@dataclass(frozen=True)
class _Parts:
    """The named parts of some sides of a record or list."""

    sides: Sequence[dict[Any, Any]]
    are_entries: bool = False
    are_facts: bool = False  # entries that are merged as a whole


def changes(before: Any, after: Any, place: Place = ()) -> Iterator[Change]:
    """Yield each field that differs, the innermost that tells the difference; also a list's new order."""
    if before == after and type(before) is type(after):
        return
    parts = _parts(before, after)
    if parts is None:
        yield Change(place, before, after)
        return
    olds, news = parts.sides
    if parts.are_entries and _common(olds, news) != _common(news, olds):
        yield Change(place, before, after)
    for key in dict.fromkeys([*olds, *news]):
        yield from changes(olds.get(key, MISSING), news.get(key, MISSING), (*place, key))


def merge(base: Any, theirs: Any, mine: Any, keep_mine: Collection[Place] = ()) -> Merged:
    """Put the changes of two sides together that began from the same ``base``.

    A field in conflict at one of the places ``keep_mine`` holds what ``mine`` says.
    """
    merging = _Merging(keep_mine)
    data, taken = merging.both(base, theirs, mine)
    return Merged(data, tuple(merging.conflicts), taken)


class _Merging:
    """One merge, and the conflicts that it found so far."""

    def __init__(self, keep_mine: Collection[Place]) -> None:
        self._keep_mine = keep_mine
        self.conflicts: list[Conflict] = []

    def both(self, base: Any, theirs: Any, mine: Any, place: Place = (), *, whole: bool = False) -> Any:
        """Give what both say, and what is taken of ``mine``; ``whole``: as one value."""
        if mine in (theirs, base):
            return theirs, mine
        if theirs == base:
            return mine, mine
        parts = None if whole else _parts(base, theirs, mine)
        if parts is None or (parts.are_entries and _is_undecided(*parts.sides)):
            self.conflicts.append(Conflict(place, base, theirs, mine))
            return (mine, mine) if place in self._keep_mine else (theirs, base)
        return self._by_parts(parts, place)

    def _by_parts(self, parts: _Parts, place: Place) -> Any:
        bases, others, mines = parts.sides
        values = {}
        for key in _in_order(bases, others, mines):
            was, theirs, mine = (side.get(key, MISSING) for side in parts.sides)
            values[key] = self.both(was, theirs, mine, (*place, key), whole=parts.are_facts)
        order = [key for key in _filled_in(list(mines), bases, bases) if key in values]
        merged = {key: data for key, (data, _) in values.items() if data is not MISSING}
        taken = {key: values[key][1] for key in order if values[key][1] is not MISSING}
        return tuple(list(each.values()) if parts.are_entries else each for each in (merged, taken))


def _in_order(base: dict[Any, Any], theirs: dict[Any, Any], mine: dict[Any, Any]) -> list[Any]:
    """Put the keys of three sides in the order of the side that moved them, theirs when nobody did.

    What the other side has in place of a key stands where that key is.
    """
    is_moved = _common(mine, base, theirs) != _common(base, mine, theirs)
    leads, other = (mine, theirs) if is_moved else (theirs, mine)
    instead: dict[Any, list[Any]] = {}
    new: list[Any] = []
    for key in _filled_in(list(other), base, base):
        if key in other and key not in base:
            new += [] if key in leads else [key]
            continue
        if key not in other:
            instead[key] = new
        new = []
    order = [each for key in leads for each in (*instead.get(key, ()), key)]
    return _filled_in(order, other, base)


def _filled_in(order: list[Any], other: Collection[Any], base: Collection[Any]) -> list[Any]:
    """Fill keys of another side in, each after the one that it follows there.

    What takes the place of a key that is gone stands before it, and so before what follows it.
    """
    place = 0
    for key in other:
        if key in order:
            place = order.index(key) + 1
            continue
        while key in base and place < len(order) and order[place] not in base:
            place += 1
        order.insert(place, key)
        place += 1
    return order


def _common(order: Collection[Any], *others: Collection[Any]) -> list[Any]:
    return [key for key in order if all(key in other for other in others)]


def _is_undecided(base: dict[Any, Any], theirs: dict[Any, Any], mine: dict[Any, Any]) -> bool:
    """Tell whether two sides moved or renamed the same entries, each otherwise."""
    was, theirs_now, mine_now = (
        _common(side, *others)
        for side, *others in ((base, theirs, mine), (theirs, base, mine), (mine, base, theirs))
    )
    if was != theirs_now != mine_now != was:
        return True
    gone = [key for key in base if key not in theirs and key not in mine]
    if gone and theirs.keys() - base.keys() != mine.keys() - base.keys():
        return True
    return _renames_what_moved(base, theirs, mine) or _renames_what_moved(base, mine, theirs)


def _renames_what_moved(base: dict[Any, Any], moves: dict[Any, Any], renames: dict[Any, Any]) -> bool:
    """Tell whether a side may have renamed an entry that the other side moved."""
    if not renames.keys() - base.keys():
        return False
    before, after = _common(base, moves), _common(moves, base)
    return any(
        set(before[: before.index(key)]) != set(after[: after.index(key)])
        for key in before
        if key not in renames
    )


def _parts(*sides: Any) -> _Parts | None:
    """Take records or lists apart into named parts; ``None`` for what is compared as a whole."""
    if all(isinstance(side, dict) for side in sides):
        return _Parts(sides)
    if not all(isinstance(side, list) for side in sides):
        return None
    if all(isinstance(each, str) for side in sides for each in side):
        return _entries(sides, lambda text: text)
    if not all(isinstance(each, dict) for side in sides for each in side):
        return None
    for name in _NAMES:
        if all(isinstance(each.get(name), str) for side in sides for each in side) and (
            found := _entries(sides, itemgetter(name))
        ):
            return found
    return next(
        filter(None, (_entries(sides, partial(_fact, names), are_facts=True) for names in _FACTS)), None
    )


def _entries(
    sides: Sequence[list[Any]], name: Callable[[Any], str], *, are_facts: bool = False
) -> _Parts | None:
    """Name the entries of lists; ``None`` where two of one list have the same name."""
    named = [{name(each): each for each in side} for side in sides]
    if any(len(parts) < len(side) for parts, side in zip(named, sides, strict=True)):
        return None
    return _Parts(named, are_entries=True, are_facts=are_facts)


def _fact(names: tuple[str, ...], entry: dict[str, Any]) -> str:
    """Say what an entry is about, and from when."""
    return " · ".join(str(entry[name]) for name in names if entry.get(name))
