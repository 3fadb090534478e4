"""The preview: a record's answers on a chosen day, as the web page, Telegram and Zalo show them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

from nicegui import ui

from actions.answer import Answer
from actions.wording import say
from bot.telegram_text import telegram_pieces
from bot.workbench.preview import Previewed, preview
from bot.workbench.shell import Visit
from bot.workbench.telling import told_fault
from bot.zalo_oa_delivery import buttons_of, parts
from knowledge.database import reading
from knowledge.editing.records import TABLE, Key
from knowledge.editing.revisions import waiting

CHANNELS = ("web", "telegram", "zalo")
DRAW = """
import("/markdown.js").then(({ renderMarkdown }) => import("/sources.js").then(({ renderSources }) => {
  const box = document.getElementById(%s), message = %s;
  if (!box) return; // its tab is not shown
  box.replaceChildren(renderMarkdown(message.text));
  if (message.sources.length) box.append(renderSources(message.sources));
}));
"""
STYLE = """
.preview-web p { margin: 0.4em 0 }
.preview-web ul { list-style: disc; padding-inline-start: 1.4em }
.preview-web ol { list-style: decimal; padding-inline-start: 1.4em }
.preview-web a, .preview-telegram a { color: #0b5557; text-decoration: underline }
.preview-web .visually-hidden { position: absolute; width: 1px; height: 1px; overflow: hidden }
"""
BUBBLE = "w-full max-w-md rounded-lg border border-gray-300 p-3 bg-white break-words"


class PreviewView:
    """One browser's preview of what is typed."""

    def __init__(self, visit: Visit, key: Key, typed: Callable[[], Any]) -> None:
        self.visit, self.key, self.typed = visit, key, typed
        self.day = visit.bench.settings.today()
        self.asked = 0  # which of the questions
        self.channel = "web"
        self.shown: Previewed | None = None

    def build(self) -> None:
        """Draw what is chosen, and the answer."""
        ui.add_css(STYLE)
        with ui.row().classes("w-full gap-2 items-center"):
            box = ui.input(say("content.preview_day"), value=self.day.isoformat()).props(
                "dense outlined type=date"
            )
            box.on_value_change(lambda event: self._choose_day(event.value))
            channels = {each: say(f"content.channel_{each}") for each in CHANNELS}
            ui.toggle(
                channels, value=self.channel, on_change=lambda event: self._choose_channel(event.value)
            ).props("no-caps")
        self._answers()

    async def show(self) -> None:
        """Answer anew with what is typed now."""
        bench, typed = self.visit.bench, self.typed()
        today = bench.settings.content_day()

        def look() -> Previewed:
            with reading(bench.engine) as session:
                others = {row.record: row.data for row in waiting(session)}
            return preview(
                bench.assistant, bench.published, self.key, {**others, self.key: typed}, self.day, today
            )

        if shown := await self.visit.doing.look(look):
            self.shown = shown
            self._answers.refresh()

    async def _choose_day(self, text: str | None) -> None:
        try:
            self.day = date.fromisoformat(text or "")
        except ValueError:
            return
        await self.show()

    async def _choose_channel(self, channel: str) -> None:
        self.channel = channel
        await self._draw_anew()

    async def _choose_question(self, number: int) -> None:
        self.asked = number
        await self._draw_anew()

    async def _draw_anew(self) -> None:
        if await self.visit.doing.stays():
            self._answers.refresh()

    @ui.refreshable_method
    def _answers(self) -> None:
        if self.shown is None:
            return
        if self.shown.faults:
            ui.label(say("content.preview_faulty")).classes("font-bold text-negative")
            for fault in self.shown.faults:
                ui.label(told_fault(fault, {self.key: self.typed()})).classes("text-negative break-words")
            return
        if not self.shown.answers:
            none = "no_notice" if self.key == (TABLE, "notices") else "preview_none"
            ui.label(say(f"content.{none}")).classes("text-grey-8")
            return
        self.asked = min(self.asked, len(self.shown.answers) - 1)
        with ui.row().classes("gap-1"):
            for number, (title, _) in enumerate(self.shown.answers):
                button = ui.button(title, on_click=partial(self._choose_question, number)).props(
                    "dense no-caps"
                )
                button.props("" if number == self.asked else "outline")
        self._draw(self.shown.answers[self.asked][1])

    def _draw(self, given: Answer) -> None:
        message = given.as_message()
        titles = [choice.title for choice in given.choices]
        if self.channel == "web":
            box = ui.element("div").classes(f"preview-web {BUBBLE}")
            ui.run_javascript(DRAW % (json.dumps(f"c{box.id}"), _in_script(message)))
        elif self.channel == "telegram":
            for piece in telegram_pieces(message["text"], message["sources"]):
                ui.html(piece, sanitize=False).classes(f"preview-telegram whitespace-pre-wrap {BUBBLE}")
        else:
            written = parts(message)
            for part in written:
                ui.label(part["text"]).classes(f"preview-zalo whitespace-pre-wrap {BUBBLE}")
            titles = [each["title"] for each in buttons_of(written[-1])]
        with ui.column().classes("gap-1 w-full max-w-md"):
            for title in titles:
                ui.label(title).classes("w-full text-center rounded border border-gray-300 p-1 text-primary")


def _in_script(message: dict[str, Any]) -> str:
    """Write a message for a script so that nothing in it ends the script."""
    return json.dumps({"text": message["text"], "sources": message["sources"]}).replace("<", "\\u003c")
