"""Texts for SMS: without accents, in letters of the GSM alphabet, so that 160 of them fit one message."""

from __future__ import annotations

import re
from unicodedata import combining, normalize

LONGEST_SMS = 160  # septets of one message
_TWICE = frozenset("[]{}\\~^|€")  # behind an escape, so that each counts as two
_GSM = (
    frozenset("\n !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")
    | _TWICE
)
_ALIKE = str.maketrans(
    {"đ": "d", "Đ": "D", "–": "-", "—": "-", "•": "-", "“": '"', "”": '"', "«": '"', "»": '"', "‘": "'",
     "’": "'", "…": "...", "₫": "d", "×": "x", "\u00a0": " ", "\t": " "}
)  # fmt: skip
_LINK = re.compile(r"\[([^\[\]]+)\]\((https?://[^\s()]+)\)")
_MARKS = re.compile(r"\*\*|`|(?<!\w)_(?=\S)|(?<=\S)_(?!\w)")


def sms_text(*parts: str | None) -> str:
    """Write parts of Markdown as one unaccented text, one space between them, each but the last ended."""
    plain = [" ".join(_plain(part).split()) for part in parts if part]
    ended = [part if part[-1:] in ".!?:" else f"{part}." for part in plain[:-1]]
    return " ".join([*ended, *plain[-1:]])


def septets(text: str) -> int:
    """Give how much of a message a text fills."""
    return len(text) + sum(letter in _TWICE for letter in text)


def fault_of_sms(text: str) -> str | None:
    """Say why a text is no single SMS, or nothing."""
    if strange := sorted(set(text) - _GSM):
        return f"holds {strange[0]!r}, which no SMS can carry; write it in letters"
    if (long := septets(text)) > LONGEST_SMS:
        return f"makes an SMS of {long} characters, {LONGEST_SMS} fit; write a shorter text of its own as sms"
    return None


def _plain(markdown: str) -> str:
    told = _MARKS.sub("", _LINK.sub(r"\1 \2", markdown)).translate(_ALIKE)
    return "".join(letter for letter in normalize("NFD", told) if not combining(letter))
