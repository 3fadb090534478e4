"""Telling near procedures apart: one short question for the fact by which they differ, else their names."""

from __future__ import annotations

from collections.abc import Sequence

from actions.answer import Answer, Choice
from actions.payloads import MOST_CODES, payload
from actions.request import Request
from actions.wording import say
from knowledge.facets import best_split, differing_ends, said_value
from knowledge.records import LONGEST_TITLE
from knowledge.search import procedure_codes
from nlu.reading import Entity, Reading

MOST_CHOICES = 4  # beside the way out
MOST_WORDS = 12  # of a typed reply; a longer text is a question of its own


def ask_between(request: Request, intent: str, codes: Sequence[str]) -> Answer:
    """Ask which of these procedures is meant."""
    known = request.catalogue.procedures
    procedures = [known[code] for code in codes if code in known]
    if split := best_split(request.catalogue.facets, procedures):
        facet, groups = split
        told = [(value.title, [one.code for one in group]) for value, group in groups.items()]
        return _ask(intent, facet.question, told)
    if 1 < len(procedures) <= MOST_CHOICES and (differing := differing_ends(procedures)):
        start, ends = differing
        told = [(f"{end[0].upper()}{end[1:]}", [one.code]) for end, one in ends.items()]
        if all(len(end) <= LONGEST_TITLE for end, _ in told):
            return _ask(intent, say("procedure.which_end", start=start), told)
    return offer(request, intent, codes)


def _ask(intent: str, question: str, told: Sequence[tuple[str, list[str]]]) -> Answer:
    choices = tuple(
        Choice(title, payload(intent, procedure=" ".join(codes[:MOST_CODES]))) for title, codes in told
    )
    return Answer("asked_back", (question,), (*choices, none_of_these()))


def offer(request: Request, intent: str, codes: Sequence[str]) -> Answer:
    """Offer procedures by name."""
    known = request.catalogue.procedures
    choices = tuple(
        Choice(known[code].title, payload(intent, procedure=code))
        for code in codes[:MOST_CHOICES]
        if code in known
    )
    question = "procedure.which_of" if len(choices) > 1 else "procedure.which_one"
    return Answer("asked_back", (say(question),), (*choices, none_of_these()))


def none_of_these() -> Choice:
    """Offer a way out of choices that all miss."""
    return Choice(say("talk.none_of_these"), payload("deny"))


def narrowed(request: Request) -> Reading | None:
    """Read a typed reply to the question for a fact ("chồng em người Hàn") as the choice it means."""
    memory, reading = request.memory, request.reading
    codes = [code for choice in memory.choices for code in procedure_codes(choice.payload)]
    if memory.asked is None or len(codes) < 2 or len(reading.text.split()) > MOST_WORDS:
        return None
    known = request.catalogue.procedures
    split = best_split(request.catalogue.facets, [known[code] for code in codes if code in known])
    value = said_value(split[0], split[1], reading.text) if split else None
    if split is None or value is None:
        return None
    meant = " ".join(one.code for one in split[1][value][:MOST_CODES])
    return Reading(reading.text, memory.asked, 1.0, (Entity("procedure", meant, meant),))
