"""One case or conversation on the desk: who has it, what was said, and what can be done with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from html import escape
from typing import Any

from nicegui import ui
from sqlalchemy.orm import Session

from actions.wording import say, sentences
from bot.desk.composer import Composer
from bot.desk.moments import moment
from bot.desk.showing import Line
from bot.desk.view import Shown, View
from bot.hotline import cases
from bot.hotline.cases import CLOSINGS, Case
from bot.hotline.proposals import propose

MARKDOWN = ["cuddled-lists", "break-on-newline"]
MOST_LINES = 30  # drawn at first: each new line draws them all anew
LAID_OUT = 0.1  # seconds until the browser knows how high the lines are
STYLES = {
    "citizen": "self-start bg-grey-3 text-black",
    "machine": "self-end bg-blue-1 text-black",
    "person": "self-end bg-teal-9 text-white",
    "note": "self-stretch bg-yellow-2 text-black",
}


class CasePanel:
    """The right side of the desk."""

    def __init__(
        self,
        view: View,
        follow: Callable[[], Awaitable[None]],
        show: Callable[[], Awaitable[None]],
        leave: Callable[[], Awaitable[None]],
    ) -> None:
        self.view, self.show, self.leave = view, show, leave
        self.composer = Composer(view, follow)
        self.is_typing = self.is_claiming = self.is_whole = False
        self.close_menu: ui.dropdown_button | None = None

    @ui.refreshable_method
    def build(self) -> None:
        """Draw what is open, its newest lines at first."""
        self.is_whole = False
        case, conversation = self.view.shown.case, self.view.conversation
        if case is None and conversation is None:
            ui.label(say("desk.choose")).classes("text-grey-7 p-4")
            return
        with ui.row().classes("w-full items-center gap-2"):
            back = ui.button(say("desk.back"), on_click=self.leave)
            back.props("flat dense no-caps").classes("md:hidden")
            self._heading()
        with ui.scroll_area().classes("grow w-full border") as self.area:
            self._lines()
        self._scroll_down()
        self._typing()
        if case:
            with ui.column().classes("w-full gap-2"):
                self.composer.build(case)
                self._buttons(case)

    def follow(self, before: Shown) -> None:
        """Draw anew what is other than before."""
        if before.colleagues != self.view.shown.colleagues:
            self._transfer_menu.refresh()
        if before.lines != self.view.shown.lines:
            self._heading.refresh()
            self._lines.refresh()
            with self.area:
                self._scroll_down()

    def show_typing(self) -> None:
        """Show whether the citizen is typing, where that changed."""
        case = self.view.shown.case
        typing = self.view.assistant.changes.typing
        is_typing = case is not None and (case.conversation_id, False) in typing
        if is_typing != self.is_typing:
            self.is_typing = is_typing
            self._typing.refresh()

    async def claim(self) -> None:
        """Take the open case, or the conversation that has none."""
        if self.is_claiming:  # pressed twice
            return
        self.is_claiming = True
        try:
            await self._claim()
        finally:
            self.is_claiming = False

    async def _claim(self) -> None:
        case, me, won = self.view.shown.case, self.view.me.staff_id, list[bool]()
        if case is None and self.view.conversation:
            await self._take_conversation(self.view.conversation)
        elif case and case.state == "waiting":
            await self.view.doing.do(lambda session: won.append(cases.claim(session, case.id, me)))
            if won == [False]:
                self.view.doing.tell(say("desk.lost_claim"), "warning")
        if won == [True]:
            self.view.queue = "mine"
        await self.show()

    def open_close_menu(self) -> None:
        """Open the menu of reasons to close."""
        if self.close_menu and self.view.is_mine:
            self.close_menu.open()

    def _scroll_down(self) -> None:
        ui.timer(LAID_OUT, partial(self.area.scroll_to, percent=1), once=True)

    @ui.refreshable_method
    def _heading(self) -> None:
        case = self.view.shown.case
        if case is None:
            ui.label(say("desk.with_machine")).classes("font-bold grow")
            ui.button(say("desk.take_conversation"), on_click=self.claim).props("no-caps")
            return
        owner = self.view.shown.owner or say("desk.nobody")
        state = say(f"desk.state_{case.state}")
        ui.label(say("desk.heading", number=case.id, state=state, owner=owner)).classes("font-bold grow")
        if case.state == "waiting":
            ui.button(say("desk.claim"), on_click=self.claim).props("no-caps")
        elif case.state != "closed" and case.owner_id and not self.view.is_mine:
            take_over = partial(self._ask_take_over, case.id, case.owner_id)
            ui.button(say("desk.take_over"), on_click=take_over).props("outline no-caps")
        catalogue = self.view.assistant.library.catalogue
        facts = [say(f"desk.why_{case.why}"), say(f"desk.channel_{case.channel}")]
        if procedure := catalogue.procedures.get(case.procedure or ""):
            facts.append(procedure.name)
        facts += filter(None, (case.dossier, case.team))
        if case.deadline and case.state in ("waiting", "taken"):
            facts.append(say("desk.due", at=moment(case.deadline)))
        ui.label(" · ".join(facts)).classes("text-sm text-grey-8 w-full")

    @ui.refreshable_method
    def _lines(self) -> None:
        with ui.column().classes("w-full gap-2").props(f'role=log aria-label="{say("desk.conversation")}"'):
            lines = self.view.shown.lines
            earlier = 0 if self.is_whole else max(0, len(lines) - MOST_LINES)
            if earlier:
                button = ui.button(say("desk.earlier", count=earlier), on_click=self._show_whole)
                button.props("flat dense no-caps").classes("self-center")
            for line in lines[earlier:]:
                self._line(line)

    def _show_whole(self) -> None:
        self.is_whole = True
        self._lines.refresh()

    def _line(self, line: Line) -> None:
        if line.speaker == "event":
            ui.label(f"{moment(line.at)} · {line.text}").classes("self-center text-sm text-grey-8")
            return
        with ui.column().classes(f"gap-0 rounded p-2 max-w-[85%] {STYLES[line.speaker]}"):
            by = line.by or say(f"desk.speaker_{line.speaker}")
            ui.label(f"{by} · {moment(line.at)}").classes("text-xs")
            if line.speaker in ("machine", "person"):
                ui.markdown(_plain(line.text), extras=MARKDOWN).classes("break-words")
            else:  # a citizen's words are shown as they are
                ui.label(line.text).classes("whitespace-pre-wrap break-words")
            for source in line.sources:
                _source(source)
            if line.understood:
                ui.label(_understood(*line.understood)).classes("text-xs italic")
            if line.delivery and line.delivery != "sent":
                ui.label(say(f"desk.delivery_{line.delivery}")).classes("text-xs font-bold")
            if line.speaker == "person":
                button = ui.button(say("desk.propose"), on_click=partial(self._ask_proposal, line))
                button.props("flat dense no-caps size=sm text-color=white").classes("self-end underline")

    @ui.refreshable_method
    def _typing(self) -> None:
        ui.label(say("desk.citizen_typing") if self.is_typing else "").classes("text-sm italic h-5").props(
            "role=status"
        )

    def _buttons(self, case: Case) -> None:
        with ui.row().classes("w-full gap-2"):
            self.composer.build_buttons(case)
            with ui.dropdown_button(say("desk.close"), auto_close=True).props("outline no-caps") as menu:
                for closing in CLOSINGS:
                    close = partial(self._close, case.id, closing)
                    ui.item(say(f"desk.closing_{closing}"), on_click=close)
            menu.set_enabled(self.view.is_mine)
            self.close_menu = menu
            self._transfer_menu()

    @ui.refreshable_method
    def _transfer_menu(self) -> None:
        case = self.view.shown.case
        if case is None:
            return
        with ui.dropdown_button(say("desk.transfer"), auto_close=True).props("outline no-caps") as menu:
            for staff_id, name in self.view.shown.colleagues.items():
                ui.item(name, on_click=partial(self._transfer, case.id, to=staff_id))
            ui.item(say("desk.queue"), on_click=partial(self._transfer, case.id))
            for team in self.view.assistant.hotline.teams:
                transfer = partial(self._transfer, case.id, team=team)
                ui.item(say("desk.queue_of", team=team), on_click=transfer)
        menu.set_enabled(self.view.is_mine)

    async def _take_conversation(self, conversation: str) -> None:
        hotline, me = self.view.assistant.hotline, self.view.me.staff_id
        taken: list[int] = []

        def take(session: Session) -> None:
            due = hotline.deadline(hotline.clock())
            case = cases.take_conversation(session, conversation, me, hotline.province, due)
            taken.append(case.id)

        if await self.view.doing.do(take):
            self.view.number, self.view.queue = taken[0], "mine"

    async def _ask_take_over(self, number: int, owner: int) -> None:
        with self.view.doing.place, ui.dialog() as dialog, ui.card():
            ui.label(say("desk.ask_take_over", owner=self.view.shown.owner))
            with ui.row():
                ui.button(say("desk.take_over"), on_click=lambda: dialog.submit(True)).props("no-caps")
                ui.button(say("desk.stay"), on_click=lambda: dialog.submit(False)).props("flat no-caps")
        me = self.view.me.staff_id
        if await dialog:
            await self.view.doing.do(lambda session: cases.take_over(session, number, me, owner))
            await self.show()
        dialog.delete()

    async def _transfer(self, number: int, to: int | None = None, team: str | None = None) -> None:
        me = self.view.me.staff_id
        await self.view.doing.do(lambda session: cases.transfer(session, number, me, to=to, team=team))
        await self.show()

    async def _close(self, number: int, closing: cases.Closing) -> None:
        me = self.view.me.staff_id
        await self.view.doing.do(lambda session: cases.close(session, number, me, closing))
        await self.show()

    async def _ask_proposal(self, line: Line) -> None:
        """Propose an answer to the content team, after a look at the words."""
        case = self.view.shown.case
        if case is None:
            return
        with self.view.doing.place, ui.dialog() as dialog, ui.card().classes("w-full"):
            ui.label(say("desk.proposal_title")).classes("font-bold")
            question = ui.textarea(say("desk.proposal_question"), value=case.question)
            answer = ui.textarea(say("desk.proposal_answer"), value=line.text)
            for field in (question, answer):
                field.props("outlined autogrow dense").classes("w-full")
            for source in line.sources:
                _source(source)
            with ui.row():
                ui.button(say("desk.propose"), on_click=lambda: dialog.submit(True)).props("no-caps")
                ui.button(say("desk.stay"), on_click=lambda: dialog.submit(False)).props("flat no-caps")
        if await dialog:
            words = (question.value or "", answer.value or "")
            sources, me = list(line.sources), self.view.me.staff_id
            if await self.view.doing.do(lambda session: propose(session, case.id, me, *words, sources)):
                self.view.doing.tell(say("desk.proposed"), "positive")
        dialog.delete()


def _plain(text: str) -> str:
    """Keep HTML and pictures in a text from being more than text, as the citizen's page does."""
    return escape(text, quote=False).replace("![", "!\\[")


def _understood(intent: str, procedure: str, certainty: float) -> str:
    what = sentences().get(f"intents.{intent}", intent)
    about = f" · {procedure}" if procedure else ""
    return say("desk.understood", what=what + about, percent=round(100 * certainty))


def _source(source: dict[str, Any]) -> None:
    title = f"{source['number']}: {source['title']}" if source.get("number") else source["title"]
    if source.get("url"):
        ui.link(title, source["url"], new_tab=True).classes("text-xs break-words text-inherit")
    else:
        ui.label(title).classes("text-xs break-words")
