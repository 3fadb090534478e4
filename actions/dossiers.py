"""Answers about the citizen's own dossiers: where one stands, following it, and what needs proof.

By the code alone the status, procedure, dates and next step are told. Details, and following, need the last
four characters of the phone or identity number on the dossier.
"""

from __future__ import annotations

import re
from dataclasses import replace

from actions import topics
from actions.answer import Answer, Choice
from actions.dossier_asking import (
    ask_code,
    ask_factor,
    asks_fact,
    codes_said,
    fact_asked,
    factor_said,
    is_theirs,
    proofs_said,
    tell_where_codes_stand,
    wanted,
)
from actions.dossier_talk import says_no_code
from actions.dossier_telling import (
    details_choice,
    look_up_page,
    procedure_name,
    short_status,
    tell_details,
    tell_dossier,
    unfollow_choice,
)
from actions.payloads import payload
from actions.request import Request
from actions.wording import say, sentences
from knowledge.dossier_codes import (
    example_code,
    find_codes,
    has_near_code,
    lacks_front,
)
from knowledge.dossiers import CLOSED, SUPPLEMENT, LookUp, Wanted
from knowledge.search import folded_words

MOST_AT_ONCE = 3  # codes of one message that are looked up
MOST_FOLLOWED = 20
_AN_HOUR = 3600  # seconds
_BOTH = re.compile(r"\b(?:ca|het) (?:hai|ba|2|3|may)\b")
_THIS = re.compile(r"\b(?:ho so|cai|ma) (?:nay|do|ay)\b")
_ALL = re.compile(r"\bhet\b(?! (?:han|can|thoi))|\btat ca\b|\btoan bo\b")


def track_dossier(request: Request) -> Answer:
    """Tell where each dossier stands whose code is in the text or on the button, or that is followed."""
    if _asks_for_list(request):
        return _list_followed(request)
    codes, factor = codes_said(request), factor_said(request)
    if not codes and factor and request.memory.proof_for:
        codes = [request.memory.proof_for]
    elif not codes and request.memory.dossier and asks_fact(request):
        codes = [request.memory.dossier]
    if not codes:
        return _without_code(request)
    if request.reading.first("details") and not is_theirs(request, codes[0]):
        return ask_factor(codes[0], "dossier.ask_factor")
    proofs = proofs_said(request, codes)
    found = request.citizen.look_up(
        [wanted(request, code, proofs.get(code)) for code in codes[:MOST_AT_ONCE]]
    )
    if fact_asked(request) == "paused" and not any(_awaits_papers(each) for each in found):
        return topics.ask_dossier_status(request)
    told = _join([_tell(request, each, explains=len(found) == 1) for each in found])
    if len(codes) > MOST_AT_ONCE:
        told = told.with_more(say("dossier.too_many", most=MOST_AT_ONCE))
    return told


def follow_dossier(request: Request) -> Answer:
    """Follow a dossier, when it is proven to be the citizen's; without a code, list what is followed."""
    if _asks_for_list(request):
        return _list_followed(request)
    codes = codes_said(request)
    if not codes and not has_near_code(request.reading.text) and request.memory.dossier:
        codes = _talked_of(request)
    if not codes:
        return _list_followed(request) if request.citizen.followed_dossiers() else ask_code(request)
    proofs = proofs_said(request, codes)
    ready = [code for code in codes if code in proofs or is_theirs(request, code)][:MOST_AT_ONCE]
    if ready:
        found = request.citizen.look_up([wanted(request, code, proofs.get(code)) for code in ready])
        told = _join([_follow_found(request, each) for each in found])
    else:
        ready = codes[:1]
        is_again = request.memory.proof_for == codes[0] and request.memory.is_proof_asked
        told = ask_factor(
            codes[0], "dossier.ask_factor_again" if is_again else "dossier.ask_factor_to_follow"
        )
    left = [code for code in codes if code not in ready]
    return _with_next(told, left[0]) if left else told


