"""How the desk writes a moment: the hour, and the day when it is not today."""

from __future__ import annotations

from datetime import datetime

from knowledge.dossiers import HERE


def moment(at: datetime) -> str:
    """Write 09:30, or 09:30 28/11 for another day."""
    here = at.astimezone(HERE)
    is_today = here.date() == datetime.now(HERE).date()
    return f"{here:%H:%M}" if is_today else f"{here:%H:%M} {here.day}/{here.month}"
