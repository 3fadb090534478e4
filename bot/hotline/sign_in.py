"""Signing in by login, password and code, with a lock for whoever guesses.

An attempt is counted as a failure before it is checked and given back when it is right, so that many at
once get no further than one after the other. The password is checked between two transactions: it takes
long, and nobody shall wait for it.

SignInRefused
└── somebody may not sign in; one sentence that does not say why
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from sqlalchemy import Engine, case, select
from sqlalchemy.orm import Session

from bot.hotline.account_fields import folded
from bot.hotline.passwords import HASHER, hashed, is_right
from bot.hotline.second_factor import step_of
from bot.hotline.staff import LONGEST_NETWORK, SignInFailures, Staff, audit
from bot.hotline.staff_sessions import USUAL, Lifetime, start_session
from knowledge.database import insert_or, now, transaction

TRIES = 5  # in a row, after which the account is locked
FIRST_LOCK, LONGEST_LOCK = timedelta(minutes=15), timedelta(days=1)
NETWORK_TRIES, NETWORK_TIME = 20, timedelta(minutes=15)
REFUSED = "Tên đăng nhập, mật khẩu hoặc mã xác thực không đúng; nếu đã thử nhiều lần, anh/chị chờ 15 phút."
NOBODYS = hashed(HASHER, secrets.token_urlsafe())  # checked for logins nobody has, to take as long


class SignInRefused(Exception):
    """The sign-in is refused; whether login, password or code was wrong, or a lock is on, is not told."""

    def __init__(self) -> None:
        super().__init__(REFUSED)


@dataclass(frozen=True)
class _Attempt:
    """An attempt that was counted: at whose account, if it may be signed in to, and what is kept there."""

    at: datetime
    network: str | None
    staff_id: int | None = None
    password_hash: str | None = None
    is_last_try: bool = False


def sign_in(
    engine: Engine,
    login: str,
    password: str,
    code: str | None,
    network: str | None,
    lifetime: Lifetime = USUAL,
    at: datetime | None = None,
    hasher: PasswordHasher = HASHER,
) -> str:
    """Sign a member of staff in; give the session's token, or raise SignInRefused."""
    at, network = at or now(), network[:LONGEST_NETWORK] if network else None
    attempt = _count(engine, login, network, at)
    if attempt is None:
        raise SignInRefused
    is_known = is_right(hasher, attempt.password_hash or NOBODYS, password) and attempt.password_hash
    token = _admit(engine, attempt, password, code, lifetime, hasher) if is_known else None
    if token is None:
        _note_failure(engine, attempt)
        raise SignInRefused
    return token


def _count(engine: Engine, login: str, network: str | None, at: datetime) -> _Attempt | None:
    """Count an attempt for its network and its account; none when the network has none left."""
    with transaction(engine) as session:
        if network and (failures := _count_network(session, network, at)) > NETWORK_TRIES:
            if failures == NETWORK_TRIES + 1:
                audit(session, None, "locked", about="network", network=network, at=at)
            return None
        staff = _locked_by_login(session, login)
        if staff is None:
            return _Attempt(at, network)
        if staff.locked_until and staff.locked_until > at:
            return _Attempt(at, network, staff.id)
        return _Attempt(at, network, staff.id, staff.password_hash, _fail(staff, at))


def _count_network(session: Session, network: str, at: datetime) -> int:
    """Count an attempt from a network address; give how many there were in its time."""
    is_over = SignInFailures.since <= at - NETWORK_TIME
    row = insert_or(session, SignInFailures).values(network=network, failures=1, since=at)
    counted = row.on_conflict_do_update(
        index_elements=["network"],
        set_={
            "failures": case((is_over, 1), else_=SignInFailures.failures + 1),
            "since": case((is_over, row.excluded.since), else_=SignInFailures.since),
        },
    )
    return int(session.execute(counted.returning(SignInFailures.failures)).scalar_one())


def count_failure(session: Session, staff: Staff, network: str | None, at: datetime) -> None:
    """Count and note a code that was wrong, for an account that this transaction holds."""
    is_last_try = _fail(staff, at)
    audit(session, staff.id, "sign_in_failed", network=network, at=at)
    if is_last_try:
        audit(session, staff.id, "locked", network=network, at=at)


def _fail(staff: Staff, at: datetime) -> bool:
    """Count a failure; tell whether it was one too many, which locks the account."""
    staff.failures += 1
    if staff.failures % TRIES:
        return False
    staff.locked_until = at + _lock(staff.failures)
    return True


def _lock(failures: int) -> timedelta:
    """Give how long an account is locked: twice as long each time."""
    doublings = min(failures // TRIES - 1, 10)
    return min(FIRST_LOCK * int(2**doublings), LONGEST_LOCK)


def _admit(
    engine: Engine,
    attempt: _Attempt,
    password: str,
    code: str | None,
    lifetime: Lifetime,
    hasher: PasswordHasher,
) -> str | None:
    """Sign in who knew the password, if the code is right too and nothing changed meanwhile."""
    with transaction(engine) as session:
        # The network before the account, as when counting: else two could wait for each other.
        counted = (
            session.get(SignInFailures, attempt.network, with_for_update=True) if attempt.network else None
        )
        wanted = select(Staff).where(Staff.id == attempt.staff_id, Staff.removed_at.is_(None))
        staff = session.scalar(wanted.with_for_update(key_share=True))
        if staff is None or staff.password_hash != attempt.password_hash:
            return None
        if not is_new_code(staff, code, attempt.at):
            return None
        if counted and counted.failures:
            counted.failures -= 1
        staff.failures, staff.locked_until, staff.seen_at = 0, None, attempt.at
        if hasher.check_needs_rehash(staff.password_hash):
            staff.password_hash = hashed(hasher, password)
        audit(session, staff.id, "signed_in", network=attempt.network, at=attempt.at)
        return start_session(session, staff.id, lifetime, attempt.at)


def is_new_code(staff: Staff, code: str | None, at: datetime) -> bool:
    """Tell whether a code is right and was not used; without a second factor any is. Uses it up."""
    if staff.totp_secret is None:
        return True
    step = step_of(staff.totp_secret, code or "", at)
    if step is None or step <= (staff.totp_used or 0):
        return False
    staff.totp_used = step
    return True


def _note_failure(engine: Engine, attempt: _Attempt) -> None:
    with transaction(engine) as session:
        audit(session, attempt.staff_id, "sign_in_failed", network=attempt.network, at=attempt.at)
        if attempt.is_last_try:
            audit(session, attempt.staff_id, "locked", network=attempt.network, at=attempt.at)


def _locked_by_login(session: Session, login: str) -> Staff | None:
    if (kept := folded(login)) is None:
        return None
    wanted = select(Staff).where(Staff.login == kept, Staff.removed_at.is_(None))
    return session.scalar(wanted.with_for_update(key_share=True))
