"""The desk's screen: queues on the left, the conversation in the middle, what can be done beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import uuid4

from fastapi import Request
from fastapi.responses import RedirectResponse
from nicegui import run, ui
from sqlalchemy.exc import IntegrityError, NoResultFound
from sqlalchemy.orm import Session

from actions.wording import say
from bot.desk.showing import QUEUES, Line, QueueName, Row, count_queues, list_queue, search_cases, transcript
from bot.desk.sign_in_pages import COOKIE, SECOND_FACTOR, SIGN_IN, SIGN_OUT
from bot.hotline import cases
from bot.hotline.accounts import list_staff, set_presence
from bot.hotline.cases import CLOSINGS, Case, CaseRefused
from bot.hotline.changes import A_GLANCE, Mark
from bot.hotline.staff import Presence, Staff, StaffError, audit, may
from bot.hotline.staff_sessions import Lifetime, Signed, csrf_of, note_present, who
from bot.turn import Assistant
from knowledge.database import DatabaseUnavailable, reading, transaction
from knowledge.dossiers import HERE

MARKDOWN = ["cuddled-lists", "breaks"]
A_SIGN = 45.0  # seconds between signs that somebody is there
SIGN_IN_HERE = SIGN_IN.removeprefix("/desk")  # NiceGUI puts its own path before
LATE = "text-negative font-bold"
STYLES = {
    "citizen": "self-start bg-grey-3 text-black",
    "machine": "self-end bg-blue-1 text-black",
    "person": "self-end bg-teal-9 text-white",
    "note": "self-stretch bg-yellow-2 text-black",
}
BEEP = """
const sound = new AudioContext(), tone = sound.createOscillator();
tone.connect(sound.destination); tone.start(); tone.stop(sound.currentTime + 0.15);
if (Notification.permission === "granted") new Notification(%r);
"""


def desk_page(assistant: Assistant, lifetime: Lifetime) -> None:
    """Serve the screen to whoever is signed in and answers cases."""

    @ui.page("/", title=say("desk.title"))
    async def show(request: Request) -> RedirectResponse | None:
        token = request.cookies.get(COOKIE, "")
        signed = await run.io_bound(who, assistant.engine, token, lifetime)
        if signed is None or signed.needs_second_factor:
            return RedirectResponse(SECOND_FACTOR if signed else SIGN_IN, 303)
        if not may(signed.role, "cases"):
            ui.label(say("desk.no_right"))
            return None
        screen = Screen(assistant, lifetime, token, signed)
        await screen.load()
        screen.build()
        return None


@dataclass(frozen=True)
class Shown:
    """What one look at the database gave."""

    counts: dict[QueueName, int]
    rows: list[Row]
    case: Case | None
    owner: str | None
    lines: list[Line]
    presence: Presence
    colleagues: dict[int, str]


class Screen:
    """One browser's view; everything it does is checked against the session first."""

    def __init__(self, assistant: Assistant, lifetime: Lifetime, token: str, signed: Signed) -> None:
        self.assistant, self.lifetime = assistant, lifetime
        self.token, self.me = token, signed
        self.queue: QueueName = "waiting"
        self.search = ""
        self.number: int | None = None  # of the case that is open
        self.seen: Mark | None = None  # the change that is shown
        self.reply_key = str(uuid4())
        self.drafts: dict[int, str] = {}  # what was begun in each case
        self.looking = asyncio.Lock()
        self.shown: Shown

    async def load(self) -> bool:
        """Look at the database, one look after the other; nothing more is shown when the session is over."""
        async with self.looking:
            while True:
                number, self.seen = self.number, await self.assistant.changes.current()
                shown: Shown | None = await run.io_bound(self._read)
                if shown is None:
                    self._sign_out()
                    return False
                if number == self.number:  # else another case was opened meanwhile
                    self.shown = shown
                    return True

    def _sign_out(self) -> None:
        self.left.clear()
        self.right.clear()
        ui.navigate.to(SIGN_IN_HERE)

    def _read(self) -> Shown | None:
        if who(self.assistant.engine, self.token, self.lifetime, is_use=False) is None:
            return None
        with reading(self.assistant.engine) as session:
            me = self.me.staff_id
            rows = search_cases(session, self.search) if self.search else list_queue(session, self.queue, me)
            case = session.get(Case, self.number) if self.number else None
            owner = session.get(Staff, case.owner_id) if case and case.owner_id else None
            lines = transcript(session, case) if case else []
            staff = session.get_one(Staff, me)
            presence: Presence = staff.presence  # type: ignore[assignment]
            counts = count_queues(session, me)
            others = {each.id: each.name for each in list_staff(session) if _takes_cases(each, me)}
            return Shown(counts, rows, case, owner.name if owner else None, lines, presence, others)

    def build(self) -> None:
        """Lay the page out, and keep it up to date."""
        ui.colors(primary="#0b5557")
        ui.query(".nicegui-content").classes("p-0 gap-0").style("height: calc(100dvh - 56px)")
        self._header()
        with ui.row().classes("w-full flex-nowrap gap-0 items-stretch grow min-h-0"):
            self.left = ui.column().classes("w-full md:w-1/3 p-2 gap-2 h-full flex-nowrap overflow-auto")
            self.right = ui.column().classes(
                "w-full md:w-2/3 p-2 gap-2 min-h-0 h-full flex-nowrap max-md:hidden"
            )
        with self.left:
            self._queues()
        with self.right:
            self._conversation()
        self.root = ui.element()  # of dialogs, which outlive what is drawn anew
        ui.timer(A_GLANCE, self._glance)
        ui.timer(A_SIGN, self._sign, immediate=False)

    def _header(self) -> None:
        with ui.header().classes("items-center gap-2 p-2 flex-nowrap").style("height: 56px"):
            ui.label(say("desk.title")).classes("text-lg font-bold grow whitespace-nowrap")
            options = {each: say(f"desk.presence_{each}") for each in ("on", "away", "off")}
            presence = ui.select(options, value=self.shown.presence, on_change=self._set_presence)
            presence.props(f'dense outlined dark aria-label="{say("desk.presence")}"')
            ui.label(self.me.name).classes("max-md:hidden")
            with ui.element("form").props(f"method=post action={SIGN_OUT}"):
                ui.element("input").props(f"type=hidden name=csrf value={csrf_of(self.token)}")
                ui.button(say("desk.sign_out")).props("type=submit flat dense text-color=white")

    @ui.refreshable_method
    def _queues(self) -> None:
        titles = {each: f"{say(f'desk.queue_{each}')} ({self.shown.counts[each]})" for each in QUEUES}
        ui.toggle(titles, value=self.queue, on_change=self._choose_queue).props(
            "dense no-caps spread"
        ).classes("w-full")
        box = (
            ui.input(say("desk.search"), value=self.search)
            .props("dense outlined clearable")
            .classes("w-full")
        )
        box.on("keydown.enter", lambda: self._find(box.value or ""))
        box.on("clear", lambda: self._find(""))
        if not self.shown.rows:
            ui.label(say("desk.none")).classes("text-grey-7 p-2")
        for row in self.shown.rows:
            self._row(row)

    def _row(self, row: Row) -> None:
        chosen = "bg-teal-1" if row.number == self.number else ""
        button = ui.button(on_click=partial(self._open, row.number)).props("flat no-caps align=left")
        with button.classes(f"w-full border text-black {chosen}"):  # noqa: SIM117
            with ui.column().classes("w-full gap-0 items-start text-left"):
                with ui.row().classes("w-full justify-between no-wrap"):
                    ui.label(f"{row.number} · {say(f'desk.why_{row.why}')}").classes("font-bold")
                    ui.label(_moment(row.opened_at)).classes("text-grey-8")
                ui.label(row.question or say("desk.no_words")).classes("line-clamp-2")
                with ui.row().classes("gap-2 text-sm text-grey-8"):
                    ui.label(say(f"desk.channel_{row.channel}"))
                    if row.owner:
                        ui.label(row.owner)
                    if row.deadline and row.state in ("waiting", "taken"):
                        is_late = row.deadline < datetime.now(HERE)
                        due = say("desk.due", at=_moment(row.deadline))
                        ui.label(due).classes(LATE if is_late else "")

    @ui.refreshable_method
    def _conversation(self) -> None:
        case = self.shown.case
        if case is None:
            ui.label(say("desk.choose")).classes("text-grey-7 p-4")
            return
        with ui.row().classes("w-full items-center gap-2"):
            ui.button(say("desk.back"), on_click=self._leave).props("flat dense no-caps").classes("md:hidden")
            self._heading()
        with ui.scroll_area().classes("grow w-full border") as self.area:
            self._lines()
        self.area.scroll_to(percent=1)
        self._composer(case)

    @ui.refreshable_method
    def _heading(self) -> None:
        case = self.shown.case
        if case is None:
            return
        owner = self.shown.owner or say("desk.nobody")
        state = say(f"desk.state_{case.state}")
        ui.label(say("desk.heading", number=case.id, state=state, owner=owner)).classes("font-bold grow")
        if procedure := self.assistant.library.catalogue.procedures.get(case.procedure or ""):
            ui.label(procedure.name).classes("text-sm text-grey-8 w-full")
        if case.dossier:
            ui.label(case.dossier).classes("text-sm text-grey-8")
        if case.state == "waiting":
            ui.button(say("desk.claim"), on_click=partial(self._claim, case.id)).props("no-caps")
        elif case.state != "closed" and case.owner_id and case.owner_id != self.me.staff_id:
            take_over = partial(self._ask_take_over, case.id, case.owner_id)
            ui.button(say("desk.take_over"), on_click=take_over).props("outline no-caps")

    @ui.refreshable_method
    def _lines(self) -> None:
        with ui.column().classes("w-full gap-2"):
            for line in self.shown.lines:
                self._line(line)

    def _line(self, line: Line) -> None:
        if line.speaker == "event":
            ui.label(f"{_moment(line.at)} · {line.text}").classes("self-center text-sm text-grey-8")
            return
        with ui.column().classes(f"gap-0 rounded p-2 max-w-[85%] {STYLES[line.speaker]}"):
            by = line.by or say(f"desk.speaker_{line.speaker}")
            ui.label(f"{by} · {_moment(line.at)}").classes("text-xs")
            if line.speaker in ("machine", "person"):
                ui.markdown(line.text, extras=MARKDOWN).classes("break-words")
            else:  # a citizen's words are shown as they are
                ui.label(line.text).classes("whitespace-pre-wrap break-words")
            if line.delivery and line.delivery != "sent":
                ui.label(say(f"desk.delivery_{line.delivery}")).classes("text-xs font-bold")

    def _composer(self, case: Case) -> None:
        is_mine = case.owner_id == self.me.staff_id and case.state != "closed"
        with ui.column().classes("w-full gap-2"):
            text = ui.textarea(say("desk.reply"), value=self.drafts.get(case.id, ""))
            text.props("outlined autogrow dense").classes("w-full")
            text.on_value_change(lambda event: self.drafts.update({case.id: event.value or ""}))
            text.on("keydown.ctrl.enter", lambda: self._send(text, case.id))
            with ui.row().classes("w-full gap-2"):
                send = ui.button(say("desk.send"), on_click=lambda: self._send(text, case.id)).props(
                    "no-caps"
                )
                send.set_enabled(is_mine)
                ui.button(say("desk.add_note"), on_click=lambda: self._add_note(text, case.id)).props(
                    "outline no-caps"
                )
                with ui.dropdown_button(say("desk.close"), auto_close=True).props("outline no-caps") as menu:
                    for closing in CLOSINGS:
                        ui.item(
                            say(f"desk.closing_{closing}"), on_click=partial(self._close, case.id, closing)
                        )
                menu.set_enabled(is_mine)
                with ui.dropdown_button(say("desk.transfer"), auto_close=True).props("outline no-caps") as to:
                    for staff_id, name in self.shown.colleagues.items():
                        ui.item(name, on_click=partial(self._transfer, case.id, staff_id))
                    ui.item(say("desk.queue"), on_click=partial(self._transfer, case.id, None))
                to.set_enabled(is_mine)

    async def _glance(self) -> None:
        with suppress(DatabaseUnavailable):  # looked at again in a moment
            if self.seen != await self.assistant.changes.current():
                await self._follow()

    async def _follow(self) -> None:
        """Look at the database, and draw anew what differs from what is shown."""
        before, had = self.shown, self._who_has()
        if not await self.load():
            return
        if (self.shown.counts, self.shown.rows) != (before.counts, before.rows):
            self._queues.refresh()
        if self._who_has() != had:
            self._conversation.refresh()
        elif self.shown.lines != before.lines:
            self._heading.refresh()
            self._show_lines()
        if self.shown.counts["waiting"] > before.counts["waiting"]:
            ui.notify(say("desk.new_case"), type="info", position="top")
            ui.run_javascript(BEEP % say("desk.new_case"))

    def _show_lines(self) -> None:
        self._lines.refresh()
        if self.shown.case:
            self.area.scroll_to(percent=1)

    def _who_has(self) -> tuple[object, ...]:
        case = self.shown.case
        return (case.id, case.owner_id, case.state == "closed") if case else ()

    async def _sign(self) -> None:
        if await run.io_bound(who, self.assistant.engine, self.token, self.lifetime, is_use=False) is None:
            self._sign_out()
        else:
            await run.io_bound(note_present, self.assistant.engine, self.me.staff_id)

    async def _show(self) -> None:
        if await self.load():
            self._queues.refresh()
            self._conversation.refresh()

    async def _choose_queue(self, event: object) -> None:
        self.queue, self.search = event.value, ""  # type: ignore[attr-defined]
        if await self.load():
            self._queues.refresh()

    async def _find(self, search: str) -> None:
        self.search = search.strip()
        if await self.load():
            self._queues.refresh()

    async def _open(self, number: int) -> None:
        if await self._do(
            lambda session: audit(session, self.me.staff_id, "read_conversation", f"case {number}")
        ):
            self.number, self.reply_key = number, str(uuid4())
            self.left.classes(add="max-md:hidden")
            self.right.classes(remove="max-md:hidden")
            await self._show()

    async def _leave(self) -> None:
        self.number = None
        self.left.classes(remove="max-md:hidden")
        self.right.classes(add="max-md:hidden")
        await self._show()

    async def _set_presence(self, event: object) -> None:
        value: Presence = event.value  # type: ignore[attr-defined]
        await self._do(lambda session: set_presence(session, self.me.staff_id, value))

    async def _claim(self, number: int) -> None:
        won: list[bool] = []
        await self._do(lambda session: won.append(cases.claim(session, number, self.me.staff_id)))
        if won == [False]:
            ui.notify(say("desk.lost_claim"), type="warning", position="top")
        if won == [True]:
            self.queue = "mine"
        await self._show()

    async def _ask_take_over(self, number: int, owner: int) -> None:
        with self.root, ui.dialog() as dialog, ui.card():
            ui.label(say("desk.ask_take_over", owner=self.shown.owner))
            with ui.row():
                ui.button(say("desk.take_over"), on_click=lambda: dialog.submit(True)).props("no-caps")
                ui.button(say("desk.stay"), on_click=lambda: dialog.submit(False)).props("flat no-caps")
        if await dialog:
            await self._do(lambda session: cases.take_over(session, number, self.me.staff_id, owner))
            await self._show()

    async def _send(self, text: ui.textarea, number: int) -> None:
        words, key = text.value or "", self.reply_key
        if await self._do(lambda session: cases.reply(session, number, self.me.staff_id, words, key)):
            self.reply_key = str(uuid4())
            text.set_value("")
            await self._follow()

    async def _add_note(self, text: ui.textarea, number: int) -> None:
        words = (text.value or "").strip()
        if words and await self._do(lambda session: cases.add_note(session, number, self.me.staff_id, words)):
            text.set_value("")

    async def _transfer(self, number: int, to: int | None) -> None:
        await self._do(lambda session: cases.transfer(session, number, self.me.staff_id, to=to))
        await self._show()

    async def _close(self, number: int, closing: cases.Closing) -> None:
        await self._do(lambda session: cases.close(session, number, self.me.staff_id, closing))
        await self._show()

    async def _do(self, work: Callable[[Session], object]) -> bool:
        """Do something in the name of who is signed in; what cannot be done is told, and nothing is lost."""
        try:
            if await run.io_bound(self._work, work):
                return True
            ui.navigate.to(SIGN_IN_HERE)
        except (CaseRefused, DatabaseUnavailable) as error:
            ui.notify(str(error), type="negative", position="top", multi_line=True, timeout=10_000)
        except StaffError as error:
            ui.notify(error.shown, type="negative", position="top")
        except (NoResultFound, IntegrityError):  # erased at this moment
            ui.notify(say("desk.case_erased", number=self.number), type="negative", position="top")
        return False

    def _work(self, work: Callable[[Session], object]) -> bool:
        if who(self.assistant.engine, self.token, self.lifetime) is None:
            return False
        with transaction(self.assistant.engine) as session:
            work(session)
        return True


def _takes_cases(staff: Staff, me: int) -> bool:
    return staff.id != me and staff.removed_at is None and may(staff.role, "cases")


def _moment(at: datetime) -> str:
    here = at.astimezone(HERE)
    is_today = here.date() == datetime.now(HERE).date()
    return f"{here:%H:%M}" if is_today else f"{here:%H:%M} {here.day}/{here.month}"
