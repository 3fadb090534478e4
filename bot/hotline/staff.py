"""Accounts of staff: their tables, what each role may do, and the record of what was done.

StaffError
└── what was asked of an account cannot be done
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import BigInteger, ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from knowledge.database import Base, UtcTime, now

Role = Literal["hotline", "content", "lead", "admin"]
Right = Literal["cases", "all_cases", "knowledge", "figures", "staff"]
Presence = Literal["on", "away", "off"]

RIGHTS: dict[str, frozenset[str]] = {
    "hotline": frozenset({"cases"}),
    "content": frozenset({"knowledge"}),
    "lead": frozenset({"cases", "all_cases", "knowledge", "figures"}),
    "admin": frozenset({"cases", "all_cases", "knowledge", "figures", "staff"}),
}
NEED_SECOND_FACTOR = ("lead", "admin")
ANSWERING = tuple(role for role, rights in RIGHTS.items() if "cases" in rights)
LONGEST_NETWORK = 64


class StaffError(Exception):
    """What was asked of an account cannot be done; ``shown`` says it in Vietnamese, for screens."""

    def __init__(self, message: str, shown: str) -> None:
        super().__init__(message)
        self.shown = shown


class Staff(Base):
    """One member of staff; the row stays when they leave, so that it is known who did what."""

    __tablename__ = "staff"

    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    role: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str] = mapped_column(String(255))
    totp_secret: Mapped[str | None] = mapped_column(String(64))
    totp_used: Mapped[int | None]  # the time step of the last code: none is good twice
    failures: Mapped[int] = mapped_column(default=0)  # in a row
    locked_until: Mapped[datetime | None] = mapped_column(UtcTime)
    presence: Mapped[str] = mapped_column(String(8), default="off")
    away_reason: Mapped[str | None] = mapped_column(String(80))
    seen_at: Mapped[datetime | None] = mapped_column(UtcTime)
    there_until: Mapped[datetime | None] = mapped_column(UtcTime)  # on duty without a desk standing open
    telegram_id: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    subject: Mapped[str | None] = mapped_column(String(255), unique=True)  # who single sign-on says it is
    removed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


class StaffSession(Base):
    """One browser that is signed in; its token is only in the browser's cookie."""

    __tablename__ = "staff_sessions"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    started_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    seen_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcTime, index=True)


class StaffAudit(Base):
    """One thing that was done: when, by whom (nobody: the command line, or not known), and about what."""

    __tablename__ = "staff_audit"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcTime, default=now, index=True)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    what: Mapped[str] = mapped_column(String(40))
    about: Mapped[str | None] = mapped_column(String(80))
    network: Mapped[str | None] = mapped_column(String(LONGEST_NETWORK))


class SignInFailures(Base):
    """How many sign-ins from one network address were wrong since when."""

    __tablename__ = "sign_in_failures"

    network: Mapped[str] = mapped_column(String(LONGEST_NETWORK), primary_key=True)
    failures: Mapped[int]
    since: Mapped[datetime] = mapped_column(UtcTime, index=True)


def may(role: str, what: Right) -> bool:
    """Tell whether a role has a right."""
    return what in RIGHTS.get(role, ())


def audit(
    session: Session,
    staff_id: int | None,
    what: str,
    about: str | None = None,
    network: str | None = None,
    at: datetime | None = None,
) -> None:
    """Write down what a member of staff did. The caller commits."""
    where = network[:LONGEST_NETWORK] if network else None
    session.add(StaffAudit(at=at or now(), staff_id=staff_id, what=what, about=about, network=where))


def locked(session: Session, staff_id: int) -> Staff:
    """Give a member of staff for changing, one change at a time; raises StaffError when they left."""
    wanted = select(Staff).where(Staff.id == staff_id, Staff.removed_at.is_(None))
    found = session.scalar(wanted.with_for_update(key_share=True).execution_options(populate_existing=True))
    if found is None:
        raise StaffError("this account is not there any more", "Tài khoản này không còn nữa.")
    return found
