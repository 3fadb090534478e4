"""Reading the national portal's own files: JSON lines (plain, .gz, .xz) and lists (.xlsx).

PortalFileError
└── a file that cannot be read to its end, or a fault where faults are refused; says where and what to do
"""

from __future__ import annotations

import gzip
import json
import lzma
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unicodedata import normalize

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from knowledge.search import procedure_codes

CODE, NAME = "ma_thu_tuc", "ten_thu_tuc"
LONGEST = 1_000_000  # characters of one column
# The headings of the portal's lists and the columns they are.
_LIST = {"Mã số": CODE, "Tên": NAME, "Cơ quan thực hiện": "co_quan_thuc_hien", "Lĩnh vực": "linh_vuc"}
_FORMULA = ("=", "+", "@")


class PortalFileError(ValueError):
    """A portal file that cannot be used."""


@dataclass(frozen=True)
class PortalRecord:
    """One procedure as the portal wrote it: its columns as text, and where it stands."""

    code: str
    columns: dict[str, str]
    where: str


class _Fault(ValueError):
    """What is wrong with one record."""


def read_portal_file(path: Path, refuse: Callable[[str], None]) -> Iterator[PortalRecord]:
    """Yield the records of a file; each faulty one is told to ``refuse`` as ``file:line: what``.

    Raises PortalFileError when the file cannot be read to its end.
    """
    seen: dict[str, str] = {}
    rows = _list_rows if path.suffix == ".xlsx" else _json_rows
    for where, row in rows(path, refuse):
        try:
            record = _record(row, where)
            if first := seen.get(record.code):
                raise _Fault(f"code {record.code} stands already at {first}")
        except _Fault as fault:
            refuse(f"{where}: {fault}")
            continue
        seen[record.code] = where
        yield record


def is_list(path: Path) -> bool:
    """Tell whether a file is a list, which knows only codes, names, agencies and fields."""
    return path.suffix == ".xlsx"


def _json_rows(path: Path, refuse: Callable[[str], None]) -> Iterator[tuple[str, Any]]:
    number = 0
    try:
        with _open(path) as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    yield f"{path}:{number}", json.loads(line)
                except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
                    refuse(f"{path}:{number}: is not one JSON object a line ({error}); export it again")
    except (EOFError, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise PortalFileError(
            f"{path}: breaks off after line {number} ({error or 'cut short'}); fetch it again"
        ) from error
    except FileNotFoundError:
        raise PortalFileError(f"{path}: is not there") from None


def _open(path: Path) -> Any:
    if path.suffix == ".xz":
        return lzma.open(path)
    if path.suffix == ".gz":
        return gzip.open(path)
    return path.open("rb")


def _list_rows(path: Path, refuse: Callable[[str], None]) -> Iterator[tuple[str, Any]]:  # noqa: ARG001
    try:
        book = openpyxl.load_workbook(path, read_only=True)
    except FileNotFoundError:
        raise PortalFileError(f"{path}: is not there") from None
    except (InvalidFileException, zipfile.BadZipFile, KeyError, OSError) as error:
        raise PortalFileError(f"{path}: is not an xlsx file ({error}); export the list again") from error
    heads: list[str | None] = []
    for number, row in enumerate(book.worksheets[0].iter_rows(values_only=True), 1):
        if not heads:
            names = [_LIST.get(str(cell).strip()) for cell in row]
            heads = names if CODE in names and NAME in names else []
        elif any(cell is not None for cell in row):
            yield (
                f"{path}:{number}",
                {head: cell for head, cell in zip(heads, row, strict=False) if head and cell is not None},
            )
    if not heads:
        raise PortalFileError(f"{path}: has no row with the headings {', '.join(_LIST)}")


def _record(row: Any, where: str) -> PortalRecord:
    if not isinstance(row, dict):
        raise _Fault("is not a JSON object")
    columns = {str(name): _text(name, value) for name, value in row.items() if value not in (None, "")}
    code = columns.get(CODE, "").strip()
    if procedure_codes(code) != [code]:
        raise _Fault(f"{CODE}: {code[:40]!r} is no procedure code such as 1.001193")
    if not columns.get(NAME, "").strip():
        raise _Fault(f"{NAME}: is missing; a procedure needs its name")
    return PortalRecord(code, columns, where)


def _text(name: Any, value: Any) -> str:
    if not isinstance(value, str):
        raise _Fault(f"{name}: is {type(value).__name__}, not text")
    if "\0" in value:
        raise _Fault(f"{name}: holds NUL characters; export it again")
    if len(value) > LONGEST:
        raise _Fault(f"{name}: is {len(value):,} characters long; at most {LONGEST:,} are read")
    if name in (CODE, NAME) and value.startswith(_FORMULA):
        raise _Fault(f"{name}: is a formula ({value[:30]}); save the list with values")
    return normalize("NFC", value)
