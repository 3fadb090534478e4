"""Cases: questions that people take over from the machine; one open case a conversation, one owner a case.

Whatever changes a case is one statement that says from which state, so that of two who press at the same
instant one wins; what happened stands in its history, and what is sent to the citizen is queued with it.

CaseRefused
└── what was asked cannot be done with this case any more; says in Vietnamese why
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal

from sqlalchemy import ForeignKey, Index, String, Text, bindparam, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from actions.request import Why
from actions.wording import say
from bot.hotline.history import CaseEvent, note
from bot.hotline.staff import Staff, locked, may
from bot.outbox import Recipient, queue
from bot.store import Conversation, Turn
from knowledge.database import Base, UtcTime, insert_or, now

LONGEST_REPLY = 4_000  # characters
State = Literal["waiting", "taken", "answered", "closed"]
Closing = Literal["answered", "referred", "no_answer", "abusive", "citizen_left", "duplicate"]
CLOSINGS: tuple[Closing, ...] = ("answered", "referred", "no_answer", "abusive", "citizen_left", "duplicate")
RATED = ("answered", "referred", "no_answer")  # closings after which the citizen is asked how it was
URGENT, COMPLAINT, ORDINARY = 2, 1, 0
PRIORITY: dict[Why, int] = {"emergency": URGENT, "complaint": COMPLAINT}


class Case(Base):
    """One question that a person answers; ``is_silencing`` while the machine keeps silent for it."""

    __tablename__ = "cases"
    __table_args__ = (
        Index("ix_cases_state_priority", "state", "priority", "opened_at"),
        {"sqlite_autoincrement": True},  # a number must not come again when a case is erased
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[str] = mapped_column(
        ForeignKey("conversations.id", ondelete="CASCADE"), index=True
    )
    open_for: Mapped[str | None] = mapped_column(
        String(36), unique=True
    )  # the conversation, while it is open
    channel: Mapped[str] = mapped_column(String(16))
    province: Mapped[str] = mapped_column(String(40))
    why: Mapped[str] = mapped_column(String(16))
    question: Mapped[str] = mapped_column(Text)
    procedure: Mapped[str | None] = mapped_column(String(16))
    dossier: Mapped[str | None] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16))
    is_silencing: Mapped[bool]
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    team: Mapped[str | None] = mapped_column(String(40))
    priority: Mapped[int]
    opened_at: Mapped[datetime] = mapped_column(UtcTime, index=True)
    deadline: Mapped[datetime | None] = mapped_column(UtcTime)
    is_deadline_told: Mapped[bool] = mapped_column(default=False)
    taken_at: Mapped[datetime | None] = mapped_column(UtcTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    closing: Mapped[str | None] = mapped_column(String(16))
    consented_at: Mapped[datetime | None] = mapped_column(UtcTime)
    rating: Mapped[str | None] = mapped_column(String(16))
    rating_words: Mapped[str | None] = mapped_column(Text)


class CaseRefused(Exception):
    """What was asked cannot be done with this case; the message is for staff."""


@dataclass(frozen=True)
class Opening:
    """What a new case is about and how soon it is due."""

    why: Why
    question: str
    province: str
    is_silencing: bool
    deadline: datetime | None = None
    procedure: str | None = None
    dossier: str | None = None


def open_case(session: Session, conversation: Conversation, opening: Opening) -> tuple[Case, bool]:
    """Open a case for a conversation, or find the one that is open; tell whether it is new."""
    priority, at = PRIORITY.get(opening.why, ORDINARY), now()
    row = insert_or(session, Case).values(
        conversation_id=conversation.id, open_for=conversation.id, channel=conversation.channel,
        province=opening.province, why=opening.why, question=opening.question, procedure=opening.procedure,
        dossier=opening.dossier, state="waiting", is_silencing=opening.is_silencing, priority=priority,
        opened_at=at, deadline=opening.deadline, is_deadline_told=False,
    )  # fmt: skip
    added = session.scalar(row.on_conflict_do_nothing(index_elements=["open_for"]).returning(Case.id))
    case = session.scalars(select(Case).where(Case.open_for == conversation.id)).one()
    if added is not None:
        note(session, case.id, "opened", text=opening.question, why=opening.why)
        return case, True
    case.is_silencing = case.is_silencing or opening.is_silencing
    if case.priority < priority:
        case.priority, case.why = priority, opening.why
        case.deadline = min(filter(None, (case.deadline, opening.deadline)), default=None)
        note(session, case.id, "raised", text=opening.question, why=opening.why)
    return case, False


def find_open(session: Session, conversation_id: str) -> Case | None:
    """Find the open case of a conversation."""
    if session.scalar(_IS_OPEN, {"whose": conversation_id}) is None:
        return None
    return session.scalar(select(Case).where(Case.open_for == conversation_id))


def take_message(
    session: Session, case_id: int, turn_id: int, text: str, deadline: datetime | None = None
) -> None:
    """Pass what the citizen wrote or pressed to the person; an answered case is due again, anew."""
    note(session, case_id, "message", text=text, key=f"turn:{turn_id}", turn=turn_id)
    _is_due_again(session, case_id, deadline)


def _is_due_again(session: Session, case_id: int, deadline: datetime | None) -> None:
    answered = update(Case).where(Case.id == case_id, Case.state == "answered")
    session.execute(answered.values(state="taken", deadline=deadline, is_deadline_told=False))


def claim(session: Session, case_id: int, staff_id: int) -> bool:
    """Take a waiting case; of many who claim it at the same instant exactly one is told yes."""
    _check_answers(session, staff_id)
    hold(session, case_id)
    at = now()
    taken = session.execute(
        update(Case)
        .where(Case.id == case_id, Case.state == "waiting", Case.owner_id.is_(None))
        .values(
            owner_id=staff_id,
            state="taken",
            is_silencing=True,
            taken_at=func.coalesce(Case.taken_at, bindparam("at", at, UtcTime)),
        )
        .returning(Case.conversation_id)
    ).first()
    if taken is None:
        return False
    event = note(session, case_id, "claimed", staff_id)
    tell(session, taken.conversation_id, f"claimed:{event}", {"text": say("hotline.claimed")})
    return True


def take_conversation(
    session: Session, conversation_id: str, staff_id: int, province: str, deadline: datetime | None
) -> Case:
    """Take over a conversation that nobody asked a person for; raises CaseRefused when somebody has it."""
    _check_answers(session, staff_id)
    wanted = select(Conversation).where(Conversation.id == conversation_id).with_for_update()
    conversation = session.scalar(wanted)
    if conversation is None:
        raise CaseRefused(say("desk.conversation_erased"))
    opening = Opening("staff", _last_words(session, conversation_id), province, True, deadline)
    case, is_new = open_case(session, conversation, opening)
    if not claim(session, case.id, staff_id):
        raise CaseRefused(_why_not(session, case.id))
    if is_new:
        session.refresh(case)
    return case


def take_over(session: Session, case_id: int, staff_id: int, owner_id: int) -> None:
    """Take a case from the colleague who is known to own it; raises CaseRefused when they no longer do."""
    _check_answers(session, staff_id)
    _change(session, case_id, owner_id, owner_id=staff_id)
    note(session, case_id, "taken_over", staff_id, former=owner_id)


def transfer(
    session: Session, case_id: int, staff_id: int, *, to: int | None = None, team: str | None = None
) -> None:
    """Hand a case of one's own to a colleague, or back to the queue for a team."""
    if to is not None:
        _check_answers(session, to)
        _change(session, case_id, staff_id, owner_id=to)
    else:
        _change(session, case_id, staff_id, owner_id=None, state="waiting", team=team)
    note(session, case_id, "transferred", staff_id, to=to, team=team)


