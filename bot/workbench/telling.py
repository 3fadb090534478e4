"""Telling editors in Vietnamese what cannot be done, and what is wrong with a record."""

from __future__ import annotations

import re
from pathlib import Path

from actions.wording import day, say
from bot.workbench.comparing import told_place
from bot.workbench.fields import told_faults, told_kind, told_table
from knowledge.content_files import Fault
from knowledge.editing.records import TABLE, Content, Key, keys_of, shape_of
from knowledge.editing.revisions import EditRefused
from knowledge.editing.three_way import Place

_STEP = re.compile(r"\[([^\]]+)\]|([^.\[\]]+)")


def told_refusal(error: EditRefused) -> str:
    """Say why something could not be done."""
    if error.reason == "faulty":
        return "\n".join(told_fault(fault, error.facts["records"]) for fault in error.facts["faults"])
    facts = {name: day(value) if name == "day" else value for name, value in error.facts.items()}
    return say(f"content.refused_{error.reason}", **facts)


def read_fault(line: str) -> Fault:
    """Read a fault of an example sentence: ``examples/<intent>.yml:<line>: <message>``, a sentence a line."""
    where, _, message = line.partition(": ")
    path, number, *_ = where.split(":")
    return Fault(Path(path), int(number), f"[{int(number) - 1}]", message)


def told_fault(fault: Fault, records: Content) -> str:
    """Say what is wrong, in which record and field; ``records`` name the entries of their lists."""
    key = _key_of(fault)
    if key is None:
        return f"{fault.path}: {_sentence(fault.message)}"
    place = _place(fault.field, key)
    message, field = fault.message, told_place(shape_of(key), place, records.get(key))
    name, _, rest = message.partition(": ")
    if not place and name in shape_of(key).model_fields:  # a check of several fields names the one itself
        message, field = rest, told_place(shape_of(key), (name,))
    where = told_table(key[1]) if key[0] == TABLE else f"{told_kind(key[0])} {key[1]}"
    return " – ".join(part for part in (where, field, _sentence(message)) if part)


def _key_of(fault: Fault) -> Key | None:
    """Find the record of a fault; of a file that holds several, by the field's first name."""
    first = next(iter(_steps(fault.field)), "")
    keys = keys_of(fault.path.as_posix(), {first: None})
    return next(iter(keys), None)


def _place(field: str, key: Key) -> Place:
    steps = [] if field == "file" else _steps(field)
    return tuple(steps[1:] if key[0] in ("official_text", "correction") else steps)


def _steps(field: str) -> list[str | int]:
    found = (index or name for index, name in _STEP.findall(field))
    return [int(each) if each.isdecimal() else each for each in found]


def _sentence(message: str) -> str:
    for pattern, sentence in told_faults():
        if found := re.search(pattern, message):
            return found.expand(sentence)
    return message
