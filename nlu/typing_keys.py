"""Words in which the typing keys of Telex or VNI were left standing: ``thur tucj``, ``thu3 tu5c``.

Telex writes a tone as a letter after the vowel (s f r x j) and doubles letters for their shape (aa ee oo dd;
w for ă ơ ư); VNI does both with digits. A word is read so only when it is no Vietnamese syllable itself and
becomes one.
"""

from __future__ import annotations

import re
from unicodedata import normalize

_TONES = dict(zip("sfrxj", "\u0301\u0300\u0309\u0303\u0323", strict=True))
_VNI = dict(zip("12345", "sfrxj", strict=True))
_VNI_WORD = re.compile(r"(?=(?:\d*[a-z]){2})(?:[a-z]+[1-9]{1,3})+[a-z]*")
_ONSET = "ngh|ng|nh|gh|gi|kh|ph|th|tr|ch|qu|[bcdđghklmnprstvx]"
_CODA = "ng|nh|ch|[cmnpt]"
_NUCLEUS = (
    "iêu|yêu|oai|oay|oeo|uây|uôi|ươi|ươu|uya|uyê|oă|oa|oe|uâ|uê|uơ|uy|iê|yê|uô|ươ|ai|ao|au|ay|âu|ây|eo|êu|ia|iu|oi|ôi|ơi|"
    "ua|ui|ưa|ưi|ưu|[aăâeêioôơuưy]"
)
# Foreign words that citizens type and that would read as keys of a rare syllable ("visa" as "vía").
_FOREIGN = frozenset({"how", "keep", "now", "post", "reset", "room", "taxi", "test", "this", "visa"})
_VOWEL = re.compile("[aăâeêioôơuưy]")
_SYLLABLE = re.compile(rf"(?P<onset>{_ONSET})?(?P<nucleus>{_NUCLEUS})(?P<coda>{_CODA})?")
_SHAPED = str.maketrans({"ă": "a", "â": "a", "ê": "e", "ô": "o", "ơ": "o", "ư": "u", "đ": "d"})
_DOUBLES = {"aa": "â", "ee": "ê", "oo": "ô", "dd": "đ"}
_HOOKS = (("uow", "ươ"), ("uwow", "ươ"), ("aw", "ă"), ("ow", "ơ"), ("uw", "ư"))


def decode_keys(word: str) -> str:
    """Read leftover typing keys of a word in lower case; any other word stays as it is."""
    if word.isdigit() or len(word) > 10 or word in _FOREIGN:
        return word
    typed = word
    if any(letter.isdigit() for letter in word):
        if not _VNI_WORD.fullmatch(word):
            return word
        typed = _as_telex(word)
    elif not word.isalpha() or not word.islower() or _syllable(normalize("NFC", _toneless(word))):
        return word
    return _from_telex(typed) or word


def _as_telex(word: str) -> str:
    letters = ""
    for letter in word:
        if letter in _VNI:
            letters += _VNI[letter]
        elif letter == "6" and letters[-1:] in tuple("aeo"):
            letters += letters[-1]
        elif letter in "78":
            letters += "w"
        elif letter == "9" and letters == "d":
            letters += "d"
        else:
            letters += letter
    return letters


def _from_telex(word: str) -> str | None:
    """Give the syllable that Telex keys stand for; None when they stand for none."""
    tone = _tone_of(word)
    keys = _tone_keys(word) if tone is None else []
    tries = [(word[:n] + word[n + 1 :], _TONES[word[n]]) for n in keys]
    for letters, mark in (*tries, (_toneless(word), tone)):
        shaped = _shape(letters)
        found = _syllable(shaped)
        if found and (mark is not None or shaped != letters) and _may_sound(found, mark):
            return _with_tone(found, mark)
    return None


def _tone_keys(word: str) -> list[int]:
    """Give the places of what may be a tone's key, last first: in the last three letters, after a vowel."""
    vowel = _VOWEL.search(word)
    first = max(vowel.end() if vowel else len(word), len(word) - 3)
    return [n for n in reversed(range(first, len(word))) if word[n] in _TONES]


def _shape(letters: str) -> str:
    """Turn doubled letters and w into the shapes they stand for."""
    for keys, shape in (*_HOOKS, *_DOUBLES.items()):
        letters = letters.replace(keys, shape, 1)
    if letters.endswith("ươ"):  # thuở: no syllable ends so
        letters = letters[:-2] + "uơ"
    if letters.startswith("d") and letters.endswith("d") and len(letters) > 2:  # the key at the word's end
        letters = "đ" + letters[1:-1]
    if letters.endswith("w"):
        letters = re.sub(r"uo(?=[^uo]*w$)", "ươ", letters)[:-1] if "uo" in letters else letters
    return letters


def _syllable(letters: str) -> re.Match[str] | None:
    found = _SYLLABLE.fullmatch(letters)
    if found is None:
        return None
    onset, nucleus = found["onset"] or "", found["nucleus"].translate(_SHAPED)
    front = nucleus[0] in "ie" or (nucleus[0] == "y" and onset != "qu")
    if onset in ("c", "g", "ng") and front and not (onset == "g" and nucleus == "i"):
        return None
    return None if onset in ("k", "gh", "ngh") and not front else found


def _may_sound(syllable: re.Match[str], tone: str | None) -> bool:
    """Tell whether a syllable may have its tone: one that ends in c, ch, p or t has sắc or nặng."""
    return syllable["coda"] not in ("c", "ch", "p", "t") or tone in (None, _TONES["s"], _TONES["j"])


def _with_tone(syllable: re.Match[str], tone: str | None) -> str:
    onset, nucleus, coda = syllable["onset"] or "", syllable["nucleus"], syllable["coda"] or ""
    place = _tone_place(nucleus, bool(coda))
    marked = nucleus[: place + 1] + (tone or "") + nucleus[place + 1 :]
    return normalize("NFC", onset + marked + coda)


def _tone_place(nucleus: str, closed: bool) -> int:
    shaped = [n for n, letter in enumerate(nucleus) if letter in "ăâêôơư"]
    if shaped:
        return shaped[-1]
    if len(nucleus) == 3:
        return 1
    return 1 if len(nucleus) == 2 and (closed or nucleus in ("oa", "oe", "uy")) else 0


def _tone_of(word: str) -> str | None:
    found = [mark for mark in normalize("NFD", word) if mark in _TONES.values()]
    return found[0] if found else None


def _toneless(word: str) -> str:
    return normalize("NFC", "".join(m for m in normalize("NFD", word) if m not in _TONES.values()))
