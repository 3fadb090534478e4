"""Ranking procedures for a question: by names, texts and typical questions.

The order is a weighed sum of five signs, each in 0..1; a hit's ``score``, by which a match may be asserted,
is the better of what its names and its typical questions give. Measurements: docs/decisions/010 and 011.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from knowledge.portal_records import plain_name
from knowledge.search import (
    CLEAR,
    FAINT,
    NEAR,
    SAID,
    Hit,
    NameIndex,
    SearchWords,
    fold,
    folded_words,
    is_clear,
    words,
)
from knowledge.text_index import TextScores, index_texts, open_text_index
from knowledge.typical_questions import OTHERS, Asked, open_typical_questions, terms_of

# What of the order each sign makes, tuned on half of the development questions.
TEXT, TITLE, COVERAGE, NAME, QUESTION = 2.0, 0.3, 0.14, 0.5, 2.0
_OF_ANY = 0.3  # what a question that may be asked of any procedure counts beside a typical one
_SURE_ENOUGH = 0.15  # of typical questions: the surest of a question counts whole from here on
_LOOKED_AT = 25  # best candidates among which twins are put in order
_EXACT = 0.99  # the score of a name that is said word for word
_QUOTED = 6  # words of a title that is taken to be quoted
_LEADS = 10.0  # what puts the name that is clearly said before all others
_NO_RIVAL = 0.8  # of its score, what a twin that adds something unsaid may have
_TWIN = 0.94  # a twin that adds something unsaid stands behind one with this share of its weight
_MOST_ADDED = 5  # words that a twin's name may add; what adds more is another thing
_ADDED = 0.5  # the share of what a twin adds that has to be said
_VARIANT = re.compile(r"\b(?:tai |o |thuc hien tai |thuc hien o )?cap (?:tinh|xa|huyen|trung uong)\b")
_USUAL = re.compile(r"\btrong nước\b", re.IGNORECASE)  # what a name says although it goes without saying
_LITTLE = frozenset(
    "và của cho trong tại đối với về theo từ đến là các những việc thủ tục hoặc được bị ở để".split()
)
_COMMON = frozenset("người giấy tờ hồ sơ việc cấp đăng ký".split())  # too common to tell twins apart


@dataclass(frozen=True)
class Named:
    """A thing to be found: its own name, and what else it is called."""

    name: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Sources:
    """What takes long to read: texts, which are the same for the same stamp, and typical questions."""

    texts: Callable[[], Iterable[tuple[str, str]]]
    stamp: str
    asked: Mapping[str, list[Asked]]
    cache: Path | None


class Ranking:
    """Finds things by questions in words; the index of their texts is kept in ``cache``."""

    def __init__(
        self,
        named: Mapping[str, Named],
        texts: Callable[[], Iterable[tuple[str, str]]],
        stamp: str,
        search_words: SearchWords,
        cache: Path | None = None,
        questions: Mapping[str, Sequence[str]] | None = None,
        *,
        at_once: bool = False,
    ) -> None:
        """Take names, texts (indexed anew when ``stamp`` changes), and typical questions, of procedures.

        ``at_once``: do with what was learned from older questions until ``learn`` is called.
        """
        self.keys = list(named)
        self._place = {key: place for place, key in enumerate(self.keys)}
        self._meanings = [
            (re.compile(rf"\b(?:{'|'.join(map(fold, said))})\b"), fold(meant))
            for meant, said in search_words.meanings.items()
        ]
        self._quiet = frozenset(map(fold, search_words.question_words))
        self._names = NameIndex({key: (one.name, *one.aliases) for key, one in named.items()}, search_words)
        titles = [_title(one.name) for one in named.values()]
        self._whole = titles
        self.groups = self._group(titles)
        bare = [_title(_plain(one.name)) for one in named.values()]
        self._content = [self._content_of(one.name, _LITTLE) for one in named.values()]
        not_telling = _LITTLE | _COMMON | search_words.question_words
        self._telling = [self._content_of(one.name, not_telling) for one in named.values()]
        self._holders = self._invert(self._content)
        self._lengths = np.array([max(len(content), 1) for content in self._content])
        self._titles = TextScores(index_texts(bare, k1=0.5, b=0.5), self.keys, self.keys)
        asked = self._asked(named, questions or {}, search_words)
        self._last = _Sources(texts, stamp, asked, cache)
        self._sources: _Sources | None = self._last
        self._read(self._sources, or_older=at_once)
        if not at_once:
            self._sources = None

    def put_off(self, texts: Callable[[], Iterable[tuple[str, str]]], stamp: str) -> None:
        """Go on with what was read, until ``learn`` is called, although the texts are others by now."""
        self._sources = replace(self._last, texts=texts, stamp=stamp)

    @property
    def has_to_learn(self) -> bool:
        """Whether reading the present texts and questions was put off."""
        return self._sources is not None

    def learn(self) -> None:
        """Read the present texts and questions, if that was put off."""
        if sources := self._sources:
            self._read(sources, or_older=False)
            if self._sources is sources:  # else they changed again meanwhile
                self._sources = None

    def _read(self, sources: _Sources, *, or_older: bool) -> None:
        self._texts = TextScores(
            *open_text_index(sources.texts, self.keys, sources.stamp, sources.cache, or_older=or_older),
            self.keys,
        )
        self._typical = open_typical_questions(sources.asked, sources.cache, or_older=or_older)

    def _asked(
        self, named: Mapping[str, Named], questions: Mapping[str, Sequence[str]], search_words: SearchWords
    ) -> dict[str, list[Asked]]:
        """Give what typical questions teach, whether or not their procedure is there: so it is learned once.

        The first of a procedure's questions is its name.
        """
        asked: dict[str, list[Asked]] = {}
        for key, said in questions.items():
            if key == OTHERS:
                continue
            names = [said[0], *(named[key].aliases if key in named else ())]
            of_any = _asked_of(names, search_words.asked_of_any)
            asked[key] = [
                *((self._names.spell_out(text), 1.0) for text in (*said, *names)),
                *((self._names.spell_out(text), _OF_ANY) for text in of_any),
            ]
        others = (*search_words.not_covered, *questions.get(OTHERS, ()))
        asked[OTHERS] = [(self._names.spell_out(text), 1.0) for text in others]
        return asked

    @staticmethod
    def _content_of(name: str, left_out: frozenset[str]) -> frozenset[str]:
        """Give the folded words of a name but for some, which are told by their accents: "hộ" is no "hồ"."""
        usual = folded_words(_plain(name)).split()
        said = zip(words(_plain(name)), usual, strict=True)
        return frozenset(folded for word, folded in said if word not in left_out)

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

    def rank(self, question: str, limit: int = 10) -> list[Hit[str]]:
        """Rank what the question may mean, best first; of variants only the best, which names the others."""
        named = {hit.key: hit.score for hit in self._names.search(question, limit=400)}
        said = self._spell_out(question)
        typical = self._typical_scores(question, said, named)
        is_exact = max(named.values(), default=0.0) >= _EXACT
        quoted = self._quoted(question, named)
        for key, score in typical.items():
            if score >= FAINT:
                named[key] = max(score, named.get(key, 0.0))
        if quoted:
            named = {key: min(score, _NO_RIVAL) for key, score in named.items()} | {quoted: 1.0}
        by_name = sorted((Hit(key, score) for key, score in named.items()), key=lambda hit: -hit.score)
        order = self._weigh(said, named)
        surest = max(typical.values(), default=0.0)
        for key, score in typical.items():
            order[self._place[key]] += QUESTION * score / max(surest, _SURE_ENOUGH)
        looked_at = _best(order)
        if is_clear(by_name) or (by_name and by_name[0].score >= SAID):
            leader = self._place[by_name[0].key]
            twins = [self._adds(int(place), leader) for place in looked_at]
            meant = any(added and _says(said, added) for added in twins)
            if not meant or is_exact:
                order[leader] += _LEADS
                looked_at = np.union1d(looked_at, [leader])
        best = self._twins_in_order(looked_at, order, said, named)
        groups: dict[int, list[Hit[str]]] = {}
        for place in best:
            if order[place] > 0:
                hit = Hit(self.keys[place], named.get(self.keys[place], 0.0))
                groups.setdefault(self.groups[place], []).append(hit)
        return [_together(hits) for hits in groups.values()][:limit]

    def _typical_scores(self, question: str, said: list[str], named: Iterable[str]) -> dict[str, float]:
        """Score procedures by typical questions; a twin without any has those of the plain one it adds to.

        That is so only for names that the question comes near to, and where what a name adds (abroad, mobile)
        is said; the plain one then gives way.
        """
        told = self._typical.scores(self._names.spell_out(question))
        scores = {key: score for key, score in told.items() if key in self._place}
        strange = [self._place[key] for key in named if key not in scores]
        for key, score in [(key, score) for key, score in scores.items() if score >= FAINT]:
            plain = self._place[key]
            for twin in strange:
                added = self._adds(twin, plain)
                if (
                    0 < len(added) <= _MOST_ADDED
                    and _says(said, added)
                    and not self._are_variants(twin, plain)
                ):
                    scores[self.keys[twin]] = max(score, scores.get(self.keys[twin], 0.0))
                    scores[key] = score * _NO_RIVAL
        return scores

    def _are_variants(self, one: int, other: int) -> bool:
        return self.groups[one] == self.groups[other]

    def _spell_out(self, question: str) -> list[str]:
        """Fold the question, and add what its phrases mean in the catalogue's words."""
        said = folded_words(question)
        meant = [meaning for phrase, meaning in self._meanings if phrase.search(said)]
        return " ".join((said, *meant)).split()

    def _weigh(self, said: list[str], named: Mapping[str, float]) -> np.ndarray:
        telling = [word for word in said if word not in self._quiet]
        order = TEXT * self._texts.share(terms_of(said)).astype(np.float64)
        order += TITLE * self._titles.share(terms_of(telling if len(telling) > 1 else said))
        covered = np.zeros(len(self.keys))
        for word in set(said) & self._holders.keys():
            covered[self._holders[word]] += 1
        order += COVERAGE * covered / self._lengths
        for key, score in named.items():
            order[self._place[key]] += NAME * score
        return order

    def _quoted(self, question: str, named: Iterable[str]) -> str | None:
        """Find the procedure whose whole title stands in the question, the longest if several do."""
        said = f" {folded_words(question)} "
        whole = [key for key in named if f" {self._whole[self._place[key]]} " in said]
        longest = max(whole, key=lambda key: len(self._whole[self._place[key]]), default=None)
        is_telling = longest and len(self._whole[self._place[longest]].split()) >= _QUOTED
        return longest if is_telling else None

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


