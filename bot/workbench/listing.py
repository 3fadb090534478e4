"""The list of records: what there is of each kind, searched and filtered in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from threading import Lock
from typing import Any, Literal

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from bot.workbench.fields import told_table
from knowledge.database import reading
from knowledge.editing.published import Published, State
from knowledge.editing.records import KINDS, MAPS, TABLE, TABLES, Key, file_of, title_of
from knowledge.editing.revisions import ContentRevision
from knowledge.revisions import ProcedureRevision, stamp
from knowledge.search import folded_words

Mark = Literal["any", "open", "expiring", "unverified", "doubtful"]
SOON = timedelta(days=30)
AT_ONCE = 50  # rows shown at a time
ENDS = ("valid_to", "in_force_to", "ends")


@dataclass(frozen=True)
class Row:
    """One record in the list; ``state``: published, draft, in_review, scheduled, imported or missing."""

    key: Key
    title: str
    state: str
    field: str = ""
    expires: date | None = None
    is_verified: bool = False
    doubts: tuple[str, ...] = ()
    searched: str = ""  # folded words, a blank before each
    texts: str = ""  # numbers of its sources, folded

    @property
    def is_open(self) -> bool:
        """Whether somebody is changing it."""
        return self.state in ("draft", "returned", "in_review")


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
        return sorted({row.field for row in self._rows(today)} - {""})

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
        return (
            [*fresh, *(_with_state(row, opened, scheduled) for row in rows)] if opened or scheduled else rows
        )

    def _read(self, today: date) -> list[Row]:
        """Read every record that holds today, each revision once, then what is imported alone."""
        state = self._published.on(today)
        with reading(self._engine) as session:
            reviewed = select(ContentRevision.id).where(ContentRevision.reviewer.is_not(None))
            verified = set(session.scalars(reviewed))
            imported = list(_imported(session))
        names = {row.key[1]: row.title for row in imported}
        names |= {
            key[1]: title_of(key, data_of(state, key)) for key in state.revisions if key[0] == "procedure"
        }
        self._by_revision = {
            number: self._by_revision.get(number)
            or _row(key, data_of(state, key), names, is_verified=number in verified)
            for key, number in state.revisions.items()
        }
        written = {row.key: row for row in self._by_revision.values()}
        missing = [_missing(name) for name in TABLES if (TABLE, name) not in written]
        rows = [*written.values(), *missing, *(row for row in imported if row.key not in written)]
        return sorted(rows, key=lambda row: (KINDS.index(row.key[0]), row.title.casefold()))


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
        is_verified,
        searched=f" {folded_words(' '.join(map(str, searched)))}",
        texts=folded_words(" ".join(_numbers(data))),
    )


def _missing(table: str) -> Row:
    """Give the row of a table that nobody has filled in yet."""
    title = told_table(table)
    return Row((TABLE, table), title, "missing", searched=f" {folded_words(f'{title} {table}')}")


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
        yield Row(("procedure", code), name, "imported", of_field, doubts=tuple(doubts), searched=searched)


def _opened(session: Session) -> dict[Key, ContentRevision]:
    wanted = select(ContentRevision).where(ContentRevision.open_for.is_not(None))
    return {row.record: row for row in session.scalars(wanted)}


def _scheduled(session: Session, today: date) -> set[Key]:
    wanted = select(ContentRevision.kind, ContentRevision.key).where(
        ContentRevision.state == "approved", ContentRevision.publish_on > today
    )
    return {(kind, key) for kind, key in session.execute(wanted)}


def _with_state(row: Row, opened: dict[Key, ContentRevision], scheduled: set[Key]) -> Row:
    if row.key in opened:
        draft = opened[row.key]
        return replace(row, state="returned" if draft.is_returned else draft.state)
    return replace(row, state="scheduled") if row.key in scheduled else row


def _is_marked(row: Row, mark: Mark, today: date) -> bool:
    return {
        "any": True,
        "open": row.is_open or row.state == "scheduled",
        "expiring": row.expires is not None and today <= row.expires <= today + SOON,
        "unverified": not row.is_verified,
        "doubtful": bool(row.doubts),
    }[mark]
