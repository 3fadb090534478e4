"""Against guessing: look-ups are counted in the database, for a person, a channel and all together.

A bucket lets a number of look-ups through in its time; the next one closes it for a pause that doubles each
time. What turns out to be a person's own dossier is given back. Only marks of persons and codes are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from limits import RateLimitItem
from sqlalchemy import (
    BindParameter,
    Index,
    Integer,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from knowledge.database import Base, UtcTime, now

FORGOTTEN = timedelta(days=1)  # without a pause, after which the pauses start small again


class Bucket(Base):
    """How many look-ups a person, a channel or all have made since when, and until when it is closed."""

    __tablename__ = "look_up_buckets"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    taken: Mapped[int] = mapped_column(Integer, default=0)
    since: Mapped[datetime] = mapped_column(UtcTime)
    pauses: Mapped[int] = mapped_column(Integer, default=0)
    closed_until: Mapped[datetime | None] = mapped_column(UtcTime)


class LookUpAudit(Base):
    """One look-up: when, through which channel, by whom and of what (as marks), and what came of it."""

    __tablename__ = "look_up_audit"
    __table_args__ = (Index("ix_look_up_audit_person", "person", "code", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcTime, default=now, index=True)
    channel: Mapped[str] = mapped_column(String(16))
    person: Mapped[str] = mapped_column(String(32))
    code: Mapped[str] = mapped_column(String(32))
    outcome: Mapped[str] = mapped_column(String(16))


@dataclass(frozen=True)
class Allowance:
    """What a bucket lets through, and how long its first and its longest pause is."""

    name: str
    limit: RateLimitItem
    first_pause: timedelta
    longest_pause: timedelta


@dataclass(frozen=True)
class Refusal:
    """A look-up that may not be made: how long to wait, and whether the bucket was closed just now."""

    wait: timedelta
    bucket: str
    pauses: int
    is_new: bool


def take(session: Session, own: Sequence[Allowance], shared: Sequence[Allowance]) -> Refusal | None:
    """Count one look-up in a person's own buckets, or say how long to wait; nothing is counted then.

    The shared buckets are only looked at: what turns out to be wrong is counted in them afterwards
    (``count_wrong``), so that look-ups of found dossiers do not wait for each other.
    """
    at = now()
    rows = [
        *session.execute(_LOCKED, {"names": [each.name for each in own]}),
        *session.execute(_SEEN, {"names": [each.name for each in shared]}),
    ]
    seen = {row.name: row for row in rows}
    if all(each.name in seen and _is_open(seen[each.name], each, at) for each in (*own, *shared)):
        for each in own:
            session.execute(_TAKE, {"bucket": each.name})
        return None
    return _take_with_care(session, own, shared, at)


def _is_open(bucket: Any, allowance: Allowance, at: datetime) -> bool:
    """Tell whether a bucket has room, with nothing in it to begin anew."""
    is_over = at - bucket.since >= timedelta(seconds=allowance.limit.get_expiry())
    return bucket.taken < allowance.limit.amount and bucket.closed_until is None and not is_over


def _take_with_care(
    session: Session, own: Sequence[Allowance], shared: Sequence[Allowance], at: datetime
) -> Refusal | None:
    names = [allowance.name for allowance in own]
    locked = select(Bucket).where(Bucket.name.in_(names)).order_by(Bucket.name).with_for_update()
    looked_at = select(Bucket).where(Bucket.name.in_([allowance.name for allowance in shared]))
    found = {bucket.name: bucket for bucket in (*session.scalars(locked), *session.scalars(looked_at))}
    buckets = [(each, found.get(each.name) or _new_bucket(session, each, at)) for each in (*own, *shared)]
    closed = [_refusal(each, at) for _, each in buckets if each.closed_until and each.closed_until > at]
    if closed:
        return max(closed, key=lambda refusal: refusal.wait)
    for allowance, bucket in buckets:
        _start_anew(bucket, allowance, at)
    full = [(each, bucket) for each, bucket in buckets if bucket.taken >= each.limit.amount]
    if full:
        return max((_close(session, bucket, each, at) for each, bucket in full), key=lambda one: one.wait)
    for _, bucket in buckets[: len(own)]:
        bucket.taken += 1
    return None


def _new_bucket(session: Session, allowance: Allowance, at: datetime) -> Bucket:
    bucket = Bucket(name=allowance.name, taken=0, since=at, pauses=0)
    session.add(bucket)
    session.flush()
    return bucket


def _start_anew(bucket: Bucket, allowance: Allowance, at: datetime) -> None:
    """Let a bucket's time begin again when it is over, and its pauses start small after a day without one."""
    if at - bucket.since >= timedelta(seconds=allowance.limit.get_expiry()):
        bucket.taken, bucket.since = 0, at
    if bucket.pauses and bucket.closed_until and at - bucket.closed_until >= FORGOTTEN:
        bucket.pauses = 0


