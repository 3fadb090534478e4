"""What an admin does to accounts, each in a dialog that stays open until it could be done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial

from nicegui import ui
from sqlalchemy.orm import Session

from actions.wording import say
from bot.desk.doing import Doing, Work
from bot.desk.staff_showing import Member
from bot.hotline.accounts import (
    add_staff,
    remove_staff,
    set_password,
    set_role,
    set_subject,
    set_telegram,
)
from bot.hotline.cases import release_all
from bot.hotline.passwords import make_password
from bot.hotline.second_factor import reset_second_factor
from bot.hotline.staff import RIGHTS, StaffError
from bot.hotline.staff_sessions import Signed


class StaffDialogs:
    """The dialogs of one admin's page; ``root`` outlives what is drawn anew."""

    def __init__(
        self, doing: Doing, me: Signed, root: ui.element, follow: Callable[[], Awaitable[None]]
    ) -> None:
        self.doing, self.me, self.root, self.follow = doing, me.staff_id, root, follow

    def add(self) -> None:
        """Add a member of staff."""

        def work(session: Session) -> None:
            add_staff(session, login.value, name.value, role.value, password.value, by=self.me)

        with self._asking(say("accounts.add"), work):
            name = _text(say("accounts.name"))
            login = _text(say("accounts.login")).props("autocapitalize=none")
            role = _roles("hotline")
            password = _password()

    def choose(self, member: Member) -> None:
        """Offer what can be done to an account."""
        offered: list[tuple[str, Callable[[Member], None]]] = [
            ("change_role", self._change_role),
            ("change_password", self._change_password),
            ("change_telegram", self._change_telegram),
            ("change_subject", self._change_subject),
            *([("reset_factor", self._reset_factor)] if member.has_factor else []),
            ("remove", self._remove),
        ]
        with self._dialog(member.name) as dialog:
            for key, ask in offered:
                button = ui.button(say(f"accounts.{key}"), on_click=partial(_then, dialog, ask, member))
                button.props("flat no-caps align=left").classes("w-full")
                if key == "remove":
                    button.props("color=negative")
            ui.button(say("accounts.cancel"), on_click=dialog.close).props("flat no-caps").classes("self-end")

    def _change_role(self, member: Member) -> None:
        def work(session: Session) -> None:
            set_role(session, member.id, role.value, by=self.me, release=release_all)

        with self._asking(_title("change_role", member), work):
            role = _roles(member.role)
            _hint("signed_out_then")

    def _change_password(self, member: Member) -> None:
        def work(session: Session) -> None:
            set_password(session, member.id, password.value, by=self.me)

        with self._asking(_title("change_password", member), work):
            password = _password()
            _hint("signed_out_then")

    def _change_telegram(self, member: Member) -> None:
        def work(session: Session) -> None:
            set_telegram(session, member.id, _number(number.value), by=self.me)

        with self._asking(_title("change_telegram", member), work):
            number = _text(say("accounts.telegram_number"), str(member.telegram_id or ""))
            number.props("inputmode=numeric")
            _hint("telegram_hint")

    def _change_subject(self, member: Member) -> None:
        def work(session: Session) -> None:
            set_subject(session, member.id, subject.value.strip() or None, by=self.me)

        with self._asking(_title("change_subject", member), work):
            subject = _text(say("accounts.subject"), member.subject or "")
            _hint("subject_hint")
            _hint("signed_out_then")

    def _reset_factor(self, member: Member) -> None:
        def work(session: Session) -> None:
            reset_second_factor(session, member.id, by=self.me)

        with self._asking(_title("reset_factor", member), work, say("accounts.reset_factor")):
            ui.label(say("accounts.ask_reset", name=member.name))

    def _remove(self, member: Member) -> None:
        def work(session: Session) -> None:
            remove_staff(session, member.id, by=self.me, release=release_all)

        with self._asking(_title("remove", member), work, say("accounts.remove")):
            ui.label(say("accounts.ask_remove", name=member.name))

    @contextmanager
    def _asking(self, title: str, work: Work, save: str | None = None) -> Iterator[None]:
        """Lay out a dialog around its fields; it closes once its work is done."""

        async def go() -> None:
            button.disable()  # a second press would do it twice
            if not await self.doing.do(work):
                button.enable()
                return
            dialog.close()
            with self.root:  # the dialog is gone soon
                ui.notify(say("accounts.done"), type="positive", position="top")
                await self.follow()

        with self._dialog(title) as dialog:
            yield
            with ui.row().classes("w-full justify-end gap-2"):
                ui.button(say("accounts.cancel"), on_click=dialog.close).props("flat no-caps")
                button = ui.button(save or say("accounts.save"), on_click=go).props("no-caps")

    @contextmanager
    def _dialog(self, title: str) -> Iterator[ui.dialog]:
        with self.root, ui.dialog() as dialog, ui.card().classes("w-full max-w-md gap-3"):
            dialog.on("hide", dialog.delete)
            ui.label(title).classes("text-lg font-bold break-words")
            yield dialog
        dialog.open()


def _then(dialog: ui.dialog, ask: Callable[[Member], None], member: Member) -> None:
    dialog.close()
    ask(member)


def _title(key: str, member: Member) -> str:
    return f"{say(f'accounts.{key}')}: {member.name}"


def _hint(key: str) -> None:
    ui.label(say(f"accounts.{key}")).classes("text-sm text-grey-8")


def _text(label: str, value: str = "") -> ui.input:
    return ui.input(label, value=value).props("outlined dense autocomplete=off").classes("w-full")


def _roles(value: str) -> ui.select:
    options = {role: say(f"accounts.role_{role}") for role in RIGHTS}
    chosen = ui.select(options, label=say("accounts.role"), value=value)
    return chosen.props("outlined dense").classes("w-full")


def _password() -> ui.input:
    """Lay out a field for a password, to be read: it has to be handed over."""
    field = _text(say("accounts.password")).props("spellcheck=false autocapitalize=none")
    make = ui.button(say("accounts.make_password"), on_click=lambda: field.set_value(make_password()))
    make.props("outline dense no-caps").classes("px-2")
    _hint("password_hint")
    return field


def _number(text: str) -> int | None:
    """Read a Telegram number; nothing takes it away."""
    digits = "".join(text.split())
    if digits and not (digits.isascii() and digits.isdigit()):
        raise StaffError(f"{text!r} is no Telegram account", say("accounts.telegram_wrong"))
    return int(digits[:20]) if digits else None
