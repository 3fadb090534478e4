"""Staff accounts: who gets in, for how long, who is locked out, and what the commands do."""

from __future__ import annotations

import os
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any, TypeVar

import pyotp
import pytest
from argon2 import PasswordHasher
from sqlalchemy import Engine, select, text

from bot.hotline.accounts import (
    add_staff,
    list_staff,
    remove_staff,
    set_password,
    set_presence,
    set_role,
    set_telegram,
)
from bot.hotline.second_factor import begin_second_factor, confirm_second_factor, reset_second_factor
from bot.hotline.sign_in import SignInRefused, sign_in
from bot.hotline.staff import RIGHTS, SignInFailures, Staff, StaffAudit, StaffError, StaffSession, may
from bot.hotline.staff_sessions import (
    Lifetime,
    Signed,
    csrf_matches,
    csrf_of,
    forget_sign_ins,
    sign_out,
    sign_out_everywhere,
    who,
)
from knowledge.database import now, transaction

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
PASSWORD = "tre xanh bên bờ sông"  # noqa: S105
AT = datetime(2026, 11, 23, 1, tzinfo=UTC)
HOUSE, HOME = "192.0.2.1", "198.51.100.7"


class Recording(PasswordHasher):
    """Argon2, as quick as it can be, that counts what it checked."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.checked = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]
        self.checked += 1
        return super().verify(hash, password)


QUICK = Recording()


def _add(engine: Engine, login: str = "hoa", role: str = "hotline") -> int:
    with transaction(engine) as session:
        return add_staff(session, login, "Chị Hoa", role, PASSWORD, hasher=QUICK).id


def _factor(engine: Engine, staff_id: int) -> pyotp.TOTP:
    """Set a second factor up, with a code from long before the tests' day."""
    before = AT - timedelta(days=1)
    with transaction(engine) as session:
        secret, _ = begin_second_factor(session, staff_id)
        confirm_second_factor(session, staff_id, secret, pyotp.TOTP(secret).at(before), at=before)
    return pyotp.TOTP(secret)


def _enter(
    engine: Engine,
    login: str = "hoa",
    password: str = PASSWORD,
    code: str | None = None,
    network: str | None = None,
    at: datetime = AT,
) -> str:
    return sign_in(engine, login, password, code, network, at=at, hasher=QUICK)


def _refused(engine: Engine, *arguments: Any, **more: Any) -> str:
    with pytest.raises(SignInRefused) as caught:
        _enter(engine, *arguments, **more)
    return str(caught.value)


def _signed(engine: Engine, token: str, at: datetime = AT) -> Signed:
    signed = who(engine, token, at=at)
    assert signed is not None
    return signed


def _told(engine: Engine) -> list[str]:
    with transaction(engine) as session:
        return list(session.scalars(select(StaffAudit.what).order_by(StaffAudit.id)))


def _together(*works: Callable[[], T]) -> list[T | Exception]:
    """Do things in threads that start at the same instant; give what came of each."""
    ready = Barrier(len(works))

    def run(work: Callable[[], T]) -> T | Exception:
        ready.wait()
        try:
            return work()
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_whoever_knows_the_password_is_signed_in_until_they_sign_out(any_engine: Engine) -> None:
    staff_id = _add(any_engine)
    token = _enter(any_engine, " HOA ", network=HOUSE)
    assert _signed(any_engine, token) == Signed(staff_id, "hoa", "Chị Hoa", "hotline", False)
    sign_out(any_engine, token)
    sign_out(any_engine, token)
    assert who(any_engine, token, at=AT) is None
    assert _told(any_engine) == ["added", "signed_in", "signed_out"]


def test_a_password_is_the_same_from_every_keyboard(any_engine: Engine) -> None:
    _add(any_engine)
    assert _enter(any_engine, password=unicodedata.normalize("NFD", PASSWORD))


@pytest.mark.parametrize(
    ("login", "password", "code"),
    [
        ("hoa", "sai mật khẩu rồi", None),
        ("hoa", "", None),
        ("hoa", "\ud800\x00", None),
        ("lan", PASSWORD, None),
        ("lan\x00", PASSWORD, None),
        ("x" * 4000, PASSWORD, None),
        ("minh", PASSWORD, None),
        ("minh", PASSWORD, "000000"),
        ("minh", PASSWORD, "\ud800"),
        ("minh", "sai mật khẩu rồi", None),
    ],
)
def test_what_was_wrong_is_not_told_and_a_password_is_checked_each_time(
    any_engine: Engine, login: str, password: str, code: str | None
) -> None:
    _add(any_engine)
    _factor(any_engine, _add(any_engine, "minh"))
    before = QUICK.checked
    assert _refused(any_engine, login, password, code) == (
        "Tên đăng nhập, mật khẩu hoặc mã xác thực không đúng; nếu đã thử nhiều lần, anh/chị chờ 15 phút."
    )
    assert QUICK.checked == before + 1


