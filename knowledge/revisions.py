"""Dated revisions of procedures that were imported from the national portal.

Nothing is overwritten: a changed procedure gets a new revision, the old one keeps its days. An import is one
transaction.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

from pydantic import ValidationError
from sqlalchemy import JSON, Date, Engine, ForeignKey, Index, String, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from knowledge.database import Base, UtcTime, now, reading, transaction
from knowledge.portal_files import NAME, PortalFileError, PortalRecord
from knowledge.portal_records import Reading, plain_name, read_portal_record
from knowledge.records import Procedure

_AT_ONCE = 200  # rows sent to the database together


class Import(Base):
    """One run of an import: which file, what the portal showed on which day, and what came of it."""

    __tablename__ = "imports"

    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[str] = mapped_column(String(400))
    seen_on: Mapped[date] = mapped_column(Date)
    imported_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    counts: Mapped[dict[str, int]] = mapped_column(JSON)


class ProcedureRevision(Base):
    """What the portal said of a procedure from one day on.

    ``columns`` is the portal's text, ``facts`` what was read in it (a Procedure), ``doubts`` what a person
    should look at. ``ended_on`` is the last day; empty while the revision holds.
    """

    __tablename__ = "procedure_revisions"
    __table_args__ = (Index("ix_procedure_revisions_code", "code", "ended_on"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id"))
    code: Mapped[str] = mapped_column(String(16))
    digest: Mapped[str] = mapped_column(String(64))
    columns: Mapped[dict[str, str]] = mapped_column(JSON)
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    doubts: Mapped[list[str]] = mapped_column(JSON)
    valid_from: Mapped[date] = mapped_column(Date)
    ended_on: Mapped[date | None] = mapped_column(Date)


@dataclass
class Report:
    """What an import did: codes by fate, how each field was read, and each doubtful record."""

    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)
    renamed: list[str] = field(default_factory=list)
    fields: dict[str, Counter[str]] = field(default_factory=dict)
    doubts: dict[str, list[str]] = field(default_factory=dict)

    def note(self, code: str, reading: Reading) -> None:
        """Count how the fields of a record were read, and keep its doubts."""
        for name, how in reading.how.items():
            self.fields.setdefault(name, Counter())[how] += 1
        if reading.doubts:
            self.doubts[code] = list(reading.doubts)

    def counts(self) -> dict[str, int]:
        """Give how many records had each fate."""
        return {name: len(getattr(self, name)) for name in ("new", "changed", "unchanged", "retired")}


def import_records(
    engine: Engine,
    records: Iterable[PortalRecord],
    file: str,
    seen_on: date,
    refuse: Callable[[str], None],
    *,
    complete: bool,
    listed: bool,
) -> Report:
    """Store the records of a file as revisions from ``seen_on`` on, all or none.

    ``complete``: the file is the whole catalogue, so what it lacks is retired. ``listed``: it is a list of
    names, which adds unknown procedures and leaves known ones as they are. A record of which no procedure can
    be made is told to ``refuse`` and left out.
    """
    report = Report()
    with transaction(engine) as session:
        newest = session.scalar(select(func.max(Import.seen_on)))
        if newest and seen_on < newest:
            raise PortalFileError(
                f"{file}: was seen on {seen_on}, but what the portal showed on {newest} is imported already; "
                f"import files in the order of their days (--seen-on)"
            )
        current = {row.code: row for row in session.execute(_current())}
        run = Import(file=file, seen_on=seen_on, counts={})
        session.add(run)
        session.flush()
        seen: set[str] = set()
        fresh = _facts(_fresh(records, current, seen, report, listed=listed), seen_on, report, refuse)
        for batch in iter(lambda: list(islice(fresh, _AT_ONCE)), []):
            _end(session, [current[one.code].id for one in batch if one.code in current], seen_on)
            for one in batch:
                one.import_id = run.id
            session.add_all(batch)
            session.flush()
            for one in batch:
                session.expunge(one)
        if complete:
            report.retired = sorted(set(current) - seen)
            _end(session, [current[code].id for code in report.retired], seen_on)
        run.counts = report.counts()
    return report


def _current() -> Any:
    name = ProcedureRevision.facts["name"].as_string().label("name")
    return select(
        ProcedureRevision.id, ProcedureRevision.code, ProcedureRevision.digest, name
    ).where(ProcedureRevision.ended_on.is_(None))  # fmt: skip


def _fresh(
    records: Iterable[PortalRecord],
    current: dict[str, Any],
    seen: set[str],
    report: Report,
    *,
    listed: bool,
) -> Iterator[tuple[PortalRecord, str, bool]]:
    """Yield the records that need a revision, with their digest and whether they are known."""
    for record in records:
        seen.add(record.code)
        known = current.get(record.code)
        digest = hashlib.sha256(json.dumps(record.columns, sort_keys=True).encode()).hexdigest()
        if known and listed and known.name != plain_name(record.columns[NAME]):
            report.renamed.append(record.code)
        if known and (listed or known.digest == digest):
            report.unchanged.append(record.code)
        else:
            yield record, digest, known is not None


def _facts(
    fresh: Iterator[tuple[PortalRecord, str, bool]],
    seen_on: date,
    report: Report,
    refuse: Callable[[str], None],
) -> Iterator[ProcedureRevision]:
    """Read the facts of each record as a revision; note its fate."""
    for record, digest, is_known in fresh:
        reading = read_portal_record(record)
        try:
            facts = reading.facts(seen_on)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            refuse(f"{record.where}: {record.code}: {place}: {first['msg']}; mend it in the file")
            continue
        report.note(record.code, reading)
        (report.changed if is_known else report.new).append(record.code)
        yield ProcedureRevision(
            code=record.code, digest=digest, columns=record.columns, doubts=list(reading.doubts),
            facts=facts, valid_from=seen_on,
        )  # fmt: skip


def _end(session: Session, ids: list[int], day: date) -> None:
    for start in range(0, len(ids), _AT_ONCE):
        ended = update(ProcedureRevision).where(ProcedureRevision.id.in_(ids[start : start + _AT_ONCE]))
        session.execute(ended.values(ended_on=day - timedelta(days=1)))


def stamp(engine: Engine) -> str:
    """Tell the imported state from any other; it changes with every import that changed something."""
    with reading(engine) as session:
        newest = session.scalar(select(func.max(ProcedureRevision.id)))
        holding = session.scalar(
            select(func.count()).select_from(ProcedureRevision).where(ProcedureRevision.ended_on.is_(None))
        )
    return f"{newest or 0}-{holding or 0}"


def current_names(engine: Engine) -> dict[str, tuple[str, str]]:
    """Give the digest and name of each procedure that holds now, by code."""
    with reading(engine) as session:
        return {row.code: (row.digest, row.name) for row in session.execute(_current())}


def current_columns(engine: Engine) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield code and portal columns of each procedure that holds now."""
    query = select(ProcedureRevision.code, ProcedureRevision.columns).where(
        ProcedureRevision.ended_on.is_(None)
    )
    with reading(engine) as session:
        for row in session.execute(query.execution_options(yield_per=_AT_ONCE)):
            yield row.code, row.columns


def facts_on(engine: Engine, code: str, day: date | None) -> Procedure | None:
    """Read what is imported of a procedure for a day; without a day, or a revision of it, the newest."""
    query = select(ProcedureRevision.facts, ProcedureRevision.valid_from, ProcedureRevision.ended_on)
    with reading(engine) as session:
        found = session.execute(
            query.where(ProcedureRevision.code == code).order_by(ProcedureRevision.id.desc())
        ).all()
    held = [one for one in found if day and one.valid_from <= day <= (one.ended_on or day)]
    for one in (*held, *found):
        return Procedure.model_validate({**one.facts, "valid_to": one.ended_on})
    return None


def revisions_of(engine: Engine, code: str) -> list[ProcedureRevision]:
    """Give every revision of a procedure, newest first."""
    query = select(ProcedureRevision).where(ProcedureRevision.code == code)
    with reading(engine) as session:
        found = list(session.scalars(query.order_by(ProcedureRevision.id.desc())))
        session.expunge_all()
    return found
