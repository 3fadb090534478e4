"""The list of records at ``/content``: searched, filtered, and a new record begun."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from functools import partial
from typing import Any
from urllib.parse import urlencode

from nicegui import ui

from actions.wording import day, say
from bot.workbench.fields import told_kind
from bot.workbench.listing import AT_ONCE, Found, Row, Wanted
from bot.workbench.record_state import begin_draft, read_state
from bot.workbench.sheet_dialog import SheetDialog
from bot.workbench.shell import PATH, Visit
from knowledge.editing.records import KINDS, TABLE, Key

MARKS = ("any", "open", "expiring", "unverified", "doubtful", "retired")
KEEP = "history.replaceState(history.state, '', location.pathname + %s)"  # for the way back
COLOURS = {
    "draft": "orange-9",
    "returned": "red-9",
    "in_review": "purple-8",
    "scheduled": "blue-9",
    "coming": "blue-9",
    "retired": "grey-7",
    "imported": "grey-7",
    "missing": "grey-7",
}


def _wanted(said: Mapping[str, str]) -> Wanted:
    """Read what is wanted from the page's address; what is not known there is left out."""
    wanted = Wanted(**{each.name: said[each.name] for each in fields(Wanted) if each.name in said})  # type: ignore[arg-type]
    is_known = wanted.kind in ("", *KINDS) and wanted.mark in MARKS
    return wanted if is_known else Wanted()


async def list_page(visit: Visit) -> None:
    """Lay the list out."""
    await ListScreen(visit).build()


def address_of(key: Key) -> str:
    """Give the page of a record."""
    return f"{PATH}/record?{urlencode({'kind': key[0], 'key': key[1]})}"


class ListScreen:
    """One browser's list."""

    def __init__(self, visit: Visit) -> None:
        self.visit, self.wanted, self.start = visit, _wanted(ui.context.client.request.query_params), 0
        self.found = Found([], 0)

    async def build(self) -> None:
        """Draw the filters, then what fits them."""
        today = self.visit.bench.settings.content_day()
        names = await self.visit.doing.look(lambda: self.visit.bench.listing.fields(today)) or []
        await self._look()
        with ui.column().classes("w-full max-w-5xl mx-auto gap-2"):
            with ui.row().classes("w-full gap-2 items-center"):
                self._box(say("content.search"), "words").classes("grow min-w-48").props("autofocus")
                ui.button(say("content.new"), icon="add", on_click=self._new).props("no-caps")
                sheets = SheetDialog(self.visit, self._again)
                ui.button(say("content.sheets"), icon="table_view", on_click=sheets.open).props(
                    "no-caps outline"
                )
            with ui.row().classes("w-full gap-2"):
                kinds = {"": say("content.every_kind"), **{each: told_kind(each) for each in KINDS}}
                self._choice(kinds, "kind", say("content.kind"))
                self._choice(
                    {"": say("content.every_field"), **{each: each for each in names}},
                    "field",
                    say("content.field"),
                )
                self._choice(
                    {each: say(f"content.mark_{each}") for each in MARKS}, "mark", say("content.mark")
                )
                self._box(say("content.source"), "source").classes("w-48")
            self._rows()

    def _box(self, label: str, name: str) -> ui.input:
        value = getattr(self.wanted, name)
        box = ui.input(label, value=value, on_change=lambda event: self._want(name, event.value or ""))
        return box.props("dense outlined clearable debounce=200")

    def _choice(self, options: dict[str, str], name: str, label: str) -> None:
        value = getattr(self.wanted, name)
        if value not in options:  # an old bookmark's
            value, self.wanted = "", replace(self.wanted, **{name: ""})  # type: ignore[arg-type]
        choice = ui.select(
            options, value=value, label=label, on_change=lambda event: self._want(name, event.value)
        )
        choice.props("dense outlined").classes("min-w-40 grow md:grow-0")

    async def _want(self, name: str, value: Any) -> None:
        self.wanted, self.start = replace(self.wanted, **{name: value}), 0
        chosen = {each: what for each, what in asdict(self.wanted).items() if what != getattr(Wanted, each)}
        ui.run_javascript(KEEP % json.dumps(f"?{urlencode(chosen)}" if chosen else ""))
        await self._again()

    async def _turn(self, by: int) -> None:
        self.start = max(0, self.start + by * AT_ONCE)
        await self._again()

    async def _again(self) -> None:
        if await self._look():
            self._rows.refresh()

    async def _look(self) -> bool:
        bench = self.visit.bench
        find = partial(bench.listing.find, self.wanted, bench.settings.content_day(), self.start)
        found = await self.visit.doing.look(find)
        self.found = found or self.found
        return found is not None

    @ui.refreshable_method
    def _rows(self) -> None:
        ui.label(say("content.count", count=self.found.count)).classes("text-sm text-grey-8").props(
            "role=status"
        )
        with ui.column().classes("w-full gap-0"):
            for row in self.found.rows:
                self._row(row)
        with ui.row().classes("gap-2"):
            if self.start:
                ui.button(say("content.before"), on_click=partial(self._turn, -1)).props("flat no-caps")
            if self.start + AT_ONCE < self.found.count:
                ui.button(say("content.after"), on_click=partial(self._turn, 1)).props("flat no-caps")

    def _row(self, row: Row) -> None:
        with ui.link(target=address_of(row.key)).classes(
            "w-full no-underline text-inherit border-b border-gray-300 py-2 px-1 hover:bg-grey-2"
        ):
            with ui.row().classes("w-full items-baseline gap-x-2 gap-y-0"):
                ui.label(row.title).classes("font-bold break-words min-w-0")
                if row.state != "published":
                    begins = day(row.begins) if row.begins else ""
                    ui.badge(say(f"content.state_{row.state}", day=begins), color=COLOURS[row.state])
                if row.doubts:
                    ui.badge(say("content.doubtful"), color="negative")
            name = "" if row.key[0] == TABLE else row.key[1]
            parts = (
                told_kind(row.key[0]),
                name,
                row.field,
                say("content.until", day=day(row.expires)) if row.expires else "",
            )
            ui.label(" · ".join(part for part in parts if part)).classes("text-sm text-grey-8 break-words")

    def _new(self) -> None:
        """Ask which record is to be begun."""
        with self.visit.doing.dialog() as dialog, ui.card().classes("w-full gap-2"):
            ui.label(say("content.new")).classes("text-lg font-bold")
            kinds = {each: told_kind(each) for each in KINDS if each != TABLE}
            kind = (
                ui.select(kinds, value="topic", label=say("content.kind")).props("outlined").classes("w-full")
            )
            key = ui.input(say("content.new_key")).props("outlined").classes("w-full")
            key.props("hide-bottom-space").props["hint"] = say("content.new_key_hint")

            async def go() -> None:
                if name := (key.value or "").strip():
                    await self._begin((kind.value, name))
                else:
                    key.error = say("content.new_key_missing")

            with ui.row():
                ui.button(say("content.begin"), on_click=go).props("no-caps")
                ui.button(say("content.cancel"), on_click=dialog.close).props("flat no-caps")
        dialog.open()

    async def _begin(self, key: Key) -> None:
        """Open a record, which is begun if there is none."""
        bench = self.visit.bench
        find = partial(read_state, bench.engine, key, bench.settings.content_day())
        if (state := await self.visit.doing.look(find)) is None:
            return
        if state.described or await begin_draft(self.visit, key, state):
            ui.navigate.to(address_of(key))
