"""Managing staff: adding, removing, roles, passwords, presence. The caller commits.

``by`` is the member of staff who does it; nobody stands for the command line.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from argon2 import PasswordHasher
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.hotline.account_fields import checked_login, checked_role, plain_line
from bot.hotline.addresses import is_private
from bot.hotline.passwords import HASHER, check_password, hashed
from bot.hotline.staff import Presence, Staff, StaffError, audit, locked, may
from bot.hotline.staff_sessions import sign_out_everywhere
from knowledge.database import now

LONGEST_SUBJECT = 255
LARGEST_TELEGRAM_ID = 2**52  # what the Bot API promises
Release = Callable[[Session, int], None]  # gives a member of staff's cases back to the queue


def add_staff(
    session: Session,
    login: str,
    name: str,
    role: str,
    password: str,
    by: int | None = None,
    hasher: PasswordHasher = HASHER,
) -> Staff:
    """Add a member of staff; raises StaffError when something about them cannot be."""
    staff = new_staff(session, login, name, role)
    check_password(staff.login, password)
    staff.password_hash = hashed(hasher, password)
    _write(session, staff, _taken(staff.login))
    audit(session, by, "added", about=staff.login)
    return staff


def new_staff(session: Session, login: str, name: str, role: str) -> Staff:
    """Give somebody who could be added, still without a password; raises StaffError."""
    login = checked_login(login)
    if session.scalar(select(Staff.id).where(Staff.login == login)) is not None:
        raise _taken(login)
    return Staff(login=login, name=plain_line("name", name), role=checked_role(role), failures=0)


def remove_staff(
    session: Session, staff_id: int, by: int | None = None, release: Release = lambda *_: None
) -> None:
    """Sign a member of staff out for good and give their cases back; the last admin stays."""
    _spare_last_admin(session, staff_id)
    staff = locked(session, staff_id)
    _leave_desk(session, staff, release)
    staff.removed_at = now()
    staff.password_hash, staff.totp_secret = "", None
    staff.telegram_id = staff.subject = None
    audit(session, by, "removed", about=staff.login)
    sign_out_everywhere(session, staff_id)


def set_role(
    session: Session, staff_id: int, role: str, by: int | None = None, release: Release = lambda *_: None
) -> None:
    """Give a member of staff another role, to be signed in with anew; the last admin stays one."""
    if checked_role(role) != "admin":
        _spare_last_admin(session, staff_id)
    staff = locked(session, staff_id)
    if staff.role == role:
        return
    staff.role = role
    if not may(role, "cases"):
        _leave_desk(session, staff, release)
    audit(session, by, "role_changed", about=f"{staff.login} {role}")
    sign_out_everywhere(session, staff_id)


def set_password(
    session: Session, staff_id: int, password: str, by: int | None = None, hasher: PasswordHasher = HASHER
) -> None:
    """Give a member of staff a new password, which also ends a lock; they sign in anew."""
    staff = locked(session, staff_id)
    check_password(staff.login, password)
    staff.password_hash = hashed(hasher, password)
    staff.failures, staff.locked_until = 0, None
    audit(session, by, "password_changed", about=staff.login)
    sign_out_everywhere(session, staff_id)


def set_presence(
    session: Session,
    staff_id: int,
    presence: Presence,
    reason: str | None = None,
    until: datetime | None = None,
) -> None:
    """Say whether somebody takes cases now; a reason is kept only while they are away.

    ``until`` is for who is on duty without a desk: they count as there until then.
    """
    staff = locked(session, staff_id)
    staff.presence = presence
    staff.away_reason = plain_line("reason", reason) if presence == "away" and reason else None
    staff.there_until = until if presence == "on" else None


def set_telegram(session: Session, staff_id: int, telegram_id: int | None, by: int | None = None) -> None:
    """Say by which Telegram account a member of staff is told of cases; none: they are not."""
    if telegram_id is not None and not 0 < telegram_id < LARGEST_TELEGRAM_ID:
        raise StaffError(
            f"{telegram_id} is no Telegram account: give the number by which Telegram knows it",
            "Số tài khoản Telegram chưa đúng: anh/chị nhập dãy số định danh của tài khoản.",
        )
    theirs = StaffError(
        f"the Telegram account {telegram_id} belongs to somebody else on the staff",
        "Tài khoản Telegram này đã gắn với người khác.",
    )
    staff = locked(session, staff_id)
    staff.telegram_id = telegram_id
    _write(session, staff, theirs)
    audit(session, by, "telegram_set", about=staff.login)


def set_subject(session: Session, staff_id: int, subject: str | None, by: int | None = None) -> None:
    """Say who single sign-on knows a member of staff as («issuer sub»); none: it lets them in no more.

    Whoever got in by what held until now is signed out.
    """
    if subject is not None and not _is_subject(subject := subject.strip()):
        raise StaffError(
            f"{subject!r} is no subject: give the line that the sign-in page shows, «https://issuer name»",
            "Mã tài khoản cơ quan chưa đúng: anh/chị chép nguyên dòng mã mà trang đăng nhập đã báo.",
        )
    theirs = StaffError(
        "this subject belongs to somebody else on the staff",
        "Tài khoản cơ quan này đã gắn với người khác.",
    )
    staff = locked(session, staff_id)
    if staff.subject == subject:
        return
    staff.subject = subject
    _write(session, staff, theirs)
    audit(session, by, "subject_set", about=staff.login)
    sign_out_everywhere(session, staff_id)


def _is_subject(subject: str) -> bool:
    issuer, _, name = subject.partition(" ")
    return is_private(issuer) and bool(name) and subject.isprintable() and len(subject) <= LONGEST_SUBJECT


def list_staff(session: Session) -> list[Staff]:
    """List everybody on the staff, by login."""
    return list(session.scalars(select(Staff).where(Staff.removed_at.is_(None)).order_by(Staff.login)))


def find_staff(session: Session, login: str) -> Staff:
    """Find a member of staff by login; raises StaffError."""
    wanted = select(Staff).where(Staff.login == checked_login(login), Staff.removed_at.is_(None))
    if (found := session.scalar(wanted)) is None:
        raise StaffError(
            f"nobody on the staff has the login {login}: see staff list",
            f"Không có tài khoản nào tên {login}.",
        )
    return found


def _spare_last_admin(session: Session, staff_id: int) -> None:
    """Raise StaffError for the last admin; two who remove each other come one after the other."""
    admins = select(Staff.id).where(Staff.role == "admin", Staff.removed_at.is_(None))
    if list(session.scalars(admins.order_by(Staff.id).with_for_update(key_share=True))) == [staff_id]:
        raise StaffError(
            "this is the last admin: make somebody else an admin first",
            "Đây là quản trị viên cuối cùng: anh/chị giao quyền quản trị cho người khác trước.",
        )


def _leave_desk(session: Session, staff: Staff, release: Release) -> None:
    staff.presence, staff.away_reason, staff.there_until = "off", None, None
    release(session, staff.id)


def _taken(login: str) -> StaffError:
    return StaffError(
        f"the login {login} is taken, perhaps by somebody who left: choose another",
        f"Tên đăng nhập {login} đã có người dùng (có thể đã nghỉ): anh/chị chọn tên khác.",
    )


def _write(session: Session, staff: Staff, if_taken: StaffError) -> None:
    """Write a row; raises the error when what must be one's own stands in another row."""
    try:
        with session.begin_nested():
            session.add(staff)
    except IntegrityError as error:
        raise if_taken from error