def release_all(session: Session, staff_id: int) -> None:
    """Put the open cases of somebody who was removed back into the queue."""
    theirs = select(Case.id).where(Case.owner_id == staff_id, Case.state != "closed").order_by(Case.id)
    for case_id in session.scalars(theirs).all():
        hold(session, case_id)
        freed = update(Case).where(Case.id == case_id, Case.owner_id == staff_id, Case.state != "closed")
        if session.execute(freed.values(owner_id=None, state="waiting").returning(Case.id)).first():
            note(session, case_id, "released", staff_id)


def reply(
    session: Session,
    case_id: int,
    staff_id: int,
    text: str,
    key: str,
    sources: tuple[dict[str, Any], ...] = (),
    topic: int | None = None,
) -> None:
    """Send the owner's words to the citizen, once for a key; raises CaseRefused, and nothing is sent.

    ``topic`` is the one of the staff's group where they were written.
    """
    text = text.strip()
    if not text or len(text) > LONGEST_REPLY:
        raise CaseRefused(say("desk.reply_length", length=len(text), most=LONGEST_REPLY))
    conversation_id = _change(session, case_id, staff_id, state="answered", answered_at=now())
    where = {"topic": topic} if topic else {}
    event = note(
        session, case_id, "reply", staff_id, text=text, key=f"reply:{key}", sources=list(sources), **where
    )
    if event is None:
        _check_same(session, f"reply:{key}", case_id, text)
    else:
        told = {"text": text, "sources": list(sources), "by": "person"}
        tell(session, conversation_id, f"reply:{event}", told)


