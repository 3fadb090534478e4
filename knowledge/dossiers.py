"""Dossiers: reading their codes in citizens' words, and the local table of their states."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import CheckConstraint, Date, Integer, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from knowledge.database import Base, UtcTime, now

_CODE = re.compile(
    r"(?<![0-9A-Z.])((?:\d{3}\.\d{2}\.\d{2}\.[A-Z]\d{2})|(?:[A-Z]\d{2}(?:\.\d{1,3}){0,4}))"
    r"\s*[-–]\s*(\d{8}|\d{6})\s*[-–]\s*(\d{3,7})(?!\d)"
)
# What looks like an attempt at a code: an agency part and digits, but not the whole form.
_ATTEMPT = re.compile(
    r"(?<![0-9A-Z.])(?:(?:\d{3}\.){1,3}|[A-Z]\d{2}(?![0-9A-Z]))[0-9A-Z.]*\s*[-–_/ ]\s*\d{3,8}"
    r"|(?<!\d)\d{6,8}\s*[-–]\s*\d{3,7}(?!\d)"
)
LONGEST_NAME = 500  # characters of a procedure's name


class Dossier(Base):
    """What is known of one dossier, without any personal data."""

    __tablename__ = "dossiers"
    __table_args__ = (CheckConstraint("status BETWEEN 1 AND 10", name="ck_dossiers_status"),)

    code: Mapped[str] = mapped_column(String(64), primary_key=True)
    procedure: Mapped[str] = mapped_column(String(LONGEST_NAME))
    status: Mapped[int] = mapped_column(Integer)
    appointed_on: Mapped[date | None] = mapped_column(Date)
    updated_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


class DossierFileError(ValueError):
    """A dossier file that cannot be imported; says line, field and what was expected."""


@dataclass(frozen=True)
class ImportReport:
    """How many dossiers an import added, changed and found unchanged."""

    new: int
    changed: int
    unchanged: int


def find_codes(text: str) -> list[str]:
    """Find dossier codes as people write them (any case, spaces, en dash), each once, in order."""
    found = ("-".join(match.groups()) for match in _CODE.finditer(text.upper()))
    return list(dict.fromkeys(found))


def has_near_code(text: str) -> bool:
    """Tell whether a text without a code holds something that was meant as one."""
    return not find_codes(text) and _ATTEMPT.search(text.upper()) is not None


def example_code(unit_code: str | None) -> str:
    """Give an example of a code as this province writes it."""
    return f"000.00.12.{unit_code or 'H62'}-201105-0004"


def find_dossier(session: Session, code: str) -> Dossier | None:
    """Look a dossier up by its exact code."""
    return session.get(Dossier, code)


def import_dossiers(session: Session, path: Path) -> ImportReport:
    """Read a CSV file with the columns code, procedure, status, appointed_on (YYYY-MM-DD or empty).

    The caller commits; a fault raises DossierFileError before anything is kept.
    """
    counts = {"new": 0, "changed": 0, "unchanged": 0}
    seen: set[str] = set()
    with path.open(encoding="utf-8-sig", newline="") as file:
        for line, row in enumerate(csv.DictReader(file), 2):
            dossier = _read_row(row, f"{path}:{line}")
            if dossier.code in seen:
                raise DossierFileError(f"{path}:{line}: code: {dossier.code} stands twice in the file")
            seen.add(dossier.code)
            counts[_keep(session, dossier)] += 1
    return ImportReport(**counts)


def _read_row(row: dict[str, str | None], where: str) -> Dossier:
    def cell(name: str) -> str:
        if row.get(name) is None:
            raise DossierFileError(f"{where}: {name}: is missing; the columns are {_columns()}")
        return str(row[name]).strip()

    codes, status, appointed = find_codes(cell("code")), cell("status"), cell("appointed_on")
    if len(codes) != 1:
        raise DossierFileError(f"{where}: code: {cell('code')!r} is not a dossier code")
    if not 1 <= len(cell("procedure")) <= LONGEST_NAME:
        raise DossierFileError(f"{where}: procedure: must have 1 to {LONGEST_NAME} characters")
    if not status.isdecimal() or not 1 <= int(status) <= 10:
        raise DossierFileError(f"{where}: status: {status!r} is not a number from 1 to 10")
    try:
        day = date.fromisoformat(appointed) if appointed else None
    except ValueError:
        raise DossierFileError(f"{where}: appointed_on: {appointed!r} is not a day like 2026-11-30") from None
    return Dossier(code=codes[0], procedure=cell("procedure"), status=int(status), appointed_on=day)


def _columns() -> str:
    return "code, procedure, status, appointed_on"


def _keep(session: Session, dossier: Dossier) -> str:
    known = session.get(Dossier, dossier.code)
    if known is None:
        session.add(dossier)
        return "new"
    if _facts(known) == _facts(dossier):
        return "unchanged"
    known.procedure, known.status, known.appointed_on = _facts(dossier)
    known.updated_at = now()
    return "changed"


def _facts(dossier: Dossier) -> tuple[str, int, date | None]:
    return dossier.procedure, dossier.status, dossier.appointed_on
