"""The outbox: the one door for everything that is sent unasked, each message once.

What is queued has a key that can be queued only once. A message is marked as being sent before it is handed
to the platform: when the program is stopped in between, it is not sent again, but told with the person's
next answer, as is what a channel without an address has; an announcement is not even told again, as it
stands in other places, too (decision 025). What a person waits for goes first, and alone from 22 to 6
o'clock; the rest is sent at the pace of its platform.
"""

from __future__ import annotations

import asyncio
from collections import Counter as Counted
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal
from weakref import WeakValueDictionary

import structlog
from prometheus_client import Counter
from sqlalchemy import (
    JSON,
    ColumnElement,
    Engine,
    ForeignKey,
    Index,
    Select,
    String,
    bindparam,
    case,
    delete,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.orm.attributes import set_committed_value

from actions.wording import say
from bot.pacing import held_pace
from knowledge.database import Base, DatabaseUnavailable, UtcTime, insert_or, now, reading, transaction
from knowledge.dossiers import HERE

log = structlog.get_logger()

SENT = Counter("outbox_messages", "Messages sent unasked", ["channel", "outcome"])
AT_ONCE = 20  # messages under way of one channel that somebody waits for
OTHERS_AT_ONCE = 6  # the same of all others: enough for each pace, and few are unsure after a kill
A_SPELL, A_BREATH = 1.0, 0.05  # seconds of sending what is due, and between two looks meanwhile
UNSURE_AFTER = timedelta(minutes=10)  # a message still being sent by then belonged to a stopped program
LONGEST_WAIT = timedelta(hours=6)
MOST_TRIES = 12
NIGHT_FROM, NIGHT_TO = 22, 6  # o'clock in Việt Nam

State = Literal[
    "waiting",
    "sending",
    "sent",
    "kept",  # told with the next answer: the channel has no address, or whether it was sent is not sure
    "failed",  # refused by the platform
    "blocked",  # the person takes none from us
    "unsure",  # an announcement that may have been sent: neither sent nor told again
    "dropped",  # no longer wanted by the person
    "expired",  # an announcement that ended before it was sent
]
OPEN = ("waiting", "kept")  # still to be sent or told
SETTLED = ("sent", "failed", "blocked", "unsure", "dropped", "expired")


class OutboxMessage(Base):
    """One message to send unasked."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_due", "state", "channel", "at_night", "not_before", "id"),
        Index(
            "ix_outbox_announcement",
            "announcement",
            "state",
            sqlite_where=text("announcement IS NOT NULL"),
            postgresql_where=text("announcement IS NOT NULL"),
        ),
        Index(  # counted again and again, whatever crowd of announcements waits
            "ix_outbox_unsettled",
            "state",
            sqlite_where=text("announcement IS NULL"),
            postgresql_where=text("announcement IS NULL"),
        ),
        {"sqlite_autoincrement": True},  # pages know messages by their numbers
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(160), unique=True)
    channel: Mapped[str] = mapped_column(String(16))
    address: Mapped[str | None] = mapped_column(String(64))
    conversation_id: Mapped[str | None] = mapped_column(
        ForeignKey("conversations.id", ondelete="CASCADE"), index=True
    )
    message: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(16))
    not_before: Mapped[datetime] = mapped_column(UtcTime, default=now)
    at_night: Mapped[bool] = mapped_column(default=False)  # the person waits for it
    announcement: Mapped[str | None] = mapped_column(String(40))  # which one it is of, if it is
    tries: Mapped[int] = mapped_column(default=0)
    queued_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    changed_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


class AnnouncementText(Base):
    """What an announcement says on a channel, kept once for all its messages, which are empty."""

    __tablename__ = "announcement_texts"

    announcement: Mapped[str] = mapped_column(String(40), primary_key=True)
    channel: Mapped[str] = mapped_column(String(16), primary_key=True)
    message: Mapped[dict[str, Any]] = mapped_column(JSON)


class NotNow(Exception):
    """The platform could not be reached, or takes it from a moment on only; the message is sent later."""

    def __init__(self, why: str, not_before: datetime | None = None) -> None:
        self.not_before = not_before
        super().__init__(why)


class NotUntilTheyWrite(Exception):
    """The platform takes messages for this person only after their next word; it is told with that."""


class NotEver(Exception):
    """The platform refuses this message for good; says why without naming the person."""


class Blocked(NotEver):
    """The person takes no messages from us."""


Send = Callable[[str, dict[str, Any]], Awaitable[None]]  # raises NotNow, NotUntilTheyWrite and NotEver


@dataclass(frozen=True)
class Recipient:
    """Whom a message is for: a conversation, and where its channel reaches the person, if it can."""

    channel: str
    address: str | None
    conversation_id: str | None = None


def is_night(at: datetime) -> bool:
    """Tell whether people are left alone at this moment."""
    hour = at.astimezone(HERE).hour
    return hour >= NIGHT_FROM or hour < NIGHT_TO


def morning_after(at: datetime) -> datetime:
    """Give the next moment from which people may be told things."""
    here = at.astimezone(HERE)
    morning = here.replace(hour=NIGHT_TO, minute=0, second=0, microsecond=0)
    return morning if here < morning else morning + timedelta(days=1)


def queue(
    session: Session, key: str, recipient: Recipient, message: dict[str, Any], *, at_night: bool = False
) -> bool:
    """Queue a message once for its key; tell whether it was new. The caller commits."""
    at = now()
    row = insert_or(session, OutboxMessage).values(
        key=key,
        channel=recipient.channel,
        address=recipient.address,
        conversation_id=recipient.conversation_id,
        message=message,
        state="waiting" if recipient.address else "kept",
        not_before=at,
        at_night=at_night,
        tries=0,
        queued_at=at,
        changed_at=at,
    )
    added = session.execute(row.on_conflict_do_nothing(index_elements=["key"]).returning(OutboxMessage.id))
    return added.scalar() is not None


def take_news(session: Session, conversation_id: str) -> list[dict[str, Any]]:
    """Take the messages that are to be told with this conversation's next answer."""
    if session.scalar(_HAS_NEWS, {"whose": conversation_id}) is None:
        return []
    kept = (
        update(OutboxMessage)
        .where(OutboxMessage.conversation_id == conversation_id, OutboxMessage.state == "kept")
        .values(state="sent", changed_at=now())
        .returning(*_TOLD)
    )
    return [_numbered(session, row) for row in sorted(session.execute(kept), key=lambda row: row.id)]


def news_of(session: Session, conversation_id: str) -> list[dict[str, Any]]:
    """List what waits to be told in a conversation, numbered."""
    kept = (
        select(*_TOLD)
        .where(
            OutboxMessage.conversation_id == conversation_id,
            OutboxMessage.state == "kept",
        )
        .order_by(OutboxMessage.id)
    )
    return [_numbered(session, row) for row in session.execute(kept)]


def _numbered(session: Session, row: Any) -> dict[str, Any]:
    return {**_whole(session, row), "id": row.id}


def _whole(session: Session, row: Any) -> dict[str, Any]:
    """Give what a message says, also where an announcement says it for many."""
    if row.announcement is None:
        return dict(row.message)
    return session.get_one(AnnouncementText, (row.announcement, row.channel)).message


def note_heard(session: Session, conversation_id: str, number: int) -> None:
    """Note that a conversation's page shows a message that waited to be told."""
    heard = update(OutboxMessage).where(
        OutboxMessage.conversation_id == conversation_id,
        OutboxMessage.state == "kept",
        OutboxMessage.id == number,
    )
    session.execute(heard.values(state="sent", changed_at=now()))


def drop_queued(session: Session, channel: str, address: str) -> list[str]:
    """Drop what is not yet sent to somebody who wants no more messages; give its keys."""
    theirs = update(OutboxMessage).where(
        OutboxMessage.channel == channel, OutboxMessage.address == address, OutboxMessage.state.in_(OPEN)
    )
    dropped = theirs.values(state="dropped", changed_at=now()).returning(OutboxMessage.key)
    return list(session.scalars(dropped))


def forget_queued(session: Session, conversation_id: str, about: str) -> None:
    """Drop what is not yet sent of a conversation about something, by the second part of its key."""
    session.execute(
        delete(OutboxMessage).where(
            OutboxMessage.conversation_id == conversation_id,
            OutboxMessage.state.in_(("waiting", "kept")),
            OutboxMessage.key.contains(f":{about}:", autoescape=True),
        )
    )


def drop_announcements(session: Session, conversation_id: str) -> None:
    """Drop the announcements that are still to be sent or told to a person."""
    theirs = update(OutboxMessage).where(
        OutboxMessage.conversation_id == conversation_id,
        OutboxMessage.announcement.is_not(None),
        OutboxMessage.state.in_(OPEN),
    )
    session.execute(theirs.values(state="dropped", changed_at=now()))


@dataclass(frozen=True)
class _Outcome:
    """What became of a message that was handed over."""

    message: OutboxMessage
    state: State
    not_before: datetime | None = None
    is_refused: bool = False


@dataclass
class _UnderWay:
    """What one process is sending, and what it has still to write down."""

    count: Counted[tuple[str, bool]] = field(default_factory=Counted)  # by channel, and whether waited for
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    turns: WeakValueDictionary[tuple[str, str | None], asyncio.Lock] = field(
        default_factory=WeakValueDictionary
    )
    outcomes: list[_Outcome] = field(default_factory=list)
    is_writing: bool = False


@dataclass(frozen=True)
class Outbox:
    """Hands queued messages to the channels that can send unasked; ``per_second`` paces some of them."""

    engine: Engine
    senders: Mapping[str, Send]
    refused: Callable[[OutboxMessage, State], None] = lambda *_: None  # told what a platform does not take
    clock: Callable[[], datetime] = now
    per_second: Mapping[str, float] = field(default_factory=dict)
    _under_way: _UnderWay = field(default_factory=_UnderWay, init=False, repr=False)

    async def send_due(self) -> int:
        """Send some of what is due and wait for it; give how many were handed to a platform."""
        tasks = await self._begin()
        await asyncio.gather(*tasks)
        return len(tasks)

    async def keep_sending(self) -> None:
        """Send what is due for a spell; nothing slow holds up what can be sent meanwhile."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + A_SPELL
        while await asyncio.to_thread(self._is_due) and loop.time() < ends:
            await self._begin()
            await asyncio.sleep(A_BREATH)

    async def finish(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._under_way.tasks)

    async def _begin(self) -> list[asyncio.Task[None]]:
        """Claim what may be sent now, and begin to."""
        if not self.senders or not await asyncio.to_thread(self._is_due):
            return []
        return [self._launch(message) for message in await asyncio.to_thread(self.claim)]

    def _launch(self, message: OutboxMessage) -> asyncio.Task[None]:
        under_way, kind = self._under_way, (message.channel, message.at_night)
        under_way.count[kind] += 1
        turn = under_way.turns.setdefault((message.channel, message.address), asyncio.Lock())
        task = asyncio.create_task(self._send_in_turn(message, turn))
        under_way.tasks.add(task)

        def ended(_: object) -> None:
            under_way.tasks.discard(task)
            under_way.count[kind] -= 1

        task.add_done_callback(ended)
        return task

    async def _send_in_turn(self, message: OutboxMessage, turn: asyncio.Lock) -> None:
        """Send a message once those that the same person is being sent are through."""
        async with turn:
            await self._send(message)

    def claim(self) -> list[OutboxMessage]:
        """Mark due messages as being sent, so that no other process sends them."""
        at = self.clock()
        with transaction(self.engine) as session:
            self._settle_unsure(session, at)
            claimed = [each for channel in self.senders for each in self._claim_of(session, channel, at)]
            for message in claimed:
                message.state, message.changed_at, message.tries = "sending", at, message.tries + 1
                set_committed_value(message, "message", _whole(session, message))
            return claimed

    def _claim_of(self, session: Session, channel: str, at: datetime) -> list[OutboxMessage]:
        """Choose what a channel sends next: what somebody waits for, then what its pace allows."""
        most = {True: AT_ONCE, False: OTHERS_AT_ONCE}
        free = {kind: most[kind] - self._under_way.count[channel, kind] for kind in most}
        waited_for = self._first(session, channel, at, free[True], at_night=True)
        per_second = self.per_second.get(channel)
        if per_second is None:
            others = self._first(session, channel, at, free[False], at_night=False)
            return [*waited_for, *others]
        pace = held_pace(session, channel, at)
        room = min(free[False], pace.room(per_second, at) - len(waited_for))
        others = self._first(session, channel, at, room, at_night=False)
        pace.move_on(per_second, at, len(waited_for) + len(others))
        return [*waited_for, *others]

    def _first(
        self, session: Session, channel: str, at: datetime, most: int, *, at_night: bool
    ) -> list[OutboxMessage]:
        if most <= 0 or (is_night(at) and not at_night):
            return []
        due = (
            select(OutboxMessage)
            .where(*_waits(at_night))
            .order_by(OutboxMessage.not_before, OutboxMessage.id)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        return list(session.scalars(due, {"whose": channel, "at": at}))

    def _is_due(self) -> bool:
        """Tell whether there is anything to claim, without taking a lock for it."""
        at = self.clock()
        kinds = (True,) if is_night(at) else (True, False)
        with reading(self.engine) as session:
            return session.scalar(_SOME_UNSURE, {"before": at - UNSURE_AFTER}) is not None or any(
                session.scalar(_some_due(at_night), {"whose": channel, "at": at}) is not None
                for channel in self.senders
                for at_night in kinds
            )

    def _settle_unsure(self, session: Session, at: datetime) -> None:
        """Let what a stopped program was sending be told with the next answer, as perhaps known already."""
        stale = update(OutboxMessage).where(
            OutboxMessage.state == "sending", OutboxMessage.changed_at < at - UNSURE_AFTER
        )
        state = case((OutboxMessage.announcement.is_not(None), "unsure"), else_="kept")
        settled = stale.values(state=state, changed_at=at).returning(OutboxMessage.id)
        numbers = list(session.scalars(settled))
        if not numbers:
            return
        log.warning("outbox_unsure", count=len(numbers))
        is_told_again = OutboxMessage.id.in_(numbers), OutboxMessage.announcement.is_(None)
        for message in session.scalars(select(OutboxMessage).where(*is_told_again)):
            text = say("talk.perhaps_told", text=message.message["text"])
            message.message = {**message.message, "text": text}

    async def _send(self, message: OutboxMessage) -> None:
        outcome = await self._hand_over(message)
        SENT.labels(message.channel, outcome.state).inc()
        await self._note(outcome)

    async def _hand_over(self, message: OutboxMessage) -> _Outcome:
        try:
            await self.senders[message.channel](message.address or "", message.message)
        except NotNow as error:
            log.warning("outbox_not_now", channel=message.channel, error=str(error), tries=message.tries)
            is_to_come = error.not_before is not None or message.tries < MOST_TRIES
            state: State = "waiting" if is_to_come else "kept"
            return _Outcome(message, state, error.not_before)
        except NotUntilTheyWrite as error:
            log.warning("outbox_window_closed", channel=message.channel, error=str(error))
            return _Outcome(message, "kept", is_refused=True)
        except NotEver as error:
            log.warning("outbox_refused", channel=message.channel, error=str(error))
            return _Outcome(message, "blocked" if isinstance(error, Blocked) else "failed", is_refused=True)
        except Exception as error:  # whether it was sent is not known
            log.error("outbox_failed", channel=message.channel, error=type(error).__name__)
            return _Outcome(message, "unsure" if message.announcement else "kept")
        return _Outcome(message, "sent")

    async def _note(self, outcome: _Outcome) -> None:
        """Write an outcome down, together with those that come in while others are being written."""
        under_way = self._under_way
        under_way.outcomes.append(outcome)
        if under_way.is_writing:
            return
        under_way.is_writing = True
        try:
            while noted := tuple(under_way.outcomes):
                await asyncio.to_thread(self._write, noted)
                del under_way.outcomes[: len(noted)]
                for each in noted:
                    if each.is_refused:
                        await asyncio.to_thread(self.refused, each.message, each.state)
        except DatabaseUnavailable as error:  # written with the next; after a stop it counts as unsure
            log.warning("outbox_not_noted", error=str(error), count=len(under_way.outcomes))
        finally:
            under_way.is_writing = False

    def _write(self, outcomes: tuple[_Outcome, ...]) -> None:
        at = self.clock()
        rows = [
            {"which": each.message.id, "now": each.state, "at": at, "later": self._later(each, at)}
            for each in outcomes
        ]
        with transaction(self.engine) as session:
            session.connection().execute(_NOTE, rows)

    def _later(self, outcome: _Outcome, at: datetime) -> datetime:
        """Say from when on a message may be sent, again if it could not be."""
        if outcome.state != "waiting":
            return outcome.message.not_before
        pause = min(timedelta(seconds=30) * 2**outcome.message.tries, LONGEST_WAIT)
        return outcome.not_before or at + pause


def forget_sent(session: Session, days: int) -> None:
    """Drop messages that were settled longer ago."""
    old = OutboxMessage.changed_at < now() - timedelta(days=days)
    session.execute(delete(OutboxMessage).where(OutboxMessage.state.in_(SETTLED), old))


def _waits(at_night: bool) -> tuple[ColumnElement[bool], ...]:
    """Say what is due of a channel, in the order of the index ix_outbox_due."""
    return (
        OutboxMessage.state == "waiting",
        OutboxMessage.channel == bindparam("whose"),
        OutboxMessage.at_night.is_(at_night),
        OutboxMessage.not_before <= bindparam("at"),
    )


@cache
def _some_due(at_night: bool) -> Select[int]:
    first = select(OutboxMessage.id).where(*_waits(at_night))
    return first.order_by(OutboxMessage.not_before, OutboxMessage.id).limit(1)


_OUTBOX = OutboxMessage.__table__.c
_TOLD = (_OUTBOX.id, _OUTBOX.announcement, _OUTBOX.channel, _OUTBOX.message)
_SOME_UNSURE = (
    select(_OUTBOX.id).where(_OUTBOX.state == "sending", _OUTBOX.changed_at < bindparam("before")).limit(1)
)
_HAS_NEWS = (  # built once: it is asked in every turn
    select(_OUTBOX.id).where(_OUTBOX.conversation_id == bindparam("whose"), _OUTBOX.state == "kept").limit(1)
)
_NOTE = (
    update(OutboxMessage)
    .where(_OUTBOX.id == bindparam("which"))
    .values(state=bindparam("now"), changed_at=bindparam("at"), not_before=bindparam("later"))
)
