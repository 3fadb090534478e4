"""How many working days are left or late (Decree 118/2025/NĐ-CP: working days, paused for a supplement).

On time is: ended on or before the appointed day. While papers are awaited, the day they were asked for
counts as the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from knowledge.dossiers.dossier import ENDED, HERE, PAYMENT, SUPPLEMENT, Dossier
from knowledge.working_days import WorkingDays

Standing = Literal[
    "left",  # to be done within so many working days
    "due_today",
    "late",  # not done, so many working days after the appointed day
    "paused",  # papers are awaited; so many working days will be left
    "paused_late",  # papers were asked for so many working days after the appointed day
    "ended_in_time",
    "ended_late",
]


@dataclass(frozen=True)
class Deadline:
    """Where a dossier stands against its appointed day; ``days`` is empty where holidays are not known."""

    standing: Standing
    appointed: date
    days: int | None


def deadline(dossier: Dossier, today: date, calendar: WorkingDays) -> Deadline | None:
    """Judge a dossier on a day; nothing when it has no appointed day, or ended on a day not told."""
    if dossier.appointed is None:
        return None
    appointed = dossier.appointed.astimezone(HERE).date()
    if dossier.status in ENDED:
        if dossier.finished is None:
            return None
        ended = dossier.finished.astimezone(HERE).date()
        late = ended > appointed
        return Deadline(
            "ended_late" if late else "ended_in_time", appointed, _count(calendar, appointed, ended)
        )
    if dossier.status == SUPPLEMENT and (asked := _asked_for_papers(dossier)):
        if asked > appointed:
            return Deadline("paused_late", appointed, _count(calendar, appointed, asked))
        return Deadline("paused", appointed, _count(calendar, asked, appointed))
    if today == appointed:
        return Deadline("due_today", appointed, 0)
    if today > appointed and dossier.status in (PAYMENT, SUPPLEMENT):
        return None  # since when papers are awaited, or whether a payment stops the time, is not known
    if today > appointed:
        return Deadline("late", appointed, _count(calendar, appointed, today))
    return Deadline("left", appointed, _count(calendar, today, appointed))


def _asked_for_papers(dossier: Dossier) -> date | None:
    moments = [each.requested_at for each in dossier.supplements if each.requested_at]
    return max(moments).astimezone(HERE).date() if moments else None


def _count(calendar: WorkingDays, after: date, until: date) -> int | None:
    return calendar.count(after, until) if after < until else 0
