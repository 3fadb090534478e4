"""The reason for closing a case, as staff write it after ``/xong``."""

from __future__ import annotations

from actions.wording import say
from bot.hotline.cases import CLOSINGS, Closing
from knowledge.search import folded_words

_SHORT: dict[Closing, str] = {
    "answered": "da tra loi",
    "referred": "chuyen co quan",
    "no_answer": "khong tra loi duoc",
    "abusive": "quay roi",
    "citizen_left": "nguoi dan roi",
    "duplicate": "trung",
}


def read_closing(words: str) -> Closing | None:
    """Read a reason, with or without accents; its beginning is enough when no other begins so."""
    said = folded_words(words.replace("_", " "))
    found = [each for each in CLOSINGS if said and any(name.startswith(said) for name in _names(each))]
    return found[0] if len(found) == 1 else None


def _names(closing: Closing) -> tuple[str, str]:
    return _SHORT[closing], folded_words(say(f"desk.closing_{closing}"))
