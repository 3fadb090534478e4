"""``python -m bot staff …``: the accounts of the hotline's staff."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from bot.hotline.accounts import (
    add_staff,
    find_staff,
    list_staff,
    new_staff,
    remove_staff,
    set_password,
    set_role,
    set_subject,
    set_telegram,
)
from bot.hotline.cases import release_all
from bot.hotline.second_factor import reset_second_factor
from bot.hotline.staff import NEED_SECOND_FACTOR, Staff, StaffError
from bot.settings import HERE, Settings
from bot.start import open_engine
from knowledge.database import transaction

app = typer.Typer(no_args_is_help=True, help="Manage the accounts of the hotline's staff.")
Login = Annotated[str, typer.Argument(help="2 to 40 of a-z, 0-9, dot, - and _")]
RoleName = Annotated[str, typer.Argument(help="hotline, content, lead or admin")]


@app.command()
def add(
    login: Login,
    name: Annotated[str, typer.Option(help="what colleagues see")],
    role: Annotated[str, typer.Option(help="hotline, content, lead or admin")] = "hotline",
) -> None:
    """Add a member of staff; the password is asked, or read as one line from standard input."""
    with _session() as session:
        new_staff(session, login, name, role)
    password = _password()
    with _session() as session:
        staff = add_staff(session, login, name, role, password)
    typer.echo(f"added {staff.login} ({staff.role})")
    _tell_second_factor(staff)


@app.command("list")
def list_all() -> None:
    """List the staff: login, role, second factor, presence, when last seen, name."""
    with _session() as session:
        for staff in list_staff(session):
            typer.echo(_line(staff))


@app.command()
def remove(login: Login) -> None:
    """Remove a member of staff, who is signed out at once."""
    with _session() as session:
        staff = find_staff(session, login)
        remove_staff(session, staff.id, release=release_all)
    typer.echo(f"removed {staff.login}")


@app.command()
def role(login: Login, role: RoleName) -> None:
    """Give a member of staff another role."""
    with _session() as session:
        staff = find_staff(session, login)
        set_role(session, staff.id, role, release=release_all)
    typer.echo(f"{staff.login} is {role} now")
    _tell_second_factor(staff)


@app.command()
def password(login: Login) -> None:
    """Give a member of staff a new password, which also ends a lock."""
    with _session() as session:
        staff = find_staff(session, login)
    new = _password()
    with _session() as session:
        set_password(session, staff.id, new)
    typer.echo(f"{staff.login} has a new password and is signed out everywhere")


@app.command("reset-second-factor")
def reset(login: Login) -> None:
    """Take away the second factor of a lost phone."""
    with _session() as session:
        staff = find_staff(session, login)
        reset_second_factor(session, staff.id)
    typer.echo(f"{staff.login} has no second factor now and is signed out everywhere")
    _tell_second_factor(staff)


@app.command()
def telegram(
    login: Login, account: Annotated[str, typer.Argument(help="the account's number, or none")]
) -> None:
    """Say by which Telegram account a member of staff is told of cases."""
    with _session() as session:
        staff = find_staff(session, login)
        set_telegram(session, staff.id, _telegram_id(account))
    typer.echo(
        f"{staff.login} is told of cases on Telegram" if staff.telegram_id else f"{staff.login} is not"
    )


@app.command()
def subject(
    login: Login, subject: Annotated[str, typer.Argument(help="what the sign-in page showed, or none")]
) -> None:
    """Say by which account of the authority a member of staff signs in (single sign-on)."""
    with _session() as session:
        staff = find_staff(session, login)
        set_subject(session, staff.id, None if subject == "none" else subject)
    typer.echo(
        f"{staff.login} signs in as {staff.subject}" if staff.subject else f"{staff.login} has no subject"
    )


@contextmanager
def _session() -> Iterator[Session]:
    engine = open_engine(Settings())
    try:
        with transaction(engine) as session:
            yield session
    finally:
        engine.dispose()


def _password() -> str:
    """Ask for a password twice on a terminal; read one line where there is none."""
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    try:
        line = sys.stdin.buffer.readline().decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise StaffError("the password on standard input is not UTF-8", "Mật khẩu không đọc được.") from error
    if not line:
        raise StaffError("no password: write it as one line to standard input", "Chưa có mật khẩu.")
    return line


def _telegram_id(account: str) -> int | None:
    if account == "none":
        return None
    if not (account.isascii() and account.isdigit()):
        raise StaffError(
            f"{account!r} is no Telegram account: give its number, or none", "Số Telegram chưa đúng."
        )
    return int(account[:20])


def _tell_second_factor(staff: Staff) -> None:
    if staff.role in NEED_SECOND_FACTOR and staff.totp_secret is None:
        typer.echo(f"{staff.login} must set up a second factor at the next sign-in, before anything else")


def _line(staff: Staff) -> str:
    seen = f"{staff.seen_at.astimezone(HERE):%Y-%m-%d %H:%M}" if staff.seen_at else "never seen"
    factor = "2 factors" if staff.totp_secret else "password"
    return f"{staff.login:<20} {staff.role:<8} {factor:<10} {staff.presence:<5} {seen:<17} {staff.name}"