def _asked_of(names: list[str], of_any: tuple[str, ...]) -> list[str]:
    """Give questions that may be asked of any procedure, about this one: so their words tell nothing."""
    turns = max(len(of_any), len(names)) if of_any else 0
    first = len(names[0])  # so that not every procedure begins with the same one
    return [of_any[(turn + first) % len(of_any)].format(names[turn % len(names)]) for turn in range(turns)]


def _says(said: Iterable[str], added: frozenset[str]) -> bool:
    return len(added.intersection(said)) >= len(added) * _ADDED


def _together(hits: list[Hit[str]]) -> Hit[str]:
    """Make one hit of variants: the one whose name fits best, with those that fit about as well."""
    first, *others = sorted(hits, key=lambda hit: -hit.score)
    near = tuple(hit.key for hit in others if hit.score >= first.score * NEAR)
    return replace(first, variants=near)


def _best(order: np.ndarray) -> np.ndarray:
    """Give the places of the best, best first; equal ones in their own order."""
    some = np.arange(len(order))
    for share in (0.5, 0.25):  # most lie far below the best: sort only those that do not
        near = np.flatnonzero(order > share * order.max(initial=0.0))
        if len(near) >= _LOOKED_AT:
            some = near
            break
    return some[np.argsort(-order[some], kind="stable")][:_LOOKED_AT]


def _title(name: str) -> str:
    return folded_words(plain_name(name))


def _plain(name: str) -> str:
    return _USUAL.sub(" ", name)
