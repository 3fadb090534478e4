"""Knowing a procedure by how citizens ask for it: one linear classifier over typical questions.

It scores each procedure that has typical questions by itself, 0..1, so that a question about none of them
scores low everywhere. Reasons and measurements: docs/decisions/011.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np

from knowledge.kept import kept

OTHERS = "others"  # the key of questions about other matters
FEWEST_WORDS = 4  # a bare name is left to the names
Asked = tuple[list[str], float]  # a question's folded words, and what it counts beside others
_FILE = "learned.npz"
_CLOSE_ENOUGH = 0.01  # where liblinear stops
_COST = 30.0  # liblinear's C, chosen on the development questions


class TypicalQuestions:
    """Scores procedures by the folded words and word pairs of a question."""

    def __init__(self, keys: list[str], terms: list[str], rarity: np.ndarray, weights: np.ndarray) -> None:
        """Take the learned state; ``weights``: terms + 1 by keys, the last row speaks for a key alone."""
        self.keys = keys
        self._places = {term: place for place, term in enumerate(terms)}
        self._rarity, self._weights = rarity, weights

    def scores(self, said: Iterable[str]) -> dict[str, float]:
        """Give how surely each procedure is meant, 0..1."""
        words = list(said)
        counts = Counter(place for term in terms_of(words) if (place := self._places.get(term)) is not None)
        if not counts or len(words) < FEWEST_WORDS:
            return {}
        places = np.fromiter(counts, dtype=np.int64)
        worth = (1 + np.log(np.fromiter(counts.values(), dtype=np.float64))) * self._rarity[places]
        told = worth / np.linalg.norm(worth) @ self._weights[places] + self._weights[-1]
        return dict(zip(self.keys, (1 / (1 + np.exp(-told))).tolist(), strict=True))

    def save(self, folder: Path) -> None:
        """Keep the learned state in a new folder."""
        folder.mkdir()
        terms = json.dumps(list(self._places), ensure_ascii=False)
        np.savez(folder / _FILE, keys=self.keys, terms=terms, rarity=self._rarity, weights=self._weights)

    @classmethod
    def load(cls, folder: Path) -> TypicalQuestions:
        """Read a kept state."""
        with np.load(folder / _FILE) as state:
            terms = json.loads(str(state["terms"]))
            return cls(state["keys"].tolist(), terms, state["rarity"], state["weights"])


def terms_of(folded: list[str]) -> list[str]:
    """Give the words of a text and its word pairs."""
    return [*folded, *(f"{first} {second}" for first, second in pairwise(folded))]


def learn(asked: Mapping[str, Iterable[Asked]]) -> TypicalQuestions:
    """Learn from each procedure's questions, given as folded words with what each counts.

    Those of ``OTHERS`` are about none of them.
    """
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    keys = sorted(set(asked) - {OTHERS})
    rows = [(key, Counter(terms_of(words))) for key in asked for words, _ in asked[key]]
    counts_for = [worth for key in asked for _, worth in asked[key]]
    holders = Counter(term for _, counts in rows for term in counts)
    terms = sorted(holders)
    places = {term: place for place, term in enumerate(terms)}
    rarity = np.log((1 + len(rows)) / (1 + np.array([holders[term] for term in terms]))) + 1
    starts = np.cumsum([0, *(len(counts) for _, counts in rows)])
    columns = np.array([places[term] for _, counts in rows for term in counts])
    worth = (1 + np.log([count for _, counts in rows for count in counts.values()])) * rarity[columns]
    lengths = np.sqrt(np.add.reduceat(worth**2, starts[:-1]))
    worth /= np.repeat(lengths, np.diff(starts))
    matrix = csr_matrix((worth, columns, starts), shape=(len(rows), len(terms)))
    meant = np.array([key for key, _ in rows])
    weights = np.empty((len(terms) + 1, len(keys)))
    with threadpool_limits(1):  # on a busy machine more threads are six times slower
        for place, key in enumerate(keys):
            one = LogisticRegression(
                solver="liblinear", C=_COST, tol=_CLOSE_ENOUGH, class_weight="balanced", random_state=0
            )
            one.fit(matrix, meant == key, sample_weight=counts_for)
            weights[:, place] = *one.coef_[0], one.intercept_[0]
    return TypicalQuestions(keys, terms, rarity.astype(np.float32), weights.astype(np.float32))


def open_typical_questions(
    asked: Mapping[str, list[Asked]], cache: Path | None, *, or_older: bool = False
) -> TypicalQuestions:
    """Load what was learned from these questions, or learn it and keep it in ``cache``.

    ``or_older``: rather than learning now, take what was learned before the questions last changed.
    """
    if len(set(asked) - {OTHERS}) < 2:  # nothing to tell apart
        return TypicalQuestions([], [], np.empty(0), np.empty((1, 0)))
    stamp = json.dumps([_COST, _CLOSE_ENOUGH, sorted(asked.items())], ensure_ascii=False)
    return kept(
        cache,
        "questions",
        stamp,
        lambda: learn(asked),
        TypicalQuestions.save,
        TypicalQuestions.load,
        or_older=or_older,
    )