def unfollow_dossier(request: Request) -> Answer:
    """Stop following the named dossier, or the one that is followed; of several ask which."""
    if _asks_for_list(request):
        return _list_followed(request)
    followed = request.citizen.followed_dossiers()
    codes = codes_said(request)
    named = [code for code in codes if code in followed]
    if codes and not named:
        return Answer("answered", (say("dossier.not_followed", code=codes[0]),))
    if request.reading.first("confirmed") == "yes" or (not codes and _means_all(request)):
        named = followed
    elif not codes and _means_this(request) and request.memory.dossier in followed:
        named = [request.memory.dossier]
    if not named and len(followed) > 1:
        choices = (
            *(unfollow_choice(code, title=code) for code in followed),
            Choice(say("dossier.unfollow_all"), payload("unfollow_dossier", confirmed="yes")),
        )
        return Answer("asked_back", (say("dossier.unfollow_which"),), choices)
    forgotten = named or followed
    request.citizen.unfollow_dossiers(forgotten)
    if not forgotten:
        return Answer("answered", (say("dossier.none_followed"),))
    codes_told = ", ".join(say("dossier.code", code=code) for code in forgotten)
    return Answer("answered", (say("dossier.unfollowed", codes=codes_told),))


def _talked_of(request: Request) -> list[str]:
    """Give the dossier being talked of, or all that were just proven when «cả hai» is said."""
    says_both = _BOTH.search(folded_words(request.reading.text))
    one = [request.memory.dossier] if request.memory.dossier else []
    return list(request.memory.proven) if says_both and request.memory.proven else one


def _means_all(request: Request) -> bool:
    return _ALL.search(folded_words(request.reading.text)) is not None


def _means_this(request: Request) -> bool:
    return _THIS.search(folded_words(request.reading.text)) is not None


def _asks_for_list(request: Request) -> bool:
    text = request.reading.text.casefold()
    is_asked = any(phrase in text for phrase in sentences()["dossier.says_list"].split(" | "))
    return is_asked and not find_codes(text)


def _awaits_papers(found: LookUp) -> bool:
    return found.state is not None and found.dossier.status == SUPPLEMENT


def _without_code(request: Request) -> Answer:
    """Tell of the dossier being talked of, or of those that are followed; else ask for a code."""
    if has_near_code(request.reading.text):
        return ask_code(request)
    if request.memory.proof_for and request.memory.is_proof_asked:
        return ask_factor(request.memory.proof_for, "dossier.ask_factor_again")
    if says_no_code(request):
        return tell_where_codes_stand(request)
    if request.citizen.followed_dossiers():
        return _list_followed(request)
    if request.memory.dossier:
        (found,) = request.citizen.look_up([wanted(request, request.memory.dossier, None)])
        return _tell(request, found)
    return ask_code(request)


def _list_followed(request: Request) -> Answer:
    """Tell of a single followed dossier in full, of several in a line each."""
    codes = request.citizen.followed_dossiers()
    if not codes:
        return Answer("answered", (say("dossier.none_followed"), say("dossier.following_more")))
    found = request.citizen.look_up([Wanted(code, is_known_theirs=True) for code in codes])
    following = say("dossier.following", number=len(codes))
    if len(found) == 1:
        told = _tell(request, found[0])
        is_list = _asks_for_list(request) or request.reading.intent == "follow_dossier"
        return replace(told, blocks=(following, *told.blocks)) if is_list else told
    lines = [
        say(
            "dossier.following_line",
            code=each.code,
            procedure=procedure_name(request, each.dossier),
            status=short_status(request, each.dossier),
        )
        if each.state
        else say("dossier.following_unknown", code=each.code)
        for each in found
    ]
    choices = tuple(
        Choice(each.code, payload("track_dossier", dossier_code=each.code, details="yes")) for each in found
    )
    choices = (*choices, Choice(say("dossier.unfollow"), payload("unfollow_dossier")))
    blocks = ("\n".join((following, *lines)), say("dossier.following_more"))
    return Answer("answered", blocks, choices, sources=(look_up_page(),))


