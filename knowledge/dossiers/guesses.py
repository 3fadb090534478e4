"""Against guessing: look-ups are counted in the database, for a person, a channel and all together.

A bucket lets a number of look-ups through in its time; the next one closes it for a pause that doubles each
time. What turns out to be a person's own dossier is given back. Only marks of persons and codes are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from limits import RateLimitItem
from sqlalchemy import Index, Integer, String, delete, select, update
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


def take(session: Session, allowances: list[Allowance]) -> Refusal | None:
    """Count one look-up in each bucket, or say how long to wait; nothing is counted then.

    Buckets are taken in the order of the list in every process, so that none waits for another in a ring.
    """
    at = now()
    buckets = [_open_bucket(session, allowance, at) for allowance in allowances]
    closed = [
        Refusal(bucket.closed_until - at, bucket.name, bucket.pauses, is_new=False)
        for bucket in buckets
        if bucket.closed_until and bucket.closed_until > at
    ]
    if closed:
        return max(closed, key=lambda refusal: refusal.wait)
    full = [
        _close(bucket, allowance, at)
        for bucket, allowance in zip(buckets, allowances, strict=True)
        if bucket.taken >= allowance.limit.amount
    ]
    if full:
        return max(full, key=lambda refusal: refusal.wait)
    for bucket in buckets:
        bucket.taken += 1
    return None


def _open_bucket(session: Session, allowance: Allowance, at: datetime) -> Bucket:
    bucket = session.get(Bucket, allowance.name, with_for_update=True)
    if bucket is None:
        bucket = Bucket(name=allowance.name, taken=0, since=at, pauses=0)
        session.add(bucket)
        session.flush()
    if at - bucket.since >= timedelta(seconds=allowance.limit.get_expiry()):
        bucket.taken, bucket.since = 0, at
    if bucket.pauses and bucket.closed_until and at - bucket.closed_until >= FORGOTTEN:
        bucket.pauses = 0
    return bucket


def _close(bucket: Bucket, allowance: Allowance, at: datetime) -> Refusal:
    pause = min(allowance.first_pause * 2 ** min(bucket.pauses, 20), allowance.longest_pause)
    bucket.pauses += 1
    bucket.closed_until = at + pause
    bucket.taken, bucket.since = 0, bucket.closed_until
    return Refusal(pause, bucket.name, bucket.pauses, is_new=True)


def give_back(session: Session, names: list[str]) -> None:
    """Take back a look-up that was no guess."""
    for name in names:
        session.execute(
            update(Bucket).where(Bucket.name == name, Bucket.taken > 0).values(taken=Bucket.taken - 1)
        )


def has_seen(session: Session, person: str, code: str) -> bool:
    """Tell whether this person found this dossier in the last day."""
    seen = select(LookUpAudit.id).where(
        LookUpAudit.person == person,
        LookUpAudit.code == code,
        LookUpAudit.outcome.in_(("found", "proven")),
        LookUpAudit.at > now() - FORGOTTEN,
    )
    return session.scalar(seen.limit(1)) is not None


def forget_guesses(session: Session, days: int) -> None:
    """Drop audit lines that are older, and buckets that no longer matter."""
    session.execute(delete(LookUpAudit).where(LookUpAudit.at < now() - timedelta(days=days)))
    session.execute(delete(Bucket).where(Bucket.since < now() - 2 * FORGOTTEN))
