"""Importing what one-stop software exports: CSV or xlsx, its columns named in a settings file.

The settings file (YAML) maps our names to the file's column titles and the file's words to statuses::

    columns: {code: Số hồ sơ, procedure: Tên thủ tục, status: Tình trạng, appointed: Ngày hẹn trả, …}
    dates: "%d/%m/%Y %H:%M"
    statuses: {Chờ bổ sung: 5}

Without one, the columns carry our names. An import is whole or not at all, and importing a file again
changes nothing.

DossierFileError
└── a file or its settings cannot be used; names line and column
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, get_args
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile

import yaml
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy.orm import Session

from knowledge.database import now
from knowledge.dossier_codes import find_codes
from knowledge.dossiers.dossier import (
    HERE,
    LONGEST_NAME,
    Channel,
    Dossier,
    Fee,
    State,
    Supplement,
    read_amount,
)
from knowledge.dossiers.marks import Marks
from knowledge.dossiers.states import FILES, keep_states, read_state_of
from knowledge.redaction import redact_names
from knowledge.search import folded_words

COLUMNS = (
    "code procedure procedure_code status received appointed finished agency channel fee fee_name "
    "supplement supplement_requested phone identity updated"
).split()
NEEDED = ("code", "procedure", "status")
_DATES = ("received", "appointed", "finished", "supplement_requested", "updated")
_USUAL_DATES = ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y")
_MOST_FAULTS = 20
_FLOAT = re.compile(r"(\d+)\.0")  # a whole number as spreadsheets write it to CSV


_UNREADABLE = (UnicodeDecodeError, csv.Error, BadZipFile, InvalidFileException, ParseError, KeyError)


class DossierFileError(ValueError):
    """A dossier file that cannot be imported; says line, column and what was expected."""


class FileSettings(BaseModel):
    """How an export's columns, dates and statuses are named."""

    model_config = ConfigDict(extra="forbid")

    columns: dict[str, str] = {}  # empty: our names, of which a file may leave out what is not needed
    dates: str | None = None
    statuses: dict[str, int] = {}
    channels: dict[str, Channel] = {}


@dataclass(frozen=True)
class ImportReport:
    """How many dossiers an import added, changed and found unchanged or older than what is kept."""

    new: int
    changed: int
    unchanged: int
    older: int


