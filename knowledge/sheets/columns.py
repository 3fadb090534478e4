"""The kinds of columns: how a fact of the content stands in an Excel cell, and is read back from one.

A ``Value`` is what both are compared as. Sentences that begin after "Ô D7:" are for editors.

ValueError
└── CellError
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from unicodedata import normalize

from knowledge.amounts import Amount, AmountError, read_amount
from knowledge.portal_columns import SMALLEST_AMOUNT
from knowledge.records import NOT_STATED
from knowledge.search import folded_words

Value = str | int | date | None
LONGEST_CELL = 32_767  # characters that Excel keeps in one cell
FIRST_YEAR, LAST_YEAR = 1945, 2100
NOT_STATED_WORDS = "nguồn không nêu"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_DAY = re.compile(r"(?P<day>\d{1,2})([/.-])(?P<month>\d{1,2})\2(?P<year>\d{4})")
_ISO = re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})(?: 00:00:00)?")
_PHONE = re.compile(r"[0-9 ]{8,15}")
_CODE = re.compile(r"\d\.\d{6}")
_MAKE_TEXT = "Định dạng ô là Text (Văn bản) rồi gõ lại"


class CellError(ValueError):
    """A cell that cannot be read; says in Vietnamese what is wrong and what to do."""


def plain_text(data: Any) -> str | None:
    """Write a text as cells keep it: composed, one kind of line end, nothing around it; None when empty."""
    text = _CONTROL.sub("", normalize("NFC", str(data if data is not None else "")))
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()[:LONGEST_CELL].strip() or None


@dataclass(frozen=True)
class Words:
    """Free text."""

    def of_data(self, data: Any) -> Value:
        """Give the value that a field's data stands for."""
        return plain_text(data)

    def to_data(self, value: Value) -> Any:
        """Give the plain data to write for a value."""
        return value

    def shown(self, value: Value) -> Value:
        """Give what stands in the cell for a value."""
        return value

    def read(self, cell: Any) -> Value | Amount:
        """Read a cell that is not empty; raises CellError."""
        return self.text(cell)

    def text(self, cell: Any) -> str | None:
        """Read a cell as text; raises CellError where Excel has made something else of it."""
        if isinstance(cell, date | time | timedelta):
            raise CellError(f"Excel đã đổi chữ thành ngày giờ. {_MAKE_TEXT}.")
        if isinstance(cell, bool) or (isinstance(cell, float) and not cell.is_integer()):
            raise CellError(f"Excel đang giữ giá trị {cell} ở ô này. {_MAKE_TEXT}.")
        return plain_text(int(cell) if isinstance(cell, float) else cell)


class Code(Words):
    """A procedure's code, which Excel must not take for a number."""

    def read(self, cell: Any) -> Value:
        """Read a code such as 1.001193."""
        if isinstance(cell, int | float):
            raise CellError(f"mã đang là số nên có thể mất số 0. {_MAKE_TEXT}, ví dụ 1.001193.")
        code = self.text(cell)
        if code and not _CODE.fullmatch(code):
            raise CellError(f"“{code[:40]}” không phải mã thủ tục. Mã có dạng 1.001193.")
        return code


class Phone(Words):
    """A telephone number, whose first 0 Excel must not drop."""

    def read(self, cell: Any) -> Value:
        """Read digits and spaces, 8 to 15 characters."""
        if isinstance(cell, int | float):
            raise CellError(f"số điện thoại đang là số nên mất số 0 ở đầu. {_MAKE_TEXT}.")
        phone = self.text(cell)
        if phone and not _PHONE.fullmatch(phone):
            raise CellError(
                f"“{phone[:40]}” không phải số điện thoại. Chỉ gõ chữ số và dấu cách, 8 đến 15 ký tự."
            )
        return phone


class Sources(Words):
    """The numbers of official texts, a semicolon between them."""

    def of_data(self, data: Any) -> Value:
        """Join the sources."""
        return self._joined("; ".join(map(str, data or ())))

    def to_data(self, value: Value) -> Any:
        """Part the sources."""
        return [source for part in re.split(r"[;\n]", str(value or "")) if (source := part.strip())]

    def read(self, cell: Any) -> Value:
        """Read one source or more."""
        joined = self._joined(self.text(cell))
        if joined is None:
            raise CellError("không có nguồn nào. Ghi số văn bản, các nguồn cách nhau bằng dấu chấm phẩy.")
        return joined

    def _joined(self, text: str | None) -> str | None:
        return plain_text("; ".join(self.to_data(plain_text(text))))


