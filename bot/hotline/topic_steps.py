"""What is told next in the topic of a case: each line of its history, in order, by one who tells.

Whoever tells takes the case for two minutes, sends, then notes up to which line it was told. What a stopped
program was sending stays marked, so that it is sent again, with a word that it may have come before.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, exists, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.hotline.cases import Case
from bot.hotline.history import CaseEvent
from bot.hotline.topic_lines import ENDS, asks_for_owner, message_of, title_of_topic
from bot.hotline.topics import CaseTopic
from knowledge.database import insert_or, now, reading, transaction

UNSURE_AFTER = timedelta(minutes=2)  # what is still being sent by then belonged to a stopped program
ANEW = -1  # told so far, when a topic was deleted and all is to be told in another


@dataclass(frozen=True)
class Step:
    """The next message for a case's topic: up to which line it tells, and what is done with it."""

    case_id: int
    last_event: int
    taken_at: datetime
    thread_id: int | None
    title: str
    pieces: tuple[str, ...]
    asks_for_owner: bool  # under a button that claims
    old_card: int | None  # the message whose button is to go
    card_id: int | None  # the message that keeps its button
    ends: bool


def untold(engine: Engine, most: int, except_for: Collection[int] = ()) -> list[int]:
    """List cases with something to tell, the most urgent first; those closed before a topic have nothing."""
    more = exists().where(CaseEvent.case_id == Case.id, CaseEvent.id > CaseTopic.told_event)
    has_topic = or_(CaseTopic.thread_id.is_not(None), CaseTopic.told_event == ANEW)
    is_open = Case.state != "closed"
    free = or_(CaseTopic.sending_at.is_(None), CaseTopic.sending_at < now() - UNSURE_AFTER)
    wanted = (
        select(Case.id)
        .outerjoin(CaseTopic, CaseTopic.case_id == Case.id)
        .where(or_(CaseTopic.case_id.is_(None) & is_open, more & free & or_(has_topic, is_open)))
        .where(Case.id.not_in(list(except_for)))
        .order_by(Case.priority.desc(), Case.id)
        .limit(most)
    )
    with reading(engine) as session:
        return list(session.scalars(wanted))


def take_step(engine: Engine, case_id: int) -> Step | None:
    """Take what is to be told next of a case; ``None`` when that is nothing, or somebody else tells it."""
    try:
        with transaction(engine) as session:
            _add_topic(session, case_id)
            at = now()
            topic, is_again = _take(session, case_id, at)
            return _step(session, topic, at, is_again=is_again) if topic else None
    except IntegrityError:  # the case was erased just now
        return None


def note_topic(engine: Engine, step: Step, thread_id: int) -> Step | None:
    """Keep the topic that was made for a case; ``None`` when somebody else tells the case by now."""
    kept = _note(engine, step, thread_id=thread_id)
    return replace(step, thread_id=thread_id) if kept else None


def note_told(engine: Engine, step: Step, card_id: int | None) -> None:
    """Note that a step is told; ``card_id`` is the message under which there is a button now."""
    free = {"sending_event": None, "sending_at": None}
    _note(engine, step, told_event=step.last_event, card_id=card_id, **free)


def give_up(engine: Engine, step: Step, *, may_have_come: bool) -> None:
    """Let a step be told later; as sent again, when it may have come."""
    marked = {"sending_event": step.last_event} if may_have_come else {"sending_event": None}
    _note(engine, step, sending_at=None, **marked)


def begin_anew(engine: Engine, step: Step) -> None:
    """Let the whole case be told in another topic: its own is gone."""
    gone: dict[str, Any] = dict.fromkeys(("thread_id", "card_id", "sending_event", "sending_at"))
    _note(engine, step, told_event=ANEW, **gone)


def case_in_topic(session: Session, thread_id: int) -> Case | None:
    """Find the case of a topic."""
    wanted = select(Case).join(CaseTopic, CaseTopic.case_id == Case.id)
    return session.scalar(wanted.where(CaseTopic.thread_id == thread_id))


def _add_topic(session: Session, case_id: int) -> None:
    row = insert_or(session, CaseTopic).values(case_id=case_id, told_event=0)
    session.execute(row.on_conflict_do_nothing(index_elements=["case_id"]))


def _take(session: Session, case_id: int, at: datetime) -> tuple[CaseTopic | None, bool]:
    """Take a case's topic in one statement, and tell whether its last step may have come before."""
    newest = select(CaseEvent.id).where(CaseEvent.case_id == case_id).order_by(CaseEvent.id.desc()).limit(1)
    mine = update(CaseTopic).where(
        CaseTopic.case_id == case_id, CaseTopic.told_event < newest.scalar_subquery()
    )
    free = or_(CaseTopic.sending_at.is_(None), CaseTopic.sending_at < at - UNSURE_AFTER)
    for is_again in (False, True):
        before = CaseTopic.sending_event.is_not(None) if is_again else CaseTopic.sending_event.is_(None)
        taken = mine.where(free, before).values(sending_at=at).returning(CaseTopic.case_id)
        if session.scalar(taken) is not None:
            return session.get_one(CaseTopic, case_id, populate_existing=True), is_again
    return None, False


def _step(session: Session, topic: CaseTopic, at: datetime, *, is_again: bool) -> Step | None:
    """Write the next step down as being sent; ``None`` when all that is new was written in the topic."""
    case = session.get_one(Case, topic.case_id, populate_existing=True)
    events = [event for event in _untold(session, topic) if not _was_written_there(event, topic)]
    if not events:
        newest = max(event.id for event in _untold(session, topic))
        topic.told_event, topic.sending_event, topic.sending_at = newest, None, None
        return None
    said = message_of(session, case, events, is_again=is_again, is_anew=topic.told_event == ANEW)
    topic.sending_event = said.events[-1].id
    asks = case.state == "waiting" and asks_for_owner(said.events[-1])
    button_goes = asks or case.state != "waiting"
    return Step(
        case.id,
        topic.sending_event,
        at,
        topic.thread_id,
        title_of_topic(case),
        said.pieces,
        asks,
        topic.card_id if button_goes else None,
        None if button_goes else topic.card_id,
        any(event.kind in ENDS for event in said.events),
    )


def _untold(session: Session, topic: CaseTopic) -> list[CaseEvent]:
    """Give the lines to tell next; what may have come before is told by itself."""
    wanted = select(CaseEvent).where(CaseEvent.case_id == topic.case_id, CaseEvent.id > topic.told_event)
    if topic.sending_event is not None:
        wanted = wanted.where(CaseEvent.id <= topic.sending_event)
    return list(session.scalars(wanted.order_by(CaseEvent.id)))


def _was_written_there(event: CaseEvent, topic: CaseTopic) -> bool:
    return topic.thread_id is not None and event.more.get("topic") == topic.thread_id


def _note(engine: Engine, step: Step, **values: Any) -> bool:
    """Change a topic as long as it is ours to tell; tell whether it is."""
    mine = update(CaseTopic).where(
        CaseTopic.case_id == step.case_id,
        CaseTopic.sending_event == step.last_event,
        CaseTopic.sending_at == step.taken_at,
    )
    with transaction(engine) as session:
        return session.scalar(mine.values(**values).returning(CaseTopic.case_id)) is not None
