"""Opening an xlsx that somebody uploaded: refused if it is none, locked or absurdly large.

Every part is scanned by a streaming parser before openpyxl sees it, which also tells what openpyxl's fast
reading mode does not: merged cells, hidden rows and columns.

ValueError
└── WorkbookError
"""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from xml.parsers import expat  # with expat's own bounds on entities; documents that declare any are refused
from zipfile import BadZipFile, ZipFile

from openpyxl import load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

from knowledge.search import folded_words

GUIDE = "Hướng dẫn"
MOST_ROWS = 100_000
MOST_COLUMNS = 50
LARGEST_FILE = 20 * 2**20  # bytes
LARGEST_CONTENT = 200 * 2**20  # bytes, unpacked
MOST_ELEMENTS = 5_000_000  # of XML in all parts
MOST_PARTS = 1_000
_COMPOUND_FILE = bytes.fromhex("d0cf11e0a1b11ae1")  # old .xls, and every encrypted .xlsx
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_SHOWN = 20  # rows or sheets named in one note
_UNREADABLE = (
    BadZipFile, InvalidFileException, expat.ExpatError, zlib.error, KeyError, ValueError, TypeError,
    IndexError, AttributeError, OSError, EOFError, NotImplementedError, SyntaxError,
)  # fmt: skip
_SAVE_AGAIN = "Mở bằng Excel, lưu lại dạng Excel Workbook (.xlsx) rồi tải lên."
_NO_XLSX = f"File hỏng hoặc không phải Excel (.xlsx). {_SAVE_AGAIN}"
_TOO_LARGE = "Bảng quá lớn: chỉ đọc đến 100.000 dòng. Xoá các dòng, trang không dùng rồi tải lại."


class WorkbookError(ValueError):
    """A file that cannot be read as a table; says in Vietnamese why and what to do."""


@dataclass(frozen=True)
class Cell:
    """A cell that is not empty: its value, and whether it holds a formula or an Excel error."""

    value: Any
    is_formula: bool
    is_error: bool


@dataclass
class Structure:
    """What a part of the file says beside its cells."""

    merged: list[str] = field(default_factory=list)
    hidden_rows: list[int] = field(default_factory=list)
    hidden_columns: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Grid:
    """The rows of one sheet that are not empty: number -> column number (from 1) -> cell.

    ``made_at``: when the file was first written, in UTC, as far as it says so.
    """

    rows: dict[int, dict[int, Cell]]
    merged: tuple[str, ...]
    notes: tuple[str, ...]
    made_at: datetime | None


def read_grid(file: bytes, title: str) -> Grid:
    """Read the sheet of that title, else the only one beside the guide; raises WorkbookError."""
    _refuse_what_is_no_xlsx(file)
    try:
        structures = _scan(file)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and extensions that are of no concern here
            return _read(file, title, structures)
    except WorkbookError:
        raise
    except _UNREADABLE:
        raise WorkbookError(_NO_XLSX) from None
    except RuntimeError:  # what zipfile says of a part with a password
        raise WorkbookError(f"File đang khoá bằng mật khẩu. Bỏ mật khẩu trước. {_SAVE_AGAIN}") from None


def _refuse_what_is_no_xlsx(file: bytes) -> None:
    if len(file) > LARGEST_FILE:
        raise WorkbookError(f"File lớn hơn {LARGEST_FILE // 2**20} MB. {_TOO_LARGE}")
    if file.startswith(_COMPOUND_FILE):
        if _ENCRYPTED in file:
            raise WorkbookError(
                "File đang khoá bằng mật khẩu. Trong Excel vào File → Info → Protect Workbook → Encrypt with "
                "Password, xoá mật khẩu, lưu rồi tải lên."
            )
        raise WorkbookError(f"File là Excel đời cũ (.xls). {_SAVE_AGAIN}")


def _scan(file: bytes) -> dict[str, Structure]:
    """Scan every XML part within the limits; gives the structure of each by its name."""
    with ZipFile(BytesIO(file)) as archive:
        parts = archive.infolist()
        if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > LARGEST_CONTENT:
            raise WorkbookError(_TOO_LARGE)
        scan = _Scan()
        for part in parts:
            if part.filename.endswith((".xml", ".rels")):
                with archive.open(part) as stream:
                    scan.read(part.filename, stream)
        if "xl/workbook.xml" not in scan.structures:
            raise WorkbookError(_NO_XLSX)
        return scan.structures


