"""Sentences as hurried fingers type them: without accents, in teencode, with typing keys left over, a typo.

Written apart from the normaliser's own lists (``nlu/short_forms.yml``), so that these do not decide what is
measured. Words with a digit, such as dossier codes, stay as they are. The same sentence always gets the same
noise.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from unicodedata import normalize

from nlu.text import fold

Noise = Callable[[str], str]

_WORD = re.compile(r"[^\W\d_]+(?![\w.\-/]*\d)")
_TEENCODE = {
    "không": ["k", "ko", "hok", "hông", "kh"], "được": ["dc", "đc", "đk"], "gì": ["j", "gj"],
    "vậy": ["v", "z", "zậy"], "rồi": ["r", "òi", "rùi"], "mình": ["mk", "mik"],
    "biết": ["bt", "bik", "bít"], "với": ["vs", "zới"], "làm": ["lm"], "cũng": ["cx", "cug"],
    "người": ["ng", "ngừi"], "trước": ["trc", "trk"], "nhiêu": ["nhiu", "niu"], "muốn": ["mún", "mun"],
    "giờ": ["h", "jo"], "phải": ["fải", "pải"], "phí": ["fí", "phj"], "thế": ["thía", "tế"],
    "nào": ["nèo", "nao"], "bao": ["bn"], "cho": ["cko", "xo"], "quá": ["wá", "qá"], "ạ": ["ah", "ak"],
    "nhé": ["nhá", "nha"], "em": ["e", "iem"], "anh": ["a"], "chị": ["c", "chụy"], "tôi": ["tui", "t"],
    "bạn": ["b", "bn"], "sao": ["seo", "s"], "cần": ["cằn"], "giúp": ["giup", "júp"],
    "hỏi": ["hoi", "hỏy"], "thủ": ["thũ"], "tục": ["tụt"], "đăng": ["đg", "dăng"], "ký": ["kí", "ky"],
    "giấy": ["jấy", "zấy"], "nộp": ["nop", "lộp"], "lấy": ["lây"],
}  # fmt: skip
_SHAPES = {"ă": "aw", "â": "aa", "đ": "dd", "ê": "ee", "ô": "oo", "ơ": "ow", "ư": "uw"}
_TONES = {"\u0301": "s", "\u0300": "f", "\u0309": "r", "\u0303": "x", "\u0323": "j"}
_NEAR = {
    "a": "sq", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "g": "fh", "h": "gj", "i": "uo", "k": "jl",
    "l": "k", "m": "n", "n": "bm", "o": "ip", "p": "o", "q": "w", "r": "et", "s": "ad", "t": "ry",
    "u": "yi", "v": "cb", "x": "zc", "y": "tu",
}  # fmt: skip


def without_accents(text: str) -> str:
    """Strip every accent."""
    return fold(text)


def partly_without_accents(text: str) -> str:
    """Strip the accents of half the words."""
    return _each_word(text, lambda word, chance: fold(word) if chance.random() < 0.5 else word)


def in_teencode(text: str) -> str:
    """Write the words that have a chat spelling in it, four times of five."""
    return _each_word(text, _teencode)


def with_telex_slips(text: str) -> str:
    """Leave the Telex keys of every third accented word standing."""
    return _each_word(text, lambda word, chance: _telex(word) if chance.random() < 0.34 else word)


def with_a_typo(text: str) -> str:
    """Make one typo: swap two letters, leave one out, double one, or hit the key beside it."""
    chance = random.Random(f"typo {text}")  # noqa: S311  (not for secrets)
    words = [found for found in _WORD.finditer(text) if len(found[0]) > 2]
    if not words:
        return text
    found = chance.choice(words)
    return text[: found.start()] + _typo(found[0], chance) + text[found.end() :]


def with_everything(text: str) -> str:
    """Mix all: teencode, Telex slips, half the accents gone, and a typo."""
    return with_a_typo(partly_without_accents(with_telex_slips(in_teencode(text))))


NOISES: dict[str, Noise] = {
    "without accents": without_accents,
    "half the accents": partly_without_accents,
    "teencode": in_teencode,
    "Telex slips": with_telex_slips,
    "one typo": with_a_typo,
    "all mixed": with_everything,
}


def _each_word(text: str, change: Callable[[str, random.Random], str]) -> str:
    chance = random.Random(text)  # noqa: S311  (not for secrets)
    return _WORD.sub(lambda found: change(found[0], chance), text)


def _teencode(word: str, chance: random.Random) -> str:
    forms = _TEENCODE.get(word.lower())
    return chance.choice(forms) if forms and chance.random() < 0.8 else word


def _telex(word: str) -> str:
    """Write a word as the keys that Telex would have turned into it, its tone at the end."""
    keys = tone = ""
    for mark in normalize("NFD", word.lower()):
        if mark in _TONES:
            tone = _TONES[mark]
        else:
            keys += mark
    shaped = normalize("NFC", keys)
    return "".join(_SHAPES.get(letter, letter) for letter in shaped) + tone


def _typo(word: str, chance: random.Random) -> str:
    place = chance.randrange(len(word) - 1)
    kind = chance.choice(("swap", "drop", "double", "neighbour"))
    if kind == "swap":
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    if kind == "drop":
        return word[:place] + word[place + 1 :]
    letter = word[place]
    put = letter * 2 if kind == "double" else chance.choice(_NEAR.get(fold(letter).lower(), letter))
    return word[:place] + put + word[place + 1 :]
