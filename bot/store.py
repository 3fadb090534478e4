"""What is stored of conversations: their memory, their turns, and questions left unresolved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    bindparam,
    delete,
    func,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from actions.request import LookUpsNeeded
from bot.outbox import OutboxMessage, forget_queued
from bot.watched import watch
from knowledge.database import Base, UtcTime, now, transaction
from knowledge.dossier_codes import LONGEST_CODE
from knowledge.dossiers import LookUp, Wanted


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
    for table in (UnresolvedQuestion, FollowedDossier, OutboxMessage, Turn):
        session.execute(delete(table).where(table.conversation_id == conversation_id))
    session.execute(delete(Conversation).where(Conversation.id == conversation_id))
    return turns or 0


def stop_following(engine: Engine, conversation_id: str) -> None:
    """Follow nothing any more for a conversation whose channel takes no messages."""
    with transaction(engine) as session:
        session.execute(delete(FollowedDossier).where(FollowedDossier.conversation_id == conversation_id))


class StoredCitizen:
    """The citizen of one turn: what actions may store and look up for them."""

    def __init__(
        self,
        session: Session,
        turn: Turn,
        conversation: Conversation,
        found: Mapping[Wanted, LookUp],
    ) -> None:
        self._session = session
        self._turn = turn
        self._found = found
        self.is_erased = False
        self.can_be_told = conversation.address is not None

    def erase(self) -> int:
        """Erase everything stored of this person; give the number of turns erased."""
        self.is_erased = True
        return erase_conversation(self._session, self._turn.conversation_id)

    def look_up(self, wanted: Sequence[Wanted]) -> list[LookUp]:
        """Give what was looked up for this turn; raises LookUpsNeeded when something was not yet."""
        if any(each not in self._found for each in wanted):
            raise LookUpsNeeded(wanted)
        return [self._found[each] for each in wanted]

    def follow_dossier(self, code: str) -> None:
        """Tell them from now on what changes in a dossier that was looked up in this turn."""
        found = next(found for wanted, found in self._found.items() if wanted.code == code)
        self._session.merge(FollowedDossier(conversation_id=self._turn.conversation_id, code=code))
        watch(self._session, found.dossier)

    def unfollow_dossiers(self, codes: list[str]) -> None:
        """Tell them no more of these dossiers, nor what was queued of them."""
        mine = FollowedDossier.conversation_id == self._turn.conversation_id
        self._session.execute(delete(FollowedDossier).where(mine, FollowedDossier.code.in_(codes)))
        for code in codes:
            forget_queued(self._session, self._turn.conversation_id, code)

    def followed_dossiers(self) -> list[str]:
        """List the codes of the dossiers they follow, the first followed first."""
        return list(self._session.scalars(_FOLLOWED, {"whose": self._turn.conversation_id}))

    def leave_question(self, reason: str) -> None:
        """Record the question as unresolved, once a turn."""
        known = select(UnresolvedQuestion.id).where(UnresolvedQuestion.turn_id == self._turn.id)
        if self._session.scalar(known) is None:
            self._session.add(
                UnresolvedQuestion(
                    conversation_id=self._turn.conversation_id,
                    turn_id=self._turn.id,
                    text=self._question(),
                    reason=reason,
                )
            )

    def _question(self) -> str:
        """Give the last two things the person wrote; a press alone says too little."""
        before = (
            select(Turn.text)
            .where(
                Turn.conversation_id == self._turn.conversation_id,
                Turn.id <= self._turn.id,
                Turn.text.is_not(None),
            )
            .order_by(Turn.id.desc())
            .limit(2)
        )
        return " / ".join(reversed([str(text) for text in self._session.scalars(before)]))


_FOLLOWING = FollowedDossier.__table__.c
_FOLLOWED = (  # built once: it is asked in every turn about dossiers
    select(_FOLLOWING.code)
    .where(_FOLLOWING.conversation_id == bindparam("whose"))
    .order_by(_FOLLOWING.since, _FOLLOWING.code)
)
