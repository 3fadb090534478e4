"""Answers about one procedure: papers, steps, fee, time, place and the rest of its record."""

from __future__ import annotations

from collections.abc import Callable

from actions import telling
from actions.answer import Answer, Choice
from actions.checklists import case_meant, channel_meant, with_checklist
from actions.fees import fee_sources, states_amount, tell_fees
from actions.finding import best_score, named_codes, which_procedure
from actions.life_events import tell_life_event
from actions.payloads import payload
from actions.places import portals_on, reform_sources, tell_place, told_places
from actions.request import Request
from actions.topics import clear_topic
from actions.wording import button, day, say
from knowledge.records import Case, ChannelName, OfficialText, Portal, Procedure, Rule

Tell = Callable[[Request, Procedure], list[str]]
# What is offered next: what was not just told.
NEXT = {
    "ask_procedure": ("ask_documents", "ask_steps", "ask_form", "ask_conditions"),
    "ask_documents": ("ask_steps", "ask_time_limit", "ask_form", "ask_online_filing"),
}
NEXT_OTHERWISE = ("ask_documents", "ask_fee", "ask_time_limit", "ask_where", "ask_online_filing")
FEW_PAPERS = 6  # papers of all cases together that still read well on a small phone


def ask_procedure(request: Request) -> Answer:
    """Give the overview: what it is, papers, fee, time, place, online way."""
    return _about(request, "ask_procedure", _overview)


def ask_documents(request: Request) -> Answer:
    """Give the papers of the citizen's case and way of filing, with fee, place and online way in short."""
    found = _procedure_or_other(request, "ask_documents")
    if isinstance(found, Answer):
        return found
    held = request.catalogue.procedures.on(found.code, request.today) or found
    case, channel = case_meant(request, held), channel_meant(request, held)
    if case is None and _papers_in_all(held) > FEW_PAPERS and held.holds_on(request.today):
        return _ask_case(held, channel)
    told = _told(request, "ask_documents", held, lambda asked, of: _papers(asked, of, case, channel))
    return with_checklist(request, told, held, case, channel)


def ask_steps(request: Request) -> Answer:
    """Give the steps."""
    return _about(request, "ask_steps", _steps)


def ask_fee(request: Request) -> Answer:
    """Give the fees of each channel on this day."""
    return _with_fee_topic(request, _about(request, "ask_fee", _fees))


def ask_time_limit(request: Request) -> Answer:
    """Give the time limit of each channel."""
    return _about(request, "ask_time_limit", lambda _, of: [telling.time_limits(of)])


def ask_where(request: Request) -> Answer:
    """Give the place to file and the agency that decides."""
    return _about(request, "ask_where", _where)


def ask_conditions(request: Request) -> Answer:
    """Give the conditions and who may apply."""
    return _about(request, "ask_conditions", _conditions)


def ask_legal_basis(request: Request) -> Answer:
    """Give the official texts the procedure rests on."""
    return _about(request, "ask_legal_basis", _legal_basis)


def ask_result(request: Request) -> Answer:
    """Give what the citizen receives."""
    return _about(request, "ask_result", _results)


def ask_form(request: Request) -> Answer:
    """Give the forms and where to take them."""
    return _about(request, "ask_form", _forms)


def ask_online_filing(request: Request) -> Answer:
    """Tell whether and how it is filed online; without a procedure, where one files online."""
    answer = _about(request, "ask_online_filing", _online)
    names_nothing = answer.status == "asked_back" and not answer.choices
    return tell_portals(request) if names_nothing else answer


def tell_portals(request: Request) -> Answer:
    """Tell where one files online on this day."""
    portals = portals_on(request)
    lines = [say("contact.portal_line", name=portal.name, url=portal.url) for portal in portals]
    blocks = ("\n".join((say("contact.portals"), *lines)), say("procedure.which"))
    return Answer("answered" if portals else "not_found", blocks, sources=request.sources(*portals))


def _fees(request: Request, procedure: Procedure) -> list[str]:
    channel = _channel_of_fee(request, procedure)
    return [*_by(channel), tell_fees(request, procedure, channel)]


def _channel_of_fee(request: Request, procedure: Procedure) -> ChannelName | None:
    """Find the way of filing that was asked for, where an amount is stated for it; else all are told."""
    channel = channel_meant(request, procedure)
    return channel if channel and states_amount(request, procedure, channel) else None


