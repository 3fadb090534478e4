"""Small talk: short, warm, and always leading back to the citizen's business."""

from __future__ import annotations

from actions.announcements import take_or_not
from actions.answer import Answer, Choice
from actions.moving import find_code, go_on_here, move, move_choices
from actions.payloads import payload
from actions.request import Request
from actions.wording import button, say

START = ("ask_help", "ask_contact", "track_dossier", "ask_postal_return")


def greet(request: Request) -> Answer:
    """Greet and say what the assistant is for."""
    return Answer("answered", (say("talk.greet", province=request.province.name),), _start())


def thank(_: Request) -> Answer:
    """Take thanks."""
    return Answer("answered", (say("talk.thank"),))


def goodbye(_: Request) -> Answer:
    """Say goodbye."""
    return Answer("answered", (say("talk.goodbye"),))


def affirm(_: Request) -> Answer:
    """Take a yes that answers no question of ours."""
    return Answer("answered", (say("talk.affirm"),))


def deny(_: Request) -> Answer:
    """Take a no: ask for the question in other words."""
    return Answer("asked_back", (say("talk.deny"),), (Choice(button("ask_human"), payload("ask_human")),))


def ask_bot(_: Request) -> Answer:
    """Say that a machine answers."""
    return Answer("answered", (say("talk.bot"),))


def ask_help(request: Request) -> Answer:
    """Say what can be asked, and where one can go on; or do what is asked of that."""
    if code := find_code(request.reading.text):
        return go_on_here(request, code)
    if wish := request.reading.first("move"):
        return move(request, wish)
    return Answer("answered", (say("talk.help"),), move_choices(request))


def cancel(request: Request) -> Answer:
    """Drop what was being talked of; or cancel announcements, or their cancelling."""
    if request.reading.first("announcements"):
        return take_or_not(request)
    return Answer("answered", (say("talk.cancel"),), _start())


def out_of_scope(_: Request) -> Answer:
    """Say kindly that this is not the assistant's business."""
    return Answer("out_of_scope", (say("talk.out_of_scope"),), _start())


def no_words(_: Request) -> Answer:
    """Answer a message without a letter or digit (emoji, dots)."""
    return Answer("asked_back", (say("talk.no_words"),), _start())


def _start() -> tuple[Choice, ...]:
    return tuple(Choice(button(intent), payload(intent)) for intent in START)
