"""Answers about the citizen's own dossiers, from their code."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from actions.answer import Answer
from actions.request import Request
from actions.topics import tell_topic
from actions.wording import day, say
from knowledge.dossiers import Dossier, example_code, find_codes, has_near_code
from knowledge.records import OfficialText

PUBLIC_LOOK_UP = "https://dichvucong.gov.vn/p/home/dvc-tra-cuu-ho-so.html"
HERE = ZoneInfo("Asia/Ho_Chi_Minh")


def track_dossier(request: Request) -> Answer:
    """Tell where each dossier stands whose code is in the text, or that was remembered."""
    codes = _codes(request) or ([] if has_near_code(request.reading.text) else request.citizen.dossiers())
    if not codes:
        return _ask_code(request)
    answers = [_tell(request, code) for code in codes]
    first = answers[0]
    for other in answers[1:]:
        first = first.with_more(*other.blocks, sources=other.sources)
    return first


def follow_dossier(request: Request) -> Answer:
    """Remember a dossier, so that its state can be asked without the code."""
    codes = _codes(request)
    if not codes:
        return _ask_code(request)
    for code in codes:
        request.citizen.remember_dossier(code)
    return Answer(
        "answered",
        tuple(say("dossier.followed", code=code) for code in codes),
        sources=(_look_up_page(),),
    )


def unfollow_dossier(request: Request) -> Answer:
    """Forget the named dossiers, or all that were remembered."""
    known = request.citizen.dossiers()
    forgotten = [code for code in _codes(request) or known if code in known]
    request.citizen.forget_dossiers(forgotten)
    if not forgotten:
        return Answer("answered", (say("dossier.none_followed"),))
    return Answer("answered", (say("dossier.unfollowed", codes=", ".join(forgotten)),))


def _codes(request: Request) -> list[str]:
    return find_codes(request.reading.text)


def _ask_code(request: Request) -> Answer:
    near = has_near_code(request.reading.text)
    example = example_code(request.province.unit_code)
    return Answer("asked_back", (say("dossier.near_code" if near else "dossier.ask_code", example=example),))


def _tell(request: Request, code: str) -> Answer:
    dossier = request.citizen.find_dossier(code)
    if dossier is None:
        return Answer(
            "not_found",
            (say("dossier.not_found", code=code, url=PUBLIC_LOOK_UP),),
            sources=(_look_up_page(),),
        )
    return _tell_found(request, dossier)


def _tell_found(request: Request, dossier: Dossier) -> Answer:
    known = request.catalogue.procedures.get(dossier.procedure)
    name = known.title if known else dossier.procedure
    blocks = [say("dossier.found", code=dossier.code, procedure=name)]
    if dossier.appointed_on:
        blocks.append(say("dossier.appointed", day=day(dossier.appointed_on)))
    updated = dossier.updated_at.astimezone(HERE)
    as_of = say("dossier.as_of", time=f"{updated:%H:%M} {day(updated.date())}")
    topic = request.catalogue.status_topic(dossier.status)
    if topic is None:
        status = say("dossier.status", status=str(dossier.status))
        return Answer("answered", (*blocks, status, as_of), sources=(_look_up_page(),))
    meaning = tell_topic(request, topic)
    return Answer(
        "answered", (*blocks, *meaning.blocks, as_of), sources=meaning.sources or (_look_up_page(),)
    )


def _look_up_page() -> OfficialText:
    return OfficialText(title=say("dossier.source_title"), url=PUBLIC_LOOK_UP)
