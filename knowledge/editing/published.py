"""What is published of the content on a day, as a source that the catalogue is loaded from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from knowledge.content_files import YamlFile
from knowledge.database import reading
from knowledge.editing.records import FOLDERS, MAPS, Content, Key, file_of
from knowledge.editing.revisions import ContentRevision, holding

_AT_ONCE = 500  # revisions fetched together


@dataclass(frozen=True)
class State:
    """All records of one day, as files of a content folder."""

    files: Mapping[str, YamlFile]
    revisions: Mapping[Key, int] = field(default_factory=dict)

    def stems(self, folder: str) -> list[str]:
        """List the files of a folder in a stable order, without ``.yml``."""
        inside = f"{folder}/"
        return sorted(name[len(inside) : -len(".yml")] for name in self.files if name.startswith(inside))

    def open(self, name: str) -> YamlFile:
        """Open a file; raises FileNotFoundError when there is none."""
        try:
            return self.files[name]
        except KeyError:
            raise FileNotFoundError(name) from None

    def path(self, name: str) -> Path:
        """Give the name under which faults of a file are told."""
        return Path(name)

    def mark(self, folder: str) -> str:
        """Tell a folder's files from any other state of them, by the numbers of their revisions."""
        return repr(
            sorted((key, n) for key, n in self.revisions.items() if FOLDERS.get(key[0], ("",))[0] == folder)
        )


class Published:
    """Reads what is published, each revision once; safe to use from many threads."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._read: dict[int, YamlFile] = {}

    def stamp(self, day: date) -> str:
        """Tell what is published on a day from any other state."""
        with reading(self.engine) as session:
            decided = session.scalar(select(func.max(ContentRevision.decided_at)))
        return f"{day} {decided}"

    def on(self, day: date, instead: Content | None = None) -> State:
        """Give the state of a day, with some records ``instead`` of theirs (``None``: taken away)."""
        read = self._read
        with reading(self.engine) as session:
            held = holding(session, day)
            fetched = _fetch(session, {key: number for key, number in held.items() if number not in read})
        kept = {number: fetched.get(number) or read[number] for number in held.values()}
        self._read = kept  # what holds no more is forgotten
        records = {key: kept[number] for key, number in held.items()}
        for key, data in (instead or {}).items():
            records.pop(key, None)
            if data is not None:
                records[key] = YamlFile(Path(file_of(key)), data)
        return State(_as_files(records), held)


def _fetch(session: Session, wanted: Mapping[Key, int]) -> dict[int, YamlFile]:
    """Read revisions as files, by number."""
    paths = {number: Path(file_of(key)) for key, number in wanted.items()}
    numbers, read = list(paths), {}
    for start in range(0, len(numbers), _AT_ONCE):
        some = ContentRevision.id.in_(numbers[start : start + _AT_ONCE])
        for number, data in session.execute(select(ContentRevision.id, ContentRevision.data).where(some)):
            read[number] = YamlFile(paths[number], data)
    return read


def _as_files(records: Mapping[Key, YamlFile]) -> dict[str, YamlFile]:
    """Put records into the files of a content folder: some have one each, others share a map."""
    files: dict[str, YamlFile] = {}
    for kind, (place, _shape) in MAPS.items():
        held = {
            key: file.data
            for (of, key), file in sorted(records.items(), key=lambda one: one[0])
            if of == kind
        }
        if held:
            files[place] = YamlFile(Path(place), held)
    return files | {file_of(key): file for key, file in records.items() if key[0] not in MAPS}
