"""Who is signed in: sessions of staff, and the token that guards what their browsers send."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import Engine, delete, select, update
from sqlalchemy.orm import Session

from bot.hotline.staff import NEED_SECOND_FACTOR, Role, SignInFailures, Staff, StaffAudit, StaffSession, audit
from knowledge.database import now, reading, transaction

SEEN_EVERY = timedelta(minutes=1)  # so that few of a session's requests write
WAITING = timedelta(minutes=5)  # for the second factor, after single sign-on


@dataclass(frozen=True)
class Lifetime:
    """How long a session lasts, from its start and from its last use."""

    hours: int = 12
    idle_minutes: int = 60


USUAL = Lifetime()


@dataclass(frozen=True)
class Signed:
    """Who is signed in; with ``needs_second_factor`` they may do nothing but set one up."""

    staff_id: int
    login: str
    name: str
    role: Role
    needs_second_factor: bool


def start_session(
    session: Session, staff_id: int, lifetime: Lifetime = USUAL, at: datetime | None = None
) -> str:
    """Sign somebody in who proved who they are; give the token for their cookie. The caller commits."""
    at, token = at or now(), secrets.token_urlsafe(32)
    ends = at + timedelta(hours=lifetime.hours)
    session.execute(delete(StaffSession).where(StaffSession.expires_at <= at))
    session.add(
        StaffSession(token_hash=_hash(token), staff_id=staff_id, started_at=at, seen_at=at, expires_at=ends)
    )
    return token


def start_waiting(session: Session, staff_id: int, at: datetime) -> str:
    """Begin a session that opens nothing until the second factor is given; give its token."""
    token = secrets.token_urlsafe(32)
    row = StaffSession(token_hash=_waiting_hash(token), staff_id=staff_id, started_at=at, seen_at=at)
    row.expires_at = at + WAITING
    session.add(row)
    return token


def waiting(session: Session, token: str, at: datetime) -> int | None:
    """Give whose session waits for the second factor; nobody when it is unknown or over."""
    mine = select(StaffSession.staff_id).where(StaffSession.token_hash == _waiting_hash(token))
    return session.scalar(mine.where(StaffSession.expires_at > at))


def end_waiting(session: Session, token: str) -> None:
    """End a session that waited. The caller commits."""
    session.execute(delete(StaffSession).where(StaffSession.token_hash == _waiting_hash(token)))


def who(
    engine: Engine,
    token: str,
    lifetime: Lifetime = USUAL,
    at: datetime | None = None,
    *,
    is_use: bool = True,
) -> Signed | None:
    """Tell who is signed in with this token; nobody when it is unknown or over, or when they left.

    Only what is a use of the desk keeps a session from ending: not that a page stands open.
    """
    at = at or now()
    with reading(engine) as session:
        row = session.execute(
            select(
                Staff.id, Staff.login, Staff.name, Staff.role, Staff.totp_secret,
                StaffSession.seen_at, StaffSession.expires_at,
            )
            .join(Staff, Staff.id == StaffSession.staff_id)
            .where(StaffSession.token_hash == _hash(token), Staff.removed_at.is_(None))
        ).first()  # fmt: skip
    if row is None or _is_over(row.seen_at, row.expires_at, lifetime, at):
        return None
    if is_use and at - row.seen_at >= SEEN_EVERY:
        _note_seen(engine, row.id, token, at)
    needs = row.role in NEED_SECOND_FACTOR and row.totp_secret is None
    return Signed(row.id, row.login, row.name, cast(Role, row.role), needs)


def sign_out(engine: Engine, token: str, network: str | None = None, at: datetime | None = None) -> None:
    """End a session; one that is not there is as good as ended."""
    with transaction(engine) as session:
        mine = StaffSession.token_hash == _hash(token)
        staff_id = session.scalar(select(StaffSession.staff_id).where(mine))
        if staff_id is None:
            return
        audit(session, staff_id, "signed_out", network=network, at=at)
        session.flush()  # the account before its session, as everywhere: else two could wait for each other
        session.execute(delete(StaffSession).where(mine))


def sign_out_everywhere(session: Session, staff_id: int, keep: str | None = None) -> None:
    """End every session of a member of staff, except the one whose token is kept. The caller commits."""
    theirs = delete(StaffSession).where(StaffSession.staff_id == staff_id)
    session.execute(theirs.where(StaffSession.token_hash != _hash(keep)) if keep else theirs)


def csrf_of(token: str) -> str:
    """Give the token that a form or a request must carry beside the cookie."""
    return hmac.new(_bytes(token), b"csrf", hashlib.sha256).hexdigest()


def csrf_matches(token: str, given: str) -> bool:
    """Tell whether what a form carried belongs to the cookie; takes the same time either way."""
    return hmac.compare_digest(csrf_of(token).encode(), _bytes(given))


def forget_sign_ins(session: Session, days: int) -> None:
    """Drop older lines of what staff did, sessions that are over and failures that no longer matter."""
    session.execute(delete(StaffAudit).where(StaffAudit.at < now() - timedelta(days=days)))
    session.execute(delete(StaffSession).where(StaffSession.expires_at <= now()))
    session.execute(delete(SignInFailures).where(SignInFailures.since < now() - timedelta(days=1)))


def _is_over(seen_at: datetime, expires_at: datetime, lifetime: Lifetime, at: datetime) -> bool:
    return at >= expires_at or at - seen_at >= timedelta(minutes=lifetime.idle_minutes)


def _note_seen(engine: Engine, staff_id: int, token: str, at: datetime) -> None:
    with transaction(engine) as session:
        session.execute(update(Staff).where(Staff.id == staff_id).values(seen_at=at))
        mine = update(StaffSession).where(StaffSession.token_hash == _hash(token))
        session.execute(mine.values(seen_at=at))


def note_present(engine: Engine, staff_id: int) -> None:
    """Note that somebody's desk stands open."""
    with transaction(engine) as session:
        session.execute(update(Staff).where(Staff.id == staff_id).values(seen_at=now()))


def _hash(token: str) -> str:
    return hashlib.sha256(_bytes(token)).hexdigest()


def _waiting_hash(token: str) -> str:
    """Give what is kept of a token that waits: never what is kept of one that opens the desk."""
    return f"-{_hash(token)[1:]}"


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
