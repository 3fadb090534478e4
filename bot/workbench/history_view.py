"""The history of a record: its revisions, compared, brought back, or taken off the schedule."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from functools import partial

from nicegui import ui
from pydantic import BaseModel
from sqlalchemy.orm import Session

from actions.wording import day as told_day
from actions.wording import say
from bot.desk.moments import moment
from bot.workbench.difference_view import LINES, show_differences
from bot.workbench.lessons import begin_again, decided_corrections
from bot.workbench.questions import asked
from bot.workbench.record_state import RecordState, note_deed
from bot.workbench.shell import Visit
from knowledge.editing.drafts import begin_anew, unschedule
from knowledge.editing.revisions import ContentRevision


class HistoryView:
    """One browser's history of a record; ``again`` draws the page anew, ``submit`` hands the draft in."""

    def __init__(
        self,
        visit: Visit,
        shape: type[BaseModel],
        state: Callable[[], RecordState],
        again: Callable[[], Awaitable[None]],
        submit: Callable[[], Awaitable[None]],
    ) -> None:
        self.visit, self.shape, self._state, self._again, self._submit = visit, shape, state, again, submit

    @ui.refreshable_method
    def build(self) -> None:
        """Draw the revisions."""
        with ui.column().classes("w-full gap-0"):
            for row in self._state().history:
                self._revision(row)
            if not self._state().history:
                ui.label(say("content.no_history")).classes("text-grey-8 p-2")

    def _revision(self, row: ContentRevision) -> None:
        held = self._state().held
        with ui.column().classes("w-full border-b border-gray-300 py-2 gap-1"):
            state = say(f"content.state_{_told_state(row, held, self.today)}")
            since = told_day(row.publish_on) if row.publish_on else ""
            number = say("content.revision", number=row.id)
            ui.label(" · ".join(each for each in (number, state, since) if each)).classes("font-bold")
            who = self._state().who(row.authors)
            reviewer = (
                say("content.reviewed_by", who=self._state().names.get(row.reviewer, "?"))
                if row.reviewer
                else ""
            )
            parts = (who, reviewer, moment(row.changed_at))
            ui.label(" · ".join(each for each in parts if each)).classes("text-sm text-grey-8")
            if row.why:
                ui.label(row.why).classes(f"text-sm {LINES}")
            if row.remark:  # dropped after it was given back
                ui.label(say("content.remark_was", remark=row.remark)).classes(f"text-sm {LINES}")
            with ui.row().classes("gap-1"):
                ui.button(say("content.compare"), on_click=partial(self._compare, row)).props(
                    "flat dense no-caps"
                )
                if (
                    row.state == "approved"
                    and row.data is not None
                    and held
                    and row.id != held.id
                    and (row.publish_on or date.max) <= self.today
                ):
                    go = ui.button(say("content.go_back"), on_click=partial(self._go_back, row.id))
                    go.props("flat dense no-caps")
                if row.state == "dropped" and row.data is not None and self._state().opened is None:
                    redo = ui.button(say("content.redo"), on_click=partial(self._redo, row.id))
                    redo.props("flat dense no-caps")
                is_coming = row.state == "approved" and (row.publish_on or date.min) > self.today
                if is_coming and self.visit.me.staff_id not in row.authors:
                    stop = ui.button(say("content.unschedule"), on_click=partial(self._unschedule, row.id))
                    stop.props("flat dense no-caps color=negative")

    async def _compare(self, row: ContentRevision) -> None:
        """Show two revisions beside each other; the other is chosen, at first what it began from."""
        if not await self.visit.doing.stays():
            return
        others = {
            each.id: f"{each.id} · {moment(each.changed_at)}"
            for each in self._state().history
            if each.id != row.id
        }
        by_number = {each.id: each for each in self._state().history}
        with self.visit.doing.dialog() as dialog, ui.card().classes("w-full max-w-3xl gap-2"):
            ui.label(say("content.compare_title", number=row.id)).classes("text-lg font-bold")
            first = row.base_id if row.base_id in others else next(iter(others), None)
            other = ui.select(others, value=first, label=say("content.compare_with")).props("outlined dense")

            @ui.refreshable
            def told() -> None:
                before = by_number[other.value].data if other.value else None
                show_differences(self.shape, before, row.data)

            other.on_value_change(told.refresh)
            told()
            ui.button(say("content.close"), on_click=dialog.close).props("flat no-caps")
        dialog.open()

    @property
    def today(self) -> date:
        """The day by now: a page may stand open over midnight."""
        return self.visit.bench.settings.content_day()

    async def _go_back(self, number: int) -> None:
        def work(session: Session) -> None:
            row = begin_anew(session, number, self.visit.me.staff_id, self.today)
            row.why = say("content.back_to", number=number)
            note_deed(session, self.visit, "drafted", row)

        if await self.visit.doing.do(work):
            await self._again()
            await self._submit()

    async def _redo(self, number: int) -> None:
        """Begin a draft with what a dropped one said, and with the corrections that were dropped with it."""

        def work(session: Session) -> None:
            for row in begin_again(session, number, self.visit.me.staff_id, self.today):
                note_deed(session, self.visit, "drafted", row)

        if await self.visit.doing.do(work):
            await self._again()

    async def _unschedule(self, number: int) -> None:
        def work(session: Session) -> None:
            bench, me = self.visit.bench, self.visit.me.staff_id
            for each in (number, *decided_corrections(session, number)):
                row = unschedule(session, bench.published, each, me, self.today)
                note_deed(session, self.visit, "dropped", row)

        if await asked(self.visit, say("content.unschedule_sure")) and await self.visit.doing.do(work):
            await self._again()


def _told_state(row: ContentRevision, held: ContentRevision | None, today: date) -> str:
    if row.state != "approved":
        return row.state
    if held and row.id == held.id:
        return "published"
    return "scheduled" if row.publish_on and row.publish_on > today else "replaced"
