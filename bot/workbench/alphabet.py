"""The Vietnamese alphabetical order: a, ă, â, b, …, d, đ, e, ê, …; of the same letters, tones decide."""

from __future__ import annotations

from functools import lru_cache
from unicodedata import normalize

LETTERS = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"
TONES = "\u0300\u0309\u0303\u0301\u0323"  # huyền, hỏi, ngã, sắc, nặng, as dictionaries have them
PLACES = {letter: chr(0xE000 + place) for place, letter in enumerate(LETTERS)}  # after digits and marks


def in_alphabet(text: str) -> tuple[str, str, str]:
    """Give the key that sorts texts: by their letters, then their tones, then as they are written."""
    taken_apart = [_taken_apart(letter) for letter in normalize("NFC", text.casefold())]
    return "".join(place for place, _ in taken_apart), "".join(tone for _, tone in taken_apart), text


@lru_cache(maxsize=1024)
def _taken_apart(letter: str) -> tuple[str, str]:
    """Give a letter's place in the order, and that of its tone."""
    marks = normalize("NFD", letter)
    plain = normalize("NFC", "".join(mark for mark in marks if mark not in TONES))
    return PLACES.get(plain, plain), str(max(TONES.find(mark) for mark in marks) + 1)
