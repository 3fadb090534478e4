"""Announcements: a notice with an audience is queued once for everyone in it, when its window begins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import structlog
from sqlalchemy import (
    ColumnElement,
    String,
    and_,
    func,
    insert,
    literal,
    not_,
    null,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from actions.announcements import tell_announcement
from actions.request import Known
from bot.outbox import OPEN, AnnouncementText, OutboxMessage, State
from bot.sms_numbers import SmsNumber
from bot.store import Conversation, Turn
from bot.turn import BY_NUMBER, Assistant
from knowledge.database import Base, UtcTime, insert_or, now, reading, transaction
from knowledge.dossiers import HERE
from knowledge.records import EVERYBODY, Notice
from knowledge.search import procedure_codes

log = structlog.get_logger()

SMS = "sms"
LOOKED_THROUGH = timedelta(minutes=1)  # by then every replica knows the newest content
A_WHILE = timedelta(hours=13)  # by then nothing that was being sent comes back to be sent later
_TAKES = and_(Conversation.takes_announcements, Conversation.follows)
_COLUMNS = (
    "key", "channel", "address", "conversation_id", "message", "state", "not_before", "at_night",
    "announcement", "tries", "queued_at", "changed_at",
)  # fmt: skip


class Announcement(Base):
    """A notice that was queued; that it is there keeps it from being queued again."""

    __tablename__ = "announcements"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)  # the notice's
    queued_at: Mapped[datetime] = mapped_column(UtcTime)
    ends_at: Mapped[datetime] = mapped_column(UtcTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcTime)  # what was not sent by then expired
    count: Mapped[int]
    left_out: Mapped[int]  # who takes no announcements


@dataclass(frozen=True)
class Report:
    """What became of an announcement so far."""

    queued_at: datetime
    count: int
    left_out: int
    states: Counter[str]

    def of(self, *states: State) -> int:
        """Give how many messages are in these states."""
        return sum(self.states[each] for each in states)


@dataclass(frozen=True)
class Announcer:
    """Queues announcements for the channels that can send, and ends those whose time is over."""

    assistant: Assistant
    channels: tuple[str, ...]
    clock: Callable[[], datetime] = now

    def round(self) -> None:
        """Queue what has begun, and let what has ended or was withdrawn be sent no more."""
        at = self.clock()
        province, notices = self.assistant.province.id, self.assistant.library.catalogue.notices
        moment = at.astimezone(HERE).replace(tzinfo=None)
        begun = [each for each in notices if each.audience and each.holds_at(moment, province)]
        with reading(self.assistant.engine) as session:
            known = {each.id: each for each in session.scalars(select(Announcement))}
            session.expunge_all()
        for notice in begun:
            if notice.id not in known:
                self._queue(notice, at)
        for notice in notices:
            if notice.id in known and known[notice.id].ends_at != _end(notice):
                self._move_end(notice)
        if any(each.closed_at is None or each.closed_at > at - A_WHILE for each in known.values()):
            self._close(at, [each.id for each in notices])

    def _queue(self, notice: Notice, at: datetime) -> None:
        began, assistant = monotonic(), self.assistant
        known = Known(assistant.library, assistant.pack, assistant.content_day())
        with transaction(assistant.engine) as session:
            count = queue_announcement(session, known, notice, self.channels, at)
        if count is not None:
            log.info("announcement_queued", id=notice.id, count=count, seconds=round(monotonic() - began, 2))

    def _move_end(self, notice: Notice) -> None:
        """Follow a window that was changed after the notice was queued."""
        with transaction(self.assistant.engine) as session:
            moved = update(Announcement).where(Announcement.id == notice.id)
            session.execute(moved.values(ends_at=_end(notice)))

    def _close(self, at: datetime, there: list[str]) -> None:
        """Let what was not sent of an announcement expire at its end, or when its notice was withdrawn."""
        is_withdrawn = Announcement.id.not_in(there) & (Announcement.queued_at < at - LOOKED_THROUGH)
        is_over = Announcement.closed_at.is_(None) & ((Announcement.ends_at <= at) | is_withdrawn)
        came_back = (OutboxMessage.announcement == Announcement.id) & OutboxMessage.state.in_(OPEN)
        is_over |= (Announcement.closed_at > at - A_WHILE) & select(OutboxMessage.id).where(
            came_back
        ).exists()
        with reading(self.assistant.engine) as session:
            ended = list(session.scalars(select(Announcement.id).where(is_over)))
        for each in ended:
            with transaction(self.assistant.engine) as session:
                unsent = update(OutboxMessage).where(
                    OutboxMessage.announcement == each, OutboxMessage.state.in_(OPEN)
                )
                session.execute(unsent.values(state="expired", changed_at=at))
                session.execute(
                    update(Announcement)
                    .where(Announcement.id == each, Announcement.closed_at.is_(None))
                    .values(closed_at=at)
                )


def queue_announcement(
    session: Session, known: Known, notice: Notice, channels: tuple[str, ...], at: datetime
) -> int | None:
    """Queue a notice once for its audience; give how many messages, ``None`` when it was queued before."""
    first = insert_or(session, Announcement).values(
        id=notice.id,
        queued_at=at,
        ends_at=_end(notice),
        count=0,
        left_out=_count(session, notice, channels, takes=False),
    )
    added = session.execute(first.on_conflict_do_nothing(index_elements=["id"]).returning(Announcement.id))
    if added.scalar() is None:
        return None
    count = sum(_queue_for(session, known, notice, channel, at) for channel in channels)
    session.execute(update(Announcement).where(Announcement.id == notice.id).values(count=count))
    return count


def count_recipients(session: Session, notice: Notice, channels: tuple[str, ...]) -> int:
    """Give to how many a notice would be sent now."""
    numbers = 0
    if SMS in channels and notice.audience == EVERYBODY:
        numbers = session.scalar(select(func.count()).select_from(SmsNumber)) or 0
    return numbers + _count(session, notice, channels, takes=True)


def report_on(session: Session, notice_id: str) -> Report | None:
    """Tell what became of an announcement, if it was queued."""
    queued = session.get(Announcement, notice_id)
    if queued is None:
        return None
    counted = (
        select(OutboxMessage.state, func.count())
        .where(OutboxMessage.announcement == notice_id)
        .group_by(OutboxMessage.state)
    )
    states = Counter(dict(session.execute(counted).all()))
    return Report(queued.queued_at, queued.count, queued.left_out, states)


def _end(notice: Notice) -> datetime:
    return notice.ends.replace(tzinfo=HERE)


def _queue_for(session: Session, known: Known, notice: Notice, channel: str, at: datetime) -> int:
    """Queue an announcement for everyone in its audience on one channel, in one statement."""
    if channel == SMS:
        if notice.audience != EVERYBODY:
            return 0
        source: Any = select(SmsNumber.phone.label("address"), null().label("conversation"))
        message: dict[str, Any] = {"text": notice.as_sms}
    else:
        source = select(Conversation.address.label("address"), Conversation.id.label("conversation"))
        source = source.where(*_audience(notice, channel), _TAKES)
        message = tell_announcement(known, notice, has_buttons=channel not in BY_NUMBER).as_message()
    session.add(AnnouncementText(announcement=notice.id, channel=channel, message=message))
    whom = source.subquery()
    table = OutboxMessage.__table__.c
    name = whom.c.address if channel == SMS else whom.c.conversation
    values = {
        "key": literal(f"announcement:{notice.id}:") + name,
        "channel": literal(channel),
        "address": whom.c.address,
        "conversation_id": whom.c.conversation,
        "message": literal({}, table.message.type),
        "state": literal("waiting"),
        "not_before": literal(at, UtcTime(timezone=True)),
        "at_night": literal(False),
        "announcement": literal(notice.id),
        "tries": literal(0),
        "queued_at": literal(at, UtcTime(timezone=True)),
        "changed_at": literal(at, UtcTime(timezone=True)),
    }
    rows = insert(OutboxMessage).from_select(
        list(_COLUMNS), select(*(values[name].label(name) for name in _COLUMNS))
    )
    done: Any = session.connection().execute(rows, execution_options={"preserve_rowcount": True})
    return int(done.rowcount)


def _count(session: Session, notice: Notice, channels: tuple[str, ...], *, takes: bool) -> int:
    counted = (
        select(func.count())
        .select_from(Conversation)
        .where(
            Conversation.channel.in_(channels),
            *_audience(notice, None),
            _TAKES if takes else not_(_TAKES),
        )
    )
    return session.scalar(counted) or 0


def _audience(notice: Notice, channel: str | None) -> list[ColumnElement[bool]]:
    """Say which conversations a notice is for, on a channel or on any."""
    there: list[ColumnElement[bool]] = [Conversation.address.is_not(None)]
    if channel is not None:
        there.append(Conversation.channel == channel)
    if notice.audience is None or notice.audience == EVERYBODY:
        return there
    part = ("procedure", "code") if procedure_codes(notice.audience) else ("topic",)
    asked = Turn.reply[("understanding", *part)].as_string() == notice.audience
    return [*there, Conversation.id.in_(select(Turn.conversation_id).where(asked))]
