"""The page of staff at ``/desk/staff``: who is on the staff, and what was done last; for admins."""

from __future__ import annotations

from functools import partial

from fastapi import Request
from fastapi.responses import RedirectResponse
from nicegui import ui

from actions.wording import say
from bot.desk.doing import Doing, signed_in
from bot.desk.sign_in_pages import COOKIE, SIGN_OUT
from bot.desk.staff_dialogs import StaffDialogs
from bot.desk.staff_showing import Deed, Member, deeds, members
from bot.hotline.staff import may
from bot.hotline.staff_sessions import Lifetime, Signed, csrf_of
from bot.turn import Assistant
from knowledge.database import reading

A_LOOK = 10.0  # seconds between looks for what changed
COLOUR = "#0b5557"


def staff_page(assistant: Assistant, lifetime: Lifetime) -> None:
    """Serve the page to admins; whoever else is signed in is told whom to ask."""

    @ui.page("/staff", title=say("accounts.title"))
    async def show(request: Request) -> RedirectResponse | None:
        signed = await signed_in(request, assistant.engine, lifetime)
        if isinstance(signed, RedirectResponse):
            return signed
        ui.colors(primary=COLOUR)
        if not may(signed.role, "staff"):
            ui.label(say("accounts.no_right"))
            ui.link(say("accounts.to_desk"), "/")
            return None
        doing = Doing(assistant.engine, request.cookies[COOKIE], lifetime, "staff")
        screen = StaffScreen(doing, signed)
        await screen.load()
        screen.build()
        return None


class StaffScreen:
    """One admin's view."""

    def __init__(self, doing: Doing, me: Signed) -> None:
        self.doing, self.me = doing, me
        self.members: list[Member] = []
        self.deeds: list[Deed] = []

    async def load(self) -> bool:
        """Look at the database; whose session is over sees nothing more."""
        shown = await self.doing.look(self._read, is_use=False)
        if shown is None:
            return False
        self.members, self.deeds = shown
        return True

    def _read(self) -> tuple[list[Member], list[Deed]]:
        with reading(self.doing.engine) as session:
            return members(session), deeds(session)

    def build(self) -> None:
        """Lay the page out, and keep it up to date."""
        self._header()
        with ui.tabs().props("no-caps align=left") as tabs:
            staff = ui.tab("staff", say("accounts.tab_staff"))
            audit = ui.tab("audit", say("accounts.tab_audit"))
        with ui.tab_panels(tabs, value=staff, animated=False).classes("w-full max-w-4xl bg-transparent"):
            with ui.tab_panel(staff).classes("p-0"):
                self._staff()
            with ui.tab_panel(audit).classes("p-0"):
                self._audit()
        self.dialogs = StaffDialogs(self.doing, self.me, ui.element(), self.follow)
        ui.timer(A_LOOK, self.follow, immediate=False)

    def _header(self) -> None:
        with ui.header().classes("items-center gap-2 p-2 flex-nowrap").style("height: 56px"):
            ui.link(say("accounts.to_desk"), "/").classes("text-white no-underline whitespace-nowrap")
            title = ui.label(say("accounts.title")).classes("text-lg font-bold grow whitespace-nowrap")
            title.props("role=heading aria-level=1")
            ui.label(self.me.name).classes("max-md:hidden")
            with ui.element("form").props(f"method=post action={SIGN_OUT}"):
                ui.element("input").props(f"type=hidden name=csrf value={csrf_of(self.doing.token)}")
                ui.button(say("accounts.sign_out")).props("type=submit flat dense no-caps text-color=white")

    @ui.refreshable_method
    def _staff(self) -> None:
        with ui.column().classes("w-full gap-2"):
            ui.button(say("accounts.add"), icon="person_add", on_click=self._add).props("no-caps")
            for member in self.members:
                self._member(member)

    def _member(self, member: Member) -> None:
        with (
            ui.card().props(f'flat bordered role=group aria-label="{member.login}"').classes("w-full p-3"),
            ui.row().classes("w-full items-center gap-2 flex-nowrap"),
        ):
            with ui.column().classes("gap-0 grow min-w-0"):
                with ui.row().classes("items-baseline gap-x-2 gap-y-0"):
                    ui.label(member.name).classes("font-bold break-words")
                    ui.label(member.login).classes("text-grey-8 break-all")
                with ui.row().classes("gap-x-3 gap-y-0 text-sm"):
                    ui.label(say(f"accounts.role_{member.role}")).classes("font-bold text-primary")
                    ui.label(say(f"accounts.presence_{member.presence}"))
                    ui.label(member.seen).classes("text-grey-8")
                with ui.row().classes("gap-x-3 gap-y-0 text-sm text-grey-8"):
                    ui.label(say(f"accounts.factor_{_yes(member.has_factor)}"))
                    ui.label(say(f"accounts.telegram_{_yes(member.telegram_id)}"))
                    if member.subject:
                        ui.label(say("accounts.subject_yes"))
            edit = ui.button(say("accounts.edit"), on_click=partial(self._choose, member))
            edit.props("outline no-caps").classes("shrink-0")

    @ui.refreshable_method
    def _audit(self) -> None:
        with ui.column().classes("w-full gap-0"):
            if not self.deeds:
                ui.label(say("accounts.no_audit")).classes("text-grey-7 p-2")
            for deed in self.deeds:
                self._deed(deed)

    def _deed(self, deed: Deed) -> None:
        with ui.row().classes("w-full gap-2 py-2 border-b border-gray-300 items-baseline flex-nowrap"):
            ui.label(deed.at).classes("text-sm text-grey-8 w-24 shrink-0")
            with ui.row().classes("gap-x-2 gap-y-0 min-w-0"):
                ui.label(deed.who).classes("font-bold break-words")
                ui.label(deed.what)
                ui.label(deed.about).classes("text-grey-8 break-all")

    def _add(self) -> None:
        self.dialogs.add()

    def _choose(self, member: Member) -> None:
        self.dialogs.choose(member)

    async def follow(self) -> None:
        """Look at the database, and draw anew what differs from what is shown."""
        before = self.members, self.deeds
        if not await self.load():
            return
        if self.members != before[0]:
            self._staff.refresh()
        if self.deeds != before[1]:
            self._audit.refresh()


def _yes(fact: object) -> str:
    return "yes" if fact else "no"