def _close(session: Session, bucket: Bucket, allowance: Allowance, at: datetime) -> Refusal:
    """Close a full bucket, once also when several see at the same instant that it is full."""
    session.refresh(bucket, with_for_update=True)
    if bucket.closed_until and bucket.closed_until > at:
        return _refusal(bucket, at)
    pause = min(allowance.first_pause * 2 ** min(bucket.pauses, 20), allowance.longest_pause)
    bucket.pauses += 1
    bucket.closed_until = at + pause
    bucket.taken, bucket.since = 0, bucket.closed_until
    return Refusal(pause, bucket.name, bucket.pauses, is_new=True)


def _refusal(bucket: Bucket, at: datetime) -> Refusal:
    assert bucket.closed_until  # noqa: S101 - asked only of closed ones
    return Refusal(bucket.closed_until - at, bucket.name, bucket.pauses, is_new=False)


def count_wrong(session: Session, shared: Sequence[Allowance]) -> None:
    """Count a look-up that was wrong for all who share a bucket, one after the other in a fixed order."""
    for name in sorted(allowance.name for allowance in shared):
        session.execute(_TAKE, {"bucket": name})


def give_back(session: Session, own: Sequence[Allowance]) -> None:
    """Take back a look-up that was no guess."""
    session.execute(_GIVE_BACK, {"names": [allowance.name for allowance in own]})


def has_seen(session: Session, person: str, code: str) -> bool:
    """Tell whether this person found this dossier in the last day (both as marks)."""
    return session.scalar(_HAS_SEEN, {"who": person, "what": code, "since": now() - FORGOTTEN}) is not None


def note(session: Session, channel: str, person: str, code: str, outcome: str) -> None:
    """Write the audit line of a look-up (person and code as marks)."""
    line = {"at": now(), "channel": channel, "person": person, "code": code, "outcome": outcome}
    session.execute(_NOTE, line)


def forget_guesses(session: Session, days: int) -> None:
    """Drop audit lines that are older, and buckets that no longer matter."""
    session.execute(delete(LookUpAudit).where(LookUpAudit.at < now() - timedelta(days=days)))
    session.execute(delete(Bucket).where(Bucket.since < now() - 2 * FORGOTTEN))


# Built once: building a statement takes longer than running it.
_BUCKET_TABLE, _AUDIT_TABLE = cast(Table, Bucket.__table__), cast(Table, LookUpAudit.__table__)
_BUCKETS, _AUDIT = _BUCKET_TABLE.c, _AUDIT_TABLE.c
_NAMES: BindParameter[Any] = bindparam("names", expanding=True)
_SEEN = select(_BUCKETS.name, _BUCKETS.taken, _BUCKETS.since, _BUCKETS.closed_until).where(
    _BUCKETS.name.in_(_NAMES)
)
_LOCKED = _SEEN.order_by(_BUCKETS.name).with_for_update()
_TAKE = update(_BUCKET_TABLE).where(_BUCKETS.name == bindparam("bucket")).values(taken=_BUCKETS.taken + 1)
_GIVE_BACK = (
    update(_BUCKET_TABLE)
    .where(_BUCKETS.name.in_(_NAMES), _BUCKETS.taken > 0)
    .values(taken=_BUCKETS.taken - 1)
)
_HAS_SEEN = (
    select(_AUDIT.id)
    .where(
        _AUDIT.person == bindparam("who"),
        _AUDIT.code == bindparam("what"),
        _AUDIT.outcome.in_(("found", "proven")),
        _AUDIT.at > bindparam("since"),
    )
    .limit(1)
)
_NOTE = insert(_AUDIT_TABLE)
