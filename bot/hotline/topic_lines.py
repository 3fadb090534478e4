"""What is told of a case in its topic: a card first, then a line for each thing, as plain text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from itertools import takewhile

from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.wording import say
from bot.desk.showing import Line, line_of, transcript
from bot.hotline.cases import Case
from bot.hotline.history import CaseEvent
from bot.hotline.staff import Staff
from bot.telegram_text import as_html
from knowledge.dossiers import HERE

LIMIT = 4096  # UTF-16 code units of one message
LONGEST_TITLE = 128
LONGEST_WORDS = 300  # characters of one line of what was said before the case
LINES_BEFORE = 6
ENDS = ("closed", "given_back")
_DOES_SOMETHING = re.compile(r"(?<![\w/:.@<])([@/])(?=\w)")  # a mention, or a command to press


@dataclass(frozen=True)
class Said:
    """One message, in pieces when a line is longer than a message, and the lines it tells."""

    pieces: tuple[str, ...]
    events: tuple[CaseEvent, ...]


def title_of_topic(case: Case) -> str:
    """Name a case's topic."""
    return say("group.title", number=case.id, why=say(f"desk.why_{case.why}"))[:LONGEST_TITLE]


def asks_for_owner(event: CaseEvent) -> bool:
    """Tell whether a line says that somebody is to take the case."""
    is_returned = event.kind == "transferred" and event.more.get("to") is None
    return is_returned or event.kind in ("opened", "released")


def message_of(
    session: Session, case: Case, events: list[CaseEvent], *, is_again: bool, is_anew: bool
) -> Said:
    """Join as many lines as one message holds; one that asks for an owner ends it, for its button."""
    names = dict(session.execute(select(Staff.id, Staff.name)).all())
    before = [say(key) for key, is_so in (("group.again", is_again), ("group.anew", is_anew)) if is_so]
    text, told = "\n".join(before), list[CaseEvent]()
    for event in events:
        line = _card(session, case) if event.kind == "opened" else _words(line_of(event, names))
        longer = f"{text}\n{line}".strip()
        if told and (_size(longer) > LIMIT or asks_for_owner(event)):
            break
        text, told = longer, [*told, event]
        if asks_for_owner(event):
            break
    return Said(tuple(_pieces(text)), tuple(told))


def _card(session: Session, case: Case) -> str:
    """Tell a new case: why, channel and deadline, the question, and what was said before it."""
    due = say("desk.due", at=f"{case.deadline.astimezone(HERE):%H:%M %d/%m}") if case.deadline else ""
    first = [
        say("group.title", number=case.id, why=say(f"desk.why_{case.why}")),
        " · ".join(filter(None, (say(f"desk.channel_{case.channel}"), due))),
        say("group.question", text=_harmless(case.question)),
    ]
    lines = takewhile(lambda line: line.at <= case.opened_at, transcript(session, case))
    before = [line for line in lines if line.speaker in ("citizen", "machine")]
    if before and case.question.endswith(before[-1].text):
        before.pop()
    earlier = [_clipped(_words(line)) for line in before[-LINES_BEFORE:]]
    while earlier and _size("\n".join([*first, *earlier])) > LIMIT - LONGEST_WORDS:
        earlier.pop(0)
    return "\n".join([*first, *([say("group.before"), *earlier] if earlier else [])])


def _words(line: Line) -> str:
    """Write a line with who said it; what the citizen wrote stays text, whatever it looks like."""
    if line.speaker == "event":
        return f"— {_harmless(line.text)}"
    if line.speaker == "machine":
        return f"{say('desk.speaker_machine')}: {_plain(line.text)}"
    if line.speaker == "citizen":
        return f"{say('desk.speaker_citizen')}: {_harmless(line.text)}"
    who = line.by or say("desk.speaker_person")
    return (
        f"{say('desk.speaker_note')} · {who}: {line.text}"
        if line.speaker == "note"
        else f"{who}: {line.text}"
    )


def _harmless(text: str) -> str:
    """Keep a text from mentioning somebody or offering a command, by a character of no width."""
    return _DOES_SOMETHING.sub("\\1\N{WORD JOINER}", text)


def _plain(markdown: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", as_html(markdown)))


def _clipped(text: str) -> str:
    return text if len(text) <= LONGEST_WORDS else f"{text[: LONGEST_WORDS - 1]}…"


def _pieces(text: str) -> list[str]:
    """Cut a text into messages."""
    pieces = []
    while _size(text) > LIMIT:
        room = text[:LIMIT]
        while _size(room) > LIMIT:
            room = room[: -max(1, (_size(room) - LIMIT) // 2)]
        end = max(room.rfind("\n"), room.rfind(" "), 0) or len(room)
        pieces.append(text[:end])
        text = text[end:].strip()
    return [*pieces, text]


def _size(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