def _by(channel: ChannelName | None) -> list[str]:
    return [say("procedure.by_channel", channel=say(f"channels.{channel}"))] if channel else []


def _with_fee_topic(request: Request, answer: Answer) -> Answer:
    """Add a general waiver or reduction that holds on this day for this procedure."""
    procedure = request.catalogue.procedures.get(answer.procedure or "")
    topic = request.catalogue.topics.get(procedure.fee_topic or "") if procedure else None
    rules = topic.rules_on(request.today) if topic and answer.status == "answered" else ()
    return answer.with_more(*(rule.text for rule in rules), sources=request.sources(*rules))


def _about(request: Request, intent: str, tell: Tell) -> Answer:
    found = _procedure_or_other(request, intent)
    return found if isinstance(found, Answer) else _told(request, intent, found, tell)


def _procedure_or_other(request: Request, intent: str) -> Procedure | Answer:
    """Find the procedure; where none is clear, a topic or a province that the text clearly names."""
    is_free = not (request.memory.procedure or named_codes(request) or request.reading.all("procedure"))
    if is_free and (event := tell_life_event(request, better_than=best_score(request))):
        return event
    if is_free and (topic := clear_topic(request, better_than=best_score(request))):
        return topic
    found = which_procedure(request, intent)
    if isinstance(found, Procedure) or request.reading.all("procedure"):
        return found
    return tell_place(request) or found


def _told(request: Request, intent: str, procedure: Procedure, tell: Tell) -> Answer:
    held = request.catalogue.procedures.on(procedure.code, request.today)
    if held is None:
        return _not_known_then(request, procedure)
    procedure = held
    places = told_places(request, procedure)
    rests_on, sources = _rests_on(request, intent, procedure)
    return Answer(
        "answered",
        (
            say("procedure.title", name=procedure.title),
            *tell(request, procedure),
            *places,
            *([rests_on] if rests_on else []),
        ),
        choices=tuple(
            Choice(button(other), payload(other, procedure=procedure.code))
            for other in NEXT.get(intent, NEXT_OTHERWISE)
            if other != intent
        ),
        sources=(*sources, *(reform_sources(request) if places else ())),
        procedure=procedure.code,
    )


def _rests_on(request: Request, intent: str, procedure: Procedure) -> tuple[str, tuple[OfficialText, ...]]:
    """Tell what the answer rests on (nothing where each fact says it itself), and give its sources."""
    if intent == "ask_fee":
        return fee_sources(request, procedure, _channel_of_fee(request, procedure), only_fees=True)
    if intent == "ask_documents":
        return fee_sources(request, procedure, channel_meant(request, procedure))
    if intent == "ask_procedure":
        return fee_sources(request, procedure)
    return telling.provenance(procedure), (procedure.as_source(),)


def _not_known_then(request: Request, procedure: Procedure) -> Answer:
    """Say that the record does not cover this day, and how one files then."""
    portals, advice = portals_on(request), _filing_advice(request)
    blocks = [say("procedure.not_known_then", name=procedure.title, day=day(request.today))]
    blocks += [rule.text for rule in advice]
    if portals and not advice:
        addresses = ", ".join(f"[{portal.name}]({portal.url})" for portal in portals)
        blocks.append(say("procedure.file_then", portals=addresses))
    sources = request.sources(*advice, *portals)
    return Answer("not_found", tuple(blocks), sources=sources, procedure=procedure.code)


def _filing_advice(request: Request) -> tuple[Rule, ...]:
    """Give what the province says of filing on this day, as in the epidemic of 2020."""
    topic = request.catalogue.topics.get(request.province.filing_topic or "")
    return topic.rules_on(request.today) if topic else ()


def _portal(request: Request) -> Portal | None:
    return next(iter(portals_on(request)), None)


def _papers_in_all(procedure: Procedure) -> int:
    return sum(len(case.documents or ()) for case in procedure.cases)


def _ask_case(procedure: Procedure, channel: ChannelName | None) -> Answer:
    by = {"channel": channel} if channel else {}
    choices = tuple(
        Choice(case.name, payload("ask_documents", procedure=procedure.code, case=case.id, **by))
        for case in procedure.cases
    )
    blocks = (say("procedure.title", name=procedure.title), say("procedure.which_case"))
    return Answer("asked_back", blocks, choices, (procedure.as_source(),), procedure.code)


