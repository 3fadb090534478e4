"""What tells the desk's screens that something happened, in this process or another."""

from __future__ import annotations

from sqlalchemy import Engine, func, select

from bot.hotline.cases import CaseEvent
from knowledge.database import reading

LATELY = 200  # lines


class Changes:
    """Counts what happened to cases; screens compare the number with the one they have shown."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.number = 0

    def look(self) -> None:
        """See what is newest; raises DatabaseUnavailable."""
        with reading(self._engine) as session:
            newest = session.scalar(select(func.max(CaseEvent.id))) or 0
            # Counted too: a slower transaction may write a line with a lower number than the newest.
            lately = select(func.count(CaseEvent.id)).where(CaseEvent.id > newest - LATELY)
            self.number = newest + (session.scalar(lately) or 0)
