"""The list of records: what there is of each kind, searched and filtered in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from threading import Lock
from typing import Any, Literal

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from bot.workbench.alphabet import in_alphabet
from bot.workbench.fields import told_table
from knowledge.database import reading
from knowledge.editing.published import Published, State
from knowledge.editing.records import KINDS, MAPS, TABLE, TABLES, Key, file_of, title_of
from knowledge.editing.revisions import ContentRevision
from knowledge.revisions import ProcedureRevision, stamp
from knowledge.search import folded_words

Mark = Literal["any", "open", "expiring", "unverified", "doubtful", "retired"]
SOON = timedelta(days=30)
AT_ONCE = 50  # rows shown at a time
_FETCHED = 500  # revisions read together
ENDS = ("valid_to", "in_force_to", "ends")


@dataclass(frozen=True)
class Row:
    """One record in the list.

    ``state``: published, draft, in_review, scheduled (another revision comes), coming (the first one comes),
    retired, imported or missing; ``begins``: the first day of what comes.
    """

    key: Key
    title: str
    state: str
    field: str = ""
    expires: date | None = None
    begins: date | None = None
    is_verified: bool = False
    doubts: tuple[str, ...] = ()
    searched: str = ""  # folded words, a blank before each
    texts: str = ""  # numbers of its sources, folded
    place: tuple[Any, ...] = ()  # in the order of the list

    @property
    def is_open(self) -> bool:
        """Whether somebody is changing it, or a change comes."""
        return self.state in ("draft", "returned", "in_review", "scheduled", "coming")


@dataclass(frozen=True)
class Wanted:
    """What to list: by kind, words, field, a source's number, and a mark."""

    kind: str = ""
    words: str = ""
    field: str = ""
    source: str = ""
    mark: Mark = "any"


@dataclass(frozen=True)
class Found:
    """The rows of a page, and how many there are in all."""

    rows: list[Row]
    count: int


@dataclass
class _Kept:
    stamp: str = ""
    rows: list[Row] = field(default_factory=list)


class Listing:
    """Lists records; what it reads is kept until something changes. Safe to use from many threads."""

    def __init__(self, engine: Engine, published: Published) -> None:
        self._engine, self._published = engine, published
        self._kept, self._lock = _Kept(), Lock()
        self._by_revision: dict[int, Row] = {}

    def find(self, wanted: Wanted, today: date, start: int = 0) -> Found:
        """Give a page of the records that fit."""
        words = folded_words(wanted.words).split()
        source = folded_words(wanted.source)
        found = [
            row
            for row in self._rows(today)
            if wanted.kind in ("", row.key[0])
            and wanted.field in ("", row.field)
            and (not source or source in row.texts)
            and all(f" {word}" in row.searched for word in words)
            and _is_marked(row, wanted.mark, today)
        ]
        return Found(found[start : start + AT_ONCE], len(found))

    def fields(self, today: date) -> list[str]:
        """List the fields of procedures."""
        return sorted({row.field for row in self._rows(today)} - {""}, key=in_alphabet)

    def _rows(self, today: date) -> list[Row]:
        with self._lock:
            with reading(self._engine) as session:
                opened, scheduled = _opened(session), _scheduled(session, today)
            now_is = f"{self._published.stamp(today)} {stamp(self._engine)}"
            if self._kept.stamp != now_is:
                self._kept = _Kept(now_is, self._read(today))
            rows = self._kept.rows
        known = {row.key for row in rows}
        fresh = [
            _row(row.record, row.data, {}, state="returned" if row.is_returned else row.state)
            for row in opened.values()
            if row.record not in known
        ]
        told = (_with_state(row, opened, scheduled) for row in rows)
        return _sorted([*told, *fresh]) if opened or scheduled else rows

    def _read(self, today: date) -> list[Row]:
        """Read every record, each revision once: what holds today, what does not, what is imported alone."""
        state = self._published.on(today)
        with reading(self._engine) as session:
            reviewed = select(ContentRevision.id).where(ContentRevision.reviewer.is_not(None))
            verified = set(session.scalars(reviewed))
            imported = list(_imported(session))
            resting = list(_resting(session, state.revisions))
        names = {row.key[1]: row.title for row in imported}
        names |= {
            key[1]: title_of(key, data_of(state, key)) for key in state.revisions if key[0] == "procedure"
        }
        self._by_revision = {
            number: self._by_revision.get(number)
            or _row(key, data_of(state, key), names, is_verified=number in verified)
            for key, number in state.revisions.items()
        }
        rows = {row.key: row for row in (*map(_missing, TABLES), *resting, *imported)}
        rows |= {row.key: row for row in self._by_revision.values()}
        return _sorted(rows.values())


def data_of(state: State, key: Key) -> Any:
    """Give the data of a record of a state; raises FileNotFoundError and KeyError."""
    data = state.open(file_of(key)).data
    return data[key[1]] if key[0] in MAPS else data