def _papers(
    request: Request, procedure: Procedure, case: Case | None, channel: ChannelName | None
) -> list[str]:
    cases = procedure.cases if case is None else (case,)
    only_case = len(procedure.cases) == 1
    told = [telling.papers(one, only_case=only_case, channel=channel) for one in cases]
    if channel:
        return [
            *_by(channel),
            *told,
            telling.time_limits(procedure, channel),
            *_in_short(request, procedure, channel),
        ]
    return [*told, *_in_short(request, procedure)]


def _in_short(request: Request, procedure: Procedure, channel: ChannelName | None = None) -> list[str]:
    return [
        tell_fees(request, procedure, channel),
        *([telling.where(procedure)] if channel != "online" else []),
        *([telling.online(procedure, _portal(request))] if channel in (None, "online") else []),
    ]


def _overview(request: Request, procedure: Procedure) -> list[str]:
    is_short = len(procedure.cases) == 1 and _papers_in_all(procedure) <= FEW_PAPERS
    papers = [telling.papers(procedure.cases[0], only_case=True)] if is_short else []
    return [procedure.summary, *papers, telling.time_limits(procedure), *_in_short(request, procedure)]


def _steps(request: Request, procedure: Procedure) -> list[str]:
    steps = telling.numbered(procedure.steps) if procedure.steps else say("not_stated_on_portal")
    return [f"{say('procedure.steps')}\n{steps}", telling.online(procedure, _portal(request))]


def _where(request: Request, procedure: Procedure) -> list[str]:
    agency = say("procedure.agency", agency=procedure.agency or say("not_stated"))
    return [telling.where(procedure), agency, telling.online(procedure, _portal(request))]


def _conditions(_: Request, procedure: Procedure) -> list[str]:
    told = telling.bullets(procedure.conditions) if procedure.conditions else say("not_stated_on_portal")
    return [
        say("procedure.applicants", applicants=", ".join(procedure.applicants)),
        f"{say('procedure.conditions')}\n{told}",
        *_remarks(procedure),
    ]


def _remarks(procedure: Procedure) -> list[str]:
    return [f"{say('procedure.remarks')}\n{telling.bullets(procedure.remarks)}"] if procedure.remarks else []


def _legal_basis(_: Request, procedure: Procedure) -> list[str]:
    lines = [
        say("procedure.legal_line", number=basis.number, title=basis.title)
        for basis in procedure.legal_basis or ()
    ]
    return ["\n".join((say("procedure.legal"), *(lines or [say("not_stated_on_portal")])))]


def _results(_: Request, procedure: Procedure) -> list[str]:
    results = "; ".join(procedure.results) if procedure.results else say("not_stated")
    return [say("procedure.results", results=results)]


def _forms(_: Request, procedure: Procedure) -> list[str]:
    papers = [document for case in procedure.cases for document in case.documents or ()]
    forms = list(dict.fromkeys(document.form for document in papers if document.form))
    told = f"{say('procedure.forms')}\n{telling.bullets(forms)}" if forms else say("procedure.forms_none")
    place = say("procedure.forms_where", url=procedure.source.url)
    return [told, place if telling.is_on_portal(procedure) else say("procedure.forms_at_desk")]


def _online(request: Request, procedure: Procedure) -> list[str]:
    channel, portal = procedure.channel("online"), _portal(request)
    if channel is None or portal is None:
        return [telling.online(procedure, portal), *_online_twin(request, procedure)]
    told = [_how_online(procedure, portal)]
    if channel.note:
        told.append(say("procedure.online_note", note=channel.note))
    return [*told, say("procedure.time_all", time=channel.time_limit or say("not_stated"))]


def _how_online(procedure: Procedure, portal: Portal) -> str:
    if not telling.is_on_portal(procedure):
        return telling.online(procedure, portal)
    return say("procedure.online_how", url=procedure.source.url)


def _online_twin(request: Request, procedure: Procedure) -> list[str]:
    """Name near procedures that have the online channel this one lacks."""
    near = (request.catalogue.procedures.on(code, request.today) for code in procedure.near)
    names = [other.title for other in near if other and other.channel("online")]
    return [say("procedure.online_twin", names="; ".join(names))] if names else []
