"""Who is typing: the citizen or staff, kept for a few seconds so that the other side sees it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from knowledge.database import Base, UtcTime, insert_or, now

LASTS = timedelta(seconds=6)  # after the last sign of it
SIGN_EVERY = 3.0  # seconds between signs of one who goes on typing


class Typing(Base):
    """When somebody was last typing in a conversation."""

    __tablename__ = "typing"

    conversation_id: Mapped[str] = mapped_column(
        String(36), ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True
    )
    is_staff: Mapped[bool] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcTime, index=True)


Typists = frozenset[tuple[str, bool]]  # conversations, and whether it is staff who is typing


def note_typing(session: Session, conversation_id: str, *, is_staff: bool) -> None:
    """Note that somebody is typing, and forget who was long ago. The caller commits."""
    at = now()
    session.execute(delete(Typing).where(Typing.at < at - 10 * LASTS))
    row = insert_or(session, Typing).values(conversation_id=conversation_id, is_staff=is_staff, at=at)
    again = row.on_conflict_do_update(index_elements=["conversation_id", "is_staff"], set_={"at": at})
    session.execute(again)


def note_sent(session: Session, conversation_id: str, *, is_staff: bool) -> None:
    """Note that what was being typed is sent. The caller commits."""
    mine = (Typing.conversation_id == conversation_id, Typing.is_staff.is_(is_staff))
    session.execute(delete(Typing).where(*mine))


def typing_now(session: Session) -> Typists:
    """Give who is typing now."""
    lately = select(Typing.conversation_id, Typing.is_staff).where(Typing.at > now() - LASTS)
    return frozenset((each.conversation_id, each.is_staff) for each in session.execute(lately))
