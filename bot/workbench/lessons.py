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
from functools import partial
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
    """Draft example sentences of an intent, which the next training learns."""
    add = partial(_with_more, more=texts)
    return _teach(session, by, ("examples", intent), add, [], texts, "example", {"intent": intent})


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
    """Draft a change, of ``new`` data where there is no record, with its corrections, and hand it in."""
    if not texts:
        raise EditRefused("no_texts", "choose at least one question")
    rows = [_changed(session, by, record, add, new)]
    for text in texts:
        key = hashlib.sha256(folded_words(text).encode()).hexdigest()[:12]
        wanted = {"question": text, **expected}
        rows.append(_changed(session, by, ("correction", key), partial(_instead, wanted), wanted))
    settle(session, texts, how, next(iter(expected.values())), by.staff)
    why = say("content.lesson_why", text=texts[0])
    return submit(session, by.published, [row.id for row in rows], by.staff, why, None, by.today)


def _instead(wanted: Any, _: Any) -> Any:
    return wanted


def _changed(
    session: Session, by: Teacher, record: Key, change: Callable[[Any], Any], new: Any
) -> ContentRevision:
    """Draft a change of what a record says, or of ``new`` where there is none."""
    if open_revision(session, record):
        raise EditRefused("is_open", "somebody is changing this record; finish or drop that draft first")
    is_there = holding_of(session, record, by.today) is not None
    if new is None and not is_there:
        raise EditRefused("no_own_record", f"{record[1]} has no record of its own to add a name to")
    row = draft(session, record, by.staff, by.today, None if is_there else new)
    return save(session, row.id, row.version, row.data, change(deepcopy(row.data)), by.staff)
