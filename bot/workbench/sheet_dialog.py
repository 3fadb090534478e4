"""Tables as xlsx: they go out, come back, and what would change is shown before it is drafted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import partial
from typing import Any, get_args

from nicegui import events, run, ui
from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.wording import say
from bot.hotline.staff import audit
from bot.workbench.comparing import told_value
from bot.workbench.fee_advice import advice_on
from bot.workbench.handing_in import hand_in, named
from bot.workbench.listing import data_of
from bot.workbench.questions import ask_why
from bot.workbench.shell import Visit
from bot.workbench.telling import told_fault
from knowledge.database import reading
from knowledge.editing.checking import new_faults
from knowledge.editing.drafts import Settled, begin_from, submit
from knowledge.editing.records import Key, title_of
from knowledge.editing.revisions import ContentRevision, EditRefused, open_revision, take_turns
from knowledge.sheets import CellFault, Change, Plan, Table, read_sheet, write_sheet

TABLES: tuple[Table, ...] = get_args(Table)
LARGEST = 20 * 1024 * 1024  # bytes of a file
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass
class _Drafted:
    """What became of an import: records handed in, and those that somebody is changing."""

    handed_in: list[Key] = field(default_factory=list)
    busy: list[Key] = field(default_factory=list)


class SheetDialog:
    """One browser's import and export of a table."""

    def __init__(self, visit: Visit, done: Callable[[], Awaitable[None]]) -> None:
        self.visit, self.done = visit, done
        self.table: Table = "fees"
        self.plan: Plan | None = None
        self.read: dict[Key, Any] = {}  # the content that the plan was made from
        self.why, self.publish_on = "", ""

    def open(self) -> None:
        """Ask for the table, and for the file."""
        with self.visit.doing.dialog() as self.dialog, ui.card().classes("w-full max-w-3xl gap-2"):
            ui.label(say("content.sheet_title")).classes("text-lg font-bold")
            names = {each: say(f"content.sheet_{each}") for each in TABLES}
            ui.select(
                names, value=self.table, label=say("content.sheet_table"), on_change=self._choose
            ).props("outlined dense").classes("w-full")
            ui.button(say("content.sheet_get"), icon="download", on_click=self._get).props("no-caps outline")
            self.upload = ui.upload(
                label=say("content.sheet_put"), auto_upload=True, max_file_size=LARGEST, on_upload=self._put,
                on_rejected=lambda: self.visit.doing.tell(say("content.sheet_too_large")),
            )  # fmt: skip
            self.upload.props("accept=.xlsx flat bordered").classes("w-full")
            self._plan()
            ui.button(say("content.close"), on_click=self.dialog.close).props("flat no-caps").classes(
                "self-end"
            )
        self.dialog.open()

    def _choose(self, event: events.ValueChangeEventArguments[Any]) -> None:
        self.table, self.plan = event.value, None
        self._plan.refresh()

    def _content(self) -> dict[Key, Any]:
        state = self.visit.bench.published.on(self.visit.bench.settings.content_day())
        return {key: data_of(state, key) for key in state.revisions}

    async def _get(self) -> None:
        if written := await self.visit.doing.look(lambda: write_sheet(self.table, self._content())):
            ui.download.content(written, f"{say(f'content.sheet_file_{self.table}')}.xlsx", XLSX)

    async def _put(self, event: events.UploadEventArguments) -> None:
        data = await event.file.read()
        self.upload.reset()  # else the same file, mended, is refused as there already
        if (content := await self.visit.doing.look(self._content)) is not None:
            self.read = content
            self.plan = await run.io_bound(self._checked, data, content)
            self._plan.refresh()

    def _checked(self, data: bytes, content: dict[Key, Any]) -> Plan:
        """Read a file; what the records would be faulty with is told before it is handed in."""
        plan = read_sheet(self.table, data, content)
        bench = self.visit.bench
        found = new_faults(bench.published, bench.settings.content_day(), plan.records)
        told = [told_fault(each, plan.records) for each in found]
        told += [say("content.sheet_older", name=named(key, content.get(key))) for key in self._newer(plan)]
        return replace(plan, faults=tuple(CellFault(None, each) for each in told)) if told else plan

    def _newer(self, plan: Plan) -> list[Key]:
        """List the records of a plan that were approved anew since the file was written."""
        if plan.made_at is None:
            return []
        each = ContentRevision
        decided = each.decided_at >= plan.made_at + timedelta(seconds=1)  # files tell whole seconds
        wanted = select(each.kind, each.key).where(each.state == "approved", decided)
        with reading(self.visit.bench.engine) as session:
            approved = set(session.execute(wanted).tuples())
        return [key for key in plan.records if key in approved]

    @ui.refreshable_method
    def _plan(self) -> None:
        """Show what would change; with any fault, nothing can be handed in."""
        plan = self.plan
        if plan is None:
            return
        for note in plan.notes:
            ui.label(note).classes("text-sm text-grey-8 break-words")
        if plan.faults:
            title = say("content.sheet_faults", count=len(plan.faults))
            _listed(title, [str(each) for each in plan.faults], "text-negative")
        title = say("content.sheet_changes", count=len(plan.changes))
        _listed(title, [_told(each, self.read) for each in plan.changes], "")
        if advice := self._advice(plan):
            _listed(say("content.sheet_advice", count=len(advice)), advice, "bg-orange-1 p-2 rounded")
        if plan.faults or not plan.records:
            return
        why, on = ask_why()
        why.bind_value(self, "why")
        on.bind_value(self, "publish_on")
        title = say("content.sheet_hand_in", count=len(plan.records))
        ui.button(title, on_click=partial(self._hand_in, plan)).props("no-caps")

    def _advice(self, plan: Plan) -> list[str]:
        """Say what to think of in each procedure of which a fee would change."""
        return [
            f"{named(key, data)}: {advice}"
            for key, data in plan.records.items()
            for advice in advice_on(self.read.get(key), data)
        ]

    async def _hand_in(self, plan: Plan) -> None:
        drafted = _Drafted()
        if not await hand_in(self.visit, partial(self._draft, plan, drafted)):
            return
        self.dialog.close()
        self.visit.doing.tell(say("content.sheet_handed_in", count=len(drafted.handed_in)), "positive")
        if drafted.busy:
            names = ", ".join(key for _, key in drafted.busy)
            self.visit.doing.tell(say("content.sheet_busy", names=names), "warning")
        await self.done()

    def _draft(self, plan: Plan, drafted: _Drafted, session: Session, settled: Settled) -> None:
        """Draft what the sheet changes, onto what was published since it was read."""
        bench, me = self.visit.bench, self.visit.me.staff_id
        today, rows = bench.settings.content_day(), []
        take_turns(session)
        drafted.busy = [key for key in plan.records if open_revision(session, key)]
        drafted.handed_in = [key for key in plan.records if key not in drafted.busy]
        for key in drafted.handed_in:
            row = begin_from(session, key, self.read[key], plan.records[key], me, today, settled)
            rows.append(row.id)
        if not rows:
            raise EditRefused("is_open", "somebody is changing each of these records")
        day = date.fromisoformat(self.publish_on) if self.publish_on else None
        submit(session, bench.published, rows, me, self.why, day, today, settled)
        audit(session, me, "content_submitted", f"{self.table}.xlsx {len(rows)}")


def _told(change: Change, content: Mapping[Key, Any]) -> str:
    record = (change.kind, change.key)
    where = " · ".join(dict.fromkeys((title_of(record, content.get(record)), change.key, change.column)))
    cell = f" ({change.cell})" if change.cell else ""
    return f"{where}{cell}: {told_value(change.before)} → {told_value(change.after)}"


def _listed(title: str, lines: list[str], colour: str) -> None:
    ui.label(title).classes(f"font-bold {colour}")
    with ui.column().classes("w-full gap-0 max-h-64 overflow-auto flex-nowrap"):
        ui.label("\n".join(lines)).classes(f"text-sm whitespace-pre-wrap break-words {colour}")
