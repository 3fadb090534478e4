"""Loading a content folder into the database, beside what editors changed there meanwhile.

What the files said when they were last loaded is kept, so that only what changed in them since is taken over;
a field that an editor changed too, and otherwise, is told and left as the editor has it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from knowledge.catalogue_files import load_catalogue
from knowledge.content_files import ContentError, Fault, content_digest, read_yaml
from knowledge.database import transaction
from knowledge.editing.checking import new_faults
from knowledge.editing.drafts import carry_over
from knowledge.editing.published import Published
from knowledge.editing.records import Content, Key, keys_of
from knowledge.editing.revisions import (
    ContentRevision,
    EditRefused,
    LoadedRecord,
    deciding,
    holding,
    plain,
    take_turns,
)
from knowledge.editing.three_way import Conflict, merge

log = structlog.get_logger()
EXPORTING = ".exporting"  # stands in a folder while it is being written
WHOLE: Key = ("folder", "")  # under which the digest of the folder is kept


@dataclass
class Loaded:
    """What became of each record of a folder: keys by fate, and the fields that were left alone."""

    new: list[Key] = field(default_factory=list)
    changed: list[Key] = field(default_factory=list)
    retired: list[Key] = field(default_factory=list)
    missing: list[Key] = field(default_factory=list)  # in the folder no more, and left
    conflicts: dict[Key, tuple[Conflict, ...]] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """Give how many records had each fate."""
        return {
            name: len(getattr(self, name)) for name in ("new", "changed", "retired", "missing", "conflicts")
        }


def open_content(engine: Engine, folder: Path, today: date, *, lenient: bool = False) -> Published:
    """Open the database's content, once what changed in the folder is taken over; raises ContentError.

    ``lenient``: faulty files are left out.
    """
    published = Published(engine)
    if not is_loaded(engine, folder):
        report = load_folder(engine, published, folder, today, lenient=lenient)
        for key in report.conflicts:
            log.warning("content_changed_by_both", record="/".join(key))
    return published


def read_folder(folder: Path, without: Collection[Path] = ()) -> dict[Key, Any]:
    """Read the records of a content folder, ``without`` some files, as plain data; raises ContentError."""
    refuse_half_written(folder)
    records: dict[Key, Any] = {}
    for path in sorted(set(folder.rglob("*.yml")) - set(without)):
        name = path.relative_to(folder).as_posix()
        records |= {key: plain(data) for key, data in keys_of(name, read_yaml(path).data).items()}
    return records


def refuse_half_written(folder: Path) -> None:
    """Raise ContentError for a folder whose export goes on, or was broken off."""
    if (folder / EXPORTING).exists():
        what = "is being written, or its export was broken off; run python -m knowledge export again"
        raise ContentError([Fault(folder, 1, "folder", what)])


def load_folder(
    engine: Engine,
    published: Published,
    folder: Path,
    today: date,
    *,
    retire: bool = False,
    lenient: bool = False,
) -> Loaded:
    """Take over what changed in a folder since it was last loaded; all of it or, with faults, nothing.

    ``retire``: what the folder lacks by now is taken away. ``lenient``: faulty files are left out. Raises
    ContentError.
    """
    faulty = {fault.path for fault in load_catalogue(folder, lenient=lenient).faults}
    content, digest = read_folder(folder, faulty), content_digest(folder)
    with transaction(engine) as session:
        take_turns(session)
        told = _Loading(session, today, Loaded())
        told.take(content, retire=retire)
        faults = new_faults(published, today, told.changed)
        if faults and not lenient:
            raise ContentError(faults)
        told.keep(WHOLE, None if faulty else digest)
    return told.report


def is_loaded(engine: Engine, folder: Path) -> bool:
    """Tell whether a folder stands in the database as it is now."""
    with transaction(engine) as session:
        kept = session.get(LoadedRecord, WHOLE)
        return kept is not None and kept.data == content_digest(folder)


class _Loading:
    """One load within its transaction."""

    def __init__(self, session: Session, today: date, report: Loaded) -> None:
        self._session, self._today, self.report = session, today, report
        self.changed: dict[Key, Any] = {}
        self._rows = {(row.kind, row.key): row for row in session.scalars(select(LoadedRecord))}
        numbers = holding(session, today)
        data = select(ContentRevision.id, ContentRevision.data)
        held: dict[int, Any] = dict(
            session.execute(data.where(ContentRevision.id.in_(numbers.values()))).all()
        )
        self._held = {key: (number, held[number]) for key, number in numbers.items()}

    def take(self, content: Content, *, retire: bool) -> None:
        """Take every record of a folder, then what it lacks."""
        for key, data in content.items():
            if key not in self._rows or self._rows[key].data != data:
                self._take(key, data)
        for key in [each for each in self._rows if each not in content and each != WHOLE]:
            if not retire:
                self.report.missing.append(key)
            else:
                self._take(key, None)

    def keep(self, key: Key, data: Any) -> None:
        """Keep what the files say of a record now."""
        if key in self._rows:
            self._rows[key].data = data
        else:
            self._session.add(LoadedRecord(kind=key[0], key=key[1], data=data))

    def _take(self, key: Key, data: Any) -> None:
        base = self._rows[key].data if key in self._rows else None
        number, current = self._held.get(key, (None, None))
        both = merge(base, current, data)
        if both.conflicts:
            self.report.conflicts[key] = both.conflicts
            return
        if both.data != current and not self._publish(key, number, both.data):
            return
        self.keep(key, data)

    def _publish(self, key: Key, base: int | None, data: Any) -> bool:
        """Publish a record unless what is scheduled changes the same fields, which is told; tell which."""
        row = ContentRevision(
            kind=key[0], key=key[1], data=data, state="approved", base_id=base, publish_on=self._today,
            authors=[], decided_at=deciding(self._session),
        )  # fmt: skip
        self._session.add(row)
        if base is not None:
            self._session.flush()
            try:
                carry_over(self._session, row)
            except EditRefused as error:
                self.report.conflicts[key] = error.conflicts
                self._session.delete(row)
                return False
        fate = (
            self.report.retired if data is None else self.report.new if base is None else self.report.changed
        )
        fate.append(key)
        self.changed[key] = data
        return True
