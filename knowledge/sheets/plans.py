"""What a filled-in sheet would change: rows laid beside the entries of the content, nothing applied.

Rows may stand in any order: a row is first taken for the entry it equals, then for one that differs in a
single column, then for one of the same thing, last for one that is called the same; what is left over is
removed or added.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from knowledge.sheets.columns import Value
from knowledge.sheets.tables import Entry, Path, Place, Rows
from knowledge.validity import faults_of_validity


@dataclass(frozen=True)
class Change:
    """One field that changes, or an entry added (``before`` None) or removed (``after`` None).

    ``place`` is the path in the record: the index is the entry's in the old list, an added one's in the new
    list; the last part of a changed field is its name. ``column`` is its Vietnamese title, or WHOLE_ROW;
    ``cell`` is the Excel cell, None for a removed entry. Before and after are plain data.
    """

    kind: str
    key: str
    place: Path
    column: str
    cell: str | None
    before: Any
    after: Any


@dataclass(frozen=True)
class CellFault:
    """Something wrong, told in Vietnamese: the Excel cell (None: the whole sheet), and what to do."""

    cell: str | None
    message: str

    def __str__(self) -> str:
        return f"Ô {self.cell}: {self.message}" if self.cell else self.message


@dataclass(frozen=True)
class Plan:
    """What a sheet would change.

    ``records`` holds the new data of each record that changes, and is empty while there are faults.
    ``notes`` tell, in Vietnamese, what was read although it may not be expected; ``made_at``: when the file
    was first written, if it says so.
    """

    changes: tuple[Change, ...] = ()
    faults: tuple[CellFault, ...] = ()
    notes: tuple[str, ...] = ()
    records: Mapping[tuple[str, str], Any] = field(default_factory=dict)
    made_at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Row:
    """A row that was read: its number, its entry's owner, and each field's value and Excel cell."""

    number: int
    owner: Value
    values: Mapping[str, Value]
    cells: Mapping[str, str]

    @property
    def valid_from(self) -> date | None:
        """The first day."""
        day = self.values["valid_from"]
        return day if isinstance(day, date) else None

    @property
    def valid_to(self) -> date | None:
        """The last day."""
        day = self.values["valid_to"]
        return day if isinstance(day, date) else None


WHOLE_ROW = "cả dòng"
Fields = tuple[str, ...]


class ListPlan:
    """The rows of one list beside its entries; ``owners`` are those of which the sheet has any row."""

    def __init__(
        self, table: Rows, place: Place, entries: Sequence[Entry], rows: Sequence[Row], owners: set[Value]
    ) -> None:
        self._table, self._place, self._entries = table, place, entries
        self._rows = [row for row in rows if row.owner in owners]
        self._old = {
            number: table.values(place, entry)
            for number, entry in enumerate(entries)
            if table.owner(place, entry) in owners
        }
        self._pairs = self._matched()
        self._removed = self._old.keys() - self._pairs.values()

    @property
    def removes(self) -> bool:
        """Tell whether an entry has no row."""
        return bool(self._removed)

    def faults(self) -> Iterator[CellFault]:
        """Yield rows that stand twice, and days that overlap or are left open among what changes."""
        left = [row for row in self._rows if self._differs(row)]
        twins = dict(_twins(self._rows, left))
        for number, message in twins.items():
            yield CellFault(_first_cell(self._rows[number]), message)
        yield from self._faults_of_days(left, [row for at, row in enumerate(self._rows) if at not in twins])

    def _faults_of_days(self, left: Sequence[Row], rows: Sequence[Row]) -> Iterator[CellFault]:
        paired = (self._old[at] for row in left if (at := self._at(row)) is not None)
        removed = (self._old[at] for at in self._removed)
        touched = set(map(self._identity, (*(row.values for row in left), *paired, *removed)))
        alike: dict[tuple[Value, ...], list[Row]] = {thing: [] for thing in touched}
        for row in rows:
            alike.get(self._identity(row.values), []).append(row)
        for same in alike.values():
            for number, _ in faults_of_validity(same, lambda _: None):
                yield _fault_of_validity(same[number], same)

    def outcome(self) -> tuple[list[Change], list[Any]]:
        """Give the changes and the new list; entries that stay are the same objects."""
        changes: list[Change] = []
        slots: list[list[Any]] = [[entry] for entry in self._entries]
        for row in self._rows:
            at = self._at(row)
            if at is not None and self._differs(row):
                slots[at][0] = self._table.entry(row.values, self._entries[at])
                changes += self._changed(at, row, slots[at][0])
        for at in sorted(self._removed):
            slots[at].clear()
            changes.append(self._change((at,), WHOLE_ROW, None, dict(self._entries[at]), None))
        added = self._add(slots)
        new = [entry for slot in slots for entry in slot]
        places = {id(entry): number for number, entry in enumerate(new)}
        changes += [
            self._change((places[id(entry)],), WHOLE_ROW, _first_cell(row), None, entry)
            for row, entry in added
        ]
        return changes, new

    def _add(self, slots: list[list[Any]]) -> list[tuple[Row, Any]]:
        """Put new entries after those of the same thing, else of the same owner, else at the end."""
        after: dict[Any, int] = {}
        for number, entry in enumerate(self._entries):
            owner = self._table.owner(self._place, entry)
            after[owner] = after[owner, self._identity(self._table.values(self._place, entry))] = number
        added = [(row, self._table.entry(row.values)) for row in self._rows if self._at(row) is None]
        if added:
            slots.append([])
        for row, entry in added:
            slots[after.get((row.owner, self._identity(row.values)), after.get(row.owner, -1))].append(entry)
        return added

    def _changed(self, at: int, row: Row, after: Entry) -> Iterator[Change]:
        for column in self._table.columns:
            name = column.field
            if row.values[name] != self._old[at][name]:
                before = self._entries[at].get(name)
                yield self._change((at, name), column.title, row.cells[name], before, after.get(name))

    def _change(self, where: Path, column: str, cell: str | None, before: Any, after: Any) -> Change:
        place = self._place
        return Change(place.kind, place.key, (*place.path, *where), column, cell, before, after)

    def _at(self, row: Row) -> int | None:
        return self._pairs.get(row.number)

    def _differs(self, row: Row) -> bool:
        at = self._at(row)
        return at is None or dict(row.values) != self._old[at]

    def _identity(self, values: Mapping[str, Value]) -> tuple[Value, ...]:
        return tuple(values[name] for name in self._table.same)

    def _matched(self) -> dict[int, int]:
        """Pair row numbers with the indexes of entries."""
        names = tuple(column.field for column in self._table.columns)
        keys = tuple(column.field for column in self._table.columns if column.key)
        same, called = ((*keys, *fields) for fields in (self._table.same, self._table.called))
        but_one = [tuple(one for one in names if one != name) for name in names if name not in keys]
        rows, old = list(self._rows), dict(self._old)
        pairs: dict[int, int] = {}
        for fields in (names, *but_one, (*same, "valid_from"), same, called):
            pairs |= _join(rows, old, fields)
            rows = [row for row in rows if row.number not in pairs]
        return pairs


def _join(rows: Sequence[Row], old: dict[int, dict[str, Value]], fields: Fields) -> dict[int, int]:
    """Pair rows and entries that agree in the fields, in order; the entries that are paired leave ``old``."""
    waiting: dict[tuple[Value, ...], list[int]] = defaultdict(list)
    for number, values in reversed(old.items()):
        waiting[tuple(values[name] for name in fields)].append(number)
    pairs: dict[int, int] = {}
    for row in rows:
        if there := waiting.get(tuple(row.values[name] for name in fields)):
            pairs[row.number] = there.pop()
            del old[pairs[row.number]]
    return pairs


def _first_cell(row: Row) -> str:
    return next(iter(row.cells.values()))


def _twins(rows: Sequence[Row], left: Sequence[Row]) -> Iterator[tuple[int, str]]:
    """Yield the indexes of the rows among those left over that repeat another one, and what to do."""
    first: dict[tuple[Value, ...], Row] = {}
    new = {row.number for row in left}
    for at, row in enumerate(rows):
        twin = first.setdefault(tuple(row.values.values()), row)
        if twin is not row and row.number in new:
            yield at, f"dòng {row.number} lặp lại dòng {twin.number}. Xoá một dòng."


def _fault_of_validity(row: Row, same: Sequence[Row]) -> CellFault:
    """Say whether days overlap or are left open before a row, and beside which row."""
    first = row.valid_from or date.min
    before = [one for one in same if one is not row and (one.valid_from or date.min) <= first]
    last = max(before, key=lambda one: one.valid_to or date.max)
    if (last.valid_to or date.max) >= first:
        what = f"trùng thời gian với dòng {last.number}. Cho dòng này bắt đầu sau khi dòng kia hết hạn"
        return CellFault(row.cells["valid_from"], f"{what}; ghi “Đến hết ngày” của dòng kia.")
    told = f"{last.valid_to:%d/%m/%Y}"
    what = f"dòng {last.number} hết hạn ngày {told}, từ đó đến khi dòng này bắt đầu còn để trống"
    return CellFault(row.cells["valid_from"], f"{what}. Cho hai dòng nối liền nhau.")
