"""Vietnamese text as people type it: composing, folding accents, normalising and splitting words."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from unicodedata import category, combining, normalize

import yaml

from nlu.typing_keys import decode_keys

# Codes (H62-201105-0004), dates (1/4/2020) and numbers with points stay whole. Invisible characters
# (zero width, right-to-left marks) and accents that compose with no letter may stand inside a word.
_UNSEEN = "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e01ef"
_LETTER = rf"[\w\u0300-\u036f{_UNSEEN}]"
_WORD = re.compile(rf"\w{_LETTER}*(?:[.\-–/]\w{_LETTER}*)*|[^\w\s{_UNSEEN}]")
_INVISIBLE = re.compile(f"[{_UNSEEN}]")
_STRETCHED = re.compile(r"([^\W\d_])\1{2,}", re.IGNORECASE)
_OLD_TONE = re.compile(r"([òóỏõọ])([ae])$|([ùúủũụ])(y)$", re.IGNORECASE)


def compose(text: str) -> str:
    """Compose a text (NFC), so that each Vietnamese letter is one character."""
    return normalize("NFC", text)


def fold(text: str) -> str:
    """Strip accents, keeping case and, for composed text, length: ``Đăng ký`` becomes ``Dang ky``."""
    return "".join(map(_fold_letter, text))


@lru_cache(maxsize=4096)
def _fold_letter(letter: str) -> str:
    if letter in "đĐ":
        return "d" if letter == "đ" else "D"
    plain = "".join(mark for mark in normalize("NFD", letter) if not combining(mark))
    return plain if len(plain) == 1 else letter


def word_spans(text: str) -> list[tuple[int, int]]:
    """Give start and end of each word and mark of a text; what cannot be seen belongs to no span."""
    return [match.span() for match in _WORD.finditer(text)]


def normalise(text: str) -> str:
    """Write a text as the model reads it: composed, one spelling a word, single spaces, no emoji.

    Normalising twice changes nothing more; the result is at most twice as long as the composed text;
    words with digits, such as dossier codes, stay as they are unless the digits are typing keys.
    """
    text = _plain(text)
    parts, end = [], 0
    for start, stop in word_spans(text):
        if end and any(letter.isspace() or _is_picture(letter) for letter in text[end:start]):
            parts.append(" ")
        word = normalise_word(text[start:stop])
        parts.append(" " if _is_picture(word) else word)
        end = stop
    return " ".join("".join(parts).split())


def _is_picture(word: str) -> bool:
    return len(word) == 1 and category(word) in ("So", "Sk", "Cs", "Co", "Cn", "Me")


@lru_cache(maxsize=65536)
def normalise_word(word: str) -> str:
    """Give the one spelling of a word: of short forms, stretched letters, typing keys, old tone marks."""
    while (better := _one_step(word)) != word:
        word = better
    return word


def _one_step(word: str) -> str:
    word = _plain(word)
    if any(letter.isdigit() for letter in word):
        return decode_keys(word)
    word = _OLD_TONE.sub(_move_tone, _shorten(word))
    return SHORT_FORMS.get(word.lower()) or decode_keys(word)


def _plain(text: str) -> str:
    """Compose a text of plain letters, without what cannot be seen."""
    return compose("".join(map(_plain_width, _INVISIBLE.sub("", text))))


def _plain_width(letter: str) -> str:
    """Turn a full-width or ornamental letter into the plain one."""
    plain = normalize("NFKC", letter)
    return plain if len(plain) == 1 else letter


def _shorten(word: str) -> str:
    """Write a stretched letter once, with its accents: ``ạaaa`` becomes ``ạ``."""
    for found in reversed([*_STRETCHED.finditer(fold(word))]):
        start, end = found.span()
        word = word[:start] + min(word[start:end], key=str.isascii) + word[end:]
    return word


def _move_tone(found: re.Match[str]) -> str:
    """Move the tone of ``òa``, ``òe``, ``ùy`` to the last letter: ``oà``, ``oè``, ``uỳ``."""
    first, last = found[1] or found[3], found[2] or found[4]
    letters = normalize("NFD", first)
    return compose(letters[0] + last + letters[1:])


def _read_short_forms() -> dict[str, str]:
    path = Path(__file__).with_name("short_forms.yml")
    forms = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {compose(str(short)): str(full) for full, shorts in forms.items() for short in shorts}


SHORT_FORMS = _read_short_forms()
