"""What the page of staff shows: who they are, and what was done last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.wording import say, sentences
from bot.hotline.accounts import list_staff
from bot.hotline.staff import RIGHTS, Staff, StaffAudit
from knowledge.dossiers import HERE

NEWEST = 100
NOT_KNOWN = ("sign_in_failed", "locked")  # nobody is named: it was no command either
ABOUT = {"network": "accounts.about_network", "single sign-on": "accounts.about_sso"}


@dataclass(frozen=True)
class Member:
    """One member of staff, as the list shows them."""

    id: int
    login: str
    name: str
    role: str
    has_factor: bool
    presence: str
    seen: str
    telegram_id: int | None
    subject: str | None


@dataclass(frozen=True)
class Deed:
    """One line of the audit."""

    at: str
    who: str
    what: str
    about: str


def members(session: Session) -> list[Member]:
    """List the staff, by login."""
    return [
        Member(
            each.id, each.login, each.name, each.role, each.totp_secret is not None, each.presence,
            say("accounts.seen", at=_moment(each.seen_at)) if each.seen_at else say("accounts.never_seen"),
            each.telegram_id, each.subject,
        )
        for each in list_staff(session)
    ]  # fmt: skip


def deeds(session: Session) -> list[Deed]:
    """List what was done last, the newest first."""
    wanted = select(StaffAudit, Staff.name).outerjoin(Staff, Staff.id == StaffAudit.staff_id)
    return [
        Deed(_moment(line.at), name or _nobody(line.what), _what(line.what), _about(line))
        for line, name in session.execute(wanted.order_by(StaffAudit.id.desc()).limit(NEWEST))
    ]


def _nobody(what: str) -> str:
    return say("accounts.unknown" if what in NOT_KNOWN else "accounts.command_line")


def _what(what: str) -> str:
    return sentences().get(f"accounts.did_{what}", what)


def _about(line: StaffAudit) -> str:
    """Say what a line is about: a case, an account and its new role, or what the line says."""
    about = line.about or ""
    if about.startswith("case "):
        return say("accounts.about_case", number=about.removeprefix("case "))
    if about in ABOUT:
        return say(ABOUT[about])
    login, _, role = about.partition(" ")
    return f"{login} ({say(f'accounts.role_{role}')})" if role in RIGHTS else about


def _moment(at: datetime) -> str:
    here = at.astimezone(HERE)
    day = f"{here.day}/{here.month}" + ("" if here.year == datetime.now(HERE).year else f"/{here.year}")
    return f"{here:%H:%M} {day}"
