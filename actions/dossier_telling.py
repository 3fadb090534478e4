"""Telling a dossier in plain words: what its status means, what to do, by when, as of when it is known."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime

from actions.answer import Answer, Choice
from actions.dossier_facts import Fact, is_tomorrow, tell_fact
from actions.payloads import payload
from actions.request import Known
from actions.topics import tell_topic
from actions.wording import button, day, dong, say
from knowledge.dossiers import (
    FINISHED,
    HERE,
    PAYMENT,
    SUPPLEMENT,
    Deadline,
    Dossier,
    LookUp,
    Step,
    Supplement,
    deadline,
)
from knowledge.records import OfficialText, Topic

PUBLIC_LOOK_UP = "https://dichvucong.gov.vn/p/home/dvc-tra-cuu-ho-so.html"
LATE_TOPIC = "qua-han"
PAYING_TOPIC = "thanh-toan-truc-tuyen"
# The sentence of a status's meaning that the head says of this dossier already.
_MEANS = re.compile(r"^\*\*[^*]+\*\* nghĩa là [^.]*\.\s*")


def tell_dossier(request: Known, found: LookUp, fact: Fact | None = None, *, explains: bool = True) -> Answer:
    """Tell status, dates, what the status means and what to do, the fact asked first; no details."""
    dossier, standing = found.dossier, _standing_of(request, found.dossier)
    meaning, sources = _meaning(request, dossier)
    asked = tell_fact(fact, dossier, standing, request.today, is_proven=False)
    rest = [*_dates(dossier, standing, request.today), *_pause(dossier, standing)]
    blocks = (
        *asked,
        _head(request, dossier),
        *(rest if explains or not asked else []),
        *(meaning if explains or dossier.status == FINISHED else ()),
        *_as_of(found),
    )
    return _answer(request, found, blocks, sources)


def tell_details(request: Known, found: LookUp, fact: Fact | None = None, *, explains: bool = True) -> Answer:
    """Tell first what only the proven may know, lacking papers and fees, then the rest and the steps."""
    dossier, standing = found.dossier, _standing_of(request, found.dossier)
    meaning, sources = _meaning(request, dossier)
    asked = tell_fact(fact, dossier, standing, request.today, is_proven=True)
    lacking, fees, steps = _supplements(dossier), _fees(dossier), _steps(dossier)
    dates = [*_dates(dossier, standing, request.today), *_pause(dossier, standing)]
    if asked and not explains:
        rest = {"lacking": lacking, "fee": fees, "pay": fees}.get(fact or "", [])
        rest = [*rest, *(meaning if dossier.status == FINISHED else ())]
    else:
        new = [*lacking, *fees] or ([] if steps else [say("dossier.no_details")])
        rest = [*new, *dates, *(meaning if explains else ()), *_agency(dossier), *steps]
    blocks = (*asked, _head(request, dossier), *rest, *_as_of(found))
    return replace(_answer(request, found, blocks, sources), proven=(dossier.code,))


def look_up_page() -> OfficialText:
    """Give the public page on which every dossier can be looked up, as a source."""
    return OfficialText(title=say("dossier.source_title"), url=PUBLIC_LOOK_UP)


def short_status(request: Known, dossier: Dossier) -> str:
    """Name a status in a few words: the national name, else what the agency writes."""
    topic = _topic(request, dossier)
    if topic is None:
        return _one_line(dossier.status_name or str(dossier.status))
    return topic.title.partition(": ")[2] or topic.title


def details_choice(code: str) -> Choice:
    """Offer the details of a dossier."""
    return Choice(say("dossier.details"), payload("track_dossier", dossier_code=code, details="yes"))


def unfollow_choice(code: str, title: str | None = None) -> Choice:
    """Offer to follow a dossier no longer."""
    return Choice(title or say("dossier.unfollow"), payload("unfollow_dossier", dossier_code=code))


def _answer(
    request: Known, found: LookUp, blocks: tuple[str, ...], sources: tuple[OfficialText, ...]
) -> Answer:
    choices = _next(request, found.dossier, _standing_of(request, found.dossier))
    return Answer("answered", blocks, choices, sources or (look_up_page(),), dossier=found.dossier.code)


def _standing_of(request: Known, dossier: Dossier) -> Deadline | None:
    return deadline(dossier, request.today, request.catalogue.working_days(request.province.id))


def _head(request: Known, dossier: Dossier) -> str:
    """Say where it stands in a plain sentence, with the national name; then what it is and its code."""
    said = "unknown" if _topic(request, dossier) is None else str(dossier.status)
    status = say(f"dossier.status_{said}", status=short_status(request, dossier))
    return "\n".join((status, procedure_name(request, dossier), say("dossier.code", code=dossier.code)))


def _agency(dossier: Dossier) -> list[str]:
    return [say("dossier.agency", agency=_one_line(dossier.agency))] if dossier.agency else []


def procedure_name(request: Known, dossier: Dossier) -> str:
    """Name its procedure: the catalogue's short name, else what the source says."""
    known = request.catalogue.procedures.get(dossier.procedure_code or dossier.procedure)
    return known.title if known else _one_line(dossier.procedure)


