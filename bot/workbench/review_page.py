"""What waits for review at ``/content/review``: each change beside what holds, approved alone or together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any

from nicegui import ui
from sqlalchemy.orm import Session

from actions.wording import day, say
from bot.hotline.staff import audit
from bot.workbench.corrections import made_wrong
from bot.workbench.difference_view import show_differences
from bot.workbench.fee_advice import advice_on
from bot.workbench.fields import told_kind
from bot.workbench.handing_in import named
from bot.workbench.lessons import refuse_unfit_examples, waiting_apart, with_corrections
from bot.workbench.list_page import address_of
from bot.workbench.questions import asked
from bot.workbench.shell import Visit, names_of_staff
from bot.workbench.telling import told_refusal
from knowledge.database import reading
from knowledge.editing.drafts import approve, effect_of, give_back
from knowledge.editing.records import shape_of, title_of
from knowledge.editing.revisions import ContentRevision, EditRefused, holding_of, waiting
from nlu.client import NluUnavailable

MOST_SHOWN = 50  # changes: those that wait longest; a sheet may hand thousands in


@dataclass(frozen=True)
class _Waiting:
    """A revision that waits, what approving it does, and the ``trouble`` why it cannot be approved.

    ``later`` are days on which something is scheduled, with what it says and what it then says.
    """

    row: ContentRevision
    before: Any
    after: Any
    later: tuple[tuple[date, Any, Any], ...] = ()
    trouble: str = ""
    along: tuple[tuple[ContentRevision, Any], ...] = ()  # the corrections that go with it, and what they were

    @property
    def seen(self) -> dict[int, int]:
        """The versions that are shown, by number."""
        return {row.id: row.version for row in (self.row, *(row for row, _ in self.along))}


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
        self.waiting: list[_Waiting] = []  # those that are shown
        self.left = 0  # how many more wait
        self.names: dict[int, str] = {}
        self.told = ""  # why the last approval could not be
        self.chosen: dict[int, int] = {}  # the versions that were looked at, by number

    async def load(self) -> None:
        """Look at the database."""
        if (found := await self.visit.doing.look(self._read)) is None:
            return
        self.waiting, self.left, self.names = found
        now_are = {each.row.id: each.row.version for each in self.waiting}
        self.chosen = dict(self.chosen.items() & now_are.items())

    def _read(self) -> tuple[list[_Waiting], int, dict[int, str]]:
        engine, today = self.visit.bench.engine, self.visit.bench.settings.content_day()
        with reading(engine) as session:
            rows, apart = {row.id: row for row in waiting(session)}, waiting_apart(session)
            found = [
                replace(
                    _looked_at(session, rows[number], today),
                    along=tuple((rows[each], _held(session, rows[each], today)) for each in along),
                )
                for number, along in list(apart.items())[:MOST_SHOWN]
            ]
            session.expunge_all()
        return found, len(apart) - len(found), names_of_staff(engine)

    @ui.refreshable_method
    def build(self) -> None:
        """Draw each change, with what can be done."""
        if self.told:
            ui.label(self.told).classes("text-negative whitespace-pre-wrap break-words").props("role=alert")
        if not self.waiting:
            ui.label(say("content.nothing_waits")).classes("text-grey-8 p-2")
            return
        for each in self.waiting:
            self._change(each)
        if self.left:
            ui.label(say("content.more_waits", count=self.left)).classes("text-sm text-grey-8")
        with ui.row().classes("gap-2"):
            ui.button(say("content.approve_chosen"), on_click=self._approve_chosen).props("no-caps")
            if len(self.waiting) > 1:
                ui.button(say("content.choose_all"), on_click=self._choose_all).props("no-caps outline")

    def _change(self, each: _Waiting) -> None:
        row = each.row
        is_own = self.visit.me.staff_id in row.authors
        with ui.card().props("flat bordered").classes("w-full gap-2"):
            with ui.row().classes("w-full items-center gap-2 flex-nowrap"):
                box = ui.checkbox(
                    value=row.id in self.chosen, on_change=lambda event: self._choose(row, event.value)
                )
                box.props(f'aria-label="{say("content.choose")}"').set_enabled(self._may_approve(each))
                with ui.column().classes("gap-0 min-w-0 grow"):
                    name = named(row.record, row.data or each.before)
                    ui.link(name, address_of(row.record)).classes("font-bold break-words")
                    who = ", ".join(self.names.get(author, "?") for author in row.authors)
                    since = (
                        say("content.from_day", day=day(row.publish_on))
                        if row.publish_on
                        else say("content.at_once")
                    )
                    ui.label(" · ".join((told_kind(row.kind), who, since))).classes("text-sm text-grey-8")
            ui.label(row.why).classes("whitespace-pre-wrap break-words")
            show_differences(shape_of(row.record), each.before, each.after)
            for advice in advice_on(each.before, each.after) if row.kind == "procedure" else ():
                ui.label(advice).classes("w-full bg-orange-1 p-2 rounded break-words")
            for begins, before, after in each.later:
                ui.label(say("content.met_later", day=day(begins))).classes("font-bold")
                show_differences(shape_of(row.record), before, after)
            for correction, before in each.along:
                question = title_of(correction.record, correction.data)
                told = say("content.with_correction", text=question)
                ui.label(told).classes("text-sm text-grey-8 break-words")
                if before is not None:
                    show_differences(shape_of(correction.record), before, correction.data)
            if each.trouble:
                ui.label(each.trouble).classes("text-negative whitespace-pre-wrap break-words")
            if is_own:
                ui.label(say("content.own_draft")).classes("text-sm text-grey-8")
                return
            with ui.row().classes("gap-2"):
                if not each.trouble:
                    go = ui.button(say("content.approve"), on_click=partial(self._approve, each.seen))
                    go.props("no-caps")
                ui.button(say("content.give_back"), on_click=partial(self._give_back, row.id)).props(
                    "no-caps outline"
                )

    def _may_approve(self, each: _Waiting) -> bool:
        return not each.trouble and self.visit.me.staff_id not in each.row.authors

    def _choose_all(self) -> None:
        """Choose all that is shown and may be approved, or nothing when all of it is chosen."""
        shown = {each.row.id: each.row.version for each in self.waiting if self._may_approve(each)}
        self.chosen = {} if self.chosen == shown else shown
        self.build.refresh()

    def _choose(self, row: ContentRevision, is_on: bool) -> None:
        if is_on:
            self.chosen[row.id] = row.version
        else:
            self.chosen.pop(row.id, None)

    async def _approve_chosen(self) -> None:
        if self.chosen:
            shown = [each.seen for each in self.waiting if each.row.id in self.chosen]
            await self._approve(dict(sorted(pair for seen in shown for pair in seen.items())))
        else:
            self.visit.doing.tell(say("content.choose_first"), "warning")

    async def _approve(self, seen: dict[int, int]) -> None:
        """Approve the versions that were shown; what cannot be is told above what there is by now."""
        bench, me, troubles = self.visit.bench, self.visit.me.staff_id, list[str]()
        today = bench.settings.content_day()
        doubt = await self.visit.doing.look(partial(self._doubt, list(seen)))
        if doubt is None or (doubt and not await asked(self.visit, doubt)):
            return

        def work(session: Session) -> None:
            rows = approve(session, bench.published, seen, me, today)
            refuse_unfit_examples(bench.published, today, rows)
            for row in rows:
                audit(session, me, "content_approved", f"{row.kind}/{row.key} {row.id}"[:80])

        if await self.visit.doing.do(work, told=troubles.append):
            self.visit.doing.tell(say("content.approved"), "positive")
        self.told = "\n".join(troubles)
        await self._again()

    def _doubt(self, numbers: list[int]) -> str:
        """Say which earlier corrected questions would be answered otherwise; empty when none would."""
        bench = self.visit.bench
        with reading(bench.engine) as session:
            rows = [session.get(ContentRevision, each) for each in numbers]
            instead = {row.record: row.data for row in rows if row}
        try:
            wrong = made_wrong(bench.assistant, bench.published, instead, bench.settings.content_day())
        except NluUnavailable:
            return say("content.not_asked_again")
        told = "\n".join(f"«{each.question}»" for each in wrong)
        return say("content.makes_wrong", questions=told) if wrong else ""

    async def _give_back(self, number: int) -> None:
        me = self.visit.me.staff_id
        with self.visit.doing.dialog() as dialog, ui.card().classes("w-full gap-2"):
            ui.label(say("content.give_back")).classes("text-lg font-bold")
            remark = (
                ui.textarea(say("content.remark_label"))
                .props("outlined autogrow autofocus")
                .classes("w-full")
            )

            def work(session: Session) -> None:
                for each in with_corrections(session, [number]):
                    row = give_back(session, each, me, remark.value or "", goes_along=each != number)
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


def _held(session: Session, row: ContentRevision, today: date) -> Any:
    held = holding_of(session, row.record, today)
    return held.data if held else None


def _looked_at(session: Session, row: ContentRevision, today: date) -> _Waiting:
    """Tell what approving a revision does by now, beside what holds on its day."""
    try:
        effect = effect_of(session, row, today)
    except EditRefused as error:
        base = session.get(ContentRevision, row.base_id) if row.base_id else None
        return _Waiting(row, base.data if base else None, row.data, trouble=told_refusal(error))
    chosen = [each for each in effect.later if str(each[0].id) in (row.settled or {})]
    later = tuple((each.publish_on, each.data, data) for each, data in chosen if each.publish_on)
    return _Waiting(row, effect.held.data if effect.held else None, effect.data, later)
