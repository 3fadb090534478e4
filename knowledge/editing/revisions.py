"""Revisions of records: drafts, what waits for review, and what was approved for which day.

Nothing is overwritten. What is published on a day is, of each record, the approved revision with the latest
first day up to then (of one day: the one approved last): so what is scheduled begins on time, also after the
assistant was down.

EditRefused
└── what was asked cannot be done; ``reason`` is one word, for the words that people are told
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import JSON, Date, ForeignKey, Index, String, Text, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from knowledge.database import Base, UtcTime, now
from knowledge.editing.records import Key
from knowledge.editing.three_way import Conflict

State = Literal["draft", "in_review", "approved", "dropped"]
EDITING_LOCK = 1_001_194  # any number of our own


FEWEST_WORDS = 3  # of a reason


class EditRefused(Exception):
    """What was asked of a revision cannot be done."""

    def __init__(
        self, reason: str, message: str, *, conflicts: Iterable[Conflict] = (), **facts: Any
    ) -> None:
        self.reason, self.conflicts, self.facts = reason, tuple(conflicts), facts
        super().__init__(message)


class ContentRevision(Base):
    """One state of a record: as JSON data, or none when the record is taken away.

    ``publish_on`` is its first day in Việt Nam; ``base_id`` the revision it was made from; ``version`` counts
    how often the draft was saved or handed in. ``decided_at`` is when it was approved or dropped. ``settled``
    is what revisions of later days that it meets in a field say once it is approved, by their numbers.
    """

    __tablename__ = "content_revisions"
    __table_args__ = (Index("ix_content_revisions_record", "kind", "key", "state", "publish_on"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    key: Mapped[str] = mapped_column(String(120))
    data: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
    state: Mapped[str] = mapped_column(String(12), default="draft")
    version: Mapped[int] = mapped_column(default=1)
    settled: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    open_for: Mapped[str | None] = mapped_column(String(144), unique=True)  # one at a time is open
    base_id: Mapped[int | None] = mapped_column(ForeignKey("content_revisions.id"))
    publish_on: Mapped[date | None] = mapped_column(Date)
    why: Mapped[str] = mapped_column(Text, default="")
    remark: Mapped[str | None] = mapped_column(Text)  # of the reviewer
    authors: Mapped[list[int]] = mapped_column(JSON, default=list)  # staff; none: from files
    reviewer: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    changed_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    decided_at: Mapped[datetime | None] = mapped_column(UtcTime, index=True)

    @property
    def is_returned(self) -> bool:
        """Tell whether the reviewer gave it back with a remark that is not answered yet."""
        return self.state == "draft" and bool(self.remark)

    @property
    def record(self) -> Key:
        """The kind and key of its record."""
        return self.kind, self.key


_IN_ORDER = (ContentRevision.publish_on, ContentRevision.decided_at, ContentRevision.id)


class LoadedRecord(Base):
    """What was taken over of what the content files say of a record.

    ``said`` are the digests of all that they said, the last one at the end: what stands before it is older.
    """

    __tablename__ = "loaded_records"

    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    key: Mapped[str] = mapped_column(String(120), primary_key=True)
    data: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
    said: Mapped[list[str]] = mapped_column(JSON, default=list)


def take_turns(session: Session) -> None:
    """Let whoever changes what is published wait for the others, until the transaction ends."""
    if session.get_bind().dialect.name == "postgresql":  # SQLite lets one write at a time anyway
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": EDITING_LOCK})


def holding(session: Session, day: date) -> dict[Key, int]:
    """Give the revision that holds on a day, by record; those taken away are left out."""
    each = ContentRevision
    order = func.row_number().over(
        partition_by=(each.kind, each.key),
        order_by=(each.publish_on.desc(), each.decided_at.desc(), each.id.desc()),
    )
    approved = (each.state == "approved", each.publish_on <= day)
    ranked = (
        select(each.id, each.kind, each.key, each.data.is_(None).label("is_gone"), order.label("place"))
        .where(*approved)
        .subquery()
    )
    newest = select(ranked.c.id, ranked.c.kind, ranked.c.key).where(ranked.c.place == 1, ~ranked.c.is_gone)
    return {(row.kind, row.key): row.id for row in session.execute(newest)}


def holding_of(session: Session, record: Key, day: date) -> ContentRevision | None:
    """Give the revision of a record that holds on a day, also one that takes it away."""
    wanted = _approved(record).where(ContentRevision.publish_on <= day)
    order = (each.desc() for each in _IN_ORDER)
    found: ContentRevision | None = session.scalar(wanted.order_by(*order).limit(1))
    return found


def scheduled(session: Session, record: Key, after: date) -> list[ContentRevision]:
    """List the approved revisions of a record that begin after a day, in their order."""
    wanted = _approved(record).where(ContentRevision.publish_on > after)
    return list(session.scalars(wanted.order_by(*_IN_ORDER)))


def all_scheduled(session: Session, after: date) -> list[ContentRevision]:
    """List all approved revisions that begin after a day, in their order."""
    wanted = select(ContentRevision).where(
        ContentRevision.state == "approved", ContentRevision.publish_on > after
    )
    return list(session.scalars(wanted.order_by(*_IN_ORDER)))


def days_after(session: Session, day: date) -> list[date]:
    """List the days after this one on which anything that is scheduled begins."""
    wanted = select(ContentRevision.publish_on).where(
        ContentRevision.state == "approved", ContentRevision.publish_on > day
    )
    return sorted({each for each in session.scalars(wanted) if each})


def deciding(session: Session) -> datetime:
    """Give the moment of a decision: after all others, whatever the clocks of the replicas say.

    The caller has taken its turn (``take_turns``).
    """
    last = session.scalar(select(func.max(ContentRevision.decided_at)))
    return max(now(), last + timedelta(microseconds=1)) if last else now()


def revisions_of_record(session: Session, record: Key) -> list[ContentRevision]:
    """Give every revision of a record, the newest first."""
    wanted = select(ContentRevision).where(*_is(record))
    return list(session.scalars(wanted.order_by(ContentRevision.id.desc())))


def open_revision(session: Session, record: Key) -> ContentRevision | None:
    """Find the draft of a record, or what waits for review."""
    return session.scalar(select(ContentRevision).where(ContentRevision.open_for == open_for(record)))


def is_reason(why: str) -> bool:
    """Tell whether a text is long enough to say why something is done."""
    return len(why.split()) >= FEWEST_WORDS


def waiting(session: Session) -> list[ContentRevision]:
    """List what waits for review, the longest waiting first."""
    wanted = select(ContentRevision).where(ContentRevision.state == "in_review")
    return list(session.scalars(wanted.order_by(ContentRevision.changed_at, ContentRevision.id)))


def open_for(record: Key) -> str:
    """Write which record a revision is the open one of."""
    return "/".join(record)


def plain(data: Any) -> Any:
    """Give data as JSON has it: days and times in ISO form, keys as text.

    NUL and halves of characters, which PostgreSQL and files cannot hold, are taken away.
    """
    if isinstance(data, datetime | date):
        return data.isoformat()
    if isinstance(data, str):
        return data.replace("\0", "").encode("utf-8", "ignore").decode("utf-8")
    if isinstance(data, Mapping):
        return {plain(str(key)): plain(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [plain(each) for each in data]
    return data


def _approved(record: Key) -> Any:
    return select(ContentRevision).where(*_is(record), ContentRevision.state == "approved")


def _is(record: Key) -> tuple[Any, Any]:
    return ContentRevision.kind == record[0], ContentRevision.key == record[1]
