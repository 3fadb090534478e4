"""Erasing what is stored of a person (Law 91/2025/QH15: on request, and said when done)."""

from __future__ import annotations

from actions.answer import Answer, Choice
from actions.payloads import payload
from actions.request import Request
from actions.wording import say
from knowledge.search import fold, words

_REFUSING = frozenset({"khong", "thoi", "dung", "khoan", "chua", "ko"})


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
    """Read a typed reply to the question whether to erase ("ok xoá đi", "thôi không xoá nữa")."""
    is_typed = request.reading.text != "delete_my_data"
    if request.memory.asked != "delete_my_data" or not is_typed:
        return None
    return "no" if _REFUSING & {fold(word) for word in words(request.reading.text)} else "yes"
