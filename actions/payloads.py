"""Payloads of choices: a Reading in at most 64 ASCII bytes, so that a press reads like a sentence.

The form is ``intent?name=value&…``, for example ``ask_fee?procedure=1.001193``.

UnknownPayload
└── it names no intent of the contract, or an entity that no action reads
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode

from knowledge.dossier_codes import CODE
from knowledge.records import LONGEST_PAYLOAD
from nlu.reading import Entity, Reading

MOST_CODES = 4  # as many as fit beside the longest intent
VALUES = {
    "procedure": re.compile(r"\d\.\d{6}(?: \d\.\d{6}){0,3}"),  # several are still to be told apart
    "case": re.compile(r"[a-z0-9-]+"),
    "channel": re.compile("direct|online|postal"),
    "topic": re.compile(r"[a-z0-9-]+"),
    "confirmed": re.compile("yes|no"),
    "dossier_code": CODE,
    "details": re.compile("yes"),
    "machine": re.compile("yes"),
    "consent": re.compile("yes"),
    "leave": re.compile("message|words"),
    "rating": re.compile("useful|useless"),
    "move": re.compile("ask|yes|no"),
    "announcements": re.compile("yes|no"),
    "number": re.compile(r"\d{1,9}"),
}


# So that a long value still fits beside it.
_SHORT = {"channel": "by", "dossier_code": "code", "details": "d"}
_LONG = {short: name for name, short in _SHORT.items()}


class UnknownPayload(ValueError):
    """A payload that no choice of ours carries."""


def payload(intent: str, **entities: str) -> str:
    """Write a payload; raises ValueError when it would not fit a button."""
    named = {_SHORT.get(name, name): value for name, value in entities.items()}
    text = f"{intent}?{urlencode(named)}" if entities else intent
    if len(text.encode()) > LONGEST_PAYLOAD:
        raise ValueError(f"payload {text!r} is longer than {LONGEST_PAYLOAD} bytes")
    return text


def read_payload(text: str, intents: frozenset[str]) -> Reading:
    """Read a payload back; raises UnknownPayload."""
    intent, _, query = text.partition("?")
    pairs = [(_LONG.get(name, name), value) for name, value in parse_qsl(query, keep_blank_values=True)]
    if intent not in intents or not (text.isascii() and text.isprintable()) or len(text) > LONGEST_PAYLOAD:
        raise UnknownPayload(f"payload {text[:LONGEST_PAYLOAD]!r} is not one of this assistant's choices")
    for name, value in pairs:
        if name not in VALUES or not VALUES[name].fullmatch(value):
            raise UnknownPayload(f"payload {text!r} carries {name}, which no choice of ours has")
    return Reading(text, intent, 1.0, tuple(Entity(name, value, value) for name, value in pairs))
