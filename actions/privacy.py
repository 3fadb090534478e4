"""Erasing what is stored of a person (Law 91/2025/QH15: on request, and said when done)."""

from __future__ import annotations

from actions.answer import Answer, Choice
from actions.payloads import payload
from actions.request import Request
from actions.wording import say, sentences
from knowledge.search import words


def delete_my_data(request: Request) -> Answer:
    """Ask once, then erase everything stored of this person and say so."""
    confirmed = request.reading.first("confirmed") or _said_again(request)
    if confirmed == "yes":
        return Answer("answered", (say("privacy.done", turns=request.citizen.erase()),))
    if confirmed == "no":
        return Answer("answered", (say("privacy.kept"),))
    choices = (
        Choice(say("privacy.yes"), payload("delete_my_data", confirmed="yes")),
        Choice(say("privacy.no"), payload("delete_my_data", confirmed="no")),
    )
    return Answer("asked_back", (say("privacy.confirm"),), choices)


def _said_again(request: Request) -> str | None:
    """Read a short typed reply to the question whether to erase; anything longer is asked again."""
    if request.memory.asked != "delete_my_data":
        return None
    said = " ".join(words(request.reading.text))
    listed = {answer: sentences()[f"privacy.said_{answer}"].split(" | ") for answer in ("yes", "no")}
    return next((answer for answer, texts in listed.items() if said in texts), None)
