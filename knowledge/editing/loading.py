"""Loading a content folder into the database, beside what editors changed there meanwhile.

What was taken over of the files is kept, so that only what changed in them since is taken over; a field that
an editor changed too, and otherwise, is told and left as the editor has it. What the files said before is
remembered, too: replicas start with the folder of their release, and an older one brings nothing back.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field, fields, replace
from datetime import date
from hashlib import sha256
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
from knowledge.editing.records import Content, Key, file_of, keys_of
from knowledge.editing.revisions import (
    ContentRevision,
    EditRefused,
    LoadedRecord,
    all_scheduled,
    days_after,
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
    """What became of each record of a folder: keys by fate, and the fields that were left alone.

    Of a record with ``conflicts`` all else is taken over, unless it is ``held_back`` for these reasons.
    """

    new: list[Key] = field(default_factory=list)
    changed: list[Key] = field(default_factory=list)
    retired: list[Key] = field(default_factory=list)
    missing: list[Key] = field(default_factory=list)  # in the folder no more, and left
    older: list[Key] = field(default_factory=list)  # as a folder said before, and left
    conflicts: dict[Key, tuple[Conflict, ...]] = field(default_factory=dict)
    held_back: dict[Key, tuple[str, ...]] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """Give how many records had each fate, in words."""
        return {each.name.replace("_", " "): len(getattr(self, each.name)) for each in fields(self)}


def open_content(engine: Engine, folder: Path, today: date, *, lenient: bool = False) -> Published:
    """Open the database's content, once what changed in the folder is taken over; raises ContentError.

    ``lenient``: faulty files are left out.
    """
    published = Published(engine)
    if not is_loaded(engine, folder):
        report = load_folder(engine, published, folder, today, lenient=lenient)
        for event, keys in (
            ("content_changed_by_both", report.conflicts),
            ("content_held_back", report.held_back),
            ("content_older_than_loaded", report.older),
        ):
            for key in keys:
                log.warning(event, record="/".join(key))
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
    back: bool = False,
    lenient: bool = False,
) -> Loaded:
    """Take over what changed in a folder since it was last loaded; all of it or, with faults, nothing.

    ``retire``: what the folder lacks by now is taken away. ``back``: what a folder said before is taken over
    again. ``lenient``: faulty files are left out. Raises ContentError.
    """
    faulty = {fault.path for fault in load_catalogue(folder, lenient=lenient).faults}
    content, digest = read_folder(folder, faulty), content_digest(folder)
    held_back: dict[Key, tuple[str, ...]] = {}
    with transaction(engine) as session:
        take_turns(session)
        while True:  # until no half of a change is faulty without its other half
            attempt = session.begin_nested()
            loading = _Loading(session, today, Loaded(held_back=dict(held_back)))
            loading.take(content, retire=retire, back=back)
            faults = loading.faults(published)
            halves = loading.faulty_halves(faults)
            if not halves:
                attempt.commit()
                break
            attempt.rollback()
            held_back |= halves
        if faults and not lenient:
            raise ContentError(faults)
        session.merge(LoadedRecord(kind=WHOLE[0], key=WHOLE[1], data=None if faulty else digest))
    return loading.report


def is_loaded(engine: Engine, folder: Path) -> bool:
    """Tell whether a folder stands in the database as it is now."""
    with transaction(engine) as session:
        kept = session.get(LoadedRecord, WHOLE)
        return kept is not None and kept.data == content_digest(folder)


class _Loading:
    """One load within its transaction."""

    def __init__(self, session: Session, today: date, report: Loaded) -> None:
        self._session, self._today, self.report = session, today, report
        self._changed: list[tuple[date, Key, Any]] = []  # what records say from a day on
        self._rows = {(row.kind, row.key): row for row in session.scalars(select(LoadedRecord))}
        self._coming: dict[Key, list[ContentRevision]] = {}
        for row in all_scheduled(session, today):
            self._coming.setdefault(row.record, []).append(row)
        numbers = holding(session, today)
        data = select(ContentRevision.id, ContentRevision.data)
        held: dict[int, Any] = dict(
            session.execute(data.where(ContentRevision.id.in_(numbers.values()))).all()
        )
        self._held = {key: (today, number, held[number]) for key, number in numbers.items()}

    def take(self, content: Content, *, retire: bool, back: bool) -> None:
        """Take every record of a folder, then what it lacks."""
        for key, data in content.items():
            if key not in self._rows or self._rows[key].data != data:
                self._take(key, data, back=back)
        for key, row in list(self._rows.items()):
            if key in content or key == WHOLE or row.data is None:
                continue
            if retire:
                self._take(key, None, back=True)
            else:
                self.report.missing.append(key)

    def faults(self, published: Published) -> list[Fault]:
        """List the faults that what was taken brings into this day or any that something is scheduled for."""
        found: dict[Fault, date] = {}
        for day in sorted({self._today, *days_after(self._session, self._today)} if self._changed else ()):
            instead = {key: data for begun, key, data in self._changed if begun <= day}
            for fault in new_faults(published, day, instead):
                found.setdefault(fault, day)
        return [
            fault if day == self._today else replace(fault, message=f"{fault.message} (on {day})")
            for fault, day in found.items()
        ]

    def faulty_halves(self, faults: list[Fault]) -> dict[Key, tuple[str, ...]]:
        """Give the records taken in part that faults name, or else all of them, with the faults."""
        taken = {key for _, key, _ in self._changed}
        halves = {key: Path(file_of(key)) for key in self.report.conflicts if key in taken}
        named = {key: [fault for fault in faults if fault.path == path] for key, path in halves.items()}
        blamed = {key: found for key, found in named.items() if found} or dict.fromkeys(halves, faults)
        return {key: tuple(map(str, found)) for key, found in blamed.items() if found}

    def _take(self, key: Key, data: Any, *, back: bool) -> None:
        row = self._rows.get(key)
        day, number, current = self._standing(key)
        if row and not back and _digest(data) in row.said[:-1]:
            if data != current:
                self.report.older.append(key)
            return
        both = merge(row.data if row else None, current, data)
        if both.conflicts:
            self.report.conflicts[key] = both.conflicts
        is_taken = key not in self.report.held_back
        if is_taken and both.data != current:
            is_taken = self._publish(key, day, number, both.data)
        self._keep(key, both.taken if is_taken else row and row.data, data)

    def _keep(self, key: Key, taken: Any, said: Any) -> None:
        """Keep what the files say of a record now, and what of it was taken over."""
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = LoadedRecord(kind=key[0], key=key[1], said=[])
            self._session.add(row)
        elif not row.said:  # kept by an earlier release
            row.said = [_digest(row.data)]
        row.said = [*(each for each in row.said if each != _digest(said)), _digest(said)]
        row.data = taken

    def _standing(self, key: Key) -> tuple[date, int | None, Any]:
        """Give day, number and data of what holds of a record, or begins first where nothing holds yet."""
        if key not in self._held and key in self._coming:
            first = self._coming[key][0]
            return first.publish_on or self._today, first.id, first.data
        return self._held.get(key, (self._today, None, None))

    def _publish(self, key: Key, day: date, base: int | None, data: Any) -> bool:
        """Publish what a record says from a day on; hold it back where what is scheduled says otherwise."""
        row = ContentRevision(
            kind=key[0], key=key[1], data=data, state="approved", base_id=base, publish_on=day,
            authors=[], decided_at=deciding(self._session),
        )  # fmt: skip
        carried: list[ContentRevision] = []
        if key in self._coming:
            try:
                with self._session.begin_nested():
                    self._session.add(row)
                    self._session.flush()
                    carried = carry_over(self._session, row)
            except EditRefused as error:
                self.report.held_back[key] = (str(error),)
                self.report.conflicts[key] = (*self.report.conflicts.get(key, ()), *error.conflicts)
                return False
        else:
            self._session.add(row)
        fates = self.report
        (fates.retired if data is None else fates.new if base is None else fates.changed).append(key)
        self._changed += [(each.publish_on or day, key, each.data) for each in (row, *carried)]
        return True


def _digest(data: Any) -> str:
    return sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
