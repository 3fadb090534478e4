"""Hiding numbers that identify people before anything is stored or logged."""

from __future__ import annotations

import re

from knowledge.dossiers import find_codes

HIDDEN = "[đã ẩn]"
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_HEALTH_CARD = re.compile(r"(?<![A-Za-z])[A-Za-z]{2}\s?\d(?:\s?\d){12}(?!\d)")
_PASSPORT = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]\d{7,8}(?!\d)")
# Nine or more digits, perhaps in groups: identity, phone, social-insurance, bank account numbers.
_LONG_NUMBER = re.compile(r"(?<!\d)\+?\(?\d(?:[\s./,()–-]{0,2}\d){8,}(?!\d)")
_DATE = re.compile(r"(?:\d{1,2}[./-]){1,2}\d{4}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}")
_DATES = re.compile(rf"(?:{_DATE.pattern})(?:[\s,–-]+(?:{_DATE.pattern}))*")


def redact(text: str) -> str:
    """Replace e-mail addresses and personal numbers; dossier codes and dates stay."""
    if find_codes(text):
        return _around_codes(text)
    return _hide(text)


def _around_codes(text: str) -> str:
    pieces = re.split(r"([0-9A-Za-z.]+\s*[-–]\s*\d{6,8}\s*[-–]\s*\d{3,7})", text)
    return "".join(piece if find_codes(piece) else _hide(piece) for piece in pieces)


def _hide(text: str) -> str:
    for pattern in (_EMAIL, _HEALTH_CARD, _PASSPORT):
        text = pattern.sub(HIDDEN, text)
    return _LONG_NUMBER.sub(lambda found: found[0] if _DATES.fullmatch(found[0]) else HIDDEN, text)