def _dates(dossier: Dossier, standing: Deadline | None, today: date) -> list[str]:
    """Tell its days, the one that counts first."""
    lines = []
    is_over = standing is not None and standing.standing.startswith("ended")
    if dossier.finished:
        said = _standing(standing, today) if is_over else ""
        lines.append(say("dossier.finished", day=_day(dossier.finished), standing=said).rstrip())
    if dossier.appointed:
        said = "" if is_over else _standing(standing, today)
        lines.append(say("dossier.appointed", day=_day(dossier.appointed), standing=said).rstrip())
    if dossier.received:
        lines.append(say("dossier.received", day=_day(dossier.received)))
    return ["\n".join(lines)] if lines else []


def _standing(standing: Deadline | None, today: date) -> str:
    """Say how a dossier stands against its day; how many days only where the holidays are known."""
    if standing is None:
        return ""
    kind = {"paused_late": "late"}.get(standing.standing, standing.standing)
    if kind == "left" and is_tomorrow(standing, today):
        kind = "tomorrow"
    if kind in ("due_today", "tomorrow", "paused", "ended_in_time"):
        return say(f"standing.{kind}")
    if standing.days:
        return say(f"standing.{kind}", days=standing.days)
    return say(f"standing.{kind}_uncounted") if kind != "left" else ""


def _pause(dossier: Dossier, standing: Deadline | None) -> list[str]:
    if standing is None or standing.standing != "paused":
        return []
    since = _day(max(each.requested_at for each in dossier.supplements if each.requested_at))
    if standing.days is None:
        return [say("dossier.paused_uncounted", day=since)]
    return [say("dossier.paused", day=since, days=standing.days)]


def _meaning(request: Known, dossier: Dossier) -> tuple[tuple[str, ...], tuple[OfficialText, ...]]:
    topic = _topic(request, dossier)
    if topic is None:
        return (say("dossier.local_status"),), ()
    told = tell_topic(request, topic)
    first, *others = told.blocks[1:] or told.blocks  # without its title
    return tuple(filter(None, (_MEANS.sub("", first), *others))), told.sources


def _topic(request: Known, dossier: Dossier) -> Topic | None:
    return request.catalogue.status_topic(dossier.status) if dossier.status else None


def _supplements(dossier: Dossier) -> list[str]:
    is_open = dossier.status == SUPPLEMENT
    if is_open and not dossier.supplements:
        return ["\n".join((say("dossier.to_supplement_undated"), say("dossier.supplement_unknown")))]
    last = dossier.supplements[-1:] if is_open else ()
    return [_supplement(each, is_open=each in last) for each in dossier.supplements]


def _supplement(each: Supplement, *, is_open: bool) -> str:
    if each.requested_at is None:
        head = say("dossier.to_supplement_undated")
    else:
        sentence = "dossier.to_supplement" if is_open else "dossier.was_supplemented"
        head = say(sentence, day=_day(each.requested_at))
    line = say("dossier.supplement_line", text=_one_line(each.text)) if each.text else None
    return "\n".join((head, line or say("dossier.supplement_unknown")))


def _fees(dossier: Dossier) -> list[str]:
    is_due = dossier.status == PAYMENT
    if not dossier.fees and not is_due:
        return []
    lines = [
        say("dossier.fee_line", name=_one_line(each.name), amount=dong(each.amount)) for each in dossier.fees
    ]
    head = say("dossier.to_pay" if is_due else "dossier.fees")
    return ["\n".join((head, *(lines or [say("dossier.fee_unknown")])))]


def _steps(dossier: Dossier) -> list[str]:
    lines = [_step(each) for each in dossier.steps]
    return ["\n".join((say("dossier.steps"), *lines))] if lines else []


def _step(each: Step) -> str:
    unit = say("dossier.step_unit", unit=_one_line(each.unit)) if each.unit else ""
    name = _one_line(each.name)
    if each.at is None:
        return say("dossier.step_undated", name=name, unit=unit).rstrip()
    return say("dossier.step", day=_day(each.at), name=name, unit=unit).rstrip()


def _as_of(found: LookUp) -> list[str]:
    assert found.state  # noqa: S101 - told only of what was found
    moment = found.state.as_of.astimezone(HERE)
    sentence = "dossier.as_of" if found.is_fresh else "dossier.as_of_before"
    told = [say(sentence, time=f"{moment.hour}:{moment:%M}", day=day(moment.date()))]
    return [*told, say("dossier.made_up")] if found.is_made_up else told


def _next(request: Known, dossier: Dossier, standing: Deadline | None) -> tuple[Choice, ...]:
    """Offer what helps now: paying online, having the result sent, what to do when it is late."""
    choices = []
    if dossier.status == PAYMENT:
        choices.append(
            Choice(button("ask_online_payment"), payload("ask_online_payment", **_paying(request)))
        )
    if dossier.status == FINISHED:
        choices.append(Choice(button("ask_postal_return"), payload("ask_postal_return")))
    if standing and standing.standing in ("late", "paused_late") and LATE_TOPIC in request.catalogue.topics:
        choices.append(Choice(say("dossier.late_help"), payload("ask_dossier_status", topic=LATE_TOPIC)))
    return tuple(choices)


def _paying(request: Known) -> dict[str, str]:
    return {"topic": PAYING_TOPIC} if PAYING_TOPIC in request.catalogue.topics else {}


def _day(moment: datetime) -> str:
    return day(moment.astimezone(HERE).date())


def _one_line(text: str) -> str:
    """Keep an office's text to one line of plain words, whatever marks are in it."""
    return " ".join(text.replace("*", "").replace("`", "").replace("[", "(").replace("]", ")").split())
