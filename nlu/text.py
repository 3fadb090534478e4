"""Vietnamese text: composing, folding accents, and splitting into words."""

from __future__ import annotations

import re
from unicodedata import combining, normalize

# Codes (H62-201105-0004), dates (1/4/2020) and numbers with points stay whole.
_WORD = re.compile(r"\w+(?:[.\-–/]\w+)*|[^\w\s]")


def compose(text: str) -> str:
    """Compose a text (NFC), so that each Vietnamese letter is one character."""
    return normalize("NFC", text)


def fold(text: str) -> str:
    """Strip accents, keeping case and, for composed text, length: ``Đăng ký`` becomes ``Dang ky``."""
    return "".join(map(_fold_letter, text))


def _fold_letter(letter: str) -> str:
    if letter in "đĐ":
        return "d" if letter == "đ" else "D"
    plain = "".join(mark for mark in normalize("NFD", letter) if not combining(mark))
    return plain if len(plain) == 1 else letter


def word_spans(text: str) -> list[tuple[int, int]]:
    """Give start and end of each word and mark of a text."""
    return [match.span() for match in _WORD.finditer(text)]


def mask(text: str, spans: list[tuple[int, int, str]]) -> str:
    """Replace each span (start, end, kind) by its kind, as one word that no citizen writes."""
    for start, end, kind in sorted(spans, reverse=True):
        text = f"{text[:start]}__{kind}__{text[end:]}"
    return text