def add_note(
    session: Session,
    case_id: int,
    staff_id: int,
    text: str,
    key: str | None = None,
    topic: int | None = None,
) -> None:
    """Write down what only staff see, once for a key; ``topic`` is where it was written, if in one."""
    hold(session, case_id)
    where = {"topic": topic} if topic else {}
    note(session, case_id, "note", staff_id, text=text, key=f"note:{key}" if key else None, **where)


def close(session: Session, case_id: int, staff_id: int, closing: Closing) -> None:
    """Close one's own case; the citizen is told, and asked how it was unless they left."""
    at = now()
    closed = {"state": "closed", "closing": closing, "closed_at": at, "open_for": None, "is_silencing": False}
    conversation_id = _change(session, case_id, staff_id, **closed)
    event = note(session, case_id, "closed", staff_id, closing=closing)
    if closing in RATED:
        choices = [
            {"title": say(f"hotline.{rating}"), "payload": f"ask_human?rating={rating}&number={case_id}"}
            for rating in ("useful", "useless")
        ]
        told = {"text": say("hotline.closed_rate"), "choices": choices}
    else:
        told = {"text": say("hotline.closed")}
    tell(session, conversation_id, f"closed:{event}", told)


def note_undelivered(session: Session, key: str, *, is_window_closed: bool = False) -> None:
    """Note that the channel refuses what was queued under this key by ``tell``.

    For good, or while its window is closed: until the citizen writes again.
    """
    about, _, event_id = key.rpartition(":")
    if not about.startswith("case:") or not event_id.isdecimal():
        return
    event = session.get(CaseEvent, int(event_id))
    if event is not None:
        hold(session, event.case_id)
        kind = "window_closed" if is_window_closed else "undelivered"
        note(session, event.case_id, kind, key=f"{kind}:{event.id}", of=event.kind)


def note_due(session: Session, case_id: int) -> bool:
    """Note once that a case nears its deadline and is not answered; tell whether it was noted now."""
    hold(session, case_id)
    near = update(Case).where(
        Case.id == case_id, Case.state.in_(("waiting", "taken")), Case.is_deadline_told.is_(False)
    )
    if session.execute(near.values(is_deadline_told=True).returning(Case.id)).first() is None:
        return False
    note(session, case_id, "due")
    return True


def give_back(session: Session, conversation_id: str) -> bool:
    """Close a conversation's case at the citizen's wish; tell whether there was one."""
    case = find_open(session, conversation_id)
    if case is None:
        return False
    case.state, case.closing, case.closed_at = "closed", "citizen_left", now()
    case.open_for, case.is_silencing = None, False
    note(session, case.id, "given_back")
    return True


def tell(session: Session, conversation_id: str, key: str, message: dict[str, Any]) -> None:
    """Queue a message for the citizen, who waits for it also at night."""
    conversation = session.get_one(Conversation, conversation_id)
    conversation.last_at = now()
    recipient = Recipient(conversation.channel, conversation.address, conversation_id)
    whole = {"choices": [], "sources": [], "by": "desk", **message}
    queue(session, f"case:{key}", recipient, whole, at_night=True)


