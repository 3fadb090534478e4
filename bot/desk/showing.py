"""What the desk shows: the queues of cases, and the lines of one conversation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import String, cast, func, or_, select
from sqlalchemy.orm import Session

from actions.wording import say
from bot.hotline.cases import Case
from bot.hotline.history import CaseEvent, history
from bot.hotline.staff import Staff
from bot.outbox import OutboxMessage
from bot.store import Turn

QueueName = Literal["waiting", "mine", "others", "closed"]
QUEUES: tuple[QueueName, ...] = ("waiting", "mine", "others", "closed")
MOST_ROWS = 100
TURNS_BEFORE = 20  # of the conversation before the case
Speaker = Literal["citizen", "machine", "person", "note", "event"]


@dataclass(frozen=True)
class Row:
    """One case in a queue."""

    number: int
    question: str
    channel: str
    why: str
    state: str
    owner: str | None
    opened_at: datetime
    deadline: datetime | None


@dataclass(frozen=True)
class Line:
    """One line of a conversation; ``delivery`` tells how far a person's words have come."""

    at: datetime
    speaker: Speaker
    text: str
    by: str | None = None
    delivery: str | None = None


def count_queues(session: Session, me: int) -> dict[QueueName, int]:
    """Count the cases of each queue."""
    return {
        name: session.scalar(select(func.count()).select_from(Case).where(*_in_queue(name, me))) or 0
        for name in QUEUES
    }


def list_queue(session: Session, name: QueueName, me: int, search: str = "") -> list[Row]:
    """List a queue, the most urgent and longest waiting first; closed ones newest first."""
    wanted = select(Case, Staff.name).outerjoin(Staff, Staff.id == Case.owner_id).where(*_in_queue(name, me))
    return _rows(session, wanted, name == "closed", search)


def search_cases(session: Session, search: str) -> list[Row]:
    """Search all cases by number, question, or what was said in them."""
    wanted = select(Case, Staff.name).outerjoin(Staff, Staff.id == Case.owner_id)
    return _rows(session, wanted, True, search)


def _rows(session: Session, wanted: Any, newest_first: bool, search: str) -> list[Row]:
    if search:
        said = select(CaseEvent.case_id).where(CaseEvent.text.icontains(search, autoescape=True))
        wanted = wanted.where(
            or_(
                cast(Case.id, String) == search,
                Case.question.icontains(search, autoescape=True),
                Case.id.in_(said),
            )
        )
    order = (Case.id.desc(),) if newest_first else (Case.priority.desc(), Case.id)
    return [
        Row(case.id, case.question, case.channel, case.why, case.state, owner, case.opened_at, case.deadline)
        for case, owner in session.execute(wanted.order_by(*order).limit(MOST_ROWS))
    ]


def _in_queue(name: QueueName, me: int) -> tuple[Any, ...]:
    is_open = Case.state != "closed"
    return {
        "waiting": (Case.state == "waiting",),
        "mine": (is_open, Case.owner_id == me),
        "others": (is_open, Case.owner_id.is_not(None), Case.owner_id != me),
        "closed": (Case.state == "closed",),
    }[name]


def transcript(session: Session, case: Case) -> list[Line]:
    """Give the conversation of a case in order: the turns before it, and all that was said in it."""
    events = history(session, case.id)
    passed_on = {event.more["turn"] for event in events if event.kind == "message"}
    lines = _lines_of_turns(session, case, passed_on)
    names = dict(session.execute(select(Staff.id, Staff.name)).all())
    deliveries = _deliveries(session, events)
    lines += [_line(event, names, deliveries) for event in events if event.kind not in ("opened", "raised")]
    return sorted(lines, key=lambda line: line.at)


def _lines_of_turns(session: Session, case: Case, passed_on: set[int]) -> list[Line]:
    mine = Turn.conversation_id == case.conversation_id
    before = (
        select(Turn.id)
        .where(mine, Turn.asked_at < case.opened_at)
        .order_by(Turn.id.desc())
        .limit(TURNS_BEFORE)
    )
    wanted = or_(Turn.id.in_(before), Turn.asked_at >= case.opened_at)
    until = case.closed_at
    lines: list[Line] = []
    for turn in session.scalars(select(Turn).where(mine, wanted).order_by(Turn.id)):
        if until and turn.asked_at > until:
            break
        if turn.id not in passed_on:
            lines.append(Line(turn.asked_at, "citizen", turn.text or say("desk.pressed")))
        said = [each["text"] for each in (turn.reply or {}).get("messages", ()) if "by" not in each]
        lines += [Line(turn.answered_at or turn.asked_at, "machine", text) for text in said]
    return lines


def _deliveries(session: Session, events: list[CaseEvent]) -> dict[str, str]:
    keys = [f"case:reply:{event.id}" for event in events if event.kind == "reply"]
    found = select(OutboxMessage.key, OutboxMessage.state).where(OutboxMessage.key.in_(keys))
    return dict(session.execute(found).all())


def line_of(event: CaseEvent, names: dict[int, str]) -> Line:
    """Give the line of one thing that happened; ``names`` are those of staff."""
    return _line(event, names, {})


def _line(event: CaseEvent, names: dict[int, str], deliveries: dict[str, str]) -> Line:
    by = names.get(event.staff_id or 0)
    if event.kind == "message":
        return Line(event.at, "citizen", event.text or "")
    if event.kind == "reply":
        delivery = deliveries.get(f"case:reply:{event.id}", "sent")
        return Line(event.at, "person", event.text or "", by, delivery)
    if event.kind == "note":
        return Line(event.at, "note", event.text or "", by)
    told = say(f"desk.event_{event.kind}", by=by or say("desk.machine"), **_told(event, names))
    return Line(event.at, "event", told)


def _told(event: CaseEvent, names: dict[int, str]) -> dict[str, str]:
    more = event.more
    closing, rating = more.get("closing"), more.get("rating")
    to = names.get(more.get("to") or 0) or more.get("team") or say("desk.queue")
    return {
        "former": names.get(more.get("former") or 0, ""),
        "to": to,
        "closing": say(f"desk.closing_{closing}") if closing else "",
        "rating": say(f"hotline.{rating}") if rating else "",
        "text": event.text or "",
    }
