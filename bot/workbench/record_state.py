"""What the database has of a record: what holds, what is open, what comes, and its history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Engine, and_, or_, select
from sqlalchemy.orm import Session

from actions.wording import say
from bot.hotline.staff import audit
from bot.workbench.fields import empty, form_of
from bot.workbench.shell import Visit, names_of_staff
from knowledge.database import reading
from knowledge.editing.drafts import begin_anew, draft
from knowledge.editing.records import Key, shape_of
from knowledge.editing.revisions import (
    ContentRevision,
    holding_of,
    open_revision,
    revisions_of_record,
    scheduled,
)
from knowledge.revisions import facts_on

KEYS = ("code", "id")  # fields that are the record's key


@dataclass
class RecordState:
    """What one look gave; ``imported`` is what the portal says of a procedure without a record of its own."""

    held: ContentRevision | None
    opened: ContentRevision | None
    coming: list[ContentRevision]
    history: list[ContentRevision]
    names: dict[int, str]
    imported: dict[str, Any] | None
    texts: dict[str, str]  # the titles of numbered official texts by number, those in drafts too

    @property
    def is_retired(self) -> bool:
        """Whether what holds is that the record is taken away."""
        return self.held is not None and self.held.data is None

    @property
    def described(self) -> ContentRevision | None:
        """The revision that says what the record is: open, held, coming, or the last one before it ended."""
        if self.opened or (self.held and not self.is_retired):
            return self.opened or self.held
        decided = (row for row in (*self.coming, *self.history) if row.state == "approved")
        return next((row for row in decided if row.data is not None), None)

    def who(self, staff: list[int]) -> str:
        """Name those who wrote a revision."""
        return ", ".join(self.names.get(each, "?") for each in staff) or say("content.files")


def read_state(engine: Engine, key: Key, today: date) -> RecordState:
    """Look a record up."""
    with reading(engine) as session:
        state = RecordState(
            holding_of(session, key, today),
            open_revision(session, key),
            scheduled(session, key, today),
            revisions_of_record(session, key),
            {},
            None,
            _numbered_texts(session, today) if key[0] == "procedure" else {},
        )
        session.expunge_all()
    state.names = names_of_staff(engine)
    if state.held is None and key[0] == "procedure":
        state.imported = _imported(engine, key[1], today)
    return state


def _numbered_texts(session: Session, today: date) -> dict[str, str]:
    """Give the texts that may set a fee: those with a number, not news or what bears a mere name."""
    each = ContentRevision
    is_held = and_(each.state == "approved", each.publish_on <= today)
    wanted = select(each.key, each.data).where(
        each.kind == "official_text", or_(is_held, each.open_for.is_not(None))
    )
    found = session.execute(wanted.order_by(each.decided_at.is_(None), each.publish_on, each.decided_at))
    newest: dict[str, Any] = dict(found.tuples().all())
    return {key: str(data.get("title") or key) for key, data in newest.items() if data and " " not in key}


async def begin_draft(visit: Visit, key: Key, state: RecordState) -> bool:
    """Begin a draft of a record that is, was or will be there, was imported or is new; say if it was."""
    me, today = visit.me.staff_id, visit.bench.settings.content_day()
    described = state.described
    new = None if state.held else state.imported or new_data(key, shape_of(key))

    def work(session: Session) -> None:
        if described is None or described is state.held:
            row = draft(session, key, me, today, new)
        else:  # it is retired, or has not come yet
            row = begin_anew(session, described.id, me, today)
        note_deed(session, visit, "drafted", row)

    return await visit.doing.do(work)


def note_deed(session: Session, visit: Visit, what: str, row: ContentRevision) -> None:
    """Write down what was done to a revision."""
    audit(session, visit.me.staff_id, f"content_{what}", f"{row.kind}/{row.key} {row.id or ''}"[:80])


def new_data(key: Key, shape: Any) -> Any:
    """Give the data of a new record, with its key filled in."""
    data = empty(form_of(shape))
    if set(data) == {""}:
        return data[""]
    return {**data, **{name: key[1] for name in KEYS if name in data}}


def _imported(engine: Engine, code: str, today: date) -> dict[str, Any] | None:
    """Give what was imported of a procedure as the data of a record to begin with."""
    found = facts_on(engine, code, today)
    if found is None:
        return None
    data = found.model_dump(mode="json", exclude_none=True)
    fields = form_of(type(found))
    return {**{field.name: "not stated" for field in fields if field.is_stated}, **data}
