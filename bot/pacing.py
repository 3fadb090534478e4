"""How fast a platform lets us send what nobody waits for, shared by all replicas.

A row for each channel holds the next free moment (GCRA); whoever claims messages moves it on in the same
transaction. What somebody waits for moves it on, too, but never waits for it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from knowledge.database import Base, UtcTime, insert_or

BURST = timedelta(seconds=0.2)  # as long as there may be between two looks
PER_SECOND = {  # with a burst, still below what each platform allows
    "telegram": 24.0,  # 30 in any second
    "zalo_oa": 50.0,  # 4,000 a minute
    "zalo_bot": 20.0,  # nothing is documented
    "sms": 5.0,
}


class ChannelPace(Base):
    """When a channel's next message is due at its even pace."""

    __tablename__ = "channel_paces"

    channel: Mapped[str] = mapped_column(String(16), primary_key=True)
    free_at: Mapped[datetime] = mapped_column(UtcTime)

    def room(self, per_second: float, at: datetime) -> int:
        """Give how many messages may be sent at this moment."""
        ahead = at + BURST - max(self.free_at, at)
        return int(ahead.total_seconds() * per_second) + 1 if ahead >= timedelta() else 0

    def move_on(self, per_second: float, at: datetime, count: int) -> None:
        """Note that so many messages are sent."""
        self.free_at = max(self.free_at, at) + timedelta(seconds=count / per_second)


def held_pace(session: Session, channel: str, at: datetime) -> ChannelPace:
    """Give a channel's pace, held until the end of the transaction."""
    first = insert_or(session, ChannelPace).values(channel=channel, free_at=at)
    session.execute(first.on_conflict_do_nothing(index_elements=["channel"]))
    return session.scalars(select(ChannelPace).filter_by(channel=channel).with_for_update()).one()