def test_five_failures_lock_an_account_for_a_quarter_hour_then_twice_as_long(any_engine: Engine) -> None:
    _add(any_engine)
    at = AT
    for minutes in (15, 30, 60, 120, 240, 480, 960, 1440, 1440):
        for _ in range(5):
            _refused(any_engine, password="sai", at=at)
        _refused(any_engine, at=at)
        at += timedelta(minutes=minutes)
        _refused(any_engine, at=at - timedelta(seconds=1))
    assert _enter(any_engine, at=at)
    for _ in range(5):
        _refused(any_engine, password="sai", at=at)
    assert _enter(any_engine, at=at + timedelta(minutes=15))
    assert _told(any_engine).count("locked") == 10


def test_failures_that_are_not_in_a_row_lock_nothing(any_engine: Engine) -> None:
    _add(any_engine)
    for _ in range(3):
        for _ in range(4):
            _refused(any_engine, password="sai")
        assert _enter(any_engine)


def test_many_guesses_at_once_get_no_further_than_one_after_the_other(any_engine: Engine) -> None:
    _add(any_engine)
    _together(*[lambda: _enter(any_engine, password="sai")] * 12)
    with transaction(any_engine) as session:
        assert session.scalars(select(Staff.failures)).one() == 5
    _refused(any_engine)


def test_a_network_may_be_wrong_twenty_times_whoever_it_says_it_is(any_engine: Engine) -> None:
    _add(any_engine)
    for number in range(10):
        _refused(any_engine, f"nobody{number}", network=HOUSE)
    for _ in range(12):
        assert _enter(any_engine, network=HOUSE)
    for number in range(10):
        _refused(any_engine, f"nobody{number}", network=HOUSE)
    before = QUICK.checked
    for _ in range(3):
        _refused(any_engine, network=HOUSE)
    assert QUICK.checked == before and _told(any_engine).count("locked") == 1
    assert _enter(any_engine, network=HOME)
    assert _enter(any_engine, network=HOUSE, at=AT + timedelta(minutes=15))


def test_a_login_that_nobody_has_is_kept_nowhere(any_engine: Engine) -> None:
    _refused(any_engine, "matkhaucuatoi", network=HOUSE)
    with transaction(any_engine) as session:
        (line,) = session.scalars(select(StaffAudit))
    assert (line.what, line.staff_id, line.about, line.network) == ("sign_in_failed", None, None, HOUSE)


def test_a_code_opens_once_and_only_around_its_time(any_engine: Engine) -> None:
    totp = _factor(any_engine, _add(any_engine))
    _refused(any_engine, code=totp.at(AT - timedelta(seconds=90)))
    spaced = f"{totp.at(AT)[:3]} {totp.at(AT)[3:]}"
    assert _enter(any_engine, code=spaced)
    _refused(any_engine, code=totp.at(AT))
    _refused(any_engine, code=totp.at(AT - timedelta(seconds=30)))
    assert _enter(any_engine, code=totp.at(AT + timedelta(seconds=30)))


@pytest.mark.parametrize("network", [None, HOUSE])
def test_of_two_sign_ins_with_one_code_one_wins(any_engine: Engine, network: str | None) -> None:
    totp = _factor(any_engine, _add(any_engine))
    for step in range(5):
        at = AT + timedelta(minutes=step)
        code = totp.at(at)
        one = lambda at=at, code=code: _enter(any_engine, code=code, network=network, at=at)  # noqa: E731
        done = _together(one, one)
        assert sorted(type(each) for each in done if not isinstance(each, str)) == [SignInRefused]


@pytest.mark.parametrize("role", sorted(RIGHTS))
def test_leads_and_admins_must_set_up_a_second_factor(any_engine: Engine, role: str) -> None:
    staff_id = _add(any_engine, role=role)
    first, other = _enter(any_engine), _enter(any_engine)
    assert _signed(any_engine, first).needs_second_factor == (role in ("lead", "admin"))
    with transaction(any_engine) as session:
        secret, address = begin_second_factor(session, staff_id)
        code = pyotp.TOTP(secret).at(AT)
        confirm_second_factor(session, staff_id, secret, code, keep=first, at=AT)
    assert address.startswith("otpauth://totp/") and "hoa" in address
    assert not _signed(any_engine, first).needs_second_factor
    assert who(any_engine, other, at=AT) is None
    _refused(any_engine, code=code)


