"""Answers about the citizen's own dossiers: where one stands, following it, and what needs proof.

By the code alone the status, procedure, dates and next step are told. Details, and following, need the last
four characters of the phone or identity number on the dossier.
"""

from __future__ import annotations

import re
from dataclasses import replace

from actions import topics
from actions.answer import Answer, Choice
from actions.dossier_facts import Fact, as_fact, fact_said
from actions.dossier_talk import has_part_of_code, says_no_code
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
from actions.request import DOSSIER_QUESTIONS, Request
from actions.wording import say, sentences
from knowledge.dossier_codes import (
    example_code,
    find_codes,
    find_factor,
    find_proofs,
    has_near_code,
    lacks_front,
)
from knowledge.dossiers import CLOSED, SUPPLEMENT, LookUp, Wanted
from knowledge.search import folded_words

MOST_AT_ONCE = 3  # codes of one message that are looked up
MOST_FOLLOWED = 20
CODES_TOPIC = "nop-roi-khong-thay"  # where who filed online finds the code
_AN_HOUR = 3600  # seconds
_BOTH = re.compile(r"\b(?:ca|het) (?:hai|ba|2|3|may)\b")
_ASKS = re.compile(r"\b(?:khong|ko|k|hong|chua)(?: (?:a|nhi|vay|the|ban|em|ad))?$")
_SAYS_CODE = re.compile(r"\bma\b")
_ALL = re.compile(r"\bhet\b(?! (?:han|can|thoi))|\btat ca\b|\btoan bo\b")


def track_dossier(request: Request) -> Answer:
    """Tell where each dossier stands whose code is in the text or on the button, or that is followed."""
    if _asks_for_list(request):
        return _list_followed(request)
    codes, factor = _codes(request), _factor(request)
    if not codes and factor and request.memory.proof_for:
        codes = [request.memory.proof_for]
    elif not codes and request.memory.dossier and _asks_fact(request):
        codes = [request.memory.dossier]
    if not codes:
        return _without_code(request)
    if request.reading.first("details") and not _is_theirs(request, codes[0]):
        return _ask_factor(codes[0], "dossier.ask_factor")
    proofs = _proofs(request, codes)
    found = request.citizen.look_up(
        [_wanted(request, code, proofs.get(code)) for code in codes[:MOST_AT_ONCE]]
    )
    if _fact(request) == "paused" and not any(_awaits_papers(each) for each in found):
        return topics.ask_dossier_status(request)
    told = _join([_tell(request, each, explains=len(found) == 1) for each in found])
    if len(codes) > MOST_AT_ONCE:
        told = told.with_more(say("dossier.too_many", most=MOST_AT_ONCE))
    return told


def follow_dossier(request: Request) -> Answer:
    """Follow a dossier, when it is proven to be the citizen's; without a code, list what is followed."""
    if _asks_for_list(request):
        return _list_followed(request)
    codes = _codes(request)
    if not codes and not has_near_code(request.reading.text) and request.memory.dossier:
        codes = _talked_of(request)
    if not codes:
        return _list_followed(request) if request.citizen.followed_dossiers() else _ask_code(request)
    proofs = _proofs(request, codes)
    ready = [code for code in codes if code in proofs or _is_theirs(request, code)][:MOST_AT_ONCE]
    if ready:
        found = request.citizen.look_up([_wanted(request, code, proofs.get(code)) for code in ready])
        told = _join([_follow_found(request, each) for each in found])
    else:
        ready = codes[:1]
        is_again = request.memory.proof_for == codes[0] and request.memory.is_proof_asked
        told = _ask_factor(
            codes[0], "dossier.ask_factor_again" if is_again else "dossier.ask_factor_to_follow"
        )
    left = [code for code in codes if code not in ready]
    return _with_next(told, left[0]) if left else told


def unfollow_dossier(request: Request) -> Answer:
    """Stop following the named dossier, or the one that is followed; of several ask which."""
    if _asks_for_list(request):
        return _list_followed(request)
    followed = request.citizen.followed_dossiers()
    codes = _codes(request)
    named = [code for code in codes if code in followed]
    if codes and not named:
        return Answer("answered", (say("dossier.not_followed", code=codes[0]),))
    if request.reading.first("confirmed") == "yes" or (not codes and _means_all(request)):
        named = followed
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


