"""Writing a table of the content as xlsx to be filled in, with a sheet that tells how."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, NamedStyle, PatternFill, Protection
from openpyxl.utils import get_column_letter, quote_sheetname
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from knowledge.sheets.columns import Column, Day, Money, Value
from knowledge.sheets.tables import TABLES, Content, Rows, Table
from knowledge.sheets.workbooks import GUIDE, MOST_ROWS

_HEAD, _KEY, _TEXT, _MONEY, _DAY = "Tiêu đề cột", "Ô khoá", "Ô chữ", "Ô tiền", "Ô ngày"  # names of styles
_FORMATS = {_TEXT: "@", _MONEY: "#,##0", _DAY: "dd/mm/yyyy"}
_LIKE_FORMULAS = ("=", "+", "-", "@")
_ALLOWED = (
    "formatCells", "formatColumns", "formatRows", "insertRows", "deleteRows", "sort", "autoFilter",
)  # fmt: skip
_LISTS_FROM = 3  # the first column of the guide that holds a list of choices
_HOW_TO = (
    "Mỗi dòng là một mục. Không đổi tên các cột ở dòng 1; thứ tự cột, thứ tự dòng thì tuỳ ý.",
    "Ô xám cho biết dòng thuộc về đâu nên đã khoá. Thêm mục: điền dòng trống phía dưới, kể cả các cột xám.",
    "Bỏ một mục: xoá nội dung các ô trắng của dòng đó, để nguyên ô xám.",
    "Muốn xoá cả dòng thì trước hết bấm Review → Unprotect Sheet (không có mật khẩu).",
    "Xoá mọi dòng của một {owner} thì {owner} đó giữ nguyên như cũ; muốn bỏ hết thì chỉ xoá các ô trắng.",
    "Ngày: gõ ngày/tháng/năm, ví dụ 31/12/2026. “Đến hết ngày” để trống nếu chưa biết ngày hết hạn.",
    "Mức mới thay mức cũ: giữ dòng cũ, ghi “Đến hết ngày”, rồi thêm dòng mới bắt đầu từ ngày hôm sau.",
    "Không gộp ô, không dùng công thức, không đặt mật khẩu cho file.",
    "Tải file lên thì hệ thống chỉ cho xem trước các thay đổi và chỗ sai; chưa có gì bị sửa.",
)
_AMOUNTS = "Số tiền: gõ số đồng, ví dụ 8.000; cũng đọc được “10.000đ/bản”, “mười nghìn đồng”, “miễn phí”."
_SILENT = (
    "Không nêu mức thu thì gõ “nguồn không nêu”. Mỗi mức một dòng, không gõ khoảng như “5.000 đến 10.000”."
)
_SEVERAL_SOURCES = (
    "Văn bản làm căn cứ: số hiệu, cách nhau bằng dấu chấm phẩy, ví dụ 2138/UBND-HCC1; 623/TTg-KSTT."
)
_PHONES = "Số điện thoại: chỉ gõ chữ số và dấu cách, ví dụ 1800 1096."
_GUIDES: dict[Table, tuple[str, tuple[str, ...]]] = {
    "fees": ("thủ tục", (_AMOUNTS, _SILENT)),
    "contacts": ("tỉnh", (_PHONES, _SEVERAL_SOURCES)),
    "tariffs": ("tỉnh", (_AMOUNTS, _SEVERAL_SOURCES)),
}


def write_sheet(table: Table, content: Content) -> bytes:
    """Write a table of the content as an xlsx file, with a sheet that tells how to fill it in."""
    rows = TABLES[table](content)
    book = Workbook()
    sheet, guide = book.active, book.create_sheet(GUIDE)
    assert isinstance(sheet, Worksheet)  # noqa: S101 - a new book has one
    sheet.title = rows.title
    for style in _styles():
        book.add_named_style(style)
    _write_head(sheet, rows)
    _write_rows(sheet, rows)
    _protect(sheet)
    _write_guide(guide, table)
    _add_choices(sheet, guide, rows)
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def _styles() -> tuple[NamedStyle, ...]:
    top = Alignment(vertical="top", wrap_text=True)
    white, grey, blue = Font(bold=True, color="FFFFFF"), _filled("E7E6E6"), _filled("1F4E79")
    return (
        NamedStyle(_HEAD, font=white, fill=blue, alignment=Alignment(vertical="center", wrap_text=True)),
        NamedStyle(_KEY, fill=grey, alignment=top, number_format=_FORMATS[_TEXT]),
        *(
            NamedStyle(name, alignment=top, protection=Protection(locked=False), number_format=number_format)
            for name, number_format in _FORMATS.items()
        ),
    )


def _filled(color: str) -> PatternFill:
    return PatternFill("solid", fgColor=color)


def _style(column: Column) -> str:
    return _DAY if isinstance(column.kind, Day) else _MONEY if isinstance(column.kind, Money) else _TEXT


def _write_head(sheet: Worksheet, rows: Rows) -> None:
    for number, column in enumerate(rows.columns, 1):
        head: Any = sheet.cell(1, number, column.title)
        head.style = _HEAD
        dimension = sheet.column_dimensions[get_column_letter(number)]
        dimension.width = column.width
        # for the empty cells below, to be filled in
        dimension.number_format, dimension.protection = _FORMATS[_style(column)], Protection(locked=False)
    sheet.freeze_panes = "B2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(rows.columns))}1"


def _write_rows(sheet: Worksheet, rows: Rows) -> None:
    entries = (rows.values(place, entry) for place, entries in rows.lists() for entry in entries)
    for number, values in enumerate(entries, 2):
        for at, column in enumerate(rows.columns, 1):
            cell = sheet.cell(number, at)
            cell.style = _KEY if column.key else _style(column)
            _fill(cell, column.kind.shown(values[column.field]))


def _fill(cell: Any, value: Value) -> None:
    """Put a value into a cell; a text stays text, whatever it looks like."""
    if isinstance(value, str):
        cell.value = value
        cell.data_type = "s"
        cell.quotePrefix = value.startswith(_LIKE_FORMULAS)
    elif value is not None:
        cell.value = value


def _protect(sheet: Worksheet) -> None:
    """Lock the grey cells, without a password; everything else may be done."""
    protection = sheet.protection
    protection.sheet = True
    for allowed in _ALLOWED:
        setattr(protection, allowed, False)  # openpyxl: False is "not forbidden"


def _write_guide(guide: Worksheet, table: Table) -> None:
    owner, special = _GUIDES[table]
    guide.column_dimensions["A"].width = 110
    lines = ["Cách điền bảng", *(line.format(owner=owner) for line in _HOW_TO), *special]
    for number, line in enumerate(lines, 1):
        cell: Any = guide.cell(number, 1, line)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        cell.font = Font(bold=number == 1)


def _add_choices(sheet: Worksheet, guide: Worksheet, rows: Rows) -> None:
    """List the closed vocabularies in the guide, and let the cells choose from them."""
    listed = [(number, column) for number, column in enumerate(rows.columns, 1) if column.choices]
    for at, (number, column) in enumerate(listed, _LISTS_FROM):
        letter = get_column_letter(number)
        choice = DataValidation(
            "list", formula1=_list(guide, at, column.title, column.choices), allow_blank=True
        )
        choice.error = f"Chọn trong danh sách, hoặc xem trang “{GUIDE}”."
        choice.errorTitle, choice.showErrorMessage = column.title[:32], True
        choice.add(f"{letter}2:{letter}{MOST_ROWS}")
        sheet.add_data_validation(choice)


def _list(guide: Worksheet, at: int, title: str, choices: Sequence[str]) -> str:
    """Write a list into a column of the guide; gives the reference to its cells."""
    letter = get_column_letter(at)
    guide.cell(1, at, title).style = _HEAD
    guide.column_dimensions[letter].width = 24
    for number, choice in enumerate(choices, 2):
        _fill(guide.cell(number, at), choice)
    return f"{quote_sheetname(GUIDE)}!${letter}$2:${letter}${max(2, len(choices) + 1)}"
