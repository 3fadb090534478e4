"""Telling staff by Telegram, each in a chat of their own, that a case waits or nears its deadline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from actions.wording import say
from bot.hotline.cases import URGENT, Case
from bot.hotline.staff import ANSWERING, Staff
from bot.outbox import Recipient, queue

SEEN_WITHIN = timedelta(hours=12)  # whoever was not is gone, and forgot to say so
Kind = Literal["new", "raised", "due"]


@dataclass(frozen=True)
class Alerts:
    """Queues a note to whoever is to know of a case; ``address`` is where the desk stands."""

    address: str

    def tell(self, session: Session, case: Case, kind: Kind, at: datetime) -> None:
        """Tell the owner, else everybody on duty who gave a Telegram account. The caller commits."""
        text = say(
            f"staff.case_{kind}",
            number=case.id,
            why=say(f"desk.why_{case.why}"),
            link=f"{self.address}/desk/?number={case.id}",
        )
        there = and_(Staff.presence == "on", Staff.seen_at > at - SEEN_WITHIN)
        is_told = Staff.id == case.owner_id if case.owner_id else there
        is_urgent = case.priority == URGENT
        wanted = select(Staff.id, Staff.telegram_id).where(
            Staff.removed_at.is_(None), Staff.role.in_(ANSWERING), Staff.telegram_id.is_not(None), is_told
        )
        for staff_id, telegram_id in session.execute(wanted).all():
            key = f"alert:{case.id}:{kind}:{case.priority}:{staff_id}"
            queue(session, key, Recipient("telegram", str(telegram_id)), {"text": text}, at_night=is_urgent)