def _row(
    key: Key, data: Any, names: Mapping[str, str], *, state: str = "published", is_verified: bool = False
) -> Row:
    facts = data if isinstance(data, dict) else {}
    title = told_table(key[1]) if key[0] == TABLE else title_of(key, data)
    if key[0] in ("questions", "examples"):
        title = names.get(key[1], key[1])
    searched = (title, key[1], str(facts.get("name", "")), *facts.get("aliases", ()))
    return Row(
        key,
        title,
        state,
        str(facts.get("field", "")) if key[0] == "procedure" else "",
        min(_expiries(data), default=None),
        is_verified=is_verified,
        searched=f" {folded_words(' '.join(map(str, searched)))}",
        texts=folded_words(" ".join(_numbers(data))),
        place=_place(key, title),
    )


def _sorted(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: row.place)


def _place(key: Key, title: str) -> tuple[Any, ...]:
    """Give where a record stands in the list: by kind, then by title."""
    return KINDS.index(key[0]), in_alphabet(title), key[1]


def _missing(table: str) -> Row:
    """Give the row of a table that nobody has filled in yet."""
    title = told_table(table)
    key, searched = (TABLE, table), f" {folded_words(f'{title} {table}')}"
    return Row(key, title, "missing", searched=searched, place=_place(key, title))


def _expiries(data: Any) -> Iterator[date]:
    """Yield the last days of what is followed by nothing, anywhere in a record."""
    if isinstance(data, list):
        begins = {each.get("valid_from") for each in data if isinstance(each, dict)}
        for each in data:
            for day in _expiries(each):
                if (day + timedelta(days=1)).isoformat() not in begins:
                    yield day
    elif isinstance(data, dict):
        for name, value in data.items():
            if name in ENDS and isinstance(value, str):
                with suppress(ValueError):  # a draft may hold anything
                    yield date.fromisoformat(value[:10])
            elif isinstance(value, dict | list):
                yield from _expiries(value)


def _numbers(data: Any) -> Iterator[str]:
    """Yield the numbers of official texts that a record names."""
    if isinstance(data, list):
        for each in data:
            yield from _numbers(each)
    elif isinstance(data, dict):
        for name, value in data.items():
            if name in ("number", "basis", "sources", "source") and isinstance(value, str | list):
                yield from (
                    [value] if isinstance(value, str) else [one for one in value if isinstance(one, str)]
                )
            if isinstance(value, dict | list):
                yield from _numbers(value)


def _imported(session: Session) -> Iterator[Row]:
    facts = ProcedureRevision.facts
    wanted = select(
        ProcedureRevision.code,
        facts["name"].as_string(),
        facts["field"].as_string(),
        ProcedureRevision.doubts,
    ).where(ProcedureRevision.ended_on.is_(None))
    for code, name, of_field, doubts in session.execute(wanted):
        searched = f" {folded_words(f'{name} {code}')}"
        key, place = ("procedure", code), _place(("procedure", code), name)
        yield Row(key, name, "imported", of_field, doubts=tuple(doubts), searched=searched, place=place)


def _resting(session: Session, held: Iterable[Key]) -> Iterator[Row]:
    """Yield what was approved but does not hold: retired, or for a later day; as it was described last."""
    each = ContentRevision
    order = func.row_number().over(
        partition_by=(each.kind, each.key),
        order_by=(each.publish_on.desc(), each.decided_at.desc(), each.id.desc()),
    )
    approved = each.state == "approved", each.data.is_not(None)
    ranked = select(each.id, each.kind, each.key, order.label("place")).where(*approved).subquery()
    newest = session.execute(select(ranked.c.id, ranked.c.kind, ranked.c.key).where(ranked.c.place == 1))
    known = set(held)
    resting = [number for number, *key in newest if tuple(key) not in known]
    for start in range(0, len(resting), _FETCHED):
        some = select(each).where(each.id.in_(resting[start : start + _FETCHED]))
        for row in session.scalars(some):
            yield _row(row.record, row.data, {}, state="retired")


def _opened(session: Session) -> dict[Key, ContentRevision]:
    wanted = select(ContentRevision).where(ContentRevision.open_for > "")  # by its index; null is not
    return {row.record: row for row in session.scalars(wanted)}


def _scheduled(session: Session, today: date) -> dict[Key, date]:
    """Give the day on which the next revision of each record comes."""
    each = ContentRevision
    wanted = select(each.kind, each.key, func.min(each.publish_on)).group_by(each.kind, each.key)
    coming = session.execute(wanted.where(each.state == "approved", each.publish_on > today))
    return {(kind, key): day for kind, key, day in coming if day}


def _with_state(row: Row, opened: dict[Key, ContentRevision], scheduled: dict[Key, date]) -> Row:
    if row.key in opened:
        draft = opened[row.key]
        return replace(row, state="returned" if draft.is_returned else draft.state)
    if row.key not in scheduled:
        return row
    state = "coming" if row.state == "retired" else "scheduled"
    return replace(row, state=state, begins=scheduled[row.key])


def _is_marked(row: Row, mark: Mark, today: date) -> bool:
    return {
        "any": True,
        "open": row.is_open,
        "expiring": row.expires is not None and today <= row.expires <= today + SOON,
        "unverified": not row.is_verified and row.state not in ("coming", "retired"),
        "doubtful": bool(row.doubts),
        "retired": row.state == "retired",
    }[mark]
