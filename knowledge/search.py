"""Finding the procedure or topic that a citizen's words mean, with or without accents.

Every name and alias is a small text of words and word pairs. A query's score for it is the
geometric mean of two shares, each weighed by how rare the words are: how much of the name the
query says, and how much of the query the name explains. So a score lies in 0..1 and means the
same for every query: 1 is the name itself, below ``FAINT`` is chance.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Generic, TypeVar
from unicodedata import combining, normalize

import numpy as np

K = TypeVar("K", bound=str)

CLEAR = 0.6  # from here on a match may be asserted when no other is near
FAINT = 0.3  # below this a match is chance
SAID = 0.9  # from here on the query says the name itself
NEAR = 0.88  # a runner-up with this share of the best score is a rival
LESS_NEAR = 0.84  # the same share while the best name is only partly said
_MOST_NAMES = 150  # best names whose accents are compared
QUESTION_WORD = 0.2  # how much a question word weighs beside another of the same rarity

_WORD = re.compile(r"[^\W_]+")
_PROCEDURE_CODE = re.compile(r"(?<![\d.])(\d\.\d{6})(?!\.?\d)")


def _bare(letter: str) -> str:
    return "".join(mark for mark in normalize("NFD", letter) if not combining(mark)).replace("đ", "d")


_BARE = {point: _bare(chr(point)) for point in (*range(0xC0, 0x370), *range(0x1E00, 0x1F00))}


def fold(text: str) -> str:
    """Strip accents and case: ``Đăng ký`` becomes ``dang ky``."""
    return normalize("NFC", text.casefold()).translate(_BARE)


_fold_word = lru_cache(maxsize=65_536)(fold)


def words(text: str) -> list[str]:
    """Split a text into its lower-case words, accents kept."""
    return _WORD.findall(normalize("NFC", text).casefold())


def folded_words(text: str) -> str:
    """Write a text as its folded words, one space apart."""
    return " ".join(_WORD.findall(fold(text)))


def procedure_codes(text: str) -> list[str]:
    """Find national procedure codes (``1.001193``) in a text."""
    return _PROCEDURE_CODE.findall(text)


@dataclass(frozen=True)
class Hit(Generic[K]):
    """A key that a query may mean, and how well its best name fits (0..1)."""

    key: K
    score: float
    variants: tuple[str, ...] = ()  # keys of what differs only by prefix or level


def is_clear(hits: list[Hit[K]]) -> bool:
    """Tell whether the best hit may be asserted: good in itself and with no rival near."""
    return bool(hits) and hits[0].score >= CLEAR and len(rivals(hits)) == 1


def rivals(hits: list[Hit[K]]) -> list[Hit[K]]:
    """Give the best hit and those that come close to it."""
    share = NEAR if hits[0].score >= SAID else LESS_NEAR
    return [hit for hit in hits if hit.score >= hits[0].score * share]


@dataclass(frozen=True)
class _Name:
    """A name ready for searching: its terms, its words as written and folded, and its whole weight."""

    key: str
    terms: frozenset[str]
    accented: frozenset[str]
    folded: frozenset[str]
    weight: float


@lru_cache(maxsize=32_768)
def _terms(folded: tuple[str, ...]) -> frozenset[str]:
    pairs = (f"{first} {second}" for first, second in pairwise(folded))
    return frozenset((*folded, *pairs))


@dataclass(frozen=True)
class SearchWords:
    """Words that searching treats apart, read from ``content/search_words.yml``."""

    short_forms: Mapping[str, str]  # spelt out before searching: cccd, gplx
    question_words: frozenset[str]  # shape a question but never tell one thing from another
    not_covered: tuple[str, ...] = ()  # asked for often, and not in the catalogue
    meanings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # official words: as people say it
    asked_of_any: tuple[str, ...] = ()  # questions that fit every procedure, "{}" its name


class NameIndex(Generic[K]):
    """Names of things, searched by words."""

    def __init__(self, names: Mapping[K, Iterable[str]], search_words: SearchWords) -> None:
        self._short_forms = {fold(short): words(full) for short, full in search_words.short_forms.items()}
        self._question_words = frozenset(map(fold, search_words.question_words))
        spelt = [
            (key, said)
            for key, texts in names.items()
            for said in sorted({tuple(self._spell_out(text)) for text in texts})
        ]
        folded = [tuple(map(_fold_word, accented)) for _, accented in spelt]
        terms_of: dict[str, set[str]] = defaultdict(set)
        for (key, _), said in zip(spelt, folded, strict=True):
            terms_of[key] |= _terms(said)
        seen = Counter(term for terms in terms_of.values() for term in terms)
        self._weights = {term: self._weigh(term, count, len(names)) for term, count in seen.items()}
        self._names = [
            self._name(key, accented, plain) for (key, accented), plain in zip(spelt, folded, strict=True)
        ]
        holders: dict[str, list[int]] = defaultdict(list)
        for number, name in enumerate(self._names):
            for term in name.terms:
                holders[term].append(number)
        self._holders = {term: np.array(numbers) for term, numbers in holders.items()}
        self._scales = np.array([name.weight for name in self._names]).reshape(-1) ** -0.5

    def _name(self, key: K, accented: tuple[str, ...], folded: tuple[str, ...]) -> _Name:
        terms = _terms(folded)
        weight = sum(self._weights[term] for term in terms)
        return _Name(key, terms, frozenset(accented), frozenset(folded), weight)

    def _spell_out(self, text: str) -> list[str]:
        return [full for word in words(text) for full in self._short_forms.get(_fold_word(word), [word])]

    def spell_out(self, text: str) -> list[str]:
        """Give a text's folded words, its short forms spelt out."""
        return list(map(_fold_word, self._spell_out(text)))

    def _weigh(self, term: str, holders: int, keys: int) -> float:
        """Weigh a word or pair by its rarity; one with a question word in it says little."""
        says_little = any(word in self._question_words for word in term.split())
        return math.log(1 + keys / holders) * (QUESTION_WORD if says_little else 1.0)

    def search(self, query: str, limit: int = 10) -> list[Hit[K]]:
        """Rank keys by their best name."""
        accented = self._spell_out(query)
        asked = _terms(tuple(fold(word) for word in accented))
        known = {term: self._weights[term] for term in asked if term in self._weights}
        if not known:
            return []
        shared = np.zeros(len(self._names))
        for term, weight in known.items():
            shared[self._holders[term]] += weight
        scores = shared * self._scales / math.sqrt(sum(known.values()))
        found = np.flatnonzero(scores >= FAINT)
        if len(found) > _MOST_NAMES:
            found = found[np.argpartition(-scores[found], _MOST_NAMES)[:_MOST_NAMES]]
        has_accents = any(not word.isascii() for word in accented)
        spoken = {word: fold(word) for word in accented}
        best: dict[str, float] = {}
        for number in found:
            name, score = self._names[number], float(scores[number])
            if has_accents:
                score *= 0.85 + 0.15 * _share(spoken, name)
            best[name.key] = max(score, best.get(name.key, 0.0))
        ranked = sorted(best.items(), key=lambda item: (-item[1], item[0]))[:limit]
        return [Hit(key, score) for key, score in ranked if score >= FAINT]  # type: ignore[arg-type]


def _share(spoken: Mapping[str, str], name: _Name) -> float:
    """Give the share of the words, known to the name when folded, that fit it accented too."""
    shared = [word for word, folded in spoken.items() if folded in name.folded]
    return sum(word in name.accented for word in shared) / len(shared) if shared else 0.0
