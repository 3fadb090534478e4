"""How long a citizen waits for a person: the place in the queue, and what others waited at this hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from bot.hotline.cases import Case
from knowledge.dossiers import HERE

LOOKED_BACK = timedelta(days=14)
FEWEST = 5  # finished cases of this hour from which a wait is told


@dataclass(frozen=True)
class Queue:
    """Where a case stands; ``wait`` is ``None`` when too little is known."""

    position: int
    wait: timedelta | None


def queue_of(session: Session, case: Case, at: datetime) -> Queue:
    """Say how many are served up to and with this case, and how long that took others at this hour."""
    is_before = or_(Case.priority > case.priority, (Case.priority == case.priority) & (Case.id < case.id))
    ahead = select(func.count()).where(Case.state == "waiting", Case.id != case.id, is_before)
    return Queue((session.scalar(ahead) or 0) + 1, expected_wait(session, at))


def expected_wait(session: Session, at: datetime) -> timedelta | None:
    """Give the median time to being taken of finished cases of the last 14 days at this hour of the day."""
    finished = select(Case.opened_at, Case.taken_at).where(
        Case.state == "closed", Case.taken_at.is_not(None), Case.opened_at >= at - LOOKED_BACK
    )
    hour = at.astimezone(HERE).hour
    waits = [
        (taken - opened).total_seconds()
        for opened, taken in session.execute(finished)
        if taken and opened.astimezone(HERE).hour == hour
    ]
    return timedelta(seconds=median(waits)) if len(waits) >= FEWEST else None
