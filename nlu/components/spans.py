"""Marking spans of a sentence in two stages: where a span lies and what it looks like, then its role.

Kinds whose spans look alike ("from" and "to" cities) share a look. A conditional random field (Lafferty et
al., 2001) marks looks, so that it has few labels and trains fast; a linear classifier per look then tells the
kinds apart by the whole sentence and by the spans before. Kinds that look like no other need no second stage.
"""

from __future__ import annotations

import random
import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import pycrfsuite
from sklearn.feature_extraction import FeatureHasher
from sklearn.svm import LinearSVC

from nlu.text import fold, normalise_word

_DIGIT = re.compile(r"\d")
_EDGE = 4  # words beyond each end of a sentence
_HASHED = 2**18


class Span(NamedTuple):
    """Words ``start`` to ``end`` (exclusive) of a sentence, and their kind."""

    start: int
    end: int
    kind: str


class Marked(NamedTuple):
    """A sentence's words (lower case, normalised) with its spans, in order and apart."""

    words: list[str]
    spans: list[Span]


@dataclass
class SpanTagger:
    """Learns spans from marked sentences and marks them in others.

    ``alike`` is the share of its occurrences by which a kind's words must be another kind's words too, for
    both to share a look; ``swapped`` the share of spans that get other words in copies.
    """

    alike: float = 0.08
    swapped: float = 0.5
    iterations: int = 40
    looks: dict[str, str] = field(default_factory=dict)
    roles: dict[str, LinearSVC] = field(default_factory=dict)
    crf: bytes = b""

    def __post_init__(self) -> None:
        self._hasher = FeatureHasher(_HASHED, input_type="string", alternate_sign=False)
        self._tagger: pycrfsuite.Tagger | None = None

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_tagger": None}

    def fit(self, sentences: list[Marked], known: dict[str, list[list[str]]] | None = None) -> SpanTagger:
        """Learn from sentences; ``known`` gives further words of each kind, for the copies."""
        self.looks = looks_of(sentences, self.alike)
        learnt = [*sentences, *copies(sentences, known or {}, self.swapped)]
        self.crf = self._fit_crf(learnt)
        self.roles = self._fit_roles(learnt)
        self._tagger = None
        return self

    def _fit_crf(self, sentences: list[Marked]) -> bytes:
        trainer = pycrfsuite.Trainer("lbfgs", verbose=False)
        trainer.set_params({"c1": 0.05, "c2": 0.01, "max_iterations": self.iterations})
        for words, spans in sentences:
            trainer.append(word_features(words), _labels(len(words), self._looking(spans)))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.crf"
            trainer.train(str(path))
            return path.read_bytes()

    def _fit_roles(self, sentences: list[Marked]) -> dict[str, LinearSVC]:
        rows: dict[str, list[list[str]]] = defaultdict(list)
        kinds: dict[str, list[str]] = defaultdict(list)
        shared = {look for look, count in Counter(self.looks.values()).items() if count > 1}
        for words, spans in sentences:
            looking = self._looking(spans)
            for n, span in enumerate(spans):
                if looking[n].kind in shared:
                    before = [other.kind for other in spans[:n]]
                    rows[looking[n].kind].append(role_features(words, looking, n, before))
                    kinds[looking[n].kind].append(span.kind)
        return {
            look: LinearSVC(C=0.3, random_state=0).fit(self._hasher.transform(rows[look]), kinds[look])
            for look in rows
            if len(set(kinds[look])) > 1
        }

    def _looking(self, spans: Iterable[Span]) -> list[Span]:
        return [span._replace(kind=self.looks[span.kind]) for span in spans]

    def tag(self, words: list[str]) -> list[tuple[Span, float]]:
        """Mark the spans of a sentence; give each with the CRF's probability (0..1) of where it lies."""
        if not words or not self.crf:
            return []
        if self._tagger is None:
            self._tagger = pycrfsuite.Tagger()
            self._tagger.open_inmemory(self.crf)
        labels = self._tagger.tag(word_features(words))
        looking = _spans(labels)
        kinds: list[str] = []
        found = []
        for n, span in enumerate(looking):
            kinds.append(self._role(words, looking, n, kinds))
            sure = min(self._tagger.marginal(labels[at], at) for at in range(span.start, span.end))
            found.append((span._replace(kind=kinds[n]), float(sure)))
        return found

    def _role(self, words: list[str], looking: list[Span], n: int, before: list[str]) -> str:
        role = self.roles.get(looking[n].kind)
        if role is None:
            return looking[n].kind
        features = self._hasher.transform([role_features(words, looking, n, before)])
        return str(role.predict(features)[0])


def looks_of(sentences: list[Marked], alike: float) -> dict[str, str]:
    """Group kinds whose words are often each other's; give each kind the first of its group."""
    words: dict[str, Counter[str]] = defaultdict(Counter)
    for sentence in sentences:
        for span in sentence.spans:
            words[span.kind][" ".join(sentence.words[span.start : span.end])] += 1
    looks = {kind: kind for kind in sorted(words)}
    for one, other in combinations(looks, 2):
        shares = [_share(words[one], words[other]), _share(words[other], words[one])]
        if max(shares) >= alike and min(shares) >= alike / 3:
            old, new = looks[other], looks[one]
            looks = {kind: new if look == old else look for kind, look in looks.items()}
    return looks


def _share(one: Counter[str], other: Counter[str]) -> float:
    return sum(count for word, count in one.items() if word in other) / one.total()


