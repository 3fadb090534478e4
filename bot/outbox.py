"""The outbox: the one door for everything that is sent unasked, each message once.

What is queued has a key that can be queued only once. A message is marked as being sent before it is handed
to the platform: when the program is stopped in between, it is not sent again, but told with the person's
next answer, as is what a channel without an address has. From 22 to 6 o'clock only that is sent which the
person waits for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import structlog
from prometheus_client import Counter
from sqlalchemy import (
    JSON,
    ColumnElement,
    Engine,
    ForeignKey,
    Index,
    String,
    and_,
    bindparam,
    delete,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from knowledge.database import Base, UtcTime, insert_or, now, reading, transaction
from knowledge.dossiers import HERE

log = structlog.get_logger()

SENT = Counter("outbox_messages", "Messages sent unasked", ["channel", "outcome"])
AT_ONCE = 20
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
]


class OutboxMessage(Base):
    """One message to send unasked."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_state_not_before", "state", "not_before"),
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
    tries: Mapped[int] = mapped_column(default=0)
    queued_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    changed_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


class NotNow(Exception):
    """The platform could not be reached, or takes it from a moment on only; the message is sent later."""

    def __init__(self, why: str, not_before: datetime | None = None) -> None:
        self.not_before = not_before
        super().__init__(why)


class NotUntilTheyWrite(Exception):
    """The platform takes messages for this person only after their next word; it is told with that."""


class NotEver(Exception):
    """The platform refuses this message for good; says why without naming the person."""


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
        .returning(OutboxMessage.id, OutboxMessage.message)
    )
    return [{**row.message, "id": row.id} for row in sorted(session.execute(kept), key=lambda row: row.id)]


def news_of(session: Session, conversation_id: str) -> list[dict[str, Any]]:
    """List what waits to be told in a conversation, numbered."""
    kept = (
        select(OutboxMessage.id, OutboxMessage.message)
        .where(
            OutboxMessage.conversation_id == conversation_id,
            OutboxMessage.state == "kept",
        )
        .order_by(OutboxMessage.id)
    )
    return [{**row.message, "id": row.id} for row in session.execute(kept)]


def note_heard(session: Session, conversation_id: str, number: int) -> None:
    """Note that a conversation's page shows a message that waited to be told."""
    heard = update(OutboxMessage).where(
        OutboxMessage.conversation_id == conversation_id,
        OutboxMessage.state == "kept",
        OutboxMessage.id == number,
    )
    session.execute(heard.values(state="sent", changed_at=now()))


def drop_queued(session: Session, channel: str, address: str) -> None:
    """Drop what is not yet sent to somebody who wants no more messages."""
    session.execute(
        delete(OutboxMessage).where(
            OutboxMessage.channel == channel,
            OutboxMessage.address == address,
            OutboxMessage.state.in_(("waiting", "kept")),
        )
    )


def forget_queued(session: Session, conversation_id: str, about: str) -> None:
    """Drop what is not yet sent of a conversation about something, by the second part of its key."""
    session.execute(
        delete(OutboxMessage).where(
            OutboxMessage.conversation_id == conversation_id,
            OutboxMessage.state.in_(("waiting", "kept")),
            OutboxMessage.key.contains(f":{about}:", autoescape=True),
        )
    )


