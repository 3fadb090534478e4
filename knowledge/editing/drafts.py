"""Drafting: one open draft a record, shared by all editors, whose changes are put together.

draft -> in review -> approved -> published on its first day -> replaced by the next. Whoever reviews is none
of those who wrote. A draft is put onto what holds on its first day, and what is scheduled later takes it
over; where they meet in a field, whoever hands in chooses what stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
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
NOTHING = 0  # the number of the revision that holds where none does
Settled = Mapping[tuple[int, int], Any]  # data chosen, by the revision that is met and the draft's version


@dataclass(frozen=True)
class Effect:
    """What approving a draft does: from ``day`` on its ``data`` stand in place of what is ``held``.

    ``later`` are the revisions scheduled after it, in their order, with what they then say.
    """

    day: date
    held: ContentRevision | None
    data: Any
    later: tuple[tuple[ContentRevision, Any], ...]


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


def begin_from(
    session: Session, record: Key, began: Any, data: Any, staff: int, today: date, settled: Settled
) -> ContentRevision:
    """Begin a draft with data that were made from what held when ``began`` was read.

    Raises EditRefused as ``submit`` does where that was changed otherwise meanwhile.
    """
    row = draft(session, record, staff, today)
    of_row = _chosen_for(row, settled)
    newest = session.get_one(ContentRevision, row.base_id)
    data = tidy(plain(data))
    row.data = _put_onto(row, newest, plain(began), data, of_row, "outrun", today)
    row.version += 1
    return row


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
    settled: Settled | None = None,
) -> list[ContentRevision]:
    """Let drafts be reviewed; raises EditRefused without a reason, for a past day, or with faults.

    Raises it, too, where a draft meets another revision in a field: its fact ``against`` is the key under
    which ``settled`` then says what stands, of the draft for "outrun", of what comes later for "scheduled".
    """
    rows = [held(session, each, "draft") for each in revisions]
    if not is_reason(why):
        raise EditRefused("why", "say what changes, and by which official text")
    if publish_on and publish_on < today:
        raise EditRefused("past", f"{publish_on} is over: choose today or a later day")
    for row in rows:
        of_row = _chosen_for(row, settled or {})
        effect = _effect(session, row, publish_on or today, of_row)
        row.settled = {str(each.id): data for each, data in effect.later if each.id in of_row} or None
        _put_effect(row, effect)
    others = {each.record: each.data for each in waiting(session)}
    refuse_faults(published, publish_on or today, {row.record: row.data for row in rows}, others)
    for row in rows:
        row.why, row.publish_on, row.state, row.changed_at = (
            plain(why).strip(),
            publish_on,
            "in_review",
            now(),
        )
        row.remark = None  # it is answered
        row.version += 1
        _note_author(row, staff)
    return rows


def give_back(
    session: Session, revision: int, staff: int, remark: str, *, goes_along: bool = False
) -> ContentRevision:
    """Give a draft back to its authors, with a remark of the reviewer, or of the author who thought again.

    What ``goes_along`` with another needs no remark of its own.
    """
    row = held(session, revision, "in_review")
    if staff not in row.authors and not remark.strip() and not goes_along:
        raise EditRefused("remark", "say what is to be changed")
    row.state, row.settled, row.remark, row.changed_at = "draft", None, plain(remark).strip() or None, now()
    return row


def drop(session: Session, revision: int) -> ContentRevision:
    """Drop a draft."""
    take_turns(session)
    return _dropped(session, held(session, revision, "draft", "in_review"))


def unschedule(
    session: Session, published: Published, revision: int, staff: int, today: date
) -> ContentRevision:
    """Take back what was approved and has not begun; what is scheduled after it loses its changes.

    Raises EditRefused for one of its authors, where a later revision changes the same field further, and for
    faults of the whole content on any day from its own on.
    """
    take_turns(session)
    row = held(session, revision, "approved")
    day = row.publish_on or today
    if day <= today:
        raise EditRefused("published", "it is published already; go back to an older revision instead")
    if staff in row.authors:
        raise EditRefused("own_scheduled", "whoever wrote it cannot take it back alone; ask a colleague")
    coming = scheduled(session, row.record, date.min)
    place = next(number for number, each in enumerate(coming) if each.id == row.id)
    before = coming[place - 1] if place else None
    data = before.data if before else None
    later = tuple(_carried(row, coming[place + 1 :], row.data, data, {}, "built_on"))
    _dropped(session, row)
    carried = _replaced(session, later, before)
    _refuse_faults_from(session, published, [(day, row.record, data), *map(_state, carried)])
    return row


def approve(
    session: Session, published: Published, seen: Mapping[int, int], staff: int, today: date
) -> list[ContentRevision]:
    """Approve drafts that wait for review, together; ``seen`` are the versions the reviewer saw, by number.

    Each is published on its first day, and what was scheduled for later days takes the changes over. Raises
    EditRefused for a reviewer's own draft, for one that was changed since, for fields that were changed
    otherwise meanwhile, and for faults of the whole content on any of the days.
    """
    take_turns(session)
    rows = [held(session, each, "in_review") for each in seen]
    carried: list[ContentRevision] = []
    for row in rows:
        if staff in row.authors:
            raise EditRefused("own", "whoever wrote a draft cannot approve it; ask a colleague")
        if row.version != seen[row.id]:
            raise EditRefused("changed", f"revision {row.id} was changed since: look at it again")
        effect = effect_of(session, row, today)
        _put_effect(row, effect)
        row.publish_on, row.settled = effect.day, None
        row.state, row.open_for, row.reviewer, row.decided_at = "approved", None, staff, deciding(session)
        session.flush()
        carried += _replaced(session, effect.later, row, row)
    _refuse_faults_from(session, published, [*map(_state, rows), *map(_state, carried)])
    return rows


def effect_of(session: Session, row: ContentRevision, today: date) -> Effect:
    """Tell what approving a draft does; raises EditRefused where it meets another revision in a field."""
    settled = {int(number): data for number, data in (row.settled or {}).items()}
    return _effect(session, row, max(row.publish_on or today, today), settled)


def carry_over(session: Session, row: ContentRevision) -> list[ContentRevision]:
    """Put an approved change into the revisions of later days, each as a new one in place of the old."""
    base = session.get(ContentRevision, row.base_id) if row.base_id else None
    coming = scheduled(session, row.record, row.publish_on or date.max)
    later = tuple(_carried(row, coming, base.data if base else None, row.data, {}, "scheduled"))
    return _replaced(session, later, row)


def _effect(session: Session, row: ContentRevision, day: date, settled: Mapping[int, Any]) -> Effect:
    newest, data = holding_of(session, row.record, day), row.data
    if (newest.id if newest else None) != row.base_id:
        base = session.get(ContentRevision, row.base_id) if row.base_id else None
        data = _put_onto(row, newest, base.data if base else None, data, settled, "outrun", day)
    coming = scheduled(session, row.record, day)
    before = newest.data if newest else None
    return Effect(day, newest, data, tuple(_carried(row, coming, before, data, settled, "scheduled")))


def _chosen_for(row: ContentRevision, settled: Settled) -> dict[int, Any]:
    """Give what was chosen for this version of a draft, by the revision that it meets."""
    return {number: data for (number, version), data in settled.items() if version == row.version}


def _put_effect(row: ContentRevision, effect: Effect) -> None:
    row.data, row.base_id = effect.data, effect.held.id if effect.held else None


def _carried(
    row: ContentRevision,
    coming: Iterable[ContentRevision],
    before: Any,
    after: Any,
    settled: Mapping[int, Any],
    reason: str,
) -> Iterator[tuple[ContentRevision, Any]]:
    """Yield what each coming revision says once the one before it says ``after`` in place of ``before``."""
    for later in coming:
        data = later.data
        if data is not None or later.id in settled:  # what ends stays ended
            data = _put_onto(row, later, before, after, settled, reason, later.publish_on)
        yield later, data
        before, after = later.data, data


def _put_onto(
    row: ContentRevision,
    other: ContentRevision | None,
    base: Any,
    mine: Any,
    settled: Mapping[int, Any],
    reason: str,
    day: date | None,
) -> Any:
    """Put a draft's change onto another revision; raises EditRefused with the fields that both changed."""
    number, theirs = (other.id, other.data) if other else (NOTHING, None)
    if number in settled:
        return settled[number]
    both = merge(base, theirs, mine)
    if both.conflicts:
        raise EditRefused(
            reason, f"revision {number} of {day} changes the same fields", conflicts=both.conflicts, day=day,
            record=row.record, base=base, theirs=theirs, mine=mine, against=(number, row.version),
        )  # fmt: skip
    return both.data


