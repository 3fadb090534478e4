"""Going on in another place: a code given here brings the same conversation there."""

from __future__ import annotations

import re

from actions.answer import Answer, Choice
from actions.payloads import payload
from actions.request import Request
from actions.wording import say
from knowledge.search import fold, folded_words

LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"  # none that looks like another
LENGTH = 8
# a digit in each half: no words look so
_PART = f"(?=[a-z]{{0,{LENGTH // 2 - 1}}}[2-9])[{LETTERS}]{{{LENGTH // 2}}}"
_CODE = re.compile(rf"\btiep[ -]?({_PART})[ -]?({_PART})\b")
_WISH = re.compile(
    r"(?:(?:cho|toi|minh|em|xin|muon|hay|giup) )*(?:chuyen|doi|tiep tuc|noi chuyen tiep|chat tiep|nhan tiep)"
    r"(?: cuoc tro chuyen)?(?: nay)? (?:sang|qua|tren|o|ben) (?:ben )?(?:zalo|telegram|web|trang web)"
    r"(?: (?:nhe|di|voi|duoc khong|giup|toi|minh|em|a))*"
)


def find_code(text: str) -> str | None:
    """Find a code of ``ask_move`` in a text, however it is typed; gives its letters alone."""
    found = _CODE.search(fold(text))
    return found[1] + found[2] if found else None


def wants_to_move(text: str) -> bool:
    """Tell whether a text asks to go on in another place, and nothing else."""
    return _WISH.fullmatch(folded_words(text)) is not None


def move_choices(request: Request) -> tuple[Choice, ...]:
    """Offer to go on elsewhere, where there is another place."""
    if not request.citizen.places:
        return ()
    return (Choice(say("moving.offer", places=_names(request)), payload("ask_help", move="ask")),)


def move(request: Request, wish: str) -> Answer:
    """Say what goes along and ask for consent; then give the code."""
    if not request.citizen.places:
        return Answer("refused", (say("moving.nowhere"),))
    if wish == "no":
        return Answer("answered", (say("moving.stay"),))
    if wish == "yes":
        code = request.citizen.give_code()
        shown = f"TIEP-{code[: LENGTH // 2]}-{code[LENGTH // 2 :]}".upper()
        lines = [
            say("moving.place", place=say(f"places.{name}"), link=link)
            for name, link in request.citizen.places.items()
        ]
        return Answer("answered", ("\n".join((say("moving.open"), *lines)), say("moving.code", code=shown)))
    choices = (
        Choice(say("moving.yes"), payload("ask_help", move="yes")),
        Choice(say("moving.no"), payload("ask_help", move="no")),
    )
    return Answer("asked_back", (say("moving.ask", places=_names(request)),), choices)


def go_on_here(request: Request, code: str) -> Answer:
    """Bring the conversation here that a code stands for."""
    place = request.citizen.bring_here(code)
    if place is None:
        return Answer("refused", (say("moving.unknown"),))
    return Answer("answered", (say("moving.done", place=say(f"places.{place}")),))


def _names(request: Request) -> str:
    return say("moving.or").join(say(f"places.{name}") for name in request.citizen.places)
