"""Turning a question into knowledge: a name, a typical question, an example or a topic, with its proof.

Everything is a draft that another has to approve. Each lesson also drafts a correction: the question and what
it has to be understood as from then on; both are handed in, approved, given back and dropped together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actions.wording import say
from bot.workbench.telling import read_fault
from bot.workbench.unanswered import correction_key, settle
from knowledge.editing.drafts import begin_anew, draft, save, submit
from knowledge.editing.published import Published
from knowledge.editing.records import Key, file_of
from knowledge.editing.revisions import ContentRevision, EditRefused, holding_of, open_revision, waiting
from knowledge.search import folded_words
from nlu.contract import find_example_faults
from nlu.data_files import DataFileError, read_example

OF_KIND = {"procedure": "procedure", "questions": "procedure", "examples": "intent", "topic": "topic"}


@dataclass(frozen=True)
class Teacher:
    """Who teaches, and when."""

    published: Published
    staff: int
    today: date


def teach_name(session: Session, by: Teacher, code: str, texts: Sequence[str]) -> list[ContentRevision]:
    """Draft names of a procedure as citizens say them; raises EditRefused for one that has no own record."""

    def add(data: Any) -> Any:
        _, *aliases = _with_more([data["name"], *data["aliases"]], texts)
        return {**data, "aliases": aliases}

    return _teach(session, by, ("procedure", code), add, None, texts, "alias", {"procedure": code})


def teach_question(
    session: Session, by: Teacher, code: str, name: str, texts: Sequence[str]
) -> list[ContentRevision]:
    """Draft typical questions of a procedure called ``name``."""
    add = partial(_with_more, more=texts)
    return _teach(session, by, ("questions", code), add, [name], texts, "question", {"procedure": code})


def teach_example(session: Session, by: Teacher, intent: str, texts: Sequence[str]) -> list[ContentRevision]:
    """Draft example sentences of an intent, which the next training learns.

    Raises EditRefused for one that may not be learned, since models are measured by it.
    """
    add = partial(_with_more, more=texts)
    rows = _teach(session, by, ("examples", intent), add, [], texts, "example", {"intent": intent})
    refuse_unfit_examples(by.published, by.today, rows)
    return rows


def teach_topic(
    session: Session,
    by: Teacher,
    topic: str,
    title: str,
    texts: Sequence[str],
    answer: str = "",
    sources: Sequence[str] = (),
) -> list[ContentRevision]:
    """Begin a topic with these names; what is missing is still to be written, so it is not handed in."""
    held = holding_of(session, ("topic", topic), by.today)
    if (held and held.data is not None) or open_revision(session, ("topic", topic)):
        raise EditRefused("there", f"there is a topic {topic}")
    rule = {"valid_from": by.today.isoformat(), "text": answer, "sources": list(sources)}
    data = {"id": topic, "intent": "", "title": title[:60], "aliases": list(texts), "rules": [rule]}
    settle(session, texts, "topic", topic, by.staff)
    row = draft(session, ("topic", topic), by.staff, by.today, data)
    return [row, *_corrections(session, by, texts, {"topic": topic})]


def with_corrections(session: Session, revisions: Sequence[int]) -> list[int]:
    """Give open revisions with the corrections that were drafted for them and are as far as they are.

    Also where what was taught was worded otherwise since; a correction of what stands in another draft about
    the same goes with that one.
    """
    found = dict.fromkeys(revisions)
    each = ContentRevision
    for row in (session.get_one(each, number) for number in revisions):
        if row.kind not in OF_KIND:
            continue
        elsewhere = _learned_elsewhere(session, row)
        wanted = select(each).where(
            each.kind == "correction", each.state == row.state, each.open_for.is_not(None)
        )
        for correction in session.scalars(wanted.order_by(each.id)):
            if _proves(correction, row) and _question(correction) not in elsewhere:
                found[correction.id] = None
    return list(found)


def waiting_apart(session: Session) -> dict[int, list[int]]:
    """Give what waits for review by itself, each with the corrections that are decided on with it."""
    together = {row.id: with_corrections(session, [row.id])[1:] for row in waiting(session)}
    along = {number for numbers in together.values() for number in numbers}
    return {number: numbers for number, numbers in together.items() if number not in along}


def count_apart(session: Session) -> int:
    """Count what waits for review by itself, without reading it all: a sheet may hand thousands in."""
    each = ContentRevision
    in_review = each.state == "in_review"
    count = session.scalar(select(func.count()).where(in_review)) or 0
    corrections = session.scalars(select(each.id).where(in_review, each.kind == "correction")).all()
    return count - sum(lesson_of(session, number) != number for number in corrections)


def lesson_of(session: Session, revision: int) -> int:
    """Give the open revision that a correction was drafted for and goes with; any other, itself."""
    row = session.get_one(ContentRevision, revision)
    if row.kind != "correction":
        return revision
    about, key = _expected(row)
    for kind in [each for each, of in OF_KIND.items() if of == about]:
        lesson = open_revision(session, (kind, key))
        if lesson and lesson.state == row.state and row.id in with_corrections(session, [lesson.id]):
            return lesson.id
    return revision


def decided_corrections(session: Session, revision: int) -> list[int]:
    """Give the corrections that were approved for a day, or dropped, together with a revision."""
    row, each = session.get_one(ContentRevision, revision), ContentRevision
    learned = {folded_words(text) for text in _learned(session, row)}
    wanted = select(each).where(
        each.kind == "correction",
        each.state == row.state,
        each.publish_on.is_not_distinct_from(row.publish_on),
    )
    newest = {
        correction.key: correction.id
        for correction in session.scalars(wanted.order_by(each.id))
        if _proves(correction, row) and _question(correction) in learned
    }
    return list(newest.values())


def begin_again(session: Session, revision: int, staff: int, today: date) -> list[ContentRevision]:
    """Begin a draft with what a dropped one said, with the corrections dropped with it that nobody redid."""
    lost = [session.get_one(ContentRevision, each) for each in decided_corrections(session, revision)]
    again = [
        each.id
        for each in lost
        if not open_revision(session, each.record) and not holding_of(session, each.record, today)
    ]
    return [begin_anew(session, each, staff, today) for each in (revision, *again)]


def _proves(correction: ContentRevision, row: ContentRevision) -> bool:
    return row.kind in OF_KIND and _expected(correction) == (OF_KIND[row.kind], row.key)


def _question(correction: ContentRevision) -> str:
    return folded_words((correction.data or {}).get("question", ""))


def _learned_elsewhere(session: Session, row: ContentRevision) -> set[str]:
    """Give the words that another open draft about the same adds."""
    kinds = [kind for kind, about in OF_KIND.items() if about == OF_KIND[row.kind] and kind != row.kind]
    opened = filter(None, (open_revision(session, (kind, row.key)) for kind in kinds))
    return {folded_words(text) for other in opened for text in _learned(session, other)}


def _learned(session: Session, row: ContentRevision) -> list[str]:
    """List the names, questions or examples that a draft adds to what it was begun from."""
    if row.kind not in OF_KIND:
        return []
    base = session.get(ContentRevision, row.base_id) if row.base_id else None
    before = {folded_words(text) for text in _said(base.data if base else None)}
    return [text for text in _said(row.data) if folded_words(text) not in before]


def _said(data: Any) -> list[str]:
    return list(data["aliases"] if isinstance(data, dict) else data or ())


def _expected(correction: ContentRevision) -> tuple[str, str]:
    """Give what alone a correction expects, as lessons write it."""
    expected = [(name, value) for name, value in (correction.data or {}).items() if name != "question"]
    return expected[0] if len(expected) == 1 else ("", "")


def refuse_unfit_examples(published: Published, today: date, rows: Sequence[ContentRevision]) -> None:
    """Raise EditRefused for drafted example sentences that no training may learn, with each fault."""
    drafted = {row.record: row.data for row in rows if row.kind == "examples"}
    if not drafted:
        return
    state = published.on(today, drafted)
    added, faults = [], []
    for name in map(file_of, drafted):
        for place, written in enumerate(state.open(name).data if name in state.files else ()):
            try:
                added.append(read_example(Path(name), place + 1, Path(name).stem, written))
            except DataFileError as error:
                faults.append(str(error))
    if found := [read_fault(each) for each in (*faults, *find_example_faults(added))]:
        raise EditRefused("faulty", "\n".join(map(str, found)), faults=found, records=drafted)


def _with_more(said: Sequence[str], more: Sequence[str]) -> list[str]:
    """Add the texts that do not stand there yet, in whatever spelling."""
    known = {folded_words(text) for text in said}
    return [*said, *(text for text in more if folded_words(text) not in known)]


def _teach(
    session: Session,
    by: Teacher,
    record: Key,
    add: Callable[[Any], Any],
    new: Any,
    texts: Sequence[str],
    how: str,
    expected: dict[str, str],
) -> list[ContentRevision]:
    """Draft a change, of ``new`` data where there is no record, with its corrections, and hand it in.

    A draft of the record that is open already is gone on with, and not handed in.
    """
    if not texts:
        raise EditRefused("no_texts", "choose at least one question")
    is_open = open_revision(session, record) is not None
    rows = [_changed(session, by, record, add, new), *_corrections(session, by, texts, expected)]
    settle(session, texts, how, next(iter(expected.values())), by.staff)
    if is_open:  # whoever began that draft hands it in
        return rows
    why = say("content.lesson_why", text=texts[0])
    return submit(session, by.published, [row.id for row in rows], by.staff, why, None, by.today)


def _corrections(
    session: Session, by: Teacher, texts: Sequence[str], expected: dict[str, str]
) -> list[ContentRevision]:
    """Draft what questions have to be understood as from now on."""
    rows = []
    for text in texts:
        wanted = {"question": text, **expected}
        rows.append(
            _changed(session, by, ("correction", correction_key(text)), partial(_instead, wanted), wanted)
        )
    return rows


def _instead(wanted: Any, _: Any) -> Any:
    return wanted


def _changed(
    session: Session, by: Teacher, record: Key, change: Callable[[Any], Any], new: Any
) -> ContentRevision:
    """Draft a change of what a record says, or of ``new`` where there is none, in the open draft if any."""
    opened = open_revision(session, record)
    if opened and opened.state == "in_review":
        raise EditRefused("in_review", "the record waits for review; take it back, or wait for its end")
    if opened and opened.data is None:
        raise EditRefused("is_open", "a draft takes this record away; drop that draft first")
    held = holding_of(session, record, by.today)
    is_there = opened is not None or (held is not None and held.data is not None)
    if new is None and not is_there:
        raise EditRefused("no_own_record", f"{record[1]} has no record of its own to add a name to")
    row = draft(session, record, by.staff, by.today, None if is_there else new)
    return save(session, row.id, row.version, row.data, change(deepcopy(row.data)), by.staff)
