"""Cases as topics of the staff's Telegram group: which topic is a case's, and up to where it was told."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from knowledge.database import Base, UtcTime

OF_TOPICS = "telegram_topic"  # the outbox's channel for topics that are to be deleted


class CaseTopic(Base):
    """The topic of a case, up to which line of its history it was told, and which line is being sent."""

    __tablename__ = "case_topics"

    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True)
    thread_id: Mapped[int | None] = mapped_column(unique=True)
    card_id: Mapped[int | None]  # the message with the button that claims
    told_event: Mapped[int] = mapped_column(default=0)
    sending_event: Mapped[int | None]
    sending_at: Mapped[datetime | None] = mapped_column(UtcTime)
