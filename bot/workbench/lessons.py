"""Turning a question into knowledge: a name, a typical question or an example, with the case that proves it.

Everything is a draft that another has to approve. Each lesson also drafts a correction: the question and what
it has to be understood as from then on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from actions.wording import say
from bot.workbench.unanswered import settle
from knowledge.editing.drafts import draft, save, submit
from knowledge.editing.published import Published
from knowledge.editing.records import Key
from knowledge.editing.revisions import ContentRevision, EditRefused, holding_of, open_revision
from knowledge.search import folded_words


@dataclass(frozen=True)
class Teacher:
    """Who teaches, and when."""

    published: Published
    staff: int
    today: date


def teach_name(session: Session, by: Teacher, code: str, texts: Sequence[str]) -> list[ContentRevision]:
    """Draft names of a procedure as citizens say them; raises EditRefused for one that has no own record."""
    record = ("procedure", code)

    def add(data: Any) -> Any:
        names = {folded_words(name) for name in (data["name"], *data["aliases"])}
        fresh = [text for text in texts if folded_words(text) not in names]
        return {**data, "aliases": [*data["aliases"], *fresh]}

    return _teach(session, by, {record: (add, None)}, texts, "alias", {"procedure": code})


def teach_question(
    session: Session, by: Teacher, code: str, name: str, texts: Sequence[str]
) -> list[ContentRevision]:
    """Draft typical questions of a procedure called ``name``."""

    def add(data: Any) -> Any:
        known = {folded_words(text) for text in data}
        return [*data, *(text for text in texts if folded_words(text) not in known)]

    return _teach(session, by, {("questions", code): (add, [name])}, texts, "question", {"procedure": code})


def teach_example(session: Session, by: Teacher, intent: str, texts: Sequence[str]) -> list[ContentRevision]:
    """Draft example sentences of an intent, which the next training learns."""

    def add(data: Any) -> Any:
        known = {folded_words(text) for text in data}
        return [*data, *(text for text in texts if folded_words(text) not in known)]

    return _teach(session, by, {("examples", intent): (add, [])}, texts, "example", {"intent": intent})


def teach_topic(
    session: Session,
    by: Teacher,
    topic: str,
    title: str,
    texts: Sequence[str],
    answer: str = "",
    sources: Sequence[str] = (),
) -> ContentRevision:
    """Begin a topic with these names; what is missing is still to be written, so it is not handed in."""
    if holding_of(session, ("topic", topic), by.today) or open_revision(session, ("topic", topic)):
        raise EditRefused("there", f"there is a topic {topic}")
    rule = {"valid_from": by.today.isoformat(), "text": answer, "sources": list(sources)}
    data = {"id": topic, "intent": "", "title": title[:60], "aliases": list(texts), "rules": [rule]}
    settle(session, texts, "topic", topic, by.staff)
    return draft(session, ("topic", topic), by.staff, by.today, data)


def _teach(
    session: Session,
    by: Teacher,
    changes: dict[Key, tuple[Callable[[Any], Any], Any]],
    texts: Sequence[str],
    how: str,
    expected: dict[str, str],
) -> list[ContentRevision]:
    """Draft changes with their corrections, and hand them in together."""
    if not texts:
        raise EditRefused("no_texts", "choose at least one question")
    rows = [_changed(session, by, record, change, new) for record, (change, new) in changes.items()]
    for text in texts:
        record = ("correction", hashlib.sha256(folded_words(text).encode()).hexdigest()[:12])
        rows.append(_changed(session, by, record, None, {"question": text, **expected}))
    settle(session, texts, how, next(iter(expected.values())), by.staff)
    why = say("content.lesson_why", text=texts[0])
    return submit(session, by.published, [row.id for row in rows], by.staff, why, None, by.today)


def _changed(
    session: Session, by: Teacher, record: Key, change: Callable[[Any], Any] | None, new: Any
) -> ContentRevision:
    """Draft a record with a change of what it says, or of ``new``; without a change with ``new`` alone."""
    if open_revision(session, record):
        raise EditRefused("is_open", "somebody is changing this record; finish or drop that draft first")
    if new is None and holding_of(session, record, by.today) is None:
        raise EditRefused("no_own_record", f"{record[1]} has no record of its own to add a name to")
    is_there = holding_of(session, record, by.today)
    row = draft(session, record, by.staff, by.today, None if is_there else new)
    data = change(deepcopy(row.data)) if change else new
    return save(session, row.id, row.version, row.data, data, by.staff)
