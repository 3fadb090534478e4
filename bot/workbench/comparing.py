"""Telling what differs between two revisions of a record, field by field, in Vietnamese."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from actions.wording import dong, say
from bot.workbench.fields import FormField, form_of, told_choice
from knowledge.editing.three_way import MISSING, Place, changes


@dataclass(frozen=True)
class Difference:
    """One field that differs: where it stands, what it said and what it says."""

    where: str
    before: str
    after: str


def differences(shape: type[BaseModel], before: Any, after: Any) -> list[Difference]:
    """List the fields that differ; a record that is not there is told as such."""
    if before is None or after is None:
        there, gone = say("content.there"), say("content.not_there")
        return [Difference("", gone if before is None else there, gone if after is None else there)]
    return [
        Difference(
            told_place(shape, each.place, after, before),
            _told(each.place, each.before),
            _told(each.place, each.after),
        )
        for each in changes(before, after)
    ]


def _told(place: Place, value: Any) -> str:
    is_amount = bool(place) and place[-1] == "amount" and isinstance(value, int)
    return dong(value) if is_amount else told_value(value)


def told_place(shape: type[BaseModel], place: Place, *data: Any) -> str:
    """Say where a field stands: «Cách nộp › Trực tiếp › Phí và lệ phí › Mỗi bản › Mức thu».

    ``data`` of the record name entries by what they are; in the first that has the entry it is looked up.
    """
    return " › ".join(_steps(form_of(shape), place, data))


def told_entry(entry: Any, number: int) -> str:
    """Say which entry of a list this is: by its name, its amount and its days, or by its number."""
    entry = entry if isinstance(entry, dict) else {}
    told = [str(entry[name]) for name in _NAMES if entry.get(name)]
    if entry.get("channel"):
        told.insert(0, told_choice(entry["channel"]))
    amount = dong(entry["amount"]) if isinstance(entry.get("amount"), int) else ""
    days = " – ".join(str(entry[name]) for name in ("valid_from", "valid_to") if entry.get(name))
    parts = (*told[:1], amount, days)
    return " · ".join(each for each in parts if each)[:120] or say("content.entry", number=number + 1)


def _steps(fields: tuple[FormField, ...], place: Place, data: tuple[Any, ...]) -> Iterator[str]:
    if len(fields) == 1 and not fields[0].name:  # a record that is one value
        place = ("", *place)
    for part in place:
        named = next((field for field in fields if field.name == part), None)
        if named:
            fields = named.fields
            yield from [named.label] if part else []
            data = tuple(each.get(part) if isinstance(each, dict) else each for each in data)
        elif isinstance(part, int):
            data = tuple(each[part] for each in data if isinstance(each, list) and part < len(each))
            yield told_entry(next(iter(data), None), part)
        else:
            data = tuple(one for each in data for one in _named(each, part))
            yield told_choice(part)


def _named(entries: Any, name: str) -> Iterator[Any]:
    """Yield the entry of a list that goes by a name."""
    some = entries if isinstance(entries, list) else ()
    yield from (each for each in some if isinstance(each, dict) and name in map(each.get, NAMES))


def told_value(value: Any) -> str:
    """Say what a field holds: lists a line each, parts of a record with their names left out."""
    if value is MISSING or value is None or value == "":
        return say("content.nothing")
    if value == "not stated":
        return say("content.not_stated")
    if isinstance(value, bool):
        return say("content.yes") if value else say("content.no")
    if isinstance(value, list):
        return "\n".join(f"- {told_value(each)}" for each in value) or say("content.nothing")
    if isinstance(value, dict):
        return " · ".join(told_value(each) for each in value.values())
    return told_choice(value) if isinstance(value, str) else str(value)
