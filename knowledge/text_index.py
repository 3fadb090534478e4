"""Scoring texts by BM25: an index that takes seconds to build and is kept, and quick sums over it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from pathlib import Path

import bm25s
import numpy as np

from knowledge.kept import kept
from knowledge.search import folded_words

logging.getLogger("bm25s").setLevel(logging.WARNING)

_KEYS = "keys.json"
_MANY = 8  # a term that more than an eighth of the texts hold is kept as a row
Indexed = tuple[bm25s.BM25, list[str]]  # an index, and the keys of its texts in their order


def open_text_index(
    texts: Callable[[], Iterable[tuple[str, str]]],
    keys: list[str],
    stamp: str,
    cache: Path | None,
    *,
    or_older: bool,
) -> Indexed:
    """Load the index kept for this ``stamp``, or build it of the texts of these keys, joined by key."""

    def build() -> Indexed:
        by_key: dict[str, str] = {}
        for key, text in texts():
            by_key[key] = f"{by_key.get(key, '')} {text}"
        return index_texts(folded_words(by_key.get(key, "")) for key in keys), keys

    return kept(cache, "texts", stamp, build, _save_index, _load_index, or_older=or_older)


def _save_index(built: Indexed, folder: Path) -> None:
    index, keys = built
    index.save(str(folder))
    (folder / _KEYS).write_text(json.dumps(keys), encoding="utf-8")


def _load_index(folder: Path) -> Indexed:
    keys: list[str] = json.loads((folder / _KEYS).read_text(encoding="utf-8"))
    return bm25s.BM25.load(str(folder)), keys


def index_texts(texts: Iterable[str], k1: float = 1.2, b: float = 0.75) -> bm25s.BM25:
    """Index folded texts by their words and word pairs."""
    singles: dict[str, int] = {}
    numbered = [
        np.array([singles.setdefault(word, len(singles)) for word in text.split()], dtype=np.int64)
        for text in texts
    ]
    words, size = list(singles), max(len(singles), 1)
    pairs = [text[:-1] * size + text[1:] for text in numbered]
    known, places = np.unique(np.concatenate([*pairs, np.empty(0, np.int64)]), return_inverse=True)
    firsts, seconds = divmod(known, size)
    spelt = (f"{words[a]} {words[b]}" for a, b in zip(firsts, seconds, strict=True))
    vocabulary = singles | {pair: len(words) + number for number, pair in enumerate(spelt)}
    ends = np.cumsum([len(text) for text in pairs])[:-1]
    terms = [
        np.concatenate(both).tolist()
        for both in zip(numbered, np.split(places + len(words), ends), strict=True)
    ]
    vocabulary.setdefault("", len(vocabulary))
    index = bm25s.BM25(k1=k1, b=b, method="lucene")
    index.index((terms, vocabulary), show_progress=False)
    return index


class TextScores:
    """BM25 scores of texts; a term that many hold is summed as a whole row, which is quicker."""

    def __init__(self, index: bm25s.BM25, indexed: list[str], keys: list[str]) -> None:
        """Take an index, the keys it was built for, and the keys that are asked for now."""
        places = {key: place for place, key in enumerate(keys)}
        here = [(place, places[key]) for place, key in enumerate(indexed) if key in places]
        self._moved = None if indexed == keys else np.array(here, dtype=np.int64).reshape(-1, 2).T
        self._asked = len(keys)
        self.size: int = index.scores["num_docs"]
        self._vocabulary: dict[str, int] = index.vocab_dict
        self._starts, self._holders, self._scores = (
            index.scores[name] for name in ("indptr", "indices", "data")
        )
        self._rows: dict[int, np.ndarray] = {}

    def share(self, terms: Iterable[str]) -> np.ndarray:
        """Give each text's BM25 score as a share of the best one's."""
        summed = np.zeros(self.size, dtype=np.float32)
        for term in {self._vocabulary[term] for term in terms if term in self._vocabulary}:
            held = slice(self._starts[term], self._starts[term + 1])
            if held.stop - held.start > self.size // _MANY:
                summed += self._row(term, held)
            else:
                np.add.at(summed, self._holders[held], self._scores[held])
        if self._moved is not None:
            there, here = self._moved
            moved = np.zeros(self._asked, dtype=np.float32)
            moved[here] = summed[there]
            summed = moved
        return summed / max(float(summed.max(initial=0.0)), 1e-9)

    def _row(self, term: int, held: slice) -> np.ndarray:
        if term not in self._rows:
            row = np.zeros(self.size, dtype=np.float32)
            row[self._holders[held]] = self._scores[held]
            self._rows[term] = row
        return self._rows[term]
