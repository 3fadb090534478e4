"""Passwords of staff: which are good enough, and how they are kept and compared."""

from __future__ import annotations

import secrets
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bot.hotline.staff import StaffError

SHORTEST = 12
FEWEST_DIFFERENT = 5  # characters; «111111111111» is no password
CLEAR = "abcdefghjkmnpqrstuvwxyz23456789"
HASHER = PasswordHasher()
# Of the commonest passwords, those that are long enough to get this far.
COMMONEST = frozenset(
    "123456789012 1234567890123 123456789123 0123456789012 012345678910 123456123456 1234567891011 "
    "password1234 password12345 password123456 password123! password@123 p@ssw0rd1234 p@ssword1234 "
    "passwordpassword qwertyuiop12 qwertyuiop123 qwertyuiop[] qwerty123456 qwerty1234567 1q2w3e4r5t6y "
    "1qaz2wsx3edc q1w2e3r4t5y6 qazwsxedcrfv abcd12345678 abc123456789 abcdefghijkl abcdef123456 "
    "administrator admin1234567 admin12345678 admin@123456 letmein12345 welcome12345 welcome@1234 "
    "iloveyou1234 iloveyou12345 matkhau12345 matkhau123456 matkhau@1234 matkhau@12345 vietnam12345 "
    "vietnam123456 vietnam@1234 vietnam@12345 hanoi1234567 anhyeuem1234 emyeuanh1234 anhyeuem12345 "
    "khongcomatkhau toiyeuvietnam hoimotcua123 hoimotcua1234 hoimotcua@123 motcua123456".split()
)


def check_password(login: str, password: str) -> None:
    """Raise StaffError, with what to do, when a password is too easy to guess."""
    plain = _same_letters(password)
    if len(plain) < SHORTEST:
        raise StaffError(
            f"the password is too short: choose {SHORTEST} characters or more, such as a few words",
            f"Mật khẩu cần ít nhất {SHORTEST} ký tự: anh/chị chọn vài từ ghép lại cho dễ nhớ.",
        )
    if login.casefold() in plain.casefold():
        raise StaffError(
            "the password contains the login: choose one without it",
            "Mật khẩu không được chứa tên đăng nhập: anh/chị chọn mật khẩu khác.",
        )
    if plain.casefold() in COMMONEST or len(set(plain)) < FEWEST_DIFFERENT:
        raise StaffError(
            "the password is one of those tried first: choose a few words that nobody would put together",
            "Mật khẩu này quá dễ đoán: anh/chị chọn vài từ không ai nghĩ sẽ đi cùng nhau.",
        )


def make_password() -> str:
    """Make a password nobody can guess (79 bits), without letters that look like others."""
    return "-".join("".join(secrets.choice(CLEAR) for _ in range(4)) for _ in range(4))


def hashed(hasher: PasswordHasher, password: str) -> str:
    """Give what is kept of a password."""
    return hasher.hash(_bytes(password))


def is_right(hasher: PasswordHasher, kept: str, password: str) -> bool:
    """Tell whether this is the password that was kept; takes its time either way."""
    try:
        return hasher.verify(kept, _bytes(password))
    except (VerificationError, InvalidHashError):
        return False


def _same_letters(password: str) -> str:
    """Write «ế» the same whichever keyboard it was typed on."""
    return unicodedata.normalize("NFKC", password)


def _bytes(password: str) -> bytes:
    return _same_letters(password).encode("utf-8", "surrogatepass")  # a browser may send halves of letters
