"""Actions: from a Reading, and what the conversation remembers, to an Answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from actions import dossiers, people, post, privacy, procedures, small_talk, topics
from actions.answer import Answer, Choice
from actions.dossier_talk import meant_of_dossier
from actions.finding import best_score, mentions_procedure, named_codes
from actions.life_events import tells_life_event
from actions.moving import find_code, wants_to_move
from actions.payloads import payload, read_payload
from actions.places import tell_place
from actions.request import BARE, Memory, Request
from actions.telling_apart import narrowed, none_of_these
from actions.wording import button, say
from nlu.reading import FALLBACK, Reading

Action = Callable[[Request], Answer]

ACTIONS: dict[str, Action] = {
    "ask_procedure": procedures.ask_procedure,
    "ask_documents": procedures.ask_documents,
    "ask_steps": procedures.ask_steps,
    "ask_fee": procedures.ask_fee,
    "ask_time_limit": procedures.ask_time_limit,
    "ask_where": procedures.ask_where,
    "ask_conditions": procedures.ask_conditions,
    "ask_legal_basis": procedures.ask_legal_basis,
    "ask_result": procedures.ask_result,
    "ask_form": procedures.ask_form,
    "ask_online_filing": procedures.ask_online_filing,
    "ask_service_level": topics.ask_service_level,
    "ask_portal_account": topics.ask_portal_account,
    "ask_online_payment": topics.ask_online_payment,
    "report_portal_problem": topics.report_portal_problem,
    "ask_covid_rule": topics.ask_covid_rule,
    "ask_postal_filing": post.ask_postal_filing,
    "ask_postal_return": post.ask_postal_return,
    "ask_postal_fee": post.ask_postal_fee,
    "track_dossier": dossiers.track_dossier,
    "ask_dossier_status": topics.ask_dossier_status,
    "follow_dossier": dossiers.follow_dossier,
    "unfollow_dossier": dossiers.unfollow_dossier,
    "ask_contact": people.ask_contact,
    "ask_human": people.ask_human,
    "complain": people.complain,
    "greet": small_talk.greet,
    "thank": small_talk.thank,
    "goodbye": small_talk.goodbye,
    "affirm": small_talk.affirm,
    "deny": small_talk.deny,
    "ask_bot": small_talk.ask_bot,
    "ask_help": small_talk.ask_help,
    "cancel": small_talk.cancel,
    "delete_my_data": privacy.delete_my_data,
    "out_of_scope": small_talk.out_of_scope,
}
INTENTS = frozenset(ACTIONS)
NO_WORDS = "no_words"  # a message without a letter or digit, which is not for the NLU

_ABOUT_A_PROCEDURE = frozenset(
    intent for intent, action in ACTIONS.items() if action.__module__ == procedures.__name__
)
_MOST_GUESSES = 3
_WORTH_GUESSING = 0.05
_LIKELY = 0.3
_SURELY_KNOWN = 0.95  # a score from which a procedure is meant although the sentence seems out of scope


def answer(request: Request) -> tuple[Answer, Memory]:
    """Answer one Reading, by its intent's action or by asking what was meant; say what to remember.

    The second time in a row that nothing can be answered, or when nothing is found, the question is
    recorded for staff and the hotline offered.
    """
    request = replace(request, reading=_as_reply(request))
    given = _answer(request)
    also = request.reading.also or (
        request.memory.also if request.reading.intent == request.memory.asked else None
    )
    if also in ACTIONS and given.status == "answered":
        second = _answer_also(request, also, given.procedure)
        given = _and(_not_offering(given, also), _not_offering(second, request.reading.intent))
    if given.status == "answered" and (given.procedure or given.topic) and given.dossier is None:
        given = replace(given, choices=(*given.choices, people.useless_choice()))
    return given, _remember(request, given, also)


def _answer_also(request: Request, also: str, procedure: str | None) -> Answer:
    """Answer the second question of a message, about the procedure of the first."""
    memory = replace(request.memory, procedure=procedure or request.memory.procedure)
    return ACTIONS[also](
        replace(request, reading=replace(request.reading, intent=also, also=None), memory=memory)
    )


def _not_offering(given: Answer, intent: str) -> Answer:
    """Leave out the button for what the same message is told already."""
    choices = tuple(choice for choice in given.choices if choice.payload.partition("?")[0] != intent)
    return replace(given, choices=choices)


def _and(first: Answer, second: Answer) -> Answer:
    """Put two answers into one; a second that neither answers nor asks for a choice is left out."""
    if second.status not in ("answered", "handed_over", "asked_back"):
        return first
    choices = second.choices if second.status == "asked_back" else first.choices
    told = tuple(block for block in second.blocks if block not in first.blocks)
    joined = first.with_more(*told, sources=second.sources)
    return replace(
        joined,
        choices=choices,
        procedure=first.procedure or second.procedure,
        topic=first.topic or second.topic,
    )


def _answer(request: Request) -> Answer:
    if request.reading.intent == NO_WORDS:
        return small_talk.no_words(request)
    if people.tells_emergency(request.reading.text):
        return people.help_at_once(request)
    given = ACTIONS.get(request.reading.intent, unclear)(request)
    if _failed(request, given) and request.memory.failures:
        return people.hand_over(request, "people.twice", "not_understood")
    if given.status == "not_found" and request.reading.intent != "track_dossier":
        request.citizen.leave_question("nothing found")
        return given.with_more(*people.contact_blocks(request), sources=people.contact_sources(request))
    return given


def _remember(request: Request, given: Answer, also: str | None) -> Memory:
    reading, memory = request.reading, request.memory
    if reading.intent == "cancel" and not reading.first("announcements"):
        return Memory()
    failed = _failed(request, given)
    asked_back = given.status == "asked_back" and reading.intent in ACTIONS
    no_success = failed or reading.intent == "deny"  # a no to what we offered
    is_about_dossier = given.dossier is not None and given.procedure is None
    memory = replace(memory, procedure=None) if is_about_dossier else memory
    return Memory(
        procedure=given.procedure or memory.procedure,
        asked=reading.intent if asked_back else None,
        also=also if asked_back else None,
        choices=given.choices,
        failures=memory.failures + failed if no_success else 0,
        dossier=given.dossier or memory.dossier,
        leaves=given.leaves,
        **_proof(request, given),
    )


def _proof(request: Request, given: Answer) -> dict[str, Any]:
    """Say which dossiers are proven and for which proof is awaited: one other question is let in between."""
    memory, is_other = request.memory, given.dossier is None
    is_same = is_other or given.dossier in (memory.dossier, *memory.proven)
    proven = given.proven or (memory.proven if is_same else ())
    if given.status == "asked_back" and given.dossier:
        return {"proven": proven, "proof_for": given.dossier, "proof_intent": request.reading.intent}
    if memory.is_proof_asked and given.dossier in (None, memory.proof_for) and not given.proven:
        return {"proven": proven, "proof_for": memory.proof_for, "proof_intent": memory.proof_intent}
    return {"proven": proven}


def _failed(request: Request, given: Answer) -> bool:
    """Tell whether the turn was not understood: asked back without anything to choose from."""
    unclear_turn = request.reading.intent not in ACTIONS and request.reading.intent != NO_WORDS
    nothing_named = request.reading.intent in _ABOUT_A_PROCEDURE and not given.choices
    return given.status == "asked_back" and (unclear_turn or nothing_named)


def unclear(request: Request) -> Answer:
    """Ask what was meant, offering likely meanings."""
    if told := tell_place(request):
        return told
    guesses = [
        intent
        for intent, confidence in request.reading.alternatives
        if confidence >= _WORTH_GUESSING and intent not in BARE
    ]
    choices = tuple(_guess(request, intent) for intent in guesses[:_MOST_GUESSES])
    if not choices:
        return Answer("asked_back", (say("talk.unclear_bare"),))
    about = request.memory.procedure if _ABOUT_A_PROCEDURE & set(guesses) else None
    return Answer("asked_back", (say("talk.unclear"),), (*choices, none_of_these()), procedure=about)


def _guess(request: Request, intent: str) -> Choice:
    remembered = request.memory.procedure
    if intent in _ABOUT_A_PROCEDURE and remembered:
        return Choice(button(intent), payload(intent, procedure=remembered))
    return Choice(button(intent), payload(intent))


def _as_reply(request: Request) -> Reading:
    """Read a bare procedure name as the reply to what was asked, or as a wish to hear of it."""
    reading, memory, library = request.reading, request.memory, request.library
    if not reading.is_press and find_code(reading.text):
        return replace(reading, intent="ask_help")
    if not reading.is_press and wants_to_move(reading.text):
        return read_payload(payload("ask_help", move="ask"), INTENTS)
    if memory.leaves and not reading.is_press and reading.intent != "cancel":
        return replace(reading, intent="ask_human")
    if meant := narrowed(request):
        return meant
    if memory.asked == "delete_my_data" and reading.intent in BARE:
        return replace(reading, intent="delete_my_data")
    if meant := meant_of_dossier(request):
        return meant
    if reading.intent == "ask_covid_rule" and memory.procedure and not topics.names_topic(request):
        return replace(reading, intent=FALLBACK)  # «trễ có bị phạt không» is about what is being talked of
    if reading.intent == "ask_online_filing" and reading.first("channel") == "postal":
        return replace(reading, intent="ask_postal_filing")
    if reading.intent != "cancel" and reading.intent in BARE and library.is_not_covered(reading.text):
        return replace(reading, intent="ask_procedure")
    if reading.intent in BARE - {"cancel", "out_of_scope"} and tells_life_event(request):
        return replace(reading, intent="ask_procedure")
    if reading.intent not in BARE or not mentions_procedure(request):
        return reading
    if named_codes(request):
        return replace(
            reading, intent=memory.asked if memory.asked in _ABOUT_A_PROCEDURE else "ask_procedure"
        )
    if memory.asked in _ABOUT_A_PROCEDURE:
        return replace(reading, intent=memory.asked)
    if reading.intent == "out_of_scope" and best_score(request) < _SURELY_KNOWN:
        return reading
    return replace(reading, intent=_asked_of_it(reading))


def _asked_of_it(reading: Reading) -> str:
    """Give what an unclear sentence that names a procedure most likely asks of it."""
    likely = (
        intent
        for intent, confidence in reading.alternatives
        if intent in _ABOUT_A_PROCEDURE and confidence >= _LIKELY
    )
    is_guess = reading.is_unclear or reading.intent == "out_of_scope"
    return next(likely, "ask_procedure") if is_guess else "ask_procedure"


__all__ = ["ACTIONS", "INTENTS", "NO_WORDS", "answer", "unclear"]
