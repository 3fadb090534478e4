"""The personal checklist: the papers of this person's case and way of filing, in the chat and as a page."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args
from urllib.parse import urlencode

from actions.answer import Answer, Choice
from actions.payloads import payload
from actions.request import Request
from actions.wording import say
from knowledge.records import Case, ChannelName, Procedure
from knowledge.search import fold, words

PAGES = "/checklist"
MOST_NEXT = 5  # choices that still read well on a small phone
CHANNELS: tuple[ChannelName, ...] = get_args(ChannelName)


def case_meant(request: Request, procedure: Procedure) -> Case | None:
    """Find the case that was chosen, or whose name the text says, or the only one."""
    if len(procedure.cases) == 1:
        return procedure.cases[0]
    if chosen := procedure.case(request.reading.first("case")):
        return chosen
    asked = {fold(word) for word in words(request.reading.text)}
    named = [case for case in procedure.cases if {fold(word) for word in words(case.name)} <= asked]
    return named[0] if len(named) == 1 else None


def channel_meant(request: Request, procedure: Procedure) -> ChannelName | None:
    """Find the way of filing that was chosen or said, when the procedure has it."""
    said = request.reading.first("channel")
    return next((one for one in CHANNELS if one == said and procedure.channel(one)), None)


def page_path(procedure: Procedure, case: Case | None, channel: ChannelName | None) -> str:
    """Give the path of a checklist's page."""
    chosen = {"case": case.id if case else "", "channel": channel or ""}
    query = urlencode({name: value for name, value in chosen.items() if value})
    return f"{PAGES}/{procedure.code}" + (f"?{query}" if query else "")


def with_checklist(
    request: Request, answer: Answer, procedure: Procedure, case: Case | None, channel: ChannelName | None
) -> Answer:
    """Add the address of the page to print, and the ways of filing when the papers differ by them."""
    if answer.status != "answered" or not (case or channel):
        return answer
    address = request.address + page_path(procedure, case, channel)
    *told, state_of = answer.blocks
    ways = () if channel else _ways(procedure, case)
    return replace(
        answer,
        blocks=(*told, say("checklist.print", url=address), state_of),
        choices=(*ways, *answer.choices[: MOST_NEXT - len(ways)]),
    )


def _ways(procedure: Procedure, case: Case | None) -> tuple[Choice, ...]:
    """Offer each way of filing when the papers of the case differ by it."""
    if case is None or len({case.papers(one) for one in CHANNELS if procedure.channel(one)}) < 2:
        return ()
    return tuple(
        Choice(
            say(f"checklist.{one}"),
            payload("ask_documents", procedure=procedure.code, case=case.id, channel=one),
        )
        for one in CHANNELS
        if procedure.channel(one)
    )
