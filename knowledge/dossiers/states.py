"""The last known state of each dossier by each source, in the database."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, Select, String, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from knowledge.database import Base, UtcTime, now
from knowledge.dossier_codes import LONGEST_CODE
from knowledge.dossiers.dossier import Dossier, State


class DossierState(Base):
    """What one source last said of one dossier, with marks of the numbers that prove whose it is."""

    __tablename__ = "dossier_states"

    code: Mapped[str] = mapped_column(String(LONGEST_CODE), primary_key=True)
    source: Mapped[str] = mapped_column(String(16), primary_key=True)
    as_of: Mapped[datetime] = mapped_column(UtcTime, index=True)
    dossier: Mapped[dict[str, Any]] = mapped_column(JSON)
    factors: Mapped[list[str]] = mapped_column(JSON)


def read_states(session: Session, code: str) -> list[State]:
    """Give the last known states of a dossier, the freshest first."""
    return [_read(row) for row in session.execute(_OF_CODE, {"looked_for": code})]


def read_state_of(session: Session, code: str, source: str) -> State | None:
    """Give the last known state of a dossier by one source."""
    row = session.get(DossierState, (code, source))
    return _read(row) if row else None


def _read(row: Any) -> State:
    return State(Dossier.model_validate(row.dossier), row.source, row.as_of, tuple(row.factors))


def keep_states(session: Session, states: Iterable[State]) -> None:
    """Keep what sources said, unless something newer of the same source is kept already."""
    rows = [
        {
            "code": state.dossier.code,
            "source": state.source,
            "as_of": state.as_of,
            "dossier": state.dossier.model_dump(mode="json"),
            "factors": list(state.factors),
        }
        for state in states
    ]
    if not rows:
        return
    session.execute(_KEEP[session.get_bind().dialect.name], rows)


def forget_states(session: Session, days: int, kept: Select[str]) -> int:
    """Drop what live sources said longer ago, except of the kept codes; give how many. Files' rows stay."""
    old = delete(DossierState).where(
        DossierState.source != FILES,
        DossierState.as_of < now() - timedelta(days=days),
        DossierState.code.not_in(kept),
    )
    return int(getattr(session.execute(old), "rowcount", 0))


FILES = "files"  # the source whose states come from files alone


def _keeping(insert: Any) -> Any:
    """Build the statement that keeps a state unless what is kept is newer."""
    statement = insert(DossierState.__table__)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["code", "source"],
        set_={"as_of": new.as_of, "dossier": new.dossier, "factors": new.factors},
        where=DossierState.__table__.c.as_of <= new.as_of,
    )


# Built once: building a statement takes longer than running it.
_KEEP = {"postgresql": _keeping(postgresql.insert), "sqlite": _keeping(sqlite.insert)}
_STATES = DossierState.__table__.c
_OF_CODE = select(*_STATES).where(_STATES.code == bindparam("looked_for")).order_by(_STATES.as_of.desc())
