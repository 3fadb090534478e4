"""What happened to cases: one line for each thing, in order, written once.

Lines of one case are written by whoever holds its conversation, so that their numbers grow in the order in
which they can be read.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from knowledge.database import Base, UtcTime, insert_or, now


class CaseEvent(Base):
    """One thing that happened to a case: by a member of staff, else by the citizen or the machine."""

    __tablename__ = "case_events"
    __table_args__ = (
        Index("ix_case_events_case_id_id", "case_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"))
    key: Mapped[str | None] = mapped_column(String(64), unique=True)  # of what must not happen twice
    at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    kind: Mapped[str] = mapped_column(String(16))
    text: Mapped[str | None] = mapped_column(Text)
    more: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


def note(
    session: Session,
    case_id: int,
    kind: str,
    staff_id: int | None = None,
    *,
    text: str | None = None,
    key: str | None = None,
    **more: Any,
) -> int | None:
    """Write a line of a case's history; ``None`` when its key stands there already."""
    row = insert_or(session, CaseEvent).values(
        case_id=case_id, key=key, at=now(), staff_id=staff_id, kind=kind, text=text, more=more
    )
    written = session.execute(row.on_conflict_do_nothing(index_elements=["key"]).returning(CaseEvent.id))
    event: int | None = written.scalar()
    return event


def history(session: Session, case_id: int) -> list[CaseEvent]:
    """List what happened to a case, the first first."""
    return list(session.scalars(select(CaseEvent).where(CaseEvent.case_id == case_id).order_by(CaseEvent.id)))
