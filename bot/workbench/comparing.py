"""Telling what differs between two revisions of a record, field by field, in Vietnamese."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from textwrap import shorten
from typing import Any

from pydantic import BaseModel

from actions.wording import dong, say
from bot.workbench.fields import FormField, form_of, told_choice
from knowledge.editing.three_way import MISSING, Place, changes

NAMES = (  # what an entry is called by
    "channel", "what", "name", "title", "place", "question", "number", "text", "id", "day",
)  # fmt: skip
NAME_AT_MOST = 60  # characters
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True)
class Difference:
    """One field that differs: where it stands, what it said and what it says."""

    where: str
    before: str
    after: str


def differences(shape: type[BaseModel], before: Any, after: Any) -> list[Difference]:
    """List the fields that differ; of a record that is new or taken away all, after a line that says so."""
    told: list[Difference] = []
    if before is None or after is None:
        there, gone = say("content.there"), say("content.not_there")
        told.append(Difference("", gone if before is None else there, gone if after is None else there))
        before, after = (
            type(other)() if one is None else one for one, other in ((before, after), (after, before))
        )
    for each in changes(before, after):
        where, fields = _place(shape, each.place, before, after)
        told.append(
            Difference(where, *(_told(each.place, side, fields) for side in (each.before, each.after)))
        )
    return told


def told_place(shape: type[BaseModel], place: Place, *sides: Any) -> str:
    """Say where a field stands: «Cách nộp › Trực tiếp › Phí và lệ phí › mỗi bản › Mức thu».

    An entry is called by what it is instead of by its place when a record of ``sides`` says so.
    """
    return _place(shape, place, *sides)[0]


def told_field(shape: type[BaseModel], place: Place, value: Any) -> str:
    """Say what a field holds: an amount as money, a record or a list with labels."""
    return _told(place, value, _place(shape, place)[1])


def told_entry(entry: Any, number: int | None) -> str:
    """Say which entry of a list this is: by its channel or its name; else by its number, if one is given."""
    named = [entry[name] for name in NAMES if entry.get(name)] if isinstance(entry, dict) else []
    if named:
        return shorten(told_choice(str(named[0])), NAME_AT_MOST, placeholder="…")
    return "" if number is None else say("content.entry", number=number + 1)


def _place(shape: type[BaseModel], place: Place, *sides: Any) -> tuple[str, tuple[FormField, ...]]:
    """Say where a field stands, and give the fields of what is there."""
    fields, labels = form_of(shape), []
    if len(fields) == 1 and not fields[0].name:  # a record that is one value
        place, sides = ("", *place), tuple({"": side} for side in sides)
    for part in place:
        sides = tuple(_part(side, part) for side in sides)
        named = next((field for field in fields if field.name == part), None)
        if named:
            fields = named.fields
            labels += [named.label] if part else []
        else:
            entry = next((side for side in sides if side is not MISSING), None)
            labels.append(
                told_entry(entry, part)
                if isinstance(part, int)
                else " · ".join(map(told_choice, part.split(" · ")))
            )
    return " › ".join(filter(None, labels)), fields


def _part(side: Any, part: str | int) -> Any:
    """Give a part of a record as ``three_way`` names it; ``MISSING`` where there is none."""
    if isinstance(side, dict):
        return side.get(part, MISSING)
    if not isinstance(side, list):
        return MISSING
    if isinstance(part, int):
        return side[part] if part < len(side) else MISSING
    return next((each for each in side if isinstance(each, dict) and part in each.values()), MISSING)


def _told(place: Place, value: Any, fields: tuple[FormField, ...]) -> str:
    is_amount = bool(place) and place[-1] == "amount" and isinstance(value, int)
    if is_amount or not value or not isinstance(value, dict | list):
        return dong(value) if is_amount else told_value(value)
    return "\n".join(_lines(value, fields))


def _lines(value: Any, fields: tuple[FormField, ...]) -> list[str]:
    """Say what a record or a list holds, with labels, what lies inside further to the right."""
    if isinstance(value, dict):
        return [line for name, each in value.items() for line in _labelled(name, each, fields)]
    if isinstance(value, list) and value:
        entries = [_lines(each, fields) for each in value]
        return [f"{'  ' if number else '- '}{line}" for lines in entries for number, line in enumerate(lines)]
    return told_value(value).splitlines()


def _labelled(name: str, value: Any, fields: tuple[FormField, ...]) -> list[str]:
    field = next((field for field in fields if field.name == name), None)
    label, lines = field.label if field else name, _lines(value, field.fields if field else ())
    if name == "amount" and isinstance(value, int):
        lines = [dong(value)]
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        lines = ["; ".join(value)] if value else lines
    return [f"{label}: {lines[0]}"] if len(lines) == 1 else [f"{label}:", *(f"  {line}" for line in lines)]


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
    if isinstance(value, date):
        return f"{value:%d/%m/%Y}"
    if isinstance(value, str):
        return "/".join(reversed(value.split("-"))) if _DAY.fullmatch(value) else told_choice(value)
    return str(value)
