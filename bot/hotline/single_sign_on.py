"""Signing in whom the authority's own accounts name: who is linked with a subject gets in.

Their own second factor is still asked for, where they have one: a provider need not tell how somebody
proved who they are. Until its code is given, a session waits that opens nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, select

from bot.hotline.sign_in import SignInRefused, count_failure, is_new_code
from bot.hotline.staff import Staff, audit
from bot.hotline.staff_sessions import USUAL, Lifetime, end_waiting, start_session, start_waiting, waiting
from knowledge.database import now, transaction


@dataclass(frozen=True)
class Admitted:
    """A session's token; with ``needs_code`` one that waits for the second factor."""

    token: str
    needs_code: bool


def admit(
    engine: Engine,
    subject: str,
    network: str | None,
    lifetime: Lifetime = USUAL,
    at: datetime | None = None,
) -> Admitted | None:
    """Sign in who is linked with a subject; nobody when it is linked with none of the staff."""
    at = at or now()
    with transaction(engine) as session:
        wanted = select(Staff).where(Staff.subject == subject, Staff.removed_at.is_(None))
        staff = session.scalar(wanted.with_for_update(key_share=True)) if subject.isprintable() else None
        if staff is None:
            audit(session, None, "sign_in_failed", about="single sign-on", network=network, at=at)
            return None
        if staff.totp_secret is not None:
            return Admitted(start_waiting(session, staff.id, at), needs_code=True)
        staff.seen_at = at
        audit(session, staff.id, "signed_in_sso", network=network, at=at)
        return Admitted(start_session(session, staff.id, lifetime, at), needs_code=False)


def confirm_code(
    engine: Engine,
    token: str,
    code: str,
    network: str | None,
    lifetime: Lifetime = USUAL,
    at: datetime | None = None,
) -> str:
    """Sign in whose session waits, by the code of their second factor; raises SignInRefused."""
    at = at or now()
    with transaction(engine) as session:
        wanted = select(Staff).where(Staff.id == waiting(session, token, at), Staff.removed_at.is_(None))
        staff = session.scalar(wanted.with_for_update(key_share=True))
        if staff and not (staff.locked_until and staff.locked_until > at):
            if is_new_code(staff, code, at):
                staff.failures, staff.locked_until, staff.seen_at = 0, None, at
                audit(session, staff.id, "signed_in_sso", network=network, at=at)
                session.flush()  # the account before its session, as everywhere
                end_waiting(session, token)
                return start_session(session, staff.id, lifetime, at)
            count_failure(session, staff, network, at)
    raise SignInRefused