def _join(answers: list[Answer]) -> Answer:
    """Put the answers about several dossiers into one, with a choice for each; one keeps its own."""
    first, *others = answers
    if not others:
        return first
    codes = [each.dossier for each in answers if each.status == "answered" and each.dossier]
    proven = tuple(code for each in answers for code in each.proven)
    for other in others:
        once = tuple(block for block in first.blocks if block not in other.blocks)
        first = replace(first, blocks=once).with_more(*other.blocks, sources=other.sources)
    choices = (Choice(code, payload("track_dossier", dossier_code=code, details="yes")) for code in codes)
    return replace(first, choices=tuple(choices), proven=proven)


def _with_next(told: Answer, code: str) -> Answer:
    """Say which dossier of several is still to be followed."""
    follow = Choice(say("dossier.follow_code", code=code), payload("follow_dossier", dossier_code=code))
    more = told.with_more(say("dossier.follow_next", code=code))
    return replace(more, choices=(*told.choices, follow))


def _tell(request: Request, found: LookUp, *, explains: bool = True) -> Answer:
    page, fact, is_new = look_up_page(), fact_asked(request), request.memory.dossier != found.code
    match found.outcome:
        case "found":
            told = tell_dossier(request, found, fact, explains=explains and (is_new or fact is None))
            return replace(told, choices=(details_choice(found.code), *told.choices, *_follow_choice(found)))
        case "proven":
            told = tell_details(request, found, fact, explains=explains and is_new)
            followed = found.code in request.citizen.followed_dossiers()
            follow = (unfollow_choice(found.code),) if followed else _follow_choice(found)
            return replace(told, choices=(*told.choices, *follow))
        case "no_match":
            said = say("dossier.no_match", code=found.code, url=page.url)
            return Answer("asked_back", (said,), sources=(page,), dossier=found.code)
        case "throttled":
            said = say("dossier.throttled", wait=_wait(found), url=page.url)
            return Answer("refused", (said,), sources=(page,))
        case "not_found":
            said = say("dossier.not_found", code=found.code, url=page.url)
            if lacks_front(found.code):
                example = example_code(request.province.unit_code)
                said = say("dossier.front_missing", code=found.code, example=example)
            return Answer("not_found", (said,), sources=(page,))
        case "unavailable":
            said = say("dossier.unavailable", code=found.code, url=page.url)
            return Answer("unavailable", (said,), sources=(page,))


def _wait(found: LookUp) -> str:
    seconds = max(found.wait.total_seconds(), 1)
    if seconds <= _AN_HOUR:
        return say("dossier.minutes", number=int(-(-seconds // 60)))
    return say("dossier.hours", number=int(-(-seconds // _AN_HOUR)))


def _follow_found(request: Request, found: LookUp) -> Answer:
    if found.code in request.citizen.followed_dossiers():
        said = say("dossier.followed_already", code=found.code)
        return Answer("answered", (said,), (unfollow_choice(found.code),), dossier=found.code)
    return _follow(request, found) if found.outcome == "proven" else _tell(request, found)


def _follow(request: Request, found: LookUp) -> Answer:
    code = found.code
    if found.dossier.status in CLOSED:
        return _tell(request, found).with_more(say("dossier.follow_closed", code=code))
    if len(request.citizen.followed_dossiers()) >= MOST_FOLLOWED:
        said = say("dossier.most_followed", most=MOST_FOLLOWED)
        return Answer("refused", (said,), dossier=code, proven=(code,))
    request.citizen.follow_dossier(code)
    sentence = "dossier.followed" if request.citizen.can_be_told else "dossier.followed_without_news"
    return Answer(
        "answered",
        (say(sentence, code=code),),
        (unfollow_choice(code),),
        (look_up_page(),),
        dossier=code,
        proven=(code,),
    )


def _follow_choice(found: LookUp) -> tuple[Choice, ...]:
    if found.dossier.status in CLOSED:
        return ()
    return (Choice(say("dossier.follow"), payload("follow_dossier", dossier_code=found.code)),)
