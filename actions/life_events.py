"""Answers about what happens in people's lives: the procedures that usually follow, in order."""

from __future__ import annotations

from actions.answer import Answer, Choice
from actions.payloads import payload
from actions.request import Request
from actions.wording import say
from knowledge.records import LifeEvent
from knowledge.search import is_clear

SURE = 0.7  # how well the words have to fit


def tells_life_event(request: Request) -> bool:
    """Tell whether the text clearly tells of a life event."""
    return _event_told(request, 0.0) is not None


def _event_told(request: Request, better_than: float) -> LifeEvent | None:
    hits = request.library.find_life_events(request.reading.text)
    if not is_clear(hits) or hits[0].score <= max(SURE, better_than):
        return None
    return request.catalogue.life_events[hits[0].key]


def tell_life_event(request: Request, better_than: float = 0.0) -> Answer | None:
    """Give the procedures of the life event that the text tells of more clearly than a given score."""
    event = _event_told(request, better_than)
    if event is None:
        return None
    found = [request.catalogue.procedures.on(code, request.today) for code in event.procedures]
    known = [procedure for procedure in found if procedure]
    if not known:
        return None
    lines = [f"{number}. {procedure.title}" for number, procedure in enumerate(known, 1)]
    return Answer(
        "answered",
        (say("procedure.title", name=event.title), "\n".join((say("life_event.usually"), *lines)),
         say("life_event.choose")),
        choices=tuple(
            Choice(procedure.title, payload("ask_procedure", procedure=procedure.code)) for procedure in known
        ),
        sources=tuple(procedure.as_source() for procedure in known),
    )  # fmt: skip
