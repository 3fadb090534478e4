"""Drawing what differs between two states of a record, field by field."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from actions.wording import say
from bot.workbench.comparing import differences

LINES = "whitespace-pre-wrap break-words"


def show_differences(shape: Any, before: Any, after: Any) -> None:
    """Draw what differs, field by field."""
    found = differences(shape, before, after)
    if not found:
        ui.label(say("content.no_difference")).classes("text-grey-8")
        return
    with ui.row().classes("w-full gap-2 flex-nowrap font-bold text-sm max-md:hidden"):
        for name in ("was", "becomes"):
            ui.label(say(f"content.{name}")).classes("w-1/2")
    for each in found:
        with ui.column().classes("w-full gap-1 border-b border-gray-300 py-2"):
            ui.label(each.where).classes("font-bold break-words")
            with ui.row().classes("w-full gap-2 md:flex-nowrap items-stretch"):
                for name, text, colour in (
                    ("was", each.before, "bg-red-1"),
                    ("becomes", each.after, "bg-green-1"),
                ):
                    ui.label(say(f"content.{name}")).classes("md:hidden font-bold text-sm")
                    ui.label(text).classes(f"{colour} p-2 rounded w-full md:w-1/2 {LINES}")
