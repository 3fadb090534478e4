"""What staff write in a case: replies with sources, canned replies, notes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any
from uuid import uuid4

from nicegui import ui
from sqlalchemy.orm import Session

from actions.wording import day, say
from bot.desk.source_picker import pick_sources
from bot.desk.view import View
from bot.hotline import cases
from bot.hotline.cases import Case
from bot.hotline.writing import SIGN_EVERY, note_sent, note_typing
from knowledge.canned_replies import CannedReply, blanks_in, find_canned
from knowledge.dossiers import HERE

PICK_FIRST = """(event) => {
  if (!event.target.value.startsWith("/") || event.ctrlKey || event.isComposing) return;
  event.preventDefault();
  emit();
}"""


class Composer:
    """The field below a case; what was begun in each case is kept while others are looked at."""

    def __init__(self, view: View, follow: Callable[[], Awaitable[None]]) -> None:
        self.view, self.follow = view, follow
        self.drafts: dict[int, str] = {}
        self.keys: dict[tuple[int, str], tuple[str, str]] = {}  # of what is being sent, and its words
        self.sources: dict[int, list[dict[str, Any]]] = {}
        self.field: ui.textarea | None = None
        self.said_typing = 0.0

    def build(self, case: Case) -> None:
        """Lay the field out with its buttons, for the case that is open."""
        self.case = case
        self._canned()
        self._chosen()
        text = ui.textarea(say("desk.reply"), value=self.drafts.get(case.id, ""))
        text.props("outlined autogrow dense").classes("w-full")
        text.on_value_change(partial(self._written, case))
        text.on("keydown.ctrl.enter", partial(self.send, case))
        text.on("keydown.enter", self._pick_first, js_handler=PICK_FIRST)
        self.field = text

    def build_buttons(self, case: Case) -> None:
        """Lay out the buttons that send what is written."""
        send = ui.button(say("desk.send"), on_click=partial(self.send, case)).props("no-caps")
        send.set_enabled(self.view.is_mine)
        add_note = ui.button(say("desk.add_note"), on_click=partial(self.add_note, case))
        add_note.props("outline no-caps")
        sources = ui.button(say("desk.sources"), on_click=partial(self.pick_sources, case))
        sources.props("outline no-caps").set_enabled(self.view.is_mine)

    def focus(self) -> None:
        """Put the cursor into the field."""
        if self.field and not self.field.is_deleted:
            self.field.run_method("focus")

    async def send(self, case: Case) -> None:
        """Send what is written, once however often it is asked; a blank that was left is told instead."""
        words, sources = self.drafts.get(case.id, ""), tuple(self.sources.get(case.id, ()))
        if not words.strip():
            return
        if words.startswith("/"):  # still looking for a canned reply
            self.view.doing.tell(say("desk.slash_left"), "warning")
            return
        if left := blanks_in(words):
            self.view.doing.tell(say("desk.blank_left", blank=left[0]), "warning")
            return
        key = self._key(case, "reply", words)
        me = self.view.me.staff_id

        def reply(session: Session) -> None:
            cases.reply(session, case.id, me, words, key, sources)
            note_sent(session, case.conversation_id, is_staff=True)

        if await self.view.doing.do(reply):
            self.sources.pop(case.id, None)
            self._empty(case, words)
            self._chosen.refresh()
            await self.follow()

    async def add_note(self, case: Case) -> None:
        """Write down what only staff see."""
        words, me = self.drafts.get(case.id, ""), self.view.me.staff_id
        key = self._key(case, "note", words)
        if words.strip() and await self.view.doing.do(
            lambda session: cases.add_note(session, case.id, me, words.strip(), key)
        ):
            self._empty(case, words)
            await self.follow()

    def _key(self, case: Case, kind: str, words: str) -> str:
        """Give the key by which the same words, sent again after a failure, are known."""
        place = (case.id, kind)
        if self.keys.get(place, ("", ""))[0] != words:
            self.keys[place] = (words, str(uuid4()))
        return self.keys[place][1]

    def _empty(self, case: Case, words: str) -> None:
        """Empty the field, unless something else was written meanwhile."""
        if self.drafts.get(case.id) != words:
            return
        self.drafts.pop(case.id)
        self.keys = {place: key for place, key in self.keys.items() if place[0] != case.id}
        if self.field and not self.field.is_deleted and self.case.id == case.id:
            self.field.set_value("")

    @ui.refreshable_method
    def _canned(self) -> None:
        """Show the canned replies for what is typed behind a slash."""
        typed = self.drafts.get(self.case.id, "")
        if not typed.startswith("/"):
            return
        found = self._found(typed)
        with (
            ui.column()
            .classes("w-full gap-0 border rounded")
            .props(f'role=group aria-label="{say("desk.canned")}"')
        ):
            if not found:
                ui.label(say("desk.no_canned")).classes("p-2 text-grey-8")
            for reply in found:
                button = ui.button(on_click=partial(self._insert, reply)).props(
                    "flat dense no-caps align=left"
                )
                with button.classes("w-full text-black"), ui.column().classes("gap-0 text-left w-full"):
                    ui.label(reply.title).classes("font-bold")
                    ui.label(self._filled(reply)).classes("text-sm text-grey-8 line-clamp-1")

    @ui.refreshable_method
    def _chosen(self) -> None:
        """Show the sources that go with the reply."""
        for source in self.sources.get(self.case.id, ()):
            chip = ui.chip(source["title"], removable=True, color="teal-1")
            chip.on("remove", partial(self._drop, source))

    def _found(self, typed: str) -> list[CannedReply]:
        return find_canned(self.view.assistant.library.catalogue.canned_replies, typed[1:])

    def _pick_first(self) -> None:
        if found := self._found(self.drafts.get(self.case.id, "/")):
            self._insert(found[0])

    def _insert(self, reply: CannedReply) -> None:
        if self.field:
            self.field.set_value(self._filled(reply))
            self.focus()

    def _filled(self, reply: CannedReply) -> str:
        """Fill in what the case knows."""
        case = self.case
        procedure = self.view.assistant.library.catalogue.procedures.get(case.procedure or "")
        values = {
            "procedure": procedure.name if procedure else None,
            "dossier": case.dossier,
            "number": str(case.id),
            "today": day(datetime.now(HERE).date()),
            "staff": self.view.me.name,
        }
        return reply.filled(values)

    async def _written(self, case: Case, event: Any) -> None:
        before, words = self.drafts.get(case.id, ""), event.value or ""
        self.drafts[case.id] = words
        if before.startswith("/") or words.startswith("/"):
            self._canned.refresh()
        elif words and self.view.is_mine:
            await self._say_typing(case)

    async def _say_typing(self, case: Case) -> None:
        at = asyncio.get_running_loop().time()
        if at - self.said_typing >= SIGN_EVERY:
            self.said_typing = at
            await self.view.doing.do(
                lambda session: note_typing(session, case.conversation_id, is_staff=True)
            )

    async def pick_sources(self, case: Case) -> None:
        """Ask which sources go with the reply."""
        chosen = await pick_sources(self.view, case, self.sources.get(case.id, []))
        if chosen is not None:
            self.sources[case.id] = chosen
            self._chosen.refresh()

    def _drop(self, source: dict[str, Any]) -> None:
        self.sources[self.case.id].remove(source)