def consent(session: Session, conversation_id: str) -> bool:
    """Note that the citizen lets staff see personal numbers in this case; tell whether one is open."""
    case = find_open(session, conversation_id)
    if case is None:
        return False
    case.consented_at = case.consented_at or now()
    note(session, case.id, "consented")
    return True


def leave_message(
    session: Session, conversation_id: str, turn_id: int, text: str, deadline: datetime | None
) -> int | None:
    """Pass on a message that the citizen agreed to send as it is; give the case's number."""
    case = find_open(session, conversation_id)
    if case is None:
        return None
    note(session, case.id, "consented")
    take_message(session, case.id, turn_id, text, deadline)
    return case.id


def take_contact(
    session: Session, conversation_id: str, key: str, text: str, deadline: datetime | None
) -> int | None:
    """Pass on, once for a key, how to reach the citizen, who agreed to it; give the case's number."""
    case = find_open(session, conversation_id)
    if case is None:
        return None
    hold(session, case.id)
    if (
        note(session, case.id, "message", text=text, key=f"contact:{sha256(key.encode()).hexdigest()[:40]}")
        is not None
    ):
        note(session, case.id, "consented")
        _is_due_again(session, case.id, deadline)
    return case.id


def rate(session: Session, conversation_id: str, case_id: int, rating: str | None, words: str | None) -> bool:
    """Keep what the citizen says of a closed case of theirs; tell whether there is one."""
    case = session.get(Case, case_id)
    if case is None or case.conversation_id != conversation_id or case.closing not in RATED:
        return False
    case.rating, case.rating_words = rating or case.rating, words or case.rating_words
    note(session, case_id, "rated", text=words, rating=case.rating)
    return True


def _check_answers(session: Session, staff_id: int) -> None:
    """Refuse a case to whoever answers none, or is being removed just now; raises StaffError too."""
    if not may(locked(session, staff_id).role, "cases"):
        raise CaseRefused(say("desk.no_right"))


def _check_same(session: Session, key: str, case_id: int, text: str) -> None:
    """Refuse other words under the key of words that were sent: they would be lost."""
    sent = session.scalars(select(CaseEvent).where(CaseEvent.key == key)).one()
    if (sent.case_id, sent.text) != (case_id, text):
        raise CaseRefused(say("desk.sent_before"))


def hold(session: Session, case_id: int) -> None:
    """Take the conversation before the case, as turns do, so that neither waits for the other for ever."""
    whose = select(Case.conversation_id).where(Case.id == case_id).scalar_subquery()
    session.execute(select(Conversation.id).where(Conversation.id == whose).with_for_update())


def _change(session: Session, case_id: int, owner: int, **values: Any) -> str:
    """Change an open case that this person owns; give its conversation, or raise CaseRefused."""
    hold(session, case_id)
    changed = session.execute(
        update(Case)
        .where(Case.id == case_id, Case.owner_id == owner, Case.state.in_(("taken", "answered")))
        .values(**values)
        .returning(Case.conversation_id)
    ).first()
    if changed is None:
        raise CaseRefused(_why_not(session, case_id))
    return str(changed.conversation_id)


def _last_words(session: Session, conversation_id: str) -> str:
    said = select(Turn.text).where(Turn.conversation_id == conversation_id, Turn.text.is_not(None))
    return session.scalar(said.order_by(Turn.id.desc()).limit(1)) or ""


def _why_not(session: Session, case_id: int) -> str:
    case = session.get(Case, case_id, populate_existing=True)
    if case is None:
        return say("desk.case_erased", number=case_id)
    if case.state == "closed":
        return say("desk.case_closed", number=case_id)
    owner = session.get(Staff, case.owner_id) if case.owner_id else None
    if owner is None:
        return say("desk.case_unclaimed", number=case_id)
    return say("desk.case_owned", number=case_id, owner=owner.name)


_CASES = Case.__table__.c
_IS_OPEN = select(_CASES.id).where(_CASES.open_for == bindparam("whose"))  # built once: asked in every turn
