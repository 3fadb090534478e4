"""What is stored of conversations: their memory, their turns, and questions left unresolved."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import (
    JSON,
    Engine,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    column,
    delete,
    func,
    select,
    table,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot.hotline.topics import OF_TOPICS, CaseTopic
from bot.outbox import OutboxMessage, Recipient, queue
from knowledge.database import Base, UtcTime, now, transaction
from knowledge.dossier_codes import LONGEST_CODE


class Conversation(Base):
    """One person's conversation in one channel; ``address`` is where the channel reaches them."""

    __tablename__ = "conversations"
    __table_args__ = (UniqueConstraint("channel", "address", name="uq_conversations_address"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=lambda: str(uuid4()))
    channel: Mapped[str] = mapped_column(String(16))
    address: Mapped[str | None] = mapped_column(String(64))
    memory: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    started_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    last_at: Mapped[datetime] = mapped_column(UtcTime, default=now, index=True)
    takes_announcements: Mapped[bool] = mapped_column(default=True)
    follows: Mapped[bool] = mapped_column(default=True)  # the channel's account, as far as it tells
    follows_since: Mapped[datetime | None] = mapped_column(UtcTime)  # when that was told last


class Turn(Base):
    """One message and its answer; without a reply it is still to be answered."""

    __tablename__ = "turns"
    __table_args__ = (Index("ix_turns_conversation_id_id", "conversation_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    request_key: Mapped[str | None] = mapped_column(String(96), unique=True)
    text: Mapped[str | None] = mapped_column(Text)
    payload: Mapped[str | None] = mapped_column(String(64))
    intent: Mapped[str | None] = mapped_column(String(40))
    confidence: Mapped[float | None]
    status: Mapped[str | None] = mapped_column(String(16))
    reply: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    asked_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    answered_at: Mapped[datetime | None] = mapped_column(UtcTime)


class UnresolvedQuestion(Base):
    """A question that staff should see, without personal numbers."""

    __tablename__ = "unresolved_questions"

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[str] = mapped_column(
        ForeignKey("conversations.id", ondelete="CASCADE"), index=True
    )
    turn_id: Mapped[int] = mapped_column(ForeignKey("turns.id", ondelete="CASCADE"), unique=True)
    text: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(String(80))
    asked_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


class FollowedDossier(Base):
    """A dossier that a person proved to be theirs and wants to hear of."""

    __tablename__ = "followed_dossiers"

    conversation_id: Mapped[str] = mapped_column(
        ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True
    )
    code: Mapped[str] = mapped_column(String(LONGEST_CODE), primary_key=True, index=True)
    since: Mapped[datetime] = mapped_column(UtcTime, default=now)


def erase_older_than(engine: Engine, days: int) -> int:
    """Erase conversations whose last message is older; give how many."""
    with transaction(engine) as session:
        old = select(Conversation.id).where(Conversation.last_at < now() - timedelta(days=days))
        ids = list(session.scalars(old))
        for conversation_id in ids:
            erase_conversation(session, conversation_id)
        return len(ids)


def erase_conversation(session: Session, conversation_id: str) -> int:
    """Erase a conversation with everything that hangs on it; give the number of turns."""
    turns = session.scalar(
        select(func.count()).select_from(Turn).where(Turn.conversation_id == conversation_id)
    )
    _forget_topics(session, conversation_id)
    for each in (UnresolvedQuestion, FollowedDossier, OutboxMessage, Turn):
        session.execute(delete(each).where(each.conversation_id == conversation_id))
    session.execute(delete(Conversation).where(Conversation.id == conversation_id))
    return turns or 0


def _forget_topics(session: Session, conversation_id: str) -> None:
    """Let the topics of a conversation's cases be deleted in the staff's Telegram group."""
    cases = table("cases", column("id"), column("conversation_id"))
    told = select(CaseTopic.thread_id).join(cases, cases.c.id == CaseTopic.case_id)
    for topic in session.scalars(told.where(cases.c.conversation_id == conversation_id)):
        if topic is not None:
            recipient = Recipient(OF_TOPICS, str(topic))
            queue(session, f"{OF_TOPICS}:{uuid4()}", recipient, {}, at_night=True)


def stop_following(engine: Engine, conversation_id: str) -> None:
    """Follow nothing any more for a conversation whose channel takes no messages."""
    with transaction(engine) as session:
        session.execute(delete(FollowedDossier).where(FollowedDossier.conversation_id == conversation_id))


def addresses_of(engine: Engine, channel: str, conversations: list[str]) -> list[str]:
    """Give where a channel reaches these conversations, those that it does reach."""
    wanted = select(Conversation.address).where(
        Conversation.channel == channel,
        Conversation.id.in_(conversations),
        Conversation.address.is_not(None),
    )
    with transaction(engine) as session:
        return [str(address) for address in session.scalars(wanted)]


def note_following(
    session: Session, channel: str, address: str, at: datetime, *, follows: bool
) -> Conversation | None:
    """Note that somebody follows an account or left it at a moment; give the conversation.

    Nothing where there is none, or where something newer is known: a channel tells things again.
    """
    whose = conversation_at(session, channel, address)
    if whose is None or (whose.follows_since and whose.follows_since > at):
        return None
    whose.follows, whose.follows_since = follows, at
    return whose


def conversation_at(session: Session, channel: str, address: str) -> Conversation | None:
    """Find the conversation of an address."""
    by_address = select(Conversation).where(Conversation.channel == channel, Conversation.address == address)
    return session.scalar(by_address)


def lately_offered(session: Session, channel: str, address: str) -> list[list[dict[str, str]]]:
    """List the choices that were lately offered to an address, the last first."""
    lately = (
        select(Turn.reply)
        .join(Conversation, Conversation.id == Turn.conversation_id)
        .where(Conversation.channel == channel, Conversation.address == address, Turn.reply.is_not(None))
        .order_by(Turn.id.desc())
        .limit(20)
    )
    return [
        message["choices"]
        for reply in session.scalars(lately)
        for message in reply["messages"]
        if message.get("choices")
    ]


def title_of(session: Session, conversation_id: str, payload: str) -> str:
    """Give the title of a choice that was offered lately, else the payload itself."""
    lately = (
        select(Turn.reply).where(Turn.conversation_id == conversation_id).order_by(Turn.id.desc()).limit(20)
    )
    for reply in session.scalars(lately):
        for message in reply["messages"] if reply else ():
            for choice in message.get("choices", ()):
                if choice["payload"] == payload:
                    return str(choice["title"])
    return payload
