"""Asking for the code of a dossier and for what proves it, and reading both from what was said."""

from __future__ import annotations

import re

from actions.answer import Answer
from actions.dossier_facts import Fact, as_fact, fact_said
from actions.dossier_talk import has_part_of_code, says_no_code
from actions.dossier_telling import look_up_page
from actions.request import DOSSIER_QUESTIONS, Request
from actions.wording import say
from knowledge.dossier_codes import example_code, find_codes, find_factor, find_proofs, has_near_code
from knowledge.dossiers import Wanted
from knowledge.search import folded_words

CODES_TOPIC = "nop-roi-khong-thay"  # where who filed online finds the code
_ASKS = re.compile(r"\b(?:khong|ko|k|hong|chua)(?: (?:a|nhi|vay|the|ban|em|ad))?$")
_SAYS_CODE = re.compile(r"\bma\b")


def codes_said(request: Request) -> list[str]:
    """Give the codes in the text or on the button."""
    return find_codes(request.reading.text)


def factor_said(request: Request) -> str | None:
    """Give the last four characters that were sent; more freely read when they were asked for."""
    return find_factor(request.reading.text, is_asked=request.memory.is_proof_asked)


def proofs_said(request: Request, codes: list[str]) -> dict[str, str]:
    """Give what is to prove each code: of a single one whatever is said, of several what follows each."""
    if len(codes) > 1:
        return find_proofs(request.reading.text)
    factor = factor_said(request)
    return {codes[0]: factor} if factor else {}


def fact_asked(request: Request) -> Fact | None:
    """Give the fact that is asked of a dossier."""
    return as_fact(request.reading.first("fact")) or fact_said(request.reading.text)


def asks_fact(request: Request) -> bool:
    """Tell whether something is asked of the dossier being talked of."""
    asks = request.reading.first("fact") is not None or fact_said(request.reading.text) is not None
    return asks and not says_no_code(request)


def is_theirs(request: Request, code: str) -> bool:
    """Tell whether the dossier was proven to be the citizen's, in this conversation or when following it."""
    return code in request.memory.proven or code in request.citizen.followed_dossiers()


def wanted(request: Request, code: str, factor: str | None) -> Wanted:
    """Say what to look up, and what proves it."""
    theirs = is_theirs(request, code)
    return Wanted(code, None if theirs else factor, is_known_theirs=theirs)


def ask_code(request: Request) -> Answer:
    """Ask for the whole code, saying what was wrong with what came; with sympathy for who waits too long."""
    example = example_code(request.province.unit_code)
    text = request.reading.text
    is_asked = request.memory.asked in DOSSIER_QUESTIONS
    says_digits = _SAYS_CODE.search(folded_words(text)) and find_factor(text, is_asked=True)
    if says_digits or (is_asked and has_part_of_code(request.reading)):
        return Answer("asked_back", (say("dossier.part_of_code", example=example),))
    if has_near_code(text):
        return Answer("asked_back", (say("dossier.near_code", example=example),))
    is_late = fact_asked(request) in ("late", "why") and not _ASKS.search(folded_words(text))
    sorry = (say("dossier.sorry"),) if is_late else ()
    return Answer("asked_back", (*sorry, say("dossier.ask_code", example=example)))


def tell_where_codes_stand(request: Request) -> Answer:
    """Tell who has no code where it stands, that only codes are searched by, and what a code alone shows."""
    topic = request.catalogue.topics.get(CODES_TOPIC)
    rules = topic.rules_on(request.today) if topic else ()
    online = [say("dossier.codes_online", text=rule.text) for rule in rules]
    blocks = (say("dossier.only_by_code"), say("dossier.where_codes_stand"), *online)
    return Answer("asked_back", blocks, sources=request.sources(*rules))


def ask_factor(code: str, sentence: str) -> Answer:
    """Ask for what proves a dossier."""
    return Answer("asked_back", (say(sentence, code=code, url=look_up_page().url),), dossier=code)
