"""The second factor: six digits from an app on the member of staff's phone (TOTP, RFC 6238)."""

from __future__ import annotations

import hmac
import re
from datetime import datetime

import pyotp
from sqlalchemy.orm import Session

from bot.hotline.staff import StaffError, audit, locked
from bot.hotline.staff_sessions import sign_out_everywhere
from knowledge.database import now

ISSUER = "Hỏi Một Cửa"
WINDOW = 1  # steps of 30 seconds that a phone's clock may be off, either way
SECRET = re.compile(r"[A-Z2-7]{32}")


def begin_second_factor(session: Session, staff_id: int, secret: str = "") -> tuple[str, str]:
    """Give a secret and its otpauth address for a QR code; kept once a code of it is confirmed.

    The ``secret`` of a first try stays: the phone has it already.
    """
    staff = locked(session, staff_id)
    _check_has_none(staff.totp_secret)
    secret = secret if SECRET.fullmatch(secret) else pyotp.random_base32()
    return secret, pyotp.TOTP(secret).provisioning_uri(name=staff.login, issuer_name=ISSUER)


def confirm_second_factor(
    session: Session,
    staff_id: int,
    secret: str,
    code: str,
    keep: str | None = None,
    at: datetime | None = None,
) -> None:
    """Keep a secret that the phone has, as its code shows; ends all sessions but the one to ``keep``.

    Whoever signed in before with the password alone must not stay. The caller commits.
    """
    staff = locked(session, staff_id)
    _check_has_none(staff.totp_secret)
    step = step_of(secret, code, at or now()) if SECRET.fullmatch(secret) else None
    if step is None:
        raise StaffError(
            "the code is wrong: check the phone's clock and enter the code it shows now",
            "Mã chưa đúng: anh/chị kiểm tra giờ trên điện thoại rồi nhập mã đang hiện.",
        )
    staff.totp_secret, staff.totp_used = secret, step
    audit(session, staff_id, "second_factor_set", at=at)
    sign_out_everywhere(session, staff_id, keep)


def reset_second_factor(session: Session, staff_id: int, by: int | None = None) -> None:
    """Take a lost phone's secret away; a new one is set up at the next sign-in. The caller commits."""
    staff = locked(session, staff_id)
    staff.totp_secret = None
    audit(session, by, "second_factor_reset", about=staff.login)
    sign_out_everywhere(session, staff_id)


def step_of(secret: str, code: str, at: datetime) -> int | None:
    """Give the time step that a code belongs to, around this moment; none when it is wrong."""
    totp, digits = pyotp.TOTP(secret), "".join(code.split()).encode("utf-8", "surrogatepass")
    this = int(at.timestamp()) // totp.interval
    for step in range(this - WINDOW, this + WINDOW + 1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), digits):
            return step
    return None


def _check_has_none(secret: str | None) -> None:
    """Refuse to swap a secret: whoever got hold of a session would make the account theirs."""
    if secret is not None:
        raise StaffError(
            "a second factor is set already: reset it first (staff reset-second-factor)",
            "Tài khoản đã có mã xác thực: muốn đổi điện thoại, anh/chị nhờ quản trị viên đặt lại.",
        )
