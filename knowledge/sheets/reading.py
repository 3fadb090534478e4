"""Reading a filled-in xlsx as a dry run: what would change, and what is wrong in which cell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Any

from openpyxl.utils import get_column_letter
from openpyxl.utils.cell import coordinate_to_tuple

from knowledge.amounts import Amount
from knowledge.search import folded_words
from knowledge.sheets.columns import CellError, Column, Value
from knowledge.sheets.plans import CellFault, Change, ListPlan, Plan, Row
from knowledge.sheets.tables import TABLES, Content, KeyFault, Path, Place, Rows, Table
from knowledge.sheets.workbooks import Cell, Grid, WorkbookError, read_grid

_FORMULA = "ô đang chứa công thức. Chép ô rồi dán lại bằng Paste Special → Values (Giá trị)."
_ERROR = "Excel báo lỗi “{}” ở ô này. Gõ lại giá trị."


def read_sheet(table: Table, file: bytes, content: Content) -> Plan:
    """Tell what an xlsx would change in the content, and every fault; applies nothing and raises nothing.

    A row that is missing, or empty but for its grey cells, removes its entry; an owner (procedure, province)
    of which the sheet has no row keeps all its entries.
    """
    rows = TABLES[table](content)
    try:
        grid = read_grid(file, rows.title)
    except WorkbookError as error:
        return Plan(faults=(CellFault(None, str(error)),))
    columns, faults = _columns(rows, grid)
    faults += _faults_of_merging(grid)
    if faults:
        return Plan(faults=tuple(faults), notes=grid.notes)
    return _Reading(rows, grid, columns).plan(content)


def _columns(rows: Rows, grid: Grid) -> tuple[dict[int, Column], list[CellFault]]:
    """Find the columns by their titles in the first row, in whatever order."""
    titles = {folded_words(column.title): column for column in rows.columns}
    found: dict[int, Column] = {}
    faults: list[CellFault] = []
    for number, cell in grid.rows.get(1, {}).items():
        at, column = _name(number, 1), titles.get(folded_words(str(cell.value)))
        if column is None:
            faults.append(CellFault(at, f"không có cột “{str(cell.value)[:40]}” trong bảng này. Xoá cột."))
        elif column in found.values():
            faults.append(CellFault(at, f"cột “{column.title}” có hai lần. Xoá một cột."))
        else:
            found[number] = column
    lacking = [column.title for column in rows.columns if column not in found.values()]
    if lacking:
        named = ", ".join(f"“{title}”" for title in lacking)
        faults.append(
            CellFault(None, f"Dòng 1 thiếu tiêu đề cột: {named}. Thêm lại đúng tên như bảng tải về.")
        )
    return found, faults


def _faults_of_merging(grid: Grid) -> list[CellFault]:
    what = "các ô bị gộp. Chọn vùng này, bấm Merge & Center (Phối và căn giữa) để bỏ gộp, rồi điền từng ô."
    return [CellFault(where, what) for where in grid.merged]


def _name(column: int, row: int) -> str:
    return f"{get_column_letter(column)}{row}"


class _Reading:
    """Reads the rows of one grid and gathers their faults."""

    def __init__(self, rows: Rows, grid: Grid, columns: Mapping[int, Column]) -> None:
        self._table, self._grid = rows, grid
        self._columns = dict(sorted(columns.items(), key=lambda item: rows.columns.index(item[1])))
        self._faults: list[CellFault] = []
        self._owners: set[Value] = set()
        self._faulty: set[Value] = set()  # owners with a faulty row: what they lack cannot be judged
        self._has_strays = False
        self._rows: dict[Place, list[Row]] = defaultdict(list)

    def plan(self, content: Content) -> Plan:
        """Read every row, then lay them beside the content."""
        for number, cells in self._grid.rows.items():
            if number > 1:
                self._read(number, cells)
        changes, records = self._outcome(content)
        faults = sorted(self._faults, key=lambda fault: _by_row(fault.cell))
        return Plan(
            tuple(changes), tuple(faults), self._grid.notes, {} if faults else records, self._grid.made_at
        )

    def _outcome(self, content: Content) -> tuple[list[Change], dict[tuple[str, str], Any]]:
        changes: list[Change] = []
        records: dict[tuple[str, str], Any] = {}
        owners = self._owners - self._faulty
        for place, entries in self._table.lists():
            there = ListPlan(self._table, place, entries, self._rows[place], owners)
            if faults := list(there.faults()):
                self._faults += faults
                continue
            if there.removes and self._has_strays:
                continue  # what seems to be gone may be the row that cannot be placed
            of_list, new = there.outcome()
            changes += of_list
            if of_list:
                record = (place.kind, place.key)
                now = records.get(record, content.get(record))
                records[record] = _put(now, place.path, new or self._table.emptied())
        return changes, records

    def _read(self, number: int, cells: Mapping[int, Cell]) -> None:
        """Read one row and put it to its list, or gather what is wrong with it."""
        row = _RowReading(number, self._columns, cells)
        row.read()
        place = self._find(row)
        self._faults += row.faults
        owner = row.values[self._table.columns[0].field]
        self._owners.add(owner)
        self._has_strays |= place is None
        if row.faults:
            self._faulty.add(owner)
        elif place and not row.is_cleared:
            values = {**row.values, **self._table.keys(place, row.values)}
            self._rows[place].append(Row(number, owner, values, row.names))

    def _find(self, row: _RowReading) -> Place | None:
        """Find the list of a row whose keys could be read."""
        needed = [column.field for column in self._table.columns if column.key and column.required]
        if any(row.values.get(name) is None for name in needed):
            return None
        try:
            return self._table.find(row.values)
        except KeyFault as fault:
            row.tell(fault.field, str(fault))
            return None


class _RowReading:
    """The values of one row by field, None where a cell is empty or faulty, and its faults."""

    def __init__(self, number: int, columns: Mapping[int, Column], cells: Mapping[int, Cell]) -> None:
        self._columns, self._cells, self._number = columns, cells, number
        self.names = {column.field: _name(at, number) for at, column in columns.items()}
        self.values: dict[str, Value] = {}
        self.faults: list[CellFault] = []
        self.is_cleared = all(column.key for at, column in columns.items() if at in cells)

    def read(self) -> None:
        """Read every cell."""
        paid_for: dict[str, str] = {}
        for at, column in self._columns.items():
            value = self._value(column, self._cells.get(at))
            if isinstance(value, Amount):
                paid_for |= {column.field: value.per} if value.per else {}
                value = value.amount
            self.values[column.field] = value
        self._settle(paid_for)
        self._check_days()
        for at in self._cells.keys() - self._columns.keys():
            what = "nằm ngoài các cột của bảng. Xoá ô này, hoặc ghi vào đúng cột."
            self.faults.append(CellFault(_name(at, self._number), what))

    def tell(self, name: str, message: str) -> None:
        """Add a fault of a field's cell."""
        self.faults.append(CellFault(self.names[name], message))

    def _value(self, column: Column, cell: Cell | None) -> Value | Amount:
        """Read one cell; a fault gives None."""
        try:
            value = _read_cell(column, cell) if cell else None
        except CellError as error:
            self.tell(column.field, str(error))
            return None
        if value is None and column.required and (column.key or not self.is_cleared):
            self.tell(column.field, f"còn trống. Ghi “{column.title}” cho dòng này.")
        return value

    def _settle(self, paid_for: Mapping[str, str]) -> None:
        """Put what an amount is paid for each of into its own column, unless that says something else."""
        for column in self._columns.values():
            if (per := paid_for.get(column.field)) and column.per:
                there = self.values[column.per]
                if there is None:
                    self.values[column.per] = per
                elif f" {folded_words(per)} " not in f" {folded_words(str(there))} ":
                    other = next(one.title for one in self._columns.values() if one.field == column.per)
                    what = f"ghi “{per}” sau số tiền, nhưng cột “{other}” ghi “{there}”."
                    self.tell(column.field, f"{what} Ô này chỉ gõ số tiền, phần còn lại ghi ở cột kia.")

    def _check_days(self) -> None:
        first, last = self.values["valid_from"], self.values["valid_to"]
        if isinstance(first, date) and isinstance(last, date) and last < first:
            self.tell("valid_to", f"hết hạn trước ngày áp dụng ({first:%d/%m/%Y}). Sửa một trong hai ngày.")


def _read_cell(column: Column, cell: Cell) -> Value | Amount:
    if cell.is_formula:
        raise CellError(_FORMULA)
    if cell.is_error:
        raise CellError(_ERROR.format(cell.value))
    return column.kind.read(cell.value)


def _put(data: Any, path: Path, value: Any) -> Any:
    """Give a copy of plain data with another value at a path; what lies beside the path is shared."""
    if not path:
        return value
    if isinstance(data, list):
        return [_put(one, path[1:], value) if at == path[0] else one for at, one in enumerate(data)]
    return {**data, path[0]: _put(data.get(path[0]), path[1:], value)}


def _by_row(cell: str | None) -> tuple[int, int]:
    """Sort cells by row, then column; what is about the sheet comes first."""
    if cell is None:
        return 0, 0
    row, column = coordinate_to_tuple(cell)
    return row, column
