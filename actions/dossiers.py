"""Answers about the citizen's own dossiers: where one stands, following it, and what needs proof.

By the code alone the status, procedure, dates and next step are told. Details, and following, need the last
four characters of the phone or identity number on the dossier.
"""

from __future__ import annotations

from dataclasses import replace

from actions.answer import Answer, Choice
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
from knowledge.dossier_codes import example_code, find_codes, find_factor, has_near_code
from knowledge.dossiers import CLOSED, LookUp, Wanted

MOST_AT_ONCE = 3  # codes of one message that are looked up
MOST_FOLLOWED = 20
_AN_HOUR = 3600  # seconds


def track_dossier(request: Request) -> Answer:
    """Tell where each dossier stands whose code is in the text or on the button, or that is followed."""
    if _asks_for_list(request):
        return _list_followed(request)
    codes, factor = _codes(request), _factor(request)
    if not codes and factor and request.memory.proof_for:
        codes = [request.memory.proof_for]
    if not codes:
        return _without_code(request)
    if request.reading.first("details") and not _is_theirs(request, codes[0]):
        return _ask_factor(codes[0], "dossier.ask_factor")
    factor = factor if len(codes) == 1 else None
    found = request.citizen.look_up([_wanted(request, code, factor) for code in codes[:MOST_AT_ONCE]])
    told = _join([_tell(request, each) for each in found])
    if len(codes) > MOST_AT_ONCE:
        told = told.with_more(say("dossier.too_many", most=MOST_AT_ONCE))
    return told


def follow_dossier(request: Request) -> Answer:
    """Follow a dossier, when it is proven to be the citizen's; without a code, list what is followed."""
    if _asks_for_list(request):
        return _list_followed(request)
    codes = _codes(request)
    if not codes and not has_near_code(request.reading.text) and request.memory.dossier:
        codes = [request.memory.dossier]
    if not codes:
        return _list_followed(request) if request.citizen.followed_dossiers() else _ask_code(request)
    code, factor = codes[0], _factor(request)
    if code in request.citizen.followed_dossiers():
        return Answer(
            "answered", (say("dossier.followed_already", code=code),), (unfollow_choice(code),), dossier=code
        )
    if not factor and not _is_theirs(request, code):
        is_again = request.memory.proof_for == code
        return _ask_factor(code, "dossier.ask_factor_again" if is_again else "dossier.ask_factor_to_follow")
    (found,) = request.citizen.look_up([_wanted(request, code, factor)])
    return _follow(request, found) if found.outcome == "proven" else _tell(request, found)


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
    return Answer("answered", (say("dossier.unfollowed", codes=", ".join(forgotten)),))


def _means_all(request: Request) -> bool:
    text = f" {request.reading.text.casefold()} "
    return any(word in text for word in (" hết ", " het ", "tất cả", "tat ca"))


def _asks_for_list(request: Request) -> bool:
    text = request.reading.text.casefold()
    is_asked = any(phrase in text for phrase in sentences()["dossier.says_list"].split(" | "))
    return is_asked and not find_codes(text)


def _codes(request: Request) -> list[str]:
    return find_codes(request.reading.text)


def _factor(request: Request) -> str | None:
    return find_factor(request.reading.text, is_asked=request.memory.proof_for is not None)


def _is_theirs(request: Request, code: str) -> bool:
    """Tell whether the dossier was proven to be the citizen's, in this conversation or when following it."""
    just_proven = request.memory.is_proven and request.memory.dossier == code
    return just_proven or code in request.citizen.followed_dossiers()


def _wanted(request: Request, code: str, factor: str | None) -> Wanted:
    theirs = _is_theirs(request, code)
    return Wanted(code, None if theirs else factor, is_known_theirs=theirs)


def _without_code(request: Request) -> Answer:
    """Tell of the dossier being talked of, or of those that are followed; else ask for a code."""
    if has_near_code(request.reading.text):
        return _ask_code(request)
    if request.memory.proof_for:
        return _ask_factor(request.memory.proof_for, "dossier.ask_factor_again")
    if request.citizen.followed_dossiers():
        return _list_followed(request)
    if request.memory.dossier:
        (found,) = request.citizen.look_up([_wanted(request, request.memory.dossier, None)])
        return _tell(request, found)
    return _ask_code(request)


def _ask_code(request: Request) -> Answer:
    near = has_near_code(request.reading.text)
    example = example_code(request.province.unit_code)
    return Answer("asked_back", (say("dossier.near_code" if near else "dossier.ask_code", example=example),))


def _ask_factor(code: str, sentence: str) -> Answer:
    return Answer("asked_back", (say(sentence, code=code, url=look_up_page().url),), dossier=code)


def _list_followed(request: Request) -> Answer:
    """Tell of a single followed dossier in full, of several in a line each."""
    codes = request.citizen.followed_dossiers()
    if not codes:
        return Answer("answered", (say("dossier.none_followed"), say("dossier.following_more")))
    found = request.citizen.look_up([Wanted(code, is_known_theirs=True) for code in codes])
    if len(found) == 1:
        return _tell(request, found[0])
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
    blocks = ("\n".join((say("dossier.following"), *lines)), say("dossier.following_more"))
    return Answer("answered", blocks, choices, sources=(look_up_page(),))


def _join(answers: list[Answer]) -> Answer:
    """Put the answers about several dossiers into one, with the choices of none but a single one."""
    first, *others = answers
    for other in others:
        first = replace(first.with_more(*other.blocks, sources=other.sources), choices=())
    return first


def _tell(request: Request, found: LookUp) -> Answer:
    page = look_up_page()
    match found.outcome:
        case "found":
            told = tell_dossier(request, found)
            return replace(told, choices=(details_choice(found.code), *told.choices, *_follow_choice(found)))
        case "proven":
            told = tell_details(request, found)
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
            return Answer("not_found", (said,), sources=(page,))
        case "unavailable":
            said = say("dossier.unavailable", code=found.code, url=page.url)
            return Answer("unavailable", (said,), sources=(page,))


def _wait(found: LookUp) -> str:
    seconds = max(found.wait.total_seconds(), 1)
    if seconds <= _AN_HOUR:
        return say("dossier.minutes", number=int(-(-seconds // 60)))
    return say("dossier.hours", number=int(-(-seconds // _AN_HOUR)))


def _follow(request: Request, found: LookUp) -> Answer:
    code = found.code
    if found.dossier.status in CLOSED:
        return _tell(request, found).with_more(say("dossier.follow_closed", code=code))
    if len(request.citizen.followed_dossiers()) >= MOST_FOLLOWED:
        said = say("dossier.most_followed", most=MOST_FOLLOWED)
        return Answer("refused", (said,), dossier=code, is_proven=True)
    request.citizen.follow_dossier(code)
    sentence = "dossier.followed" if request.citizen.can_be_told else "dossier.followed_without_news"
    return Answer(
        "answered",
        (say(sentence, code=code),),
        (unfollow_choice(code),),
        (look_up_page(),),
        dossier=code,
        is_proven=True,
    )


def _follow_choice(found: LookUp) -> tuple[Choice, ...]:
    if found.dossier.status in CLOSED:
        return ()
    return (Choice(say("dossier.follow"), payload("follow_dossier", dossier_code=found.code)),)
