"""The numbers that people left for announcements by SMS: read from a file, kept as +84912345678.

SmsFileError
└── a file of numbers that cannot be used; names the rows
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zipfile import BadZipFile

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException
from sqlalchemy import String, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot.outbox import OPEN, OutboxMessage
from knowledge.database import Base, UtcTime, insert_or, now
from knowledge.search import folded_words

TITLES = frozenset(
    {"phone", "sdt", "so dien thoai", "dien thoai", "so di dong", "di dong", "so may", "mobile"}
)
MOST_FAULTS = 20
AT_ONCE = 500  # numbers of one statement
_MOBILE = re.compile(r"(?:\+?84|0084|0)?((?:3[2-9]|5[25689]|7[06-9]|8[1-9]|9[0-46-9])\d{7})")
_BETWEEN = re.compile(r"[\s.()–-]+")
_UNREADABLE = (UnicodeDecodeError, csv.Error, BadZipFile, InvalidFileException, KeyError)


class SmsFileError(Exception):
    """A file of numbers that cannot be used."""


class SmsNumber(Base):
    """A mobile number whose owner agreed to be told announcements."""

    __tablename__ = "sms_numbers"

    phone: Mapped[str] = mapped_column(String(16), primary_key=True)
    added_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


@dataclass(frozen=True)
class NumbersReport:
    """How many numbers of a file changed something, and how many did not."""

    changed: int
    unchanged: int


def normal_number(text: str) -> str | None:
    """Write a Vietnamese mobile number as +84…, or nothing when it is none; Excel takes the 0 away."""
    found = _MOBILE.fullmatch(_BETWEEN.sub("", text))
    return f"+84{found[1]}" if found else None


def add_numbers(session: Session, numbers: list[str]) -> NumbersReport:
    """Keep numbers; the caller commits."""
    at, added = now(), 0
    for some in _in_pieces(numbers):
        rows = insert_or(session, SmsNumber).values([{"phone": each, "added_at": at} for each in some])
        kept = rows.on_conflict_do_nothing(index_elements=["phone"]).returning(SmsNumber.phone)
        added += len(session.execute(kept).all())
    return NumbersReport(added, len(numbers) - added)


def remove_numbers(session: Session, numbers: list[str]) -> NumbersReport:
    """Forget numbers, and what is still to be sent to them; the caller commits."""
    removed = 0
    for some in _in_pieces(numbers):
        gone = delete(SmsNumber).where(SmsNumber.phone.in_(some)).returning(SmsNumber.phone)
        removed += len(session.execute(gone).all())
        theirs = (OutboxMessage.channel == "sms", OutboxMessage.address.in_(some))
        session.execute(delete(OutboxMessage).where(*theirs, OutboxMessage.state.in_(OPEN)))
    return NumbersReport(removed, len(numbers) - removed)


def read_numbers(path: Path, column: str | None = None) -> list[str]:
    """Read the numbers of a CSV or xlsx, each once; raises SmsFileError with the first faulty rows."""
    try:
        rows = [(line, cells) for line, cells in _rows(path) if any(cells)]
    except _UNREADABLE as error:
        raise SmsFileError(f"{path}: cannot be read as CSV in UTF-8 or xlsx: {error}") from None
    if not rows:
        raise SmsFileError(f"{path}: has no rows")
    place, has_head = _place(path, rows[0][1], column)
    found: dict[str, None] = {}
    faults: list[str] = []
    for line, cells in rows[has_head:]:
        cell = cells[place] if place < len(cells) else ""
        if number := normal_number(cell):
            found[number] = None
        else:
            faults.append(f"{path}:{line}: {cell!r} is no Vietnamese mobile number, such as 0912345678")
    if faults:
        more = [f"… and {len(faults) - MOST_FAULTS} more"] if len(faults) > MOST_FAULTS else []
        raise SmsFileError("\n".join([*faults[:MOST_FAULTS], *more]))
    if not found:
        raise SmsFileError(f"{path}: has no rows")
    return list(found)


def _place(path: Path, head: list[str], column: str | None) -> tuple[int, bool]:
    """Tell in which column the numbers stand, and whether the first row names it."""
    if column is not None:
        if column not in head:
            raise SmsFileError(f"{path}: has no column {column!r}; there are {', '.join(head)}")
        return head.index(column), True
    named = [place for place, title in enumerate(head) if folded_words(title) in TITLES]
    if named:
        return named[0], True
    if len(head) == 1:
        return 0, normal_number(head[0]) is None and not re.search(r"\d", head[0])
    raise SmsFileError(f"{path}: no column is called phone; name it with --column, of {', '.join(head)}")


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    return _sheet(path) if path.suffix.lower() == ".xlsx" else _csv(path)


def _sheet(path: Path) -> Iterator[tuple[int, list[str]]]:
    book = openpyxl.load_workbook(path, read_only=True)
    try:
        for line, row in enumerate(book.worksheets[0].iter_rows(values_only=True), 1):
            yield line, [_text(cell) for cell in row]
    finally:
        book.close()


def _csv(path: Path) -> Iterator[tuple[int, list[str]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        first = file.readline()
        file.seek(0)
        rows = csv.reader(file, delimiter=";" if first.count(";") > first.count(",") else ",")
        for row in rows:
            yield rows.line_num, [cell.strip() for cell in row]


def _text(cell: object) -> str:
    whole = int(cell) if isinstance(cell, float) and cell.is_integer() else cell
    return "" if whole is None else str(whole).strip()


def _in_pieces(numbers: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(numbers), AT_ONCE):
        yield numbers[start : start + AT_ONCE]