def test_a_second_factor_needs_its_code_and_is_replaced_only_after_a_reset(any_engine: Engine) -> None:
    staff_id = _add(any_engine)
    for secret, code in ((pyotp.random_base32(), "000000"), ("no secret", "000000"), ("", "")):
        with transaction(any_engine) as session, pytest.raises(StaffError, match="code is wrong"):
            confirm_second_factor(session, staff_id, secret, code, at=AT)
    _factor(any_engine, staff_id)
    with transaction(any_engine) as session, pytest.raises(StaffError, match="reset it first"):
        begin_second_factor(session, staff_id)
    with transaction(any_engine) as session:
        reset_second_factor(session, staff_id)
    assert _enter(any_engine)


def test_a_session_ends_after_its_hours_however_much_it_is_used(any_engine: Engine) -> None:
    _add(any_engine)
    token = _enter(any_engine)
    for minutes in range(0, 12 * 60, 50):
        assert who(any_engine, token, at=AT + timedelta(minutes=minutes))
    assert who(any_engine, token, at=AT + timedelta(hours=12)) is None


def test_a_session_ends_when_it_is_not_used(any_engine: Engine) -> None:
    _add(any_engine)
    token = _enter(any_engine)
    assert who(any_engine, token, at=AT + timedelta(minutes=59))
    assert who(any_engine, token, at=AT + timedelta(minutes=118))
    assert who(any_engine, token, at=AT + timedelta(minutes=178)) is None
    assert who(any_engine, token, Lifetime(idle_minutes=61), at=AT + timedelta(minutes=178))


def test_being_seen_is_written_once_a_minute(any_engine: Engine) -> None:
    _add(any_engine)
    token = _enter(any_engine)
    for after, seen in ((59, 0), (61, 61), (119, 61), (122, 122)):
        _signed(any_engine, token, AT + timedelta(seconds=after))
        with transaction(any_engine) as session:
            for column in (StaffSession.seen_at, Staff.seen_at):
                assert session.scalars(select(column)).one() == AT + timedelta(seconds=seen)


@pytest.mark.parametrize("token", ["", "nobody's", "\ud800", "\x00", "x" * 9000])
def test_an_unknown_token_is_nobodys(any_engine: Engine, token: str) -> None:
    assert who(any_engine, token) is None


def test_neither_tokens_nor_passwords_are_in_the_database(any_engine: Engine) -> None:
    _add(any_engine)
    token = _enter(any_engine, network=HOUSE)
    with any_engine.connect() as connection:
        tables = ("staff", "staff_sessions", "staff_audit", "sign_in_failures")
        kept = str([connection.execute(text(f"SELECT * FROM {name}")).all() for name in tables])  # noqa: S608
    assert "hoa" in kept and token not in kept and PASSWORD not in kept


def test_a_request_from_elsewhere_does_not_know_the_csrf_token() -> None:
    assert csrf_matches("one", csrf_of("one"))
    for given in (csrf_of("another"), "", "one", "đ", "\ud800"):
        assert not csrf_matches("one", given)


def test_whoever_is_removed_is_out_at_once_and_their_cases_go_back(any_engine: Engine) -> None:
    _add(any_engine, "sep", "admin")
    staff_id = _add(any_engine)
    token, given_back = _enter(any_engine), []
    with transaction(any_engine) as session:
        set_presence(session, staff_id, "on")
        set_telegram(session, staff_id, 555001)
        remove_staff(session, staff_id, release=lambda _, whose: given_back.append(whose))
    assert given_back == [staff_id] and who(any_engine, token, at=AT) is None
    _refused(any_engine)
    with transaction(any_engine) as session:
        assert [each.login for each in list_staff(session)] == ["sep"]
        left = session.get_one(Staff, staff_id)
        assert (left.presence, left.telegram_id, left.password_hash) == ("off", None, "")
        with pytest.raises(StaffError, match="not there any more"):
            set_presence(session, staff_id, "on")
        with pytest.raises(StaffError, match="perhaps by somebody who left"):
            add_staff(session, "hoa", "Hoa", "hotline", PASSWORD)


