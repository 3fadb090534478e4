"""What tells screens and pages that something happened to cases, or who is typing, in any process."""

from __future__ import annotations

import asyncio
import time

import structlog
from sqlalchemy import Engine, func, select

from bot.hotline.history import CaseEvent
from bot.hotline.staff import Staff
from bot.hotline.writing import Typists, typing_now
from bot.outbox import OutboxMessage
from knowledge.database import DatabaseUnavailable, reading

log = structlog.get_logger()
A_GLANCE = 0.2  # seconds between looks, however many wait for a change
LATELY = 200  # lines
UNSETTLED = ("waiting", "sending", "kept")

Mark = tuple[object, ...]


class Changes:
    """Gives a mark that differs from the one before whenever something happened; used in one event loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._mark: Mark = ()
        self.typing: Typists = frozenset()  # as it was at the last look
        self._looked = 0.0
        self._is_looking = False

    async def current(self) -> Mark:
        """Give the newest mark, looked at a moment ago at most."""
        if not self._is_looking and time.monotonic() - self._looked >= A_GLANCE:
            self._is_looking = True
            try:
                self._mark, self.typing = await asyncio.to_thread(self._look)
            except DatabaseUnavailable as error:
                log.warning("changes_not_seen", error=str(error))
            finally:
                self._looked, self._is_looking = time.monotonic(), False
        return self._mark

    def _look(self) -> tuple[Mark, Typists]:
        with reading(self._engine) as session:
            newest = session.scalar(select(func.max(CaseEvent.id))) or 0
            # Counted too: a slower transaction may write a line with a lower number than the newest.
            lately = select(func.count(CaseEvent.id)).where(CaseEvent.id > newest - LATELY)
            unsettled = select(func.count(OutboxMessage.id)).where(
                OutboxMessage.state.in_(UNSETTLED), OutboxMessage.announcement.is_(None)
            )
            there = select(Staff.presence, Staff.away_reason, func.count()).group_by(
                Staff.presence, Staff.away_reason
            )
            present = sorted(map(str, session.execute(there)))
            mark = (newest, session.scalar(lately) or 0, session.scalar(unsettled) or 0, *present)
            return mark, typing_now(session)