class _Scan:
    """Counts the elements of all parts, and collects each part's structure."""

    def __init__(self) -> None:
        self.structures: dict[str, Structure] = {}
        self._elements = 0

    def read(self, name: str, stream: Any) -> None:
        """Read one part."""
        self._now = self.structures.setdefault(name, Structure())
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self._element
        parser.StartDoctypeDeclHandler = self._doctype
        parser.ParseFile(stream)

    def _element(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > MOST_ELEMENTS:
            raise WorkbookError(_TOO_LARGE)
        match name.rpartition(" ")[2]:
            case "row":
                self._row(attributes)
            case "col" if attributes.get("hidden") in ("1", "true"):
                last = min(int(attributes["max"]), MOST_COLUMNS)
                self._now.hidden_columns += map(get_column_letter, range(int(attributes["min"]), last + 1))
            case "mergeCell":
                self._now.merged.append(attributes["ref"])

    def _row(self, attributes: dict[str, str]) -> None:
        number = int(attributes.get("r", 0))
        if number > MOST_ROWS:
            raise WorkbookError(_TOO_LARGE)
        if attributes.get("hidden") in ("1", "true"):
            self._now.hidden_rows.append(number)

    def _doctype(self, *_: Any) -> None:
        raise WorkbookError(_NO_XLSX)


def _read(file: bytes, title: str, structures: dict[str, Structure]) -> Grid:
    book = load_workbook(BytesIO(file), read_only=True)
    try:
        sheet, notes = _chosen(book, title)
        structure = structures[sheet._worksheet_path.removeprefix("/")]
        sheet.reset_dimensions()  # what a file says of its own size is not always so
        rows = {
            number: cells
            for number, row in enumerate(sheet.iter_rows(max_col=MOST_COLUMNS), 1)
            if (cells := dict(_cells(row)))
        }
        made_at = book.properties.created
        return Grid(
            rows,
            tuple(structure.merged),
            (*notes, *_notes_of_hidden(sheet, rows, structure)),
            made_at.replace(tzinfo=UTC) if made_at else None,
        )
    finally:
        book.close()


def _cells(row: Any) -> Iterator[tuple[int, Cell]]:
    for number, cell in enumerate(row, 1):
        if cell.value is not None and str(cell.value).strip():
            yield number, Cell(cell.value, cell.data_type == "f", cell.data_type == "e")


def _chosen(book: Any, title: str) -> tuple[Any, list[str]]:
    """Choose the sheet to read, and tell of those that are not read."""
    sheets = [sheet for sheet in book.worksheets if sheet.title != GUIDE]
    named = [sheet for sheet in sheets if folded_words(sheet.title) == folded_words(title)]
    if len(named) != 1 and len(sheets) != 1:
        there = ", ".join(f"“{sheet.title}”" for sheet in sheets[:_SHOWN]) or "không có trang nào"
        raise WorkbookError(f"Không biết đọc trang nào ({there}). Đặt tên trang có bảng là “{title}”.")
    (chosen,) = named if len(named) == 1 else sheets
    others = ", ".join(f"“{sheet.title}”" for sheet in sheets if sheet is not chosen)
    return chosen, [f"Chỉ đọc trang “{chosen.title}”, không đọc: {others}."] if others else []


def _notes_of_hidden(sheet: Any, rows: dict[int, Any], structure: Structure) -> Iterator[str]:
    used = {get_column_letter(number) for row in rows.values() for number in row}
    if sheet.sheet_state != "visible":
        yield f"Trang “{sheet.title}” đang ẩn, vẫn được đọc."
    if hidden := [str(number) for number in structure.hidden_rows if number in rows]:
        more = f" và {len(hidden) - _SHOWN} dòng nữa" if len(hidden) > _SHOWN else ""
        yield f"Dòng đang ẩn vẫn được đọc: {', '.join(hidden[:_SHOWN])}{more}."
    if columns := [letter for letter in structure.hidden_columns if letter in used]:
        yield f"Cột đang ẩn vẫn được đọc: {', '.join(columns)}."
