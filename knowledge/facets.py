"""Facets: facts by which near procedures differ, read off the records' own names and levels."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field, model_validator

from knowledge.portal_records import plain_name
from knowledge.records import Level, Procedure, Record, Slug, Text
from knowledge.search import fold, folded_words, words

FEWEST_SHARED = 4  # words with which names have to begin alike to be told apart by their ends
_ALIKE = 0.6  # the share of two names' words that is the same when they are about one thing
_LITTLE = frozenset(
    "và của cho trong tại đối với về theo từ các những thủ tục cấp đăng ký thực hiện người".split()
)


class FacetValue(Record):
    """One answer to a facet's question: by which words of a name, or levels, a procedure has it."""

    title: Annotated[Text, Field(max_length=40)]
    names: tuple[Text, ...] = ()
    levels: tuple[Level, ...] = ()
    said: Annotated[tuple[Text, ...], Field(min_length=1)]

    @property
    def is_default(self) -> bool:
        """Whether it holds when no other value is told."""
        return not (self.names or self.levels)

    def is_told_by(self, procedure: Procedure) -> bool:
        """Tell whether a procedure's name or only level tells this value."""
        name = plain_name(procedure.name).casefold()
        by_name = any(re.search(rf"(?<!\w){said.removeprefix('^')}(?!\w)", name) if not said.startswith("^")
                      else name.startswith(said[1:]) for said in self.names)  # fmt: skip
        return by_name or procedure.levels == self.levels


class Facet(Record):
    """A fact that tells near procedures apart, and the question for it."""

    id: Slug
    question: Text
    values: Annotated[tuple[FacetValue, ...], Field(min_length=2)]

    @model_validator(mode="after")
    def _has_one_default_at_most(self) -> Facet:
        if sum(value.is_default for value in self.values) > 1:
            raise ValueError(
                "values: two have neither names nor levels; only one may hold without being told"
            )
        return self

    def value_of(self, procedure: Procedure) -> FacetValue | None:
        """Give the value that a procedure has; None when its record does not tell."""
        told = [value for value in self.values if not value.is_default and value.is_told_by(procedure)]
        return told[0] if told else next((value for value in self.values if value.is_default), None)

    def split(self, procedures: Sequence[Procedure]) -> dict[FacetValue, list[Procedure]]:
        """Part procedures by their value; nothing unless each has one and they differ."""
        groups: dict[FacetValue, list[Procedure]] = {}
        for procedure in procedures:
            value = self.value_of(procedure)
            if value is None:
                return {}
            groups.setdefault(value, []).append(procedure)
        ordered = {value: groups[value] for value in self.values if value in groups}
        return ordered if len(ordered) > 1 else {}


def best_split(
    facets: Sequence[Facet], procedures: Sequence[Procedure]
) -> tuple[Facet, dict[FacetValue, list[Procedure]]] | None:
    """Find the facet that leaves the fewest behind its fullest value; None unless all are about one thing."""
    if not all(_is_same_thing(procedures[0], other, facets) for other in procedures[1:]):
        return None
    told = [(facet, groups) for facet in facets if (groups := facet.split(procedures))]
    return min(told, key=lambda split: max(map(len, split[1].values())), default=None)


def differing_ends(procedures: Sequence[Procedure]) -> tuple[str, dict[str, Procedure]] | None:
    """Give what the names begin with alike, and how each goes on; None when they share too little."""
    names = [plain_name(procedure.name).split() for procedure in procedures]
    shared = min(_shared(names[0], name) for name in names)
    if shared < FEWEST_SHARED:
        return None
    ends = {" ".join(name[shared:]): one for name, one in zip(names, procedures, strict=True)}
    start = " ".join(names[0][:shared]).rstrip(",;.")
    return (start, ends) if len(ends) == len(names) else None


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    """Count the words that two names begin with alike; each goes on by one word at least."""
    same = 0
    while same + 1 < min(len(one), len(other)) and _word(one[same]) == _word(other[same]):
        same += 1
    return same


def _word(written: str) -> str:
    return fold(written).strip(",;.")


def are_twins(one: Procedure, other: Procedure, facets: Sequence[Facet]) -> bool:
    """Tell whether two names speak of one thing, apart from what facets tell, or begin alike."""
    names = [plain_name(procedure.name).split() for procedure in (one, other)]
    return _is_same_thing(one, other, facets) or _shared(*names) >= FEWEST_SHARED


def _is_same_thing(one: Procedure, other: Procedure, facets: Sequence[Facet]) -> bool:
    first, second = _thing(one, facets), _thing(other, facets)
    return len(first & second) >= _ALIKE * len(first | second)


def says_more(one: Procedure, other: Procedure) -> frozenset[str]:
    """Give the words that one's name says beyond the other's."""
    return _telling(one.name) - _telling(other.name)


def is_said(told: frozenset[str], text: str) -> bool:
    """Tell whether a text says any of these words; accents count when the text has them ("có" is no "cổ")."""
    spoken = words(text)
    if all(word.isascii() for word in spoken):
        return bool({fold(word) for word in told}.intersection(spoken))
    return bool(told.intersection(spoken))


def _telling(name: str) -> frozenset[str]:
    return frozenset(words(plain_name(name))) - _LITTLE


def _thing(procedure: Procedure, facets: Sequence[Facet]) -> frozenset[str]:
    name = plain_name(procedure.name).casefold()
    for facet in facets:
        for value in facet.values:
            for said in value.names:
                name = name.replace(said.removeprefix("^"), " ")
    return _telling(name)


def said_value(facet: Facet, values: Mapping[FacetValue, object], text: str) -> FacetValue | None:
    """Find the one value, of those offered, that a text says."""
    spoken = f" {folded_words(text)} "
    told = [value for value in facet.values if value in values
            and any(f" {folded_words(said)} " in spoken for said in value.said)]  # fmt: skip
    return told[0] if len(told) == 1 else None
