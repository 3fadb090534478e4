"""Where a notice goes besides the answers: SMS, loudspeaker, to how many, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from nicegui import ui
from pydantic import ValidationError

from actions.loudspeaker import script
from actions.request import Known
from actions.wording import say, thousands
from bot.announcements import Report, count_recipients, report_on
from bot.desk.moments import moment
from bot.workbench.shell import Visit
from knowledge.database import reading
from knowledge.records import EVERYBODY, Notice
from knowledge.sms_text import LONGEST_SMS, septets

LOOKED_EVERY = 3.0  # seconds
BOX = "w-full max-w-2xl rounded-lg border border-gray-300 p-3 bg-white break-words whitespace-pre-wrap"


@dataclass(frozen=True)
class _Sent:
    """A notice as it is typed, to how many it would be sent, and what became of it if it was queued."""

    notice: Notice
    recipients: int
    report: Report | None


class AnnouncementsView:
    """One browser's view of where the notices that are typed go; its reports are kept fresh."""

    def __init__(self, visit: Visit, typed: Callable[[], Any]) -> None:
        self.visit, self.typed = visit, typed
        self.shown: list[_Sent] = []
        self.is_open = False

    def build(self) -> None:
        """Draw what is known, and look again now and then while this is looked at."""
        self._notices()
        ui.timer(LOOKED_EVERY, self._look_again)

    async def show(self) -> None:
        """Draw anew with what is typed now."""
        self.is_open = True
        await self._look_now(is_use=True)
        self._notices.refresh()

    def hide(self) -> None:
        """Look no more."""
        self.is_open = False

    async def _look_again(self) -> None:
        if not self.is_open:
            return
        if await self._look_now(is_use=False):
            self._notices.refresh()

    async def _look_now(self, *, is_use: bool) -> bool:
        """Look at the database; tell whether anything changed."""
        before, typed = self.shown, self.typed() or ()
        shown = await self.visit.doing.look(lambda: self._look(typed), is_use=is_use)
        self.shown = before if shown is None else shown
        return self.shown != before

    def _look(self, typed: Any) -> list[_Sent]:
        channels = self.visit.bench.channels
        with reading(self.visit.bench.engine) as session:
            return [
                _Sent(each, count_recipients(session, each, channels), report_on(session, each.id))
                for each in map(_read, typed)
                if each is not None
            ]

    @ui.refreshable_method
    def _notices(self) -> None:
        if not self.shown:
            ui.label(say("content.sent_none")).classes("text-grey-8")
        for each in self.shown:
            self._notice(each)

    def _notice(self, sent: _Sent) -> None:
        notice = sent.notice
        with ui.column().classes("w-full gap-2 border-b border-gray-300 pb-4"):
            ui.label(notice.title or notice.id).classes("text-lg font-bold")
            if notice.audience and sent.report is None:
                ui.label(say("content.sent_to", count=sent.recipients))
            elif notice.audience is None:
                ui.label(say("content.sent_not")).classes("text-grey-8")
            if sent.report:
                _show_report(sent.report)
            sms = notice.as_sms
            if notice.audience in (None, EVERYBODY):
                length = say("content.sms_length", count=septets(sms), most=LONGEST_SMS)
                self._copied(say("content.sms"), sms, length)
            self._copied(say("content.loudspeaker"), self._script(notice), "")

    def _script(self, notice: Notice) -> str:
        assistant = self.visit.bench.assistant
        return script(Known(assistant.library, assistant.pack, assistant.today()), notice)

    def _copied(self, title: str, text: str, more: str) -> None:
        """Draw a text that is to be taken elsewhere, with what copies it."""
        with ui.row().classes("items-center gap-2"):
            ui.label(title).classes("font-bold")
            if more:
                ui.label(more).classes("text-sm text-grey-8")
            button = ui.button(say("content.copy"), icon="content_copy", on_click=partial(self._copy, text))
            button.props(f"flat dense no-caps aria-label={json.dumps(say('content.copy_what', what=title))}")
        ui.label(text).classes(BOX)

    def _copy(self, text: str) -> None:
        ui.clipboard.write(text)
        self.visit.doing.tell(say("content.copied"), "positive")


def _read(data: Any) -> Notice | None:
    """Read a notice as typed; one that cannot be read is told of when it is handed in."""
    try:
        return Notice.model_validate(data)
    except ValidationError:
        return None


def _show_report(report: Report) -> None:
    """Draw what became of an announcement."""
    figures = {
        "queued": report.count,
        "sent": report.of("sent"),
        "waiting": report.of("waiting", "sending"),
        "kept": report.of("kept"),
        "failed": report.of("failed"),
        "blocked": report.of("blocked"),
        "unsure": report.of("unsure"),
        "opted_out": report.left_out + report.of("dropped"),
        "expired": report.of("expired"),
    }
    ui.label(say("content.sent_since", at=moment(report.queued_at))).classes("text-sm text-grey-8")
    with ui.row().classes("gap-4").props("role=status"):
        for name, count in figures.items():
            with ui.column().classes("gap-0 items-center"):
                ui.label(thousands(count)).classes("text-xl font-bold")
                ui.label(say(f"content.sent_{name}")).classes("text-sm")