@dataclass(frozen=True)
class Outbox:
    """Hands queued messages to the channels that can send unasked."""

    engine: Engine
    senders: Mapping[str, Send]
    refused: Callable[[OutboxMessage, State], None] = lambda *_: None  # told what a platform does not take
    clock: Callable[[], datetime] = now

    async def send_due(self) -> int:
        """Send what is due, some messages at a time; give how many were handed to a platform."""
        if not self.senders or not await asyncio.to_thread(self._is_due):
            return 0
        claimed = await asyncio.to_thread(self.claim)
        whose: dict[tuple[str, str | None], list[OutboxMessage]] = {}
        for message in claimed:
            whose.setdefault((message.channel, message.address), []).append(message)
        await asyncio.gather(*map(self._send_in_order, whose.values()))
        return len(claimed)

    async def _send_in_order(self, messages: list[OutboxMessage]) -> None:
        for message in messages:
            await self._send(message)

    def claim(self) -> list[OutboxMessage]:
        """Mark due messages as being sent, so that no other process sends them."""
        at = self.clock()
        with transaction(self.engine) as session:
            self._keep_unsure(session, at)
            due = (
                select(OutboxMessage)
                .where(*self._due(at))
                .order_by(OutboxMessage.not_before, OutboxMessage.id)
                .limit(AT_ONCE)
                .with_for_update(skip_locked=True)
            )
            claimed = list(session.scalars(due))
            for message in claimed:
                message.state, message.changed_at, message.tries = "sending", at, message.tries + 1
            return claimed

    def _is_due(self) -> bool:
        """Tell whether there is anything to claim, without taking a lock for it."""
        at = self.clock()
        unsure = and_(OutboxMessage.state == "sending", OutboxMessage.changed_at < at - UNSURE_AFTER)
        with reading(self.engine) as session:
            some = select(OutboxMessage.id).where(or_(and_(*self._due(at)), unsure)).limit(1)
            return session.scalar(some) is not None

    def _due(self, at: datetime) -> list[ColumnElement[bool]]:
        """Say which messages may be sent now; at night only those that somebody waits for."""
        due: list[ColumnElement[bool]] = [
            OutboxMessage.state == "waiting",
            OutboxMessage.not_before <= at,
            OutboxMessage.channel.in_(self.senders),
        ]
        return [*due, _OUTBOX.at_night] if is_night(at) else due

    def _keep_unsure(self, session: Session, at: datetime) -> None:
        """Let what a stopped program was sending be told with the next answer: twice would be worse."""
        stale = update(OutboxMessage).where(
            OutboxMessage.state == "sending", OutboxMessage.changed_at < at - UNSURE_AFTER
        )
        found = session.execute(stale.values(state="kept", changed_at=at))
        if count := int(getattr(found, "rowcount", 0)):
            log.warning("outbox_unsure", count=count)

    async def _send(self, message: OutboxMessage) -> None:
        not_before, is_refused = None, False
        try:
            await self.senders[message.channel](message.address or "", message.message)
            outcome: State = "sent"
        except NotNow as error:
            log.warning("outbox_not_now", channel=message.channel, error=str(error), tries=message.tries)
            outcome, not_before = "waiting" if message.tries < MOST_TRIES else "kept", error.not_before
        except NotUntilTheyWrite as error:
            log.warning("outbox_window_closed", channel=message.channel, error=str(error))
            outcome, is_refused = "kept", True
        except NotEver as error:
            log.warning("outbox_refused", channel=message.channel, error=str(error))
            outcome, is_refused = "failed", True
        except Exception as error:  # whether it was sent is not known
            log.error("outbox_failed", channel=message.channel, error=type(error).__name__)
            outcome = "kept"
        SENT.labels(message.channel, outcome).inc()
        await asyncio.to_thread(self._note, message, outcome, not_before)
        if is_refused:
            await asyncio.to_thread(self.refused, message, outcome)

    def _note(self, message: OutboxMessage, outcome: State, not_before: datetime | None) -> None:
        at = self.clock()
        later = not_before or at + min(timedelta(seconds=30) * 2**message.tries, LONGEST_WAIT)
        values = {"state": outcome, "changed_at": at} | (
            {"not_before": later} if outcome == "waiting" else {}
        )
        with transaction(self.engine) as session:
            session.execute(update(OutboxMessage).where(OutboxMessage.id == message.id).values(**values))


def forget_sent(session: Session, days: int) -> None:
    """Drop messages that were settled longer ago."""
    old = OutboxMessage.changed_at < now() - timedelta(days=days)
    session.execute(delete(OutboxMessage).where(OutboxMessage.state.in_(("sent", "failed")), old))


_OUTBOX = OutboxMessage.__table__.c
_HAS_NEWS = (  # built once: it is asked in every turn
    select(_OUTBOX.id).where(_OUTBOX.conversation_id == bindparam("whose"), _OUTBOX.state == "kept").limit(1)
)
