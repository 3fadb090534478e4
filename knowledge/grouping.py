"""Grouping citizens' questions by what they mean, so that an editor sees what many ask in different words.

Questions are joined, the most alike first, as long as those of two groups are alike enough on average.
Reasons and measurements: docs/decisions/020.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import shorten

import numpy as np
from threadpoolctl import threadpool_limits

from knowledge.average_linkage import average, join
from knowledge.question_vectors import (
    QuestionWords,
    condense,
    guess_meanings,
    mark_needs,
    read_meanings,
    weigh_terms,
)
from knowledge.search import SearchWords, words

ALIKE = 0.58  # how alike two groups' questions are at least, on average, to be joined
_SAME_WORDS = 0.75  # from here on words alone make two questions one
_MEANING = 0.4  # what of the likeness is meaning; the rest is words
_OTHER_NEED = 0.4  # what asking for something else takes from the likeness
_MOST_READ = 600  # questions that the sentence model reads, 15 to 30 ms each
_UNACCENTED = 0.1  # what a question without accents is less typical
_LONGEST_LABEL = 120  # letters


@dataclass(frozen=True)
class Group:
    """Questions that mean the same: their label, and their places in the given texts, most typical first."""

    label: str
    members: tuple[int, ...]


def group_questions(
    texts: Sequence[str],
    search_words: SearchWords,
    *,
    alike: float = ALIKE,
    most_read: int = _MOST_READ,
) -> list[Group]:
    """Group questions, the largest group first; every text is in exactly one, alone if none is like it.

    ``alike``: 0..1, the higher the smaller the groups; ``most_read``: how many the sentence model may read.
    """
    reading = QuestionWords(search_words)
    asked = _fold(texts, reading)
    said = sorted(asked.keys() - {""})
    groups = [asked[""]] if "" in asked else []
    if said:
        groups += _group([asked[one] for one in said], said, texts, reading, search_words, alike, most_read)
    found = [Group(label_of(texts[members[0]]), tuple(members)) for members in groups]
    return sorted(found, key=lambda group: (-len(group.members), group.label, texts[group.members[0]]))


def _fold(texts: Sequence[str], reading: QuestionWords) -> dict[str, list[int]]:
    """Put the places of texts that fold to the same words together, the best written first."""
    asked: dict[str, list[int]] = defaultdict(list)
    for place, text in enumerate(texts):
        asked[reading.spell_out(text)].append(place)
    for places in asked.values():
        places.sort(key=lambda place: (not _has_accents(texts[place]), texts[place], place))
    return asked


def _group(
    asked: list[list[int]],
    said: list[str],
    texts: Sequence[str],
    reading: QuestionWords,
    search_words: SearchWords,
    alike: float,
    most_read: int,
) -> list[list[int]]:
    """Group folded questions; gives the places of each group's texts, the most typical first."""
    counts = np.array([len(places) for places in asked], dtype=np.float32)
    written = [texts[places[0]] for places in asked]
    accented = np.array([_has_accents(text) for text in written])
    with threadpool_limits(1):
        terms = weigh_terms(said, reading)
        by_words = condense(terms)
        needs = mark_needs(said) * _OTHER_NEED**0.5
        near = join(np.hstack([by_words, needs]), counts, _SAME_WORDS, against=1)
        typicality = _typicality(by_words, counts, near, accented)
        read = _typical_of_largest(near, typicality, counts)[:most_read]
        meanings = read_meanings([written[one] for one in read], search_words.not_covered)
        vectors = np.hstack([
            by_words * (1 - _MEANING) ** 0.5,
            guess_meanings(terms, read, meanings) * _MEANING**0.5,
            needs,
        ])  # fmt: skip
        means, sizes = average(vectors, counts, near)
        joined = join(means, sizes, alike, against=1)[near]
        typicality = _typicality(vectors, counts, joined, accented)
    order = np.lexsort((-typicality, joined))
    groups: dict[int, list[int]] = defaultdict(list)
    for one in order:
        groups[int(joined[one])] += asked[one]
    return list(groups.values())


def _typicality(
    vectors: np.ndarray, sizes: np.ndarray, groups: np.ndarray, accented: np.ndarray
) -> np.ndarray:
    """Give how typical of its group each item is: its likeness to the mean, less when it has no accents."""
    means, _ = average(vectors, sizes, groups)
    return np.asarray((vectors * means[groups]).sum(axis=1) - _UNACCENTED * ~accented)


def _typical_of_largest(groups: np.ndarray, typicality: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Give the most typical item of each group, those of the largest groups first."""
    order = np.lexsort((-typicality, groups))
    typical = order[np.searchsorted(groups[order], np.arange(groups.max() + 1))]
    return np.asarray(typical[np.argsort(-np.bincount(groups, sizes), kind="stable")])


def _has_accents(text: str) -> bool:
    return any(not word.isascii() for word in words(text))


def label_of(text: str) -> str:
    """Write a question in one line, cut where it gets long."""
    return shorten(text, _LONGEST_LABEL, placeholder="…")