def _asks_for_list(request: Request) -> bool:
    text = request.reading.text.casefold()
    is_asked = any(phrase in text for phrase in sentences()["dossier.says_list"].split(" | "))
    return is_asked and not find_codes(text)


def _codes(request: Request) -> list[str]:
    return find_codes(request.reading.text)


def _factor(request: Request) -> str | None:
    return find_factor(request.reading.text, is_asked=request.memory.is_proof_asked)


def _proofs(request: Request, codes: list[str]) -> dict[str, str]:
    """Give what is to prove each code: of a single one whatever is said, of several what follows each."""
    if len(codes) > 1:
        return find_proofs(request.reading.text)
    factor = _factor(request)
    return {codes[0]: factor} if factor else {}


def _fact(request: Request) -> Fact | None:
    """Give the fact that is asked of a dossier."""
    return as_fact(request.reading.first("fact")) or fact_said(request.reading.text)


def _asks_fact(request: Request) -> bool:
    """Tell whether something is asked of the dossier being talked of."""
    asks = request.reading.first("fact") is not None or fact_said(request.reading.text) is not None
    return asks and not says_no_code(request)


def _awaits_papers(found: LookUp) -> bool:
    return found.state is not None and found.dossier.status == SUPPLEMENT


def _is_theirs(request: Request, code: str) -> bool:
    """Tell whether the dossier was proven to be the citizen's, in this conversation or when following it."""
    return code in request.memory.proven or code in request.citizen.followed_dossiers()


def _wanted(request: Request, code: str, factor: str | None) -> Wanted:
    theirs = _is_theirs(request, code)
    return Wanted(code, None if theirs else factor, is_known_theirs=theirs)


def _without_code(request: Request) -> Answer:
    """Tell of the dossier being talked of, or of those that are followed; else ask for a code."""
    if has_near_code(request.reading.text):
        return _ask_code(request)
    if request.memory.proof_for and request.memory.is_proof_asked:
        return _ask_factor(request.memory.proof_for, "dossier.ask_factor_again")
    if says_no_code(request):
        return _tell_where_codes_stand(request)
    if request.citizen.followed_dossiers():
        return _list_followed(request)
    if request.memory.dossier:
        (found,) = request.citizen.look_up([_wanted(request, request.memory.dossier, None)])
        return _tell(request, found)
    return _ask_code(request)


def _ask_code(request: Request) -> Answer:
    example = example_code(request.province.unit_code)
    text = request.reading.text
    is_asked = request.memory.asked in DOSSIER_QUESTIONS
    says_digits = _SAYS_CODE.search(folded_words(text)) and find_factor(text, is_asked=True)
    if says_digits or (is_asked and has_part_of_code(request.reading)):
        return Answer("asked_back", (say("dossier.part_of_code", example=example),))
    if has_near_code(text):
        return Answer("asked_back", (say("dossier.near_code", example=example),))
    is_late = _fact(request) in ("late", "why") and not _ASKS.search(folded_words(text))
    sorry = (say("dossier.sorry"),) if is_late else ()
    return Answer("asked_back", (*sorry, say("dossier.ask_code", example=example)))


def _tell_where_codes_stand(request: Request) -> Answer:
    """Tell who has no code where it stands, that only codes are searched by, and what a code alone shows."""
    topic = request.catalogue.topics.get(CODES_TOPIC)
    rules = topic.rules_on(request.today) if topic else ()
    online = [say("dossier.codes_online", text=rule.text) for rule in rules]
    blocks = (say("dossier.only_by_code"), say("dossier.where_codes_stand"), *online)
    return Answer("asked_back", blocks, sources=request.sources(*rules))


def _ask_factor(code: str, sentence: str) -> Answer:
    return Answer("asked_back", (say(sentence, code=code, url=look_up_page().url),), dossier=code)


def _list_followed(request: Request) -> Answer:
    """Tell of a single followed dossier in full, of several in a line each."""
    codes = request.citizen.followed_dossiers()
    if not codes:
        return Answer("answered", (say("dossier.none_followed"), say("dossier.following_more")))
    found = request.citizen.look_up([Wanted(code, is_known_theirs=True) for code in codes])
    following = say("dossier.following", number=len(codes))
    if len(found) == 1:
        told = _tell(request, found[0])
        return replace(told, blocks=(following, *told.blocks)) if _asks_for_list(request) else told
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
    page, fact, is_new = look_up_page(), _fact(request), request.memory.dossier != found.code
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