def test_a_new_password_or_role_signs_out_and_ends_a_lock(any_engine: Engine) -> None:
    staff_id = _add(any_engine)
    first = _enter(any_engine)
    for _ in range(5):
        _refused(any_engine, password="sai")
    with transaction(any_engine) as session:
        set_password(session, staff_id, "mưa rơi trên mái ngói", hasher=QUICK)
    assert who(any_engine, first, at=AT) is None
    _refused(any_engine)
    second = _enter(any_engine, password="mưa rơi trên mái ngói")
    given_back: list[int] = []
    with transaction(any_engine) as session:
        set_presence(session, staff_id, "on")
        set_role(session, staff_id, "content", release=lambda _, whose: given_back.append(whose))
    assert who(any_engine, second, at=AT) is None and given_back == [staff_id]
    with transaction(any_engine) as session:
        assert session.get_one(Staff, staff_id).presence == "off"


def test_one_session_can_be_kept_when_all_others_end(any_engine: Engine) -> None:
    staff_id = _add(any_engine)
    mine, other = _enter(any_engine), _enter(any_engine)
    with transaction(any_engine) as session:
        sign_out_everywhere(session, staff_id, keep=mine)
    assert who(any_engine, mine, at=AT) and who(any_engine, other, at=AT) is None


def test_the_last_admin_stays_one(any_engine: Engine) -> None:
    first = _add(any_engine, "sep", "admin")
    _add(any_engine)
    with transaction(any_engine) as session:
        for change in (lambda: remove_staff(session, first), lambda: set_role(session, first, "lead")):
            with pytest.raises(StaffError, match="last admin") as caught:
                change()
        set_role(session, first, "admin")
    assert "quản trị viên cuối cùng" in caught.value.shown


def test_of_two_admins_who_remove_each_other_one_stays(any_engine: Engine) -> None:
    first, second = _add(any_engine, "sep", "admin"), _add(any_engine, "pho", "admin")

    def drop(staff_id: int) -> None:
        with transaction(any_engine) as session:
            remove_staff(session, staff_id)

    done = _together(lambda: drop(first), lambda: drop(second))
    assert sorted(type(each).__name__ for each in done) == ["NoneType", "StaffError"]


def test_a_password_is_kept_anew_when_argon2_is_set_stronger(any_engine: Engine) -> None:
    _add(any_engine)
    assert sign_in(any_engine, "hoa", PASSWORD, None, None, at=AT)
    with transaction(any_engine) as session:
        kept = session.scalars(select(Staff.password_hash)).one()
    assert not PasswordHasher().check_needs_rehash(kept)
    assert _enter(any_engine)


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("ngắn", "too short"),
        ("hoa", "too short"),
        ("vườn của HOA đây", "contains the login"),
        ("MatKhau123456", "tried first"),
        ("111111111111111", "tried first"),
    ],
)
def test_a_weak_password_is_refused_with_what_to_do(any_engine: Engine, password: str, words: str) -> None:
    with transaction(any_engine) as session, pytest.raises(StaffError, match=words) as caught:
        add_staff(session, "hoa", "Hoa", "hotline", password)
    assert ": choose" in str(caught.value) and caught.value.shown.endswith(".")


@pytest.mark.parametrize(
    ("login", "name", "role", "words"),
    [
        ("h", "Hoa", "hotline", "cannot be a login"),
        ("hoa mai", "Hoa", "hotline", "cannot be a login"),
        ("đào", "Đào", "hotline", "cannot be a login"),
        ("hoa", " ", "hotline", "name must be"),
        ("hoa", "Hoa\x00", "hotline", "name must be"),
        ("hoa", "H" * 81, "hotline", "name must be"),
        ("hoa", "Hoa", "boss", "choose one of hotline, content, lead, admin"),
        ("Lan", "Lan", "hotline", "is taken"),
    ],
)
def test_an_account_that_cannot_be_is_refused(
    any_engine: Engine, login: str, name: str, role: str, words: str
) -> None:
    _add(any_engine, "lan")
    with transaction(any_engine) as session, pytest.raises(StaffError, match=words):
        add_staff(session, login, name, role, PASSWORD)


def test_a_telegram_account_belongs_to_one_of_the_staff(any_engine: Engine) -> None:
    hoa, lan = _add(any_engine), _add(any_engine, "lan")
    with transaction(any_engine) as session:
        set_telegram(session, hoa, 2**40)
    for wrong, words in (
        (2**40, "somebody else"),
        (0, "no Telegram account"),
        (2**70, "no Telegram account"),
    ):
        with pytest.raises(StaffError, match=words), transaction(any_engine) as session:
            set_telegram(session, lan, wrong)
    with transaction(any_engine) as session:
        set_telegram(session, hoa, None)
        set_telegram(session, lan, 2**40)


