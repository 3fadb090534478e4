"""What the desk shows: the queues of cases, and the lines of one conversation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import String, and_, cast, exists, func, or_, select
from sqlalchemy.orm import Session

from actions.wording import say
from bot.hotline.cases import Case
from bot.hotline.history import CaseEvent, history
from bot.hotline.staff import Staff
from bot.outbox import OutboxMessage
from bot.store import Conversation, Turn
from knowledge.database import now

QueueName = Literal["waiting", "mine", "others", "closed", "machine"]
CASES: tuple[QueueName, ...] = ("waiting", "mine", "others", "closed")
QUEUES: tuple[QueueName, ...] = (*CASES, "machine")
LATELY = timedelta(minutes=30)  # after its last message a conversation counts as going on
MOST_ROWS = 100
TURNS_BEFORE = 20  # of the conversation before the case
Speaker = Literal["citizen", "machine", "person", "note", "event"]


@dataclass(frozen=True)
class Row:
    """One case in a queue, or a conversation that has none (then without a number)."""

    conversation: str
    number: int | None
    question: str
    channel: str
    why: str
    state: str
    owner: str | None
    opened_at: datetime
    deadline: datetime | None
    team: str | None = None
    is_due: bool = False


@dataclass(frozen=True)
class Line:
    """One line of a conversation; ``delivery`` tells how far a person's words have come.

    ``understood`` is the intent, the procedure's name and the certainty that a turn was read with.
    """

    at: datetime
    speaker: Speaker
    text: str
    by: str | None = None
    delivery: str | None = None
    sources: tuple[dict[str, Any], ...] = ()
    understood: tuple[str, str, float] | None = None


def count_queues(session: Session, me: int) -> dict[QueueName, int]:
    """Count the cases of each queue."""
    counts: dict[QueueName, int] = {
        name: session.scalar(select(func.count()).select_from(Case).where(*_in_queue(name, me))) or 0
        for name in CASES
    }
    going_on = select(func.count()).select_from(Conversation).where(*_with_the_machine())
    return {**counts, "machine": session.scalar(going_on) or 0}


def list_queue(session: Session, name: QueueName, me: int) -> list[Row]:
    """List a queue, the most urgent and longest waiting first; closed ones newest first."""
    if name == "machine":
        return _list_going_on(session)
    wanted = select(Case, Staff.name).outerjoin(Staff, Staff.id == Case.owner_id).where(*_in_queue(name, me))
    return _rows(session, wanted, name == "closed", "")


def list_alarms(session: Session, me: int) -> frozenset[tuple[int, str]]:
    """Give what calls for this person: waiting cases by urgency, nearly due ones, new words in one's own."""
    concerned = or_(Case.state == "waiting", and_(Case.owner_id == me, Case.state == "taken"))
    wanted = select(Case.id, Case.state, Case.priority, Case.is_deadline_told).where(concerned)
    found = session.execute(wanted).all()
    new = {(each.id, f"new {each.priority}") for each in found if each.state == "waiting"}
    due = {(each.id, "due") for each in found if each.is_deadline_told}
    mine = [each.id for each in found if each.state == "taken"]
    heard = select(CaseEvent.case_id, func.max(CaseEvent.id).label("last")).where(
        CaseEvent.case_id.in_(mine), CaseEvent.kind == "message"
    )
    said = {
        (each.case_id, f"message {each.last}") for each in session.execute(heard.group_by(CaseEvent.case_id))
    }
    return frozenset(new | due | said)


def _list_going_on(session: Session) -> list[Row]:
    """List the conversations that the machine answers just now, the newest first, by their last words."""
    said = (Turn.conversation_id == Conversation.id, Turn.text.is_not(None))
    last = select(Turn.text).where(*said).order_by(Turn.id.desc()).limit(1).correlate(Conversation)
    wanted = (
        select(Conversation, last.scalar_subquery())
        .where(*_with_the_machine())
        .order_by(Conversation.last_at.desc())
        .limit(MOST_ROWS)
    )
    return [
        Row(each.id, None, text or "", each.channel, "machine", "machine", None, each.last_at, None)
        for each, text in session.execute(wanted)
    ]


def _with_the_machine() -> tuple[Any, ...]:
    has_case = exists().where(Case.open_for == Conversation.id)
    return Conversation.last_at > now() - LATELY, Conversation.channel != "console", ~has_case


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
        Row(
            case.conversation_id,
            case.id,
            case.question,
            case.channel,
            case.why,
            case.state,
            owner,
            case.opened_at,
            case.deadline,
            case.team,
            is_due=case.is_deadline_told and case.state in ("waiting", "taken"),
        )
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


def going_on(session: Session, conversation_id: str) -> list[Line]:
    """Give the last turns of a conversation that has no open case."""
    last = select(Turn).where(Turn.conversation_id == conversation_id).order_by(Turn.id.desc())
    turns = reversed(session.scalars(last.limit(TURNS_BEFORE)).all())
    return [line for turn in turns for line in _lines_of(turn, is_passed_on=False)]


def transcript_stamp(session: Session, case: Case) -> tuple[object, ...]:
    """Tell what was said in a case, and how far it came, from any other state."""
    events = select(func.max(CaseEvent.id)).where(CaseEvent.case_id == case.id)
    whose = case.conversation_id
    turns = select(func.max(Turn.id), func.max(Turn.answered_at)).where(Turn.conversation_id == whose)
    queued = select(func.max(OutboxMessage.changed_at)).where(OutboxMessage.conversation_id == whose)
    return (case.id, session.scalar(events), *session.execute(turns).one(), session.scalar(queued))


def transcript(session: Session, case: Case) -> list[Line]:
    """Give the conversation of a case in order: the turns before it, and all that was said in it."""
    events = history(session, case.id)
    passed_on = {event.more["turn"] for event in events if "turn" in event.more}
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
        lines += _lines_of(turn, is_passed_on=turn.id in passed_on)
    return lines


def _lines_of(turn: Turn, *, is_passed_on: bool) -> list[Line]:
    lines = []
    if not is_passed_on:
        lines.append(Line(turn.asked_at, "citizen", turn.text or say("desk.pressed"), understood=_read(turn)))
    for each in (turn.reply or {}).get("messages", ()):
        if "by" not in each:
            at, sources = turn.answered_at or turn.asked_at, tuple(each.get("sources", ()))
            lines.append(Line(at, "machine", each["text"], sources=sources))
    return lines


def _read(turn: Turn) -> tuple[str, str, float] | None:
    """Give what a written turn was read as: intent, name of the procedure, certainty."""
    if turn.text is None or turn.intent is None or turn.reply is None:
        return None
    procedure = turn.reply["understanding"].get("procedure") or {}
    return turn.intent, procedure.get("name", ""), turn.confidence or 0.0


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
        sources = tuple(event.more.get("sources", ()))
        return Line(event.at, "person", event.text or "", by, delivery, sources)
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
