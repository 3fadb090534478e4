"""Ranking procedures for a question: by their names, and by what their texts say.

The order is a weighed sum of four signs, each in 0..1; a hit's ``score`` stays what ``NameIndex`` gives, by
which a match may be asserted. Weights and measurements: docs/decisions/010.
"""

from __future__ import annotations

import hashlib
import logging
import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import bm25s
import numpy as np

from knowledge.search import CLEAR, NEAR, SAID, Hit, NameIndex, SearchWords, fold, folded_words, is_clear

logging.getLogger("bm25s").setLevel(logging.WARNING)

# What of the order each sign makes, tuned on half of the development questions.
TEXT, TITLE, COVERAGE, NAME = 2.0, 0.3, 0.14, 0.5
_LOOKED_AT = 25  # best candidates among which twins are put in order
_EXACT = 0.99  # the score of a name that is said word for word
_LEADS = 10.0  # what puts the name that is clearly said before all others
_NO_RIVAL = 0.8  # of its score, what a twin that adds something unsaid may have
_TWIN = 0.94  # a twin that adds something unsaid stands behind one with this share of its weight
_ADDED = 0.5  # the share of what a twin adds that has to be said
_VARIANT = re.compile(r"\b(?:tai |o |thuc hien tai |thuc hien o )?cap (?:tinh|xa|huyen|trung uong)\b")
_PREFIX = re.compile(r"^thu tuc (?:hanh chinh )?")
_USUAL = re.compile(r"\btrong nuoc\b")  # what a name says although it goes without saying
_LITTLE = frozenset(
    "va cua cho trong tai doi voi ve theo tu den la cac nhung viec thu tuc hoac duoc bi o de".split()
)
_COMMON = frozenset("nguoi giay to ho so viec cap dang ky".split())  # too common to tell twins apart


@dataclass(frozen=True)
class Named:
    """A thing to be found: its own name, and what else it is called."""

    name: str
    aliases: tuple[str, ...] = ()


class Ranking:
    """Finds things by questions in words; the index of their texts is kept in ``cache``."""

    def __init__(
        self,
        named: Mapping[str, Named],
        texts: Callable[[], Iterable[tuple[str, str]]],
        stamp: str,
        search_words: SearchWords,
        cache: Path | None = None,
    ) -> None:
        self.keys = list(named)
        self._place = {key: place for place, key in enumerate(self.keys)}
        self._meanings = [
            (re.compile(rf"\b(?:{'|'.join(map(fold, said))})\b"), fold(meant))
            for meant, said in search_words.meanings.items()
        ]
        self._quiet = frozenset(map(fold, search_words.question_words))
        self._names = NameIndex({key: (one.name, *one.aliases) for key, one in named.items()}, search_words)
        titles = [_title(one.name) for one in named.values()]
        self.groups = self._group(titles)
        bare = [_USUAL.sub(" ", title).split() for title in titles]
        self._content = [frozenset(title) - _LITTLE for title in bare]
        self._telling = [content - _COMMON - self._quiet for content in self._content]
        self._holders = self._invert(self._content)
        self._lengths = np.array([max(len(content), 1) for content in self._content])
        self._titles = _index([_terms(title) for title in bare], k1=0.5, b=0.5)
        self._texts = self._text_index(texts, stamp, cache)

    def _group(self, titles: list[str]) -> list[int]:
        """Give names that differ only by prefix or level one number."""
        numbers: dict[str, int] = {}
        return [numbers.setdefault(_VARIANT.sub(" ", title), len(numbers)) for title in titles]

    @staticmethod
    def _invert(contents: list[frozenset[str]]) -> dict[str, np.ndarray]:
        holders: dict[str, list[int]] = defaultdict(list)
        for place, content in enumerate(contents):
            for word in content:
                holders[word].append(place)
        return {word: np.array(places) for word, places in holders.items()}

    def _text_index(
        self, texts: Callable[[], Iterable[tuple[str, str]]], stamp: str, cache: Path | None
    ) -> bm25s.BM25:
        folder = None if cache is None else cache / hashlib.sha256(stamp.encode()).hexdigest()[:16]
        if folder is not None and folder.exists():
            return bm25s.BM25.load(str(folder))
        by_key: dict[str, str] = {}
        for key, text in texts():
            by_key[key] = f"{by_key.get(key, '')} {text}"
        index = _index([_terms(folded_words(by_key.get(key, "")).split()) for key in self.keys])
        if folder is not None:
            _keep(index, folder)
        return index

    def rank(self, question: str, limit: int = 10) -> list[Hit[str]]:
        """Rank what the question may mean, best first; of variants only the best, which names the others."""
        by_name = self._names.search(question, limit=400)
        named = {hit.key: hit.score for hit in by_name}
        said = self._spell_out(question)
        order = self._weigh(said, named)
        looked_at = _best(order)
        if is_clear(by_name) or (by_name and by_name[0].score >= SAID):
            leader = self._place[by_name[0].key]
            twins = [self._adds(int(place), leader) for place in looked_at]
            meant = any(added and _says(said, added) for added in twins)
            if not meant or by_name[0].score >= _EXACT:
                order[leader] += _LEADS
                looked_at = np.union1d(looked_at, [leader])
        best = self._twins_in_order(looked_at, order, said, named)
        groups: dict[int, list[Hit[str]]] = {}
        for place in best:
            if order[place] > 0:
                hit = Hit(self.keys[place], named.get(self.keys[place], 0.0))
                groups.setdefault(self.groups[place], []).append(hit)
        return [_together(hits) for hits in groups.values()][:limit]

    def _spell_out(self, question: str) -> list[str]:
        """Fold the question, and add what its phrases mean in the catalogue's words."""
        said = folded_words(question)
        meant = [meaning for phrase, meaning in self._meanings if phrase.search(said)]
        return " ".join((said, *meant)).split()

    def _weigh(self, said: list[str], named: Mapping[str, float]) -> np.ndarray:
        telling = [word for word in said if word not in self._quiet]
        order = TEXT * _share(self._texts, _terms(said))
        order += TITLE * _share(self._titles, _terms(telling if len(telling) > 1 else said))
        covered = np.zeros(len(self.keys))
        for word in set(said) & self._holders.keys():
            covered[self._holders[word]] += 1
        order += COVERAGE * covered / self._lengths
        for key, score in named.items():
            order[self._place[key]] += NAME * score
        return order

    def _adds(self, twin: int, plain: int) -> frozenset[str]:
        """Give what a name says beyond another's; nothing unless it says all of that."""
        one, other = self._telling[twin], self._telling[plain]
        return one - other if other < one else frozenset()

    def _twins_in_order(
        self, places: np.ndarray, order: np.ndarray, said: list[str], named: dict[str, float]
    ) -> list[int]:
        """Put a procedure whose name adds something unsaid to another's (abroad, again) behind that one.

        Nor is it a rival then: its score in ``named`` sinks below that.
        """
        weights = {int(place): float(order[place]) for place in places}
        for twin in weights:
            for plain in weights:
                added = self._adds(twin, plain)
                if not added or _says(said, added):
                    continue
                if weights[plain] > weights[twin] * _TWIN:
                    weights[twin] = min(weights[twin], weights[plain] - 1e-4 * len(added))
                first, second = self.keys[plain], self.keys[twin]
                if named.get(first, 0.0) >= CLEAR and second in named:
                    named[second] = min(named[second], named[first] * _NO_RIVAL)
        return sorted(weights, key=lambda place: -weights[place])


