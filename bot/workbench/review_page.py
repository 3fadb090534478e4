"""What waits for review at ``/content/review``: each change beside what holds, approved alone or together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from nicegui import run, ui
from sqlalchemy.orm import Session

from actions.wording import day, say
from bot.hotline.staff import audit
from bot.workbench.corrections import made_wrong
from bot.workbench.difference_view import show_differences
from bot.workbench.fields import told_kind, told_table
from bot.workbench.lessons import refuse_unfit_examples, with_corrections
from bot.workbench.list_page import address_of
from bot.workbench.questions import asked
from bot.workbench.shell import Visit, names_of_staff
from knowledge.database import reading
from knowledge.editing.drafts import approve, give_back
from knowledge.editing.records import TABLE, shape_of, title_of
from knowledge.editing.revisions import ContentRevision, waiting
from nlu.client import NluUnavailable


@dataclass(frozen=True)
class _Waiting:
    """A revision that waits, and the data it was made from."""

    row: ContentRevision
    before: Any
    questions: list[str]  # of the corrections that go with it


async def review_page(visit: Visit) -> None:
    """Lay out what waits."""
    screen = ReviewScreen(visit)
    await screen.load()
    with ui.column().classes("w-full max-w-5xl mx-auto gap-2"):
        screen.build()


class ReviewScreen:
    """One reviewer's view."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.waiting: list[_Waiting] = []
        self.names: dict[int, str] = {}
        self.chosen: set[int] = set()

    async def load(self) -> None:
        """Look at the database."""
        self.waiting, self.names = await run.io_bound(self._read)  # type: ignore[misc]
        self.chosen &= {each.row.id for each in self.waiting}

    def _read(self) -> tuple[list[_Waiting], dict[int, str]]:
        engine = self.visit.bench.engine
        with reading(engine) as session:
            rows = {row.id: row for row in waiting(session)}
            with_it = {number: with_corrections(session, [number])[1:] for number in rows}
            along = {number for numbers in with_it.values() for number in numbers}
            found = [
                _Waiting(
                    row,
                    _before(session, row),
                    [title_of(rows[each].record, rows[each].data) for each in with_it[number]],
                )
                for number, row in rows.items()
                if number not in along
            ]
            session.expunge_all()
        return found, names_of_staff(engine)

    @ui.refreshable_method
    def build(self) -> None:
        """Draw each change, with what can be done."""
        if not self.waiting:
            ui.label(say("content.nothing_waits")).classes("text-grey-8 p-2")
            return
        self.trouble = (
            ui.label("").classes("text-negative whitespace-pre-wrap break-words").props("role=alert")
        )
        for each in self.waiting:
            self._change(each)
        ui.button(say("content.approve_chosen"), on_click=self._approve_chosen).props("no-caps")

    def _change(self, each: _Waiting) -> None:
        row = each.row
        is_own = self.visit.me.staff_id in row.authors
        with ui.card().props("flat bordered").classes("w-full gap-2"):
            with ui.row().classes("w-full items-center gap-2 flex-nowrap"):
                box = ui.checkbox(
                    value=row.id in self.chosen, on_change=lambda event: self._choose(row.id, event.value)
                )
                box.props(f'aria-label="{say("content.choose")}"').set_enabled(not is_own)
                with ui.column().classes("gap-0 min-w-0 grow"):
                    name = (
                        told_table(row.key)
                        if row.kind == TABLE
                        else title_of(row.record, row.data or each.before)
                    )
                    ui.link(name, address_of(row.record)).classes("font-bold break-words")
                    who = ", ".join(self.names.get(author, "?") for author in row.authors)
                    since = (
                        say("content.from_day", day=day(row.publish_on))
                        if row.publish_on
                        else say("content.at_once")
                    )
                    ui.label(" · ".join((told_kind(row.kind), who, since))).classes("text-sm text-grey-8")
            ui.label(row.why).classes("whitespace-pre-wrap break-words")
            show_differences(shape_of(row.record), each.before, row.data)
            for question in each.questions:
                told = say("content.with_correction", text=question)
                ui.label(told).classes("text-sm text-grey-8 break-words")
            if is_own:
                ui.label(say("content.own_draft")).classes("text-sm text-grey-8")
                return
            with ui.row().classes("gap-2"):
                ui.button(say("content.approve"), on_click=partial(self._approve, [row.id])).props("no-caps")
                ui.button(say("content.give_back"), on_click=partial(self._give_back, row.id)).props(
                    "no-caps outline"
                )

    def _choose(self, number: int, is_on: bool) -> None:
        (self.chosen.add if is_on else self.chosen.discard)(number)

    async def _approve_chosen(self) -> None:
        if self.chosen:
            await self._approve(sorted(self.chosen))
        else:
            self.visit.doing.tell(say("content.choose_first"), "warning")

    async def _approve(self, numbers: list[int]) -> None:
        bench, me = self.visit.bench, self.visit.me.staff_id
        today = bench.settings.content_day()
        doubt = await run.io_bound(self._doubt, numbers)
        if doubt and not await asked(self.visit, doubt):
            return

        def work(session: Session) -> None:
            rows = approve(session, bench.published, with_corrections(session, numbers), me, today)
            refuse_unfit_examples(bench.published, today, rows)
            for row in rows:
                audit(session, me, "content_approved", f"{row.kind}/{row.key} {row.id}"[:80])

        if await self.visit.doing.do(work, told=self.trouble.set_text):
            self.visit.doing.tell(say("content.approved"), "positive")
            await self._again()

    def _doubt(self, numbers: list[int]) -> str:
        """Say which earlier corrected questions would be answered otherwise; empty when none would."""
        bench = self.visit.bench
        with reading(bench.engine) as session:
            rows = [session.get(ContentRevision, each) for each in with_corrections(session, numbers)]
            instead = {row.record: row.data for row in rows if row}
        try:
            wrong = made_wrong(bench.assistant, bench.published, instead, bench.settings.content_day())
        except NluUnavailable:
            return say("content.not_asked_again")
        told = "\n".join(f"«{each.question}»" for each in wrong)
        return say("content.makes_wrong", questions=told) if wrong else ""

    async def _give_back(self, number: int) -> None:
        me = self.visit.me.staff_id
        with self.visit.doing.place, ui.dialog() as dialog, ui.card().classes("w-full gap-2"):
            ui.label(say("content.give_back")).classes("text-lg font-bold")
            remark = (
                ui.textarea(say("content.remark_label"))
                .props("outlined autogrow autofocus")
                .classes("w-full")
            )

            def work(session: Session) -> None:
                for each in with_corrections(session, [number]):
                    row = give_back(session, each, me, remark.value or "")
                    audit(session, me, "content_given_back", f"{row.kind}/{row.key} {row.id}"[:80])

            async def go() -> None:
                if await self.visit.doing.do(work):
                    dialog.close()
                    await self._again()

            with ui.row():
                ui.button(say("content.give_back"), on_click=go).props("no-caps")
                ui.button(say("content.cancel"), on_click=dialog.close).props("flat no-caps")
        dialog.open()

    async def _again(self) -> None:
        await self.load()
        self.build.refresh()


def _before(session: Session, row: ContentRevision) -> Any:
    base = session.get(ContentRevision, row.base_id) if row.base_id else None
    return base.data if base else None
