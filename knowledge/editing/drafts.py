"""Drafting: one open draft a record, shared by all editors, whose changes are put together.

draft -> in review -> approved -> published on its first day -> replaced by the next. Whoever reviews is none
of those who wrote.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from unicodedata import normalize

from sqlalchemy.orm import Session

from knowledge.database import now
from knowledge.editing.checking import new_faults
from knowledge.editing.published import Published
from knowledge.editing.records import Content, Key
from knowledge.editing.revisions import (
    ContentRevision,
    EditRefused,
    days_after,
    deciding,
    holding_of,
    is_reason,
    open_for,
    open_revision,
    plain,
    scheduled,
    take_turns,
    waiting,
)
from knowledge.editing.three_way import merge

NEEDED: tuple[Key, ...] = (("table", "search_words"), ("province", "toan-quoc"))
LONGEST_KEY = 120  # characters


def draft(session: Session, record: Key, staff: int, today: date, new: Any = None) -> ContentRevision:
    """Give the open draft of a record; else begin one with what holds today, or with ``new`` data."""
    take_turns(session)
    if found := open_revision(session, record):
        return found
    if not 0 < len(record[1]) <= LONGEST_KEY:
        raise EditRefused("key", f"a key has 1 to {LONGEST_KEY} characters")
    base = holding_of(session, record, today)
    data = new if new is not None else (base.data if base else None)
    if data is None:
        raise EditRefused("unknown", f"{'/'.join(record)}: there is no such record; begin it with its data")
    begun = ContentRevision(
        kind=record[0], key=record[1], data=plain(data), open_for=open_for(record),
        base_id=base.id if base else None, authors=[staff],
    )  # fmt: skip
    session.add(begun)
    session.flush()
    return begun


def begin_anew(session: Session, revision: int, staff: int, today: date) -> ContentRevision:
    """Begin a draft with the data of an older revision, to go back to it."""
    older = session.get_one(ContentRevision, revision)
    if open_revision(session, older.record):
        raise EditRefused("is_open", "somebody is changing this record; finish or drop that draft first")
    return draft(session, older.record, staff, today, older.data)


def save(session: Session, revision: int, version: int, began: Any, data: Any, staff: int) -> ContentRevision:
    """Save a draft; ``began`` is the data of the ``version`` that was changed.

    What others saved meanwhile is put together with it; raises EditRefused with the fields that both changed.
    """
    row = held(session, revision, "draft")
    data = tidy(plain(data))
    if row.version != version:
        both = merge(plain(began), row.data, data)
        if both.conflicts:
            raise EditRefused("conflict", "somebody else changed the same fields", conflicts=both.conflicts)
        data = both.data
    row.data, row.version, row.changed_at = data, row.version + 1, now()
    _note_author(row, staff)
    return row


def take_away(session: Session, record: Key, staff: int, today: date) -> ContentRevision:
    """Begin a draft that takes a record away; raises EditRefused when it is being changed, or needed."""
    if record in NEEDED:
        raise EditRefused("needed", f"{'/'.join(record)}: nothing works without it")
    if open_revision(session, record):
        raise EditRefused("is_open", "somebody is changing this record; finish or drop that draft first")
    row = draft(session, record, staff, today)
    row.data = None
    return row


def submit(
    session: Session,
    published: Published,
    revisions: list[int],
    staff: int,
    why: str,
    publish_on: date | None,
    today: date,
) -> list[ContentRevision]:
    """Let drafts be reviewed; raises EditRefused without a reason, for a past day, or with faults."""
    rows = [held(session, each, "draft") for each in revisions]
    if not is_reason(why):
        raise EditRefused("why", "say what changes, and by which official text")
    if publish_on and publish_on < today:
        raise EditRefused("past", f"{publish_on} is over: choose today or a later day")
    others = {each.record: each.data for each in waiting(session)}
    refuse_faults(published, publish_on or today, {row.record: row.data for row in rows}, others)
    for row in rows:
        row.why, row.publish_on, row.state, row.changed_at = why.strip(), publish_on, "in_review", now()
        _note_author(row, staff)
    return rows


def give_back(session: Session, revision: int, staff: int, remark: str) -> ContentRevision:
    """Give a draft back to its authors, with a remark of the reviewer, or of the author who thought again."""
    row = held(session, revision, "in_review")
    if staff not in row.authors and not remark.strip():
        raise EditRefused("remark", "say what is to be changed")
    row.state, row.remark, row.changed_at = "draft", remark.strip() or None, now()
    return row


def drop(session: Session, revision: int, today: date) -> ContentRevision:
    """Drop a draft, or what was scheduled and has not begun."""
    take_turns(session)
    row = held(session, revision, "draft", "in_review", "approved")
    if row.state == "approved" and (row.publish_on is None or row.publish_on <= today):
        raise EditRefused("published", "it is published already; go back to an older revision instead")
    row.state, row.open_for, row.decided_at = "dropped", None, deciding(session)
    return row


def approve(
    session: Session, published: Published, revisions: list[int], staff: int, today: date
) -> list[ContentRevision]:
    """Approve what waits for review, together; each is published on its first day.

    What was scheduled for later days takes the changes over. Raises EditRefused for a reviewer's own draft,
    for fields that were changed otherwise meanwhile, and for faults of the whole content on any of the days.
    """
    take_turns(session)
    rows = [held(session, each, "in_review") for each in revisions]
    for row in rows:
        if staff in row.authors:
            raise EditRefused("own", "whoever wrote a draft cannot approve it; ask a colleague")
        _begin_from_newest(session, row, max(row.publish_on or today, today))
        row.state, row.open_for, row.reviewer, row.decided_at = "approved", None, staff, deciding(session)
    session.flush()
    later = [each for row in rows for each in carry_over(session, row)]
    first = min(each.publish_on for each in rows if each.publish_on)
    for day in sorted({*(each.publish_on for each in rows if each.publish_on), *days_after(session, first)}):
        on_day = {
            each.record: each.data for each in (*rows, *later) if each.publish_on and each.publish_on <= day
        }
        refuse_faults(published, day, on_day)
    return rows


def _begin_from_newest(session: Session, row: ContentRevision, day: date) -> None:
    """Let a draft begin from what holds on its first day, if that is not what it was made from."""
    newest = holding_of(session, row.record, day)
    row.publish_on = day
    if newest is None or newest.id == row.base_id:
        return
    base = session.get(ContentRevision, row.base_id) if row.base_id else None
    both = merge(base.data if base else None, newest.data, row.data)
    if both.conflicts:
        raise EditRefused(
            "outrun", f"revision {newest.id} changed the same fields meanwhile", conflicts=both.conflicts
        )
    row.data, row.base_id = both.data, newest.id


def carry_over(session: Session, row: ContentRevision) -> list[ContentRevision]:
    """Put an approved change into the revisions of later days, each as a new one in place of the old."""
    carried: list[ContentRevision] = []
    base = session.get(ContentRevision, row.base_id) if row.base_id else None
    before, after = base.data if base else None, row
    for later in scheduled(session, row.record, row.publish_on or date.max):
        both = merge(before, after.data, later.data)
        if both.conflicts:
            raise EditRefused(
                "scheduled", f"what is scheduled for {later.publish_on} changes the same fields",
                conflicts=both.conflicts, day=later.publish_on,
            )  # fmt: skip
        before = later.data
        later.state, later.decided_at = "dropped", deciding(session)
        after = ContentRevision(
            kind=row.kind, key=row.key, data=both.data, state="approved", base_id=after.id,
            publish_on=later.publish_on, why=later.why, authors=sorted({*later.authors, *row.authors}),
            reviewer=row.reviewer, decided_at=deciding(session),
        )  # fmt: skip
        session.add(after)
        session.flush()
        carried.append(after)
    return carried


def refuse_faults(published: Published, day: date, instead: Content, beside: Content | None = None) -> None:
    """Raise EditRefused with the faults that records would bring into a day's content."""
    if faults := new_faults(published, day, instead, beside):
        raise EditRefused("faulty", "\n".join(map(str, faults)), faults=faults)


def held(session: Session, revision: int, *states: str) -> ContentRevision:
    """Give a revision for changing, one change at a time; raises EditRefused when it is not as expected."""
    row = session.get(ContentRevision, revision, with_for_update=True, populate_existing=True)
    if row is None or row.state not in states:
        raise EditRefused("not_so", f"revision {revision} is {row.state if row else 'not there'} by now")
    return row


def tidy(data: Any) -> Any:
    """Compose the letters of every text, and take blanks at its ends away."""
    if isinstance(data, str):
        return normalize("NFC", data).strip()
    if isinstance(data, dict):
        return {key: tidy(each) for key, each in data.items()}
    return [tidy(each) for each in data] if isinstance(data, list) else data


def _note_author(row: ContentRevision, staff: int) -> None:
    row.authors = sorted({*row.authors, staff})