class Day(Words):
    """A day; a true date in Excel, an ISO text in what is written back."""

    def of_data(self, data: Any) -> date | None:
        """Give the day of a date or an ISO text."""
        day = date.fromisoformat(data) if isinstance(data, str) else data
        return day if isinstance(day, date) else None

    def to_data(self, value: Value) -> Any:
        """Write a day as ISO text."""
        return value.isoformat() if isinstance(value, date) else None

    def read(self, cell: Any) -> Value:
        """Read a date, or a text such as 31/12/2026."""
        day = cell.date() if isinstance(cell, datetime) else cell
        day = day if isinstance(day, date) else self._written(day)
        if day is not None and not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise CellError(f"năm {day.year} có lẽ gõ nhầm. Gõ một năm từ {FIRST_YEAR} đến {LAST_YEAR}.")
        return day

    def _written(self, cell: Any) -> date | None:
        if not isinstance(cell, str):
            raise CellError(f"“{cell}” không phải ngày. Định dạng ô là Date (Ngày) rồi gõ, ví dụ 31/12/2026.")
        text = plain_text(cell)
        match = _DAY.fullmatch(text or "") or _ISO.fullmatch(text or "")
        if text and not match:
            raise CellError(f"không đọc được ngày “{text[:40]}”. Gõ ngày/tháng/năm, ví dụ 31/12/2026.")
        try:
            return date(*(int(match[part]) for part in ("year", "month", "day"))) if match else None
        except ValueError:
            raise CellError(f"không có ngày “{text}” trong lịch. Gõ lại, ví dụ 31/12/2026.") from None


@dataclass(frozen=True)
class Money(Words):
    """An amount in đồng; with ``may_be_silent`` also that the source states none."""

    may_be_silent: bool = False

    def of_data(self, data: Any) -> Value:
        """Give the amount in đồng, or NOT_STATED."""
        return data if isinstance(data, int) else NOT_STATED

    def shown(self, value: Value) -> Value:
        """Show an amount as a number; one so small that it looks like a slip with its unit."""
        if value == NOT_STATED:
            return NOT_STATED_WORDS
        return f"{value} đồng" if isinstance(value, int) and 0 < value < SMALLEST_AMOUNT else value

    def read(self, cell: Any) -> Value | Amount:
        """Read an amount; what it is paid for each of comes along."""
        text = self.text(cell)
        if text is None:
            return None
        if self.may_be_silent and folded_words(text) in (folded_words(NOT_STATED_WORDS), NOT_STATED):
            return NOT_STATED
        try:
            return read_amount(text)
        except AmountError as error:
            what = str(error)
            raise CellError(what[0].lower() + what[1:]) from None


class Grams(Words):
    """A weight in whole grams."""

    def of_data(self, data: Any) -> Value:
        """Give the grams."""
        return data if isinstance(data, int) else None

    def read(self, cell: Any) -> Value:
        """Read a whole number from 1, a number or digits."""
        text = self.text(cell)
        if text is None:
            return None
        if not re.fullmatch(r"[1-9][0-9]{0,6}", text):
            raise CellError(f"“{text[:40]}” không phải số gam. Gõ số nguyên, ví dụ 100, hoặc để trống.")
        return int(text)


@dataclass(frozen=True)
class Choice(Words):
    """One of a closed list; the value is what the content writes, the cell has its Vietnamese label."""

    labels: Mapping[str, str]

    def shown(self, value: Value) -> Value:
        """Give the label."""
        return self.labels.get(str(value), str(value)) if value is not None else None

    def read(self, cell: Any) -> Value:
        """Read a label or what the content writes, whatever its case and accents."""
        text = self.text(cell)
        if text is None:
            return None
        for same in (str, folded_words):
            found = {code for code, label in self.labels.items() if same(text) in (same(label), same(code))}
            if len(found) == 1:
                return found.pop()
        raise CellError(
            f"“{text[:40]}” không có trong danh mục. Chọn trong danh sách của ô: {self._listed()}."
        )

    def _listed(self) -> str:
        some = list(self.labels.values())[:6]
        return "; ".join(some) + ("; …" if len(self.labels) > len(some) else "")


@dataclass(frozen=True)
class Column:
    """A column of a table: its field, title, kind, and width in characters.

    A ``key`` tells which record a row belongs to; an empty ``kept_null`` field is written as null; of an
    amount, ``per`` names the field that tells what it is paid for each of.
    """

    field: str
    title: str
    kind: Words
    width: int
    required: bool = False
    key: bool = False
    kept_null: bool = False
    per: str | None = None

    @property
    def choices(self) -> Sequence[str]:
        """The labels of a closed list, else none."""
        return list(self.kind.labels.values()) if isinstance(self.kind, Choice) else []