def _replaced(
    session: Session,
    later: Iterable[tuple[ContentRevision, Any]],
    before: ContentRevision | None,
    because_of: ContentRevision | None = None,
) -> list[ContentRevision]:
    """Put new revisions in place of those scheduled, also with the authors of what changes them."""
    new: list[ContentRevision] = []
    for old, data in later:
        _dropped(session, old)
        before = ContentRevision(
            kind=old.kind, key=old.key, data=data, state="approved", base_id=before.id if before else None,
            publish_on=old.publish_on, why=old.why, decided_at=deciding(session),
            authors=sorted({*old.authors, *(because_of.authors if because_of else ())}),
            reviewer=because_of.reviewer if because_of else old.reviewer,
        )  # fmt: skip
        session.add(before)
        session.flush()
        new.append(before)
    return new


def _dropped(session: Session, row: ContentRevision) -> ContentRevision:
    row.state, row.open_for, row.decided_at = "dropped", None, deciding(session)
    session.flush()
    return row


def _state(row: ContentRevision) -> tuple[date, Key, Any]:
    return row.publish_on or date.max, row.record, row.data


def _refuse_faults_from(
    session: Session, published: Published, changed: Iterable[tuple[date, Key, Any]]
) -> None:
    """Refuse the faults that records, each from its day on, bring into that day or any later one."""
    in_order = sorted(changed, key=lambda each: each[0])
    for day in sorted({*(each[0] for each in in_order), *days_after(session, in_order[0][0])}):
        refuse_faults(published, day, {record: data for begun, record, data in in_order if begun <= day})


def refuse_faults(published: Published, day: date, instead: Content, beside: Content | None = None) -> None:
    """Raise EditRefused with the faults that records would bring into a day's content."""
    if faults := new_faults(published, day, instead, beside):
        raise EditRefused(
            "faulty", "\n".join(map(str, faults)), faults=faults, records={**(beside or {}), **instead}
        )


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