def test_a_reason_is_kept_only_while_somebody_is_away(any_engine: Engine) -> None:
    staff_id = _add(any_engine)
    for presence, kept in (("away", "ăn trưa"), ("on", None), ("off", None)):
        with transaction(any_engine) as session:
            set_presence(session, staff_id, presence, " ăn \n trưa ")  # type: ignore[arg-type]
            assert (session.get_one(Staff, staff_id).away_reason) == kept


def test_each_role_may_what_it_is_for() -> None:
    assert may("hotline", "cases") and not may("hotline", "all_cases")
    assert may("content", "knowledge") and not may("content", "cases")
    assert may("lead", "figures") and not may("lead", "staff")
    assert may("admin", "staff") and not may("nobody", "cases")


def test_what_is_kept_of_sign_ins_is_forgotten_after_its_time(any_engine: Engine) -> None:
    _add(any_engine)
    for at in (now() - timedelta(days=200), now()):
        _enter(any_engine, network=HOUSE if at < now() - timedelta(days=1) else HOME, at=at)
    with transaction(any_engine) as session:
        forget_sign_ins(session, 180)
        counts = [len(session.scalars(select(each)).all()) for each in (StaffSession, SignInFailures)]
    assert counts == [1, 1] and _told(any_engine) == ["added", "signed_in"]


def _run(database: str, *arguments: str, given: str | bytes = "") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "bot", "staff", *arguments],
        input=given.encode() if isinstance(given, str) else given, cwd=ROOT, capture_output=True,
        env={"PATH": os.environ["PATH"], "HOME": "/", "DATABASE_URL": database, "PYTHONIOENCODING": "utf-8"},
        timeout=120, check=False,
    )  # fmt: skip


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    assert done.returncode == 0, done.stderr.decode()
    assert PASSWORD not in done.stdout.decode()
    return done.stdout.decode()


def _sentence(done: subprocess.CompletedProcess[bytes]) -> str:
    assert done.returncode == 2, done.stderr.decode()
    (sentence,) = done.stderr.decode().strip().splitlines()
    assert "Traceback" not in sentence and PASSWORD not in sentence
    return sentence


def _database(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def test_the_commands_manage_accounts(any_engine: Engine) -> None:
    database, line = _database(any_engine), PASSWORD + "\r\n"
    said = _said(_run(database, "add", "Hoa", "--name", "Chị Hoa", "--role", "admin", given=line))
    assert "added hoa (admin)" in said and "must set up a second factor" in said
    assert "second factor" not in _said(_run(database, "add", "lan", "--name", "Lan", given=line))
    assert _said(_run(database, "telegram", "lan", "555001"))
    assert "signs in as https://x.example a" in _said(_run(database, "subject", "lan", "https://x.example a"))
    assert "has no subject" in _said(_run(database, "subject", "lan", "none"))
    assert "admin" in (listed := _said(_run(database, "list"))) and "Chị Hoa" in listed
    assert "must set up" in _said(_run(database, "role", "lan", "lead"))
    _factor(any_engine, 2)
    assert "has no second factor now" in _said(_run(database, "reset-second-factor", "lan"))
    assert _said(_run(database, "password", "hoa", given="mưa rơi trên mái ngói\n"))
    assert sign_in(any_engine, "hoa", "mưa rơi trên mái ngói", None, None)
    assert "removed lan" in _said(_run(database, "remove", "lan"))
    assert "lan" not in _said(_run(database, "list"))


def test_what_a_command_cannot_do_is_told_in_one_sentence(engine: Engine) -> None:
    database = _database(engine)
    _add(engine, "sep", "admin")
    new = ("add", "hoa", "--name", "Hoa")
    for arguments, given, words in (
        (new, "", "no password"),
        (new, "\n", "no password"),
        (new, b"\xff\xfe mat khau cua toi\n", "not UTF-8"),
        (new, "ngắn\n", "too short"),
        ((*new, "--role", "boss"), "", "no role"),
        (("add", "sep", "--name", "Sếp"), "", "is taken"),
        (("remove", "sep"), "", "last admin"),
        (("role", "sep", "hotline"), "", "last admin"),
        (("role", "hoa", "lead"), "", "nobody on the staff has the login hoa"),
        (("telegram", "sep", "@sep"), "", "no Telegram account"),
        (("subject", "sep", "sep"), "", "no subject"),
    ):
        assert words in _sentence(_run(database, *arguments, given=given))
    with transaction(engine) as session:
        assert [each.login for each in list_staff(session)] == ["sep"]
