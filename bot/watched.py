"""Which dossiers are watched, what was last seen of each, and when it is looked at next."""

from __future__ import annotations

import random
from datetime import date, datetime, time, timedelta

from sqlalchemy import String
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot.outbox import NIGHT_TO, is_night
from knowledge.database import Base, UtcTime, insert_or, now
from knowledge.dossier_codes import LONGEST_CODE
from knowledge.dossiers import FINISHED, HERE, Deadline, Dossier

SOON, OFTEN, SELDOM = timedelta(hours=2), timedelta(hours=6), timedelta(hours=12)
NEAR, FAR = 2, 10  # working days
AFTER_FAILURE = timedelta(minutes=15)
REMIND_AT = time(8, 0)  # o'clock on the day before the appointed one
SPREAD = 0.15  # of the pause, either way
MORNING = timedelta(hours=2)  # over which the looks of the night are spread


class WatchedDossier(Base):
    """One dossier that somebody follows; ``changes`` numbers what was noticed."""

    __tablename__ = "watched_dossiers"

    code: Mapped[str] = mapped_column(String(LONGEST_CODE), primary_key=True)
    next_at: Mapped[datetime] = mapped_column(UtcTime, index=True)
    seen: Mapped[str | None] = mapped_column(String(64))
    changes: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)


def watch(session: Session, dossier: Dossier) -> None:
    """Watch a dossier from what is known of it now, unless it is watched already."""
    at = now()
    row = insert_or(session, WatchedDossier).values(
        code=dossier.code,
        next_at=next_look(at, None),
        seen=signs(dossier),
        changes=int(at.timestamp()),  # so that no number comes again when it is followed anew
        failures=0,
    )
    # Touching the row that is there waits for a watcher that may be about to drop it.
    session.execute(row.on_conflict_do_update(index_elements=["code"], set_={"code": row.excluded.code}))


def signs(dossier: Dossier) -> str:
    """Write down what counts as a change: the status, the appointed day and the last request for papers."""
    asked = [each.requested_at for each in dossier.supplements if each.requested_at]
    last = max(asked).astimezone(HERE).isoformat(timespec="minutes") if asked else ""
    appointed = dossier.appointed.astimezone(HERE).date() if dossier.appointed else ""
    status = dossier.status or (dossier.status_name or "")[:20]
    return f"{status}|{appointed}|{len(dossier.supplements)}|{last}"[:64]


def next_look(
    at: datetime, standing: Deadline | None, status: int | None = None, failures: int = 0
) -> datetime:
    """Say when to look again: seldom while the day is far, never at night, never all at once."""
    pause = min(AFTER_FAILURE * 2**failures, OFTEN) if failures else _pause(standing, status)
    then = at + pause * random.uniform(1 - SPREAD, 1 + SPREAD)  # noqa: S311 - no secret
    if standing and standing.standing == "left":
        reminder = datetime.combine(standing.appointed - timedelta(days=1), REMIND_AT, HERE)
        if at < reminder < then:
            then = reminder
    return _by_day(then)


def _pause(standing: Deadline | None, status: int | None) -> timedelta:
    if status == FINISHED or standing is None:
        return SELDOM if status == FINISHED else OFTEN
    days = standing.days
    if standing.standing in ("paused", "paused_late"):
        return OFTEN
    if days is None or days > FAR:
        return SELDOM
    return SOON if days <= NEAR or standing.standing == "late" else OFTEN


def _by_day(then: datetime) -> datetime:
    if not is_night(then):
        return then
    here = then.astimezone(HERE)
    day: date = here.date() if here.hour < NIGHT_TO else here.date() + timedelta(days=1)
    morning = datetime.combine(day, time(NIGHT_TO, 0), HERE)
    return morning + MORNING * random.random()  # noqa: S311 - no secret