def read_file_settings(path: Path | None) -> FileSettings:
    """Read the settings of a file; raises DossierFileError."""
    if path is None:
        return FileSettings()
    try:
        settings = FileSettings.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DossierFileError(f"{path}: is not readable YAML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "file"
        raise DossierFileError(f"{path}: {where}: {first['msg']}") from None
    if unknown := set(settings.columns) - set(COLUMNS):
        raise DossierFileError(f"{path}: columns: {min(unknown)!r} is none of {', '.join(COLUMNS)}")
    missing = set(NEEDED) - set(settings.columns)
    if settings.columns and missing:
        raise DossierFileError(f"{path}: columns: {min(missing)!r} must be named")
    return settings


def import_dossiers(
    session: Session,
    path: Path,
    marks: Marks,
    settings: FileSettings,
    status_names: Mapping[str, int],
    exported_at: datetime | None = None,
) -> ImportReport:
    """Read a file of dossiers; the caller commits.

    ``exported_at`` is the moment the file was true, of rows without ``updated``; else its time of change.
    Raises DossierFileError with the first faults before anything is kept.
    """
    exported_at = exported_at or datetime.fromtimestamp(path.stat().st_mtime, HERE)
    if exported_at > now():
        raise DossierFileError(
            f"{path}: was exported at {exported_at:%Y-%m-%d %H:%M}, which is still to come"
        )
    reader = _Reader(path, settings, status_names, marks, exported_at)
    states, faults = reader.read()
    if faults:
        more = f"\n… and {len(faults) - _MOST_FAULTS} more" if len(faults) > _MOST_FAULTS else ""
        raise DossierFileError("\n".join(faults[:_MOST_FAULTS]) + more)
    counts = {"new": 0, "changed": 0, "unchanged": 0, "older": 0}
    kept: list[State] = []
    for state in states:
        known = read_state_of(session, state.dossier.code, FILES)
        kind = _kind_of_change(known, state)
        counts[kind] += 1
        if kind != "older":
            kept.append(state)
    keep_states(session, kept)
    return ImportReport(**counts)


def _kind_of_change(known: State | None, state: State) -> str:
    if known is None:
        return "new"
    if (known.dossier, known.factors) == (state.dossier, state.factors):
        return "unchanged"
    return "older" if state.as_of < known.as_of else "changed"


@dataclass(frozen=True)
class _Reader:
    path: Path
    settings: FileSettings
    status_names: Mapping[str, int]
    marks: Marks
    exported_at: datetime

    def read(self) -> tuple[list[State], list[str]]:
        """Read every row; give the states and what is wrong with rows."""
        states: dict[str, State] = {}
        faults: list[str] = []
        for line, row in self._rows():
            try:
                state = self._state(row, f"{self.path}:{line}")
            except DossierFileError as error:
                faults.append(str(error))
                continue
            code = state.dossier.code
            if code in states:
                faults.append(f"{self.path}:{line}: {self._title('code')}: {code} stands twice in the file")
            states[code] = state
        if not states and not faults:
            faults.append(f"{self.path}: has no rows")
        return list(states.values()), faults

    def _titles(self) -> dict[str, str]:
        return self.settings.columns or {name: name for name in COLUMNS}

    def _title(self, name: str) -> str:
        return self.settings.columns.get(name, name)

    def _rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Give each row that is not empty, by our names, with its line."""
        try:
            listed = self._sheet() if self.path.suffix.lower() == ".xlsx" else self._csv()
            head = [str(cell or "").strip() for cell in next(listed, (0, ()))[1]]
            self._check_head(head)
            places = {name: head.index(title) for name, title in self._titles().items() if title in head}
            for line, cells in listed:
                if any(str(cell or "").strip() for cell in cells):
                    yield line, {name: cells[at] if at < len(cells) else None for name, at in places.items()}
        except _UNREADABLE as error:
            raise DossierFileError(f"{self.path}: cannot be read as CSV in UTF-8 or xlsx: {error}") from None

    def _check_head(self, head: list[str]) -> None:
        for name in self.settings.columns or NEEDED:
            if self._title(name) not in head:
                there = ", ".join(filter(None, head)) or "none"
                raise DossierFileError(
                    f"{self.path}:1: column {self._title(name)!r} ({name}) is missing; there are: {there}. "
                    "Name the columns with --columns"
                )
        twice = {title for title in head if title and head.count(title) > 1}
        if twice & set(self._titles().values()):
            raise DossierFileError(f"{self.path}:1: column {min(twice)!r} stands twice")

    def _csv(self) -> Iterator[tuple[int, list[Any]]]:
        with self.path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            rows = csv.reader(file, delimiter=";" if first.count(";") > first.count(",") else ",")
            for row in rows:
                yield rows.line_num, row

    def _sheet(self) -> Iterator[tuple[int, tuple[Any, ...]]]:
        book = load_workbook(self.path, read_only=True, data_only=True)
        try:
            sheet = book.worksheets[0]
            sheet.reset_dimensions()  # what a file says of its own size is not always so
            yield from enumerate(sheet.iter_rows(values_only=True), 1)
        finally:
            book.close()

    def _state(self, row: dict[str, Any], where: str) -> State:
        def text(name: str) -> str:
            said = str(row.get(name) if row.get(name) is not None else "").strip()
            return said[:-2] if _FLOAT.fullmatch(said) else said

        def wrong(name: str, what: str) -> DossierFileError:
            return DossierFileError(f"{where}: {self._title(name)}: {what}")

        codes = find_codes(text("code"))
        if len(codes) != 1:
            raise wrong("code", f"{text('code')!r} is not a dossier code")
        if not 1 <= len(text("procedure")) <= LONGEST_NAME:
            raise wrong("procedure", f"must have 1 to {LONGEST_NAME} characters")
        moments = {name: self._moment(row.get(name), name, where) for name in _DATES}
        number, said = self._status(text("status"))
        if number is None and not text("status"):
            raise wrong("status", "is empty")
        if number is not None and not 1 <= number <= 10:
            raise wrong("status", f"{text('status')!r} is not a number from 1 to 10")
        try:
            fees = _fees(text("fee"), text("fee_name"))
        except ValueError:
            raise wrong("fee", f"{text('fee')!r} is not a whole number of đồng, such as 150000") from None
        dossier = Dossier(
            code=codes[0],
            procedure=text("procedure"),
            procedure_code=text("procedure_code") or None,
            status=number,
            status_name=said,
            received=moments["received"],
            appointed=moments["appointed"],
            finished=moments["finished"],
            agency=text("agency") or None,
            channel=self._channel(text("channel")),
            fees=fees,
            supplements=_supplements(redact_names(text("supplement")), moments["supplement_requested"]),
        )
        as_of = moments["updated"] or self.exported_at
        if as_of > now():
            raise wrong("updated", "lies in the future")
        numbers = (self.marks.of_factor(codes[0], text(name)) for name in ("phone", "identity"))
        return State(dossier, FILES, as_of, tuple(mark for mark in numbers if mark))

    def _status(self, said: str) -> tuple[int | None, str | None]:
        """Give the national status and, where it is said in words, those words."""
        if said.isdecimal():
            return int(said), None
        known = {folded_words(name): status for name, status in self.settings.statuses.items()}
        folded = folded_words(said)
        return known.get(folded, self.status_names.get(folded)), redact_names(said) or None

    def _channel(self, said: str) -> Channel | None:
        if said in get_args(Channel):
            return said  # type: ignore[return-value]
        named = {folded_words(name): channel for name, channel in self.settings.channels.items()}
        return named.get(folded_words(said))

    def _moment(self, value: Any, name: str, where: str) -> datetime | None:
        if value is None or str(value).strip() == "":
            return None
        if isinstance(value, datetime):
            return value.replace(tzinfo=HERE)
        if isinstance(value, date):
            return datetime(value.year, value.month, value.day, tzinfo=HERE)
        said = str(value).strip()
        for form in (self.settings.dates,) if self.settings.dates else _USUAL_DATES:
            try:
                return datetime.strptime(said, form).replace(tzinfo=HERE)
            except ValueError:
                continue
        try:
            moment = datetime.fromisoformat(said)
        except ValueError:
            form = self.settings.dates or "30/11/2026 or 2026-11-30"
            raise DossierFileError(
                f"{where}: {self._title(name)}: {said!r} is not a day like {form}"
            ) from None
        return moment.replace(tzinfo=HERE) if moment.tzinfo is None else moment


def _fees(amount: str, name: str) -> tuple[Fee, ...]:
    """Read a fee; none when it is empty or nothing. Raises ValueError."""
    number = read_amount(amount) if amount else 0
    return (Fee(name=name or "Phí, lệ phí", amount=number),) if number else ()


def _supplements(text: str, requested_at: datetime | None) -> tuple[Supplement, ...]:
    return (Supplement(text=text, requested_at=requested_at),) if text or requested_at else ()
