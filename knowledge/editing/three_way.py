"""Comparing and merging records, field by field; a record is JSON data: dicts, lists, strings and numbers.

Entries of a list are told apart by their ``id``, code, channel, number, name or title where each has its own;
else by their place, as long as none was added or taken away.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

Place = tuple[str | int, ...]
_NAMES = ("id", "code", "channel", "number", "name", "title", "question")


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
    """Both sides' changes in one record; a field in conflict holds what ``theirs`` says."""

    data: Any
    conflicts: tuple[Conflict, ...]


def changes(before: Any, after: Any, place: Place = ()) -> Iterator[Change]:
    """Yield each field that differs, the innermost that tells the difference."""
    if before == after and type(before) is type(after):
        return
    parts = _parts(before, after)
    if parts is None:
        yield Change(place, before, after)
        return
    olds, news = parts
    for key in dict.fromkeys([*olds, *news]):
        yield from changes(olds.get(key, MISSING), news.get(key, MISSING), (*place, key))


def merge(base: Any, theirs: Any, mine: Any, keep_mine: Collection[Place] = ()) -> Merged:
    """Put the changes of two sides together that began from the same ``base``.

    A field in conflict at one of the places ``keep_mine`` holds what ``mine`` says.
    """
    conflicts: list[Conflict] = []
    return Merged(_merge(base, theirs, mine, (), conflicts, keep_mine), tuple(conflicts))


def _merge(
    base: Any, theirs: Any, mine: Any, place: Place, conflicts: list[Conflict], keep_mine: Collection[Place]
) -> Any:
    if mine in (theirs, base):
        return theirs
    if theirs == base:
        return mine
    parts = _parts(base, theirs, mine)
    if parts is None:
        conflicts.append(Conflict(place, base, theirs, mine))
        return mine if place in keep_mine else theirs
    bases, others, mines = parts
    merged = {}
    for key in _in_order(bases, others, mines):
        was, theirs_now, mine_now = (each.get(key, MISSING) for each in (bases, others, mines))
        value = _merge(was, theirs_now, mine_now, (*place, key), conflicts, keep_mine)
        if value is not MISSING:
            merged[key] = value
    return list(merged.values()) if isinstance(theirs, list) else merged


def _in_order(base: dict[Any, Any], theirs: dict[Any, Any], mine: dict[Any, Any]) -> list[Any]:
    """Put the keys of three sides in the order of the side that moved them, mine first."""
    kept = [key for key in mine if key in base]
    leads, other = (mine, theirs) if kept != [key for key in base if key in mine] else (theirs, mine)
    order = list(leads)
    before: Any = None
    for key in other:
        if key not in leads:
            order.insert(order.index(before) + 1 if before in order else 0, key)
        before = key
    return order


def _parts(*sides: Any) -> Sequence[dict[Any, Any]] | None:
    """Take records or lists apart into named parts; ``None`` for what is compared as a whole."""
    if all(isinstance(side, dict) for side in sides):
        return sides
    if not all(isinstance(side, list) for side in sides):
        return None
    for name in _NAMES:
        if all(_is_named_by(name, side) for side in sides):
            return [{entry[name]: entry for entry in side} for side in sides]
    if len({len(side) for side in sides}) == 1 and any(isinstance(each, dict) for each in sides[0]):
        return [dict(enumerate(side)) for side in sides]
    if all(_are_texts(side) for side in sides) and not _replace_the_same(*map(set, sides)):
        return [{text: text for text in side} for side in sides]
    return None


def _is_named_by(name: str, entries: list[Any]) -> bool:
    named = [entry[name] for entry in entries if isinstance(entry, dict) and isinstance(entry.get(name), str)]
    return len(named) == len(entries) == len(set(named))


def _are_texts(entries: list[Any]) -> bool:
    return all(isinstance(entry, str) for entry in entries) and len(set(entries)) == len(entries)


def _replace_the_same(base: set[str], *others: set[str]) -> bool:
    """Tell whether two sides each put something else in place of the same text."""
    if len(others) < 2:
        return False
    gone = set.intersection(*(base - other for other in others))
    added = [other - base for other in others]
    return bool(gone) and all(added) and added[0] != added[1]