def copies(sentences: list[Marked], known: dict[str, list[list[str]]], swapped: float) -> list[Marked]:
    """Copy each sentence that has spans without accents, and once more with them.

    Some spans get other words of their kind. The choice is random, but the same each time.
    """
    chance = random.Random(0)  # noqa: S311  (not for secrets)
    seen: dict[str, dict[tuple[str, ...], None]] = defaultdict(dict)
    for words, spans in sentences:
        for span in spans:
            seen[span.kind][tuple(words[span.start : span.end])] = None
    choices = {kind: [*map(list, values), *known.get(kind, [])] for kind, values in seen.items()}
    made = []
    for sentence in sentences:
        if sentence.spans:
            words, spans = _with_others(sentence, choices, swapped, chance)
            made.append(Marked([stripped(word) for word in words], spans))
            made.append(_with_others(sentence, choices, swapped, chance))
    return made


def _with_others(
    sentence: Marked, choices: dict[str, list[list[str]]], swapped: float, chance: random.Random
) -> Marked:
    words: list[str] = []
    spans: list[Span] = []
    end = 0
    for span in sentence.spans:
        words += sentence.words[end : span.start]
        own = sentence.words[span.start : span.end]
        put = chance.choice(choices[span.kind]) if chance.random() < swapped else own
        spans.append(Span(len(words), len(words) + len(put), span.kind))
        words += put
        end = span.end
    return Marked([*words, *sentence.words[end:]], spans)


def stripped(word: str) -> str:
    """Give a normalised word as it reads when it is typed without accents."""
    return normalise_word(fold(word))


def word_features(words: Sequence[str]) -> list[list[str]]:
    """Give what the CRF sees of each word: the words around, pairs, beginnings, endings and digits."""
    around = ["<", "<", *words, ">", ">"]
    plain = [fold(word) for word in around]
    return [_features_at(around, plain, place + 2) for place in range(len(words))]


def _features_at(around: list[str], plain: list[str], at: int) -> list[str]:
    word = around[at]
    features = [
        "bias", f"len={min(len(word), 6)}",
        *(f"{step}={around[at + step]}" for step in (-2, -1, 0, 1, 2)),
        *(f"{step}:{around[at + step]}|{around[at + step + 1]}" for step in (-1, 0)),
        *(f"plain{step}={plain[at + step]}" for step in (-1, 0, 1)),
        *(f"plain{step}:{plain[at + step]}|{plain[at + step + 1]}" for step in (-1, 0)),
        *(f"{length}^{word[:length]}" for length in (2, 3)),
        *(f"{length}${word[-length:]}" for length in (2, 3)),
    ]  # fmt: skip
    numbers = {step: around[at + step] for step in (-1, 0, 1) if _DIGIT.search(around[at + step])}
    digits = [f"digits{step}={_DIGIT.sub('0', number)}" for step, number in numbers.items()]
    return features + digits


def role_features(words: Sequence[str], looking: Sequence[Span], n: int, before: Sequence[str]) -> list[str]:
    """Give what tells the kind of span ``n``.

    That is its words, the words around with other spans as their looks, and the kinds before it.
    """
    span = looking[n]
    sentence: list[str] = []
    end = place = 0
    for other in looking:
        sentence += words[end : other.start]
        if other is span:
            place = len(sentence)
        sentence.append("@" if other is span else f"__{other.kind}__")
        end = other.end
    sentence += words[end:]
    edge = ["<"] * _EDGE
    around = [*edge, *sentence, *edge]
    at = place + _EDGE
    steps = [*range(-_EDGE, 0), *range(1, _EDGE + 1)]
    left, right = sentence[:place], sentence[place + 1 :]
    last = [*edge, *before][-2:]
    return [
        "bias", f"words={' '.join(words[span.start : span.end])}", f"first={words[span.start]}",
        f"last={words[span.end - 1]}",
        *(f"{step}={around[at + step]}" for step in steps),
        f"-2:-1={around[at - 2]}|{around[at - 1]}", f"1:2={around[at + 1]}|{around[at + 2]}",
        f"-1:1={around[at - 1]}|{around[at + 1]}",
        f"-3:-1={'|'.join(around[at - 3 : at])}", f"1:3={'|'.join(around[at + 1 : at + 4])}",
        *(f"left={word}" for word in left), *(f"right={word}" for word in right),
        *(f"near left={word}" for word in left[-6:]), *(f"near right={word}" for word in right[:6]),
        f"before={last[-1]}", f"two before={last[0]}|{last[1]}", *(f"had={kind}" for kind in set(before)),
        f"next={looking[n + 1].kind if n + 1 < len(looking) else '>'}",
        f"same before={sum(other.kind == span.kind for other in looking[:n])}",
        f"same after={sum(other.kind == span.kind for other in looking[n + 1 :])}",
    ]  # fmt: skip


def _labels(length: int, spans: Iterable[Span]) -> list[str]:
    labels = ["O"] * length
    for span in spans:
        labels[span.start : span.end] = [f"B-{span.kind}", *[f"I-{span.kind}"] * (span.end - span.start - 1)]
    return labels


def _spans(labels: Sequence[str]) -> list[Span]:
    spans: list[Span] = []
    for place, label in enumerate(labels):
        if label == "O":
            continue
        goes_on = label.startswith("I-") and spans and spans[-1].end == place and spans[-1].kind == label[2:]
        start = spans.pop().start if goes_on else place
        spans.append(Span(start, place + 1, label[2:]))
    return spans


def overlap_free(spans: Iterable[Span]) -> list[Span]:
    """Order spans and leave out each that begins before the one before it ends."""
    kept: list[Span] = []
    for span in sorted(spans):
        if span.start < span.end and (not kept or kept[-1].end <= span.start):
            kept.append(span)
    return kept