def _says(said: Iterable[str], added: frozenset[str]) -> bool:
    return len(added.intersection(said)) >= len(added) * _ADDED


def _together(hits: list[Hit[str]]) -> Hit[str]:
    """Make one hit of variants: the one whose name fits best, with those that fit about as well."""
    first, *others = sorted(hits, key=lambda hit: -hit.score)
    near = tuple(hit.key for hit in others if hit.score >= first.score * NEAR)
    return replace(first, variants=near)


def _best(order: np.ndarray) -> np.ndarray:
    """Give the places of the best, best first; equal ones in their own order."""
    if len(order) > _LOOKED_AT:
        some = np.sort(np.argpartition(-order, _LOOKED_AT)[:_LOOKED_AT])
        return some[np.argsort(-order[some], kind="stable")]
    return np.argsort(-order, kind="stable")


def _title(name: str) -> str:
    return _PREFIX.sub("", folded_words(name))


def _terms(folded: list[str]) -> list[str]:
    return [*folded, *(f"{first} {second}" for first, second in pairwise(folded))]


def _keep(index: bm25s.BM25, folder: Path) -> None:
    """Keep an index in place of older ones; another process sees it whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f"{folder.parent.name}-", dir=folder.parent.parent) as name:
        index.save(f"{name}/index")
        for older in folder.parent.iterdir():
            shutil.rmtree(older, ignore_errors=True)
        with suppress(OSError):  # another process was first
            Path(name, "index").rename(folder)


def _index(texts: list[list[str]], k1: float = 1.2, b: float = 0.75) -> bm25s.BM25:
    vocabulary: dict[str, int] = {}
    numbered = [[vocabulary.setdefault(term, len(vocabulary)) for term in terms] for terms in texts]
    vocabulary.setdefault("", len(vocabulary))
    index = bm25s.BM25(k1=k1, b=b, method="lucene")
    index.index((numbered, vocabulary), show_progress=False)
    return index


def _share(index: bm25s.BM25, terms: list[str]) -> np.ndarray:
    """Give each text's BM25 score as a share of the best one's."""
    known = sorted({term for term in terms if term in index.vocab_dict})
    if not known:
        return np.zeros(index.scores["num_docs"])
    scores = np.asarray(index.get_scores(known), dtype=np.float64)
    return scores / max(float(scores.max()), 1e-9)
