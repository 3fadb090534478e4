"""The desk's screen: queues on the left, the conversation with what can be done on the right."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

from fastapi import Request
from fastapi.responses import RedirectResponse
from nicegui import run, ui
from nicegui.events import KeyEventArguments

from actions.wording import say
from bot.desk.case_panel import CasePanel
from bot.desk.doing import Doing, signed_in
from bot.desk.moments import moment
from bot.desk.showing import QUEUES, QueueName, Row
from bot.desk.sign_in_pages import COOKIE, SIGN_IN, SIGN_OUT
from bot.desk.view import View
from bot.hotline.accounts import set_presence
from bot.hotline.cases import Case
from bot.hotline.changes import A_GLANCE
from bot.hotline.staff import Presence, audit, may
from bot.hotline.staff_sessions import Lifetime, csrf_of, note_present
from bot.turn import Assistant
from knowledge.database import DatabaseUnavailable, reading
from knowledge.dossiers import HERE
from knowledge.redaction import redact

A_SIGN = 45.0  # seconds between signs that somebody is there
A_WHILE = 10  # glances after which conversations with the machine are looked at again
LATE = "text-negative font-bold"
CALL = """
const sound = new AudioContext(), tone = sound.createOscillator();
tone.connect(sound.destination); tone.start(); tone.stop(sound.currentTime + 0.15);
if (window.Notification && Notification.permission === "granted") new Notification(%r);
"""
ASK_LEAVE = (
    'if (window.Notification && Notification.permission === "default") Notification.requestPermission();'
)


def desk_page(assistant: Assistant, lifetime: Lifetime) -> None:
    """Serve the screen to whoever is signed in and answers cases; ``number`` names the case to open."""

    @ui.page("/", title=say("desk.title"))
    async def show(request: Request, number: int | None = None) -> RedirectResponse | None:
        signed = await signed_in(request, assistant.engine, lifetime)
        if isinstance(signed, RedirectResponse):
            return signed
        if not may(signed.role, "cases"):  # whoever mends the knowledge
            return RedirectResponse("/content", 303)
        doing = Doing(assistant.engine, request.cookies[COOKIE], lifetime, "cases")
        view = View(assistant, doing, signed)
        if not await view.load():
            return RedirectResponse(SIGN_IN, 303)
        screen = Screen(view)
        screen.build()
        if number is not None:
            await screen.open(number, None)
        return None


class Screen:
    """One browser's screen, of a view that was loaded."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.panel = CasePanel(view, self.follow, self.show, self.leave)
        self.glances = 0
        self.called = view.shown.alarms  # what was told by sound and notice
        self.drawn = self._who_has()  # of which the conversation is drawn

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
            self._tabs()
            self._search_box()
            self._rows()
        with self.right:
            self.panel.build()
        ui.keyboard(self._key, ignore=[], repeating=False)
        ui.timer(A_GLANCE, self._glance)
        ui.timer(A_SIGN, self._sign, immediate=False)

    def _header(self) -> None:
        with ui.header().classes("items-center gap-2 p-2 flex-nowrap").style("height: 56px"):
            manages, edits = may(self.view.me.role, "staff"), may(self.view.me.role, "knowledge")
            title = ui.label(say("desk.title")).classes("text-lg font-bold whitespace-nowrap")
            title.classes("max-md:sr-only" if manages else "")  # a phone has no room for both
            title.props("role=heading aria-level=1")
            ui.space()
            options = {each: say(f"desk.presence_{each}") for each in ("on", "away", "off")}
            self.presence = ui.select(options, value=self.view.shown.presence, on_change=self._set_presence)
            self.presence.props(f'dense outlined dark aria-label="{say("desk.presence")}"')
            if edits:
                ui.link(say("desk.to_content"), "/content").classes(
                    "text-white no-underline whitespace-nowrap"
                )
            if manages:
                ui.link(say("accounts.title"), "/staff").classes("text-white no-underline whitespace-nowrap")
            ui.button("?", on_click=self._help).props(
                f'flat dense round text-color=white aria-label="{say("desk.keys")}"'
            ).classes("max-md:hidden")
            ui.label(self.view.me.name).classes("max-md:hidden")
            with ui.element("form").props(f"method=post action={SIGN_OUT}"):
                ui.element("input").props(f"type=hidden name=csrf value={csrf_of(self.view.doing.token)}")
                ui.button(say("desk.sign_out")).props("type=submit flat dense no-caps text-color=white")

    @ui.refreshable_method
    def _tabs(self) -> None:
        counts = self.view.shown.counts
        for trouble in self.view.shown.troubles:
            ui.markdown(trouble).classes("w-full bg-orange-1 p-2 rounded break-words").props("role=alert")
        with ui.row().classes("w-full gap-1").props(f'role=group aria-label="{say("desk.queues")}"'):
            for each in QUEUES:
                button = ui.button(
                    f"{say(f'desk.queue_{each}')} ({counts[each]})",
                    on_click=partial(self._choose_queue, each),
                )
                is_chosen = each == self.view.queue and not self.view.search
                button.props("dense no-caps" if is_chosen else "dense no-caps outline").classes("grow px-1")
                button.props(f"aria-pressed={str(is_chosen).lower()}")

    def _search_box(self) -> None:
        """Lay out the search, which stays while the queues change below it."""
        self.box = box = ui.input(say("desk.search"))
        box.props("dense outlined clearable").classes("w-full")
        box.on("keydown.enter", lambda: self._find(box.value or ""))
        box.on("clear", lambda: self._find(""))

    @ui.refreshable_method
    def _rows(self) -> None:
        if not self.view.shown.rows:
            ui.label(say("desk.none")).classes("text-grey-7 p-2")
        for row in self.view.shown.rows:
            self._row(row)

    def _row(self, row: Row) -> None:
        is_open = (row.number, row.conversation) == (self.view.number, self.view.conversation)
        button = ui.button(on_click=partial(self.open, row.number, row.conversation))
        button.props("flat no-caps align=left")
        chosen = "bg-teal-1" if is_open else ""
        with button.classes(f"w-full border text-black {chosen}"):  # noqa: SIM117
            with ui.column().classes("w-full gap-0 items-start text-left"):
                with ui.row().classes("w-full justify-between no-wrap"):
                    why = say(f"desk.why_{row.why}")
                    ui.label(f"{row.number} · {why}" if row.number else why).classes("font-bold")
                    ui.label(moment(row.opened_at)).classes("text-grey-8")
                ui.label(row.question or say("desk.no_words")).classes("line-clamp-2")
                with ui.row().classes("gap-2 text-sm text-grey-8"):
                    ui.label(say(f"desk.channel_{row.channel}"))
                    for each in filter(None, (row.owner, row.team)):
                        ui.label(each)
                    if row.state == "taken":
                        ui.label(say("desk.waits_for_answer")).classes("font-bold text-black")
                    if row.deadline and row.state in ("waiting", "taken"):
                        is_late = row.is_due or row.deadline < datetime.now(HERE)
                        ui.label(say("desk.due", at=moment(row.deadline))).classes(LATE if is_late else "")

    async def _glance(self) -> None:
        with suppress(DatabaseUnavailable):  # looked at again in a moment
            self.glances += 1
            is_changed = self.view.seen != await self.view.assistant.changes.current()
            is_with_machine = self.view.queue == "machine" or self._is_open_without_case()
            if is_changed or (is_with_machine and self.glances % A_WHILE == 0):
                await self.follow()
            self.panel.show_typing()

    def _is_open_without_case(self) -> bool:
        return self.view.conversation is not None and self.view.number is None

    async def follow(self) -> None:
        """Look at the database, and draw anew what differs from what is shown."""
        before = self.view.shown
        if not await self._load():
            return
        shown = self.view.shown
        if shown.counts != before.counts:
            self._tabs.refresh()
        if shown.rows != before.rows:
            self._rows.refresh()
        if self._who_has() != self.drawn:
            self._draw_panel()
        elif self.view.number or self.view.conversation:
            self.panel.follow(before)

    def _draw_panel(self) -> None:
        """Draw the conversation anew; not twice for one change, since what is being typed would be lost."""
        self.drawn = self._who_has()
        self.panel.build.refresh()

    def _call(self, alarms: frozenset[tuple[int, str]]) -> None:
        """Tell by sound and notice of cases that are new, more urgent, nearly due, or written in again."""
        elsewhere = {each for number, each in alarms if number != self.view.number or each == "due"}
        for kind in ("due", "new", "message"):
            if any(each.startswith(kind) for each in elsewhere):
                words = say(f"desk.call_{kind}")
                self.view.doing.tell(words, "warning" if kind == "due" else "info")
                ui.run_javascript(CALL % words)
                return

    async def _load(self) -> bool:
        if not await self.view.load():
            self._sign_out()
            return False
        self._call(self.view.shown.alarms - self.called)
        self.called = self.view.shown.alarms
        self.presence.set_value(self.view.shown.presence)
        return True

    def _sign_out(self) -> None:
        self.left.clear()
        self.right.clear()
        self.view.doing.leave()

    def _who_has(self) -> tuple[object, ...]:
        case = self.view.shown.case
        return (case.id, case.owner_id, case.state == "closed") if case else (self.view.conversation,)

    async def _sign(self) -> None:
        if await run.io_bound(self.view.doing.may_go_on):
            await run.io_bound(note_present, self.view.assistant.engine, self.view.me.staff_id)
        else:
            self._sign_out()

    async def show(self) -> None:
        """Draw everything anew."""
        if await self._load():
            self._tabs.refresh()
            self._rows.refresh()
            self._draw_panel()

    async def _choose_queue(self, queue: QueueName) -> None:
        self.view.queue, self.view.search = queue, ""
        self.box.set_value("")
        if await self._load():
            self._tabs.refresh()
            self._rows.refresh()

    async def _find(self, search: str) -> None:
        self.view.search = search.strip()
        words = redact(self.view.search)[:60]
        if words and not await self.view.doing.do(
            lambda session: audit(session, self.view.me.staff_id, "searched_cases", words)
        ):
            return
        if await self._load():
            self._tabs.refresh()
            self._rows.refresh()

    async def open(self, number: int | None, conversation: str | None) -> None:
        """Open a case, or a conversation that has none; who read what is written down."""
        if number is not None and conversation is None:
            conversation = await run.io_bound(self._conversation_of, number)
            if conversation is None:
                self.view.doing.tell(say("desk.case_erased", number=number), "warning")
                return
        about = f"case {number}" if number else f"conversation {conversation}"
        me = self.view.me.staff_id
        if await self.view.doing.do(lambda session: audit(session, me, "read_conversation", about)):
            self.view.number, self.view.conversation = number, conversation
            self.left.classes(add="max-md:hidden")
            self.right.classes(remove="max-md:hidden")
            await self.show()

    def _conversation_of(self, number: int) -> str | None:
        with reading(self.view.assistant.engine) as session:
            case = session.get(Case, number)
            return case.conversation_id if case else None

    async def leave(self) -> None:
        """Go back to the list, which alone is shown on a phone."""
        self.view.number = self.view.conversation = None
        self.left.classes(remove="max-md:hidden")
        self.right.classes(add="max-md:hidden")
        await self.show()

    async def _set_presence(self, event: Any) -> None:
        presence: Presence = event.value
        if presence == self.view.shown.presence:  # set elsewhere, and only shown here
            return
        reason = await self._ask_reason() if presence == "away" else ""
        if reason is None:
            self.presence.set_value(self.view.shown.presence)
            return
        me = self.view.me.staff_id
        await self.view.doing.do(lambda session: set_presence(session, me, presence, reason or None))
        await self.follow()
        hotline = self.view.assistant.hotline
        if presence == "on":
            ui.run_javascript(ASK_LEAVE)
            if not hotline.hours.is_open(hotline.clock()):
                self.view.doing.tell(say("desk.out_of_hours"), "warning")

    async def _ask_reason(self) -> str | None:
        with self.view.doing.place, ui.dialog() as dialog, ui.card():
            reason = ui.input(say("desk.away_reason")).props("outlined dense autofocus maxlength=80")
            reason.on("keydown.enter", lambda: dialog.submit(True))
            ui.button(say("desk.away_done"), on_click=lambda: dialog.submit(True)).props("no-caps")
        words = str(reason.value or "").strip() if await dialog else None
        dialog.delete()
        return words

    async def _key(self, event: KeyEventArguments) -> None:
        """Do what Alt with a key stands for."""
        if not event.action.keydown or not event.modifiers.alt:
            return
        name = str(event.key.name).lower()
        if name in "12345":
            await self._choose_queue(QUEUES[int(name) - 1])
        elif name in ("arrowdown", "arrowup"):
            await self._go(1 if name == "arrowdown" else -1)
        elif name == "n":
            await self.panel.claim()
        elif name == "r":
            self.panel.composer.focus()
        elif name == "c":
            self.panel.open_close_menu()
        elif name == "h":
            self._help()
        elif self.view.shown.case and name in ("g", "k"):
            write = self.panel.composer.add_note if name == "g" else self.panel.composer.pick_sources
            await write(self.view.shown.case)

    async def _go(self, step: int) -> None:
        """Open the case below or above the open one."""
        rows = self.view.shown.rows
        places = [
            place
            for place, row in enumerate(rows)
            if (row.number, row.conversation) == (self.view.number, self.view.conversation)
        ]
        place = (places[0] + step) if places else 0
        if 0 <= place < len(rows):
            await self.open(rows[place].number, rows[place].conversation)

    def _help(self) -> None:
        with self.view.doing.place, ui.dialog() as dialog, ui.card():
            ui.label(say("desk.keys")).classes("font-bold")
            ui.markdown(say("desk.keys_help"))
            ui.button(say("desk.keys_done"), on_click=dialog.close).props("flat no-caps")
        dialog.open()
