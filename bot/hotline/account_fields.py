"""What may stand in an account: logins, roles and plain text, or a StaffError that says what may."""

from __future__ import annotations

import re
from typing import cast

from bot.hotline.staff import RIGHTS, Role, StaffError

LOGIN = re.compile(r"[a-z0-9._-]{2,40}")
LONGEST_TEXT = 80


def folded(login: str) -> str | None:
    """Write a login as it is kept; none when it cannot be one."""
    login = login.strip().casefold()
    return login if LOGIN.fullmatch(login) else None


def checked_login(login: str) -> str:
    """Write a login as it is kept; raises StaffError when it cannot be one."""
    if (kept := folded(login)) is None:
        raise StaffError(
            f"{login!r} cannot be a login: use 2 to 40 of the characters a-z, 0-9, dot, - and _",
            "Tên đăng nhập gồm 2 đến 40 ký tự a-z, 0-9, dấu chấm, gạch ngang hoặc gạch dưới.",
        )
    return kept


def checked_role(role: str) -> Role:
    """Give a role that is one; raises StaffError."""
    if role not in RIGHTS:
        raise StaffError(
            f"{role!r} is no role: choose one of {', '.join(RIGHTS)}",
            f"Vai trò phải là một trong: {', '.join(RIGHTS)}.",
        )
    return cast(Role, role)


def plain_line(field: str, text: str) -> str:
    """Give a line of plain text with single spaces; raises StaffError when it is none."""
    line = " ".join(text.split())
    if not line or len(line) > LONGEST_TEXT or not line.isprintable():
        raise StaffError(
            f"the {field} must be one line of 1 to {LONGEST_TEXT} printable characters",
            f"Nội dung phải là một dòng chữ, dài 1 đến {LONGEST_TEXT} ký tự.",
        )
    return line
