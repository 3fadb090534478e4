"""Two editors changed the same field: both texts are shown, and one is chosen for each."""

from __future__ import annotations

from typing import Any

from nicegui import ui
from pydantic import BaseModel

from actions.wording import say
from bot.workbench.comparing import told_field, told_place
from bot.workbench.shell import Visit
from knowledge.editing.three_way import Conflict, merge


async def ask_which(
    visit: Visit,
    shape: type[BaseModel],
    began: Any,
    theirs: Any,
    mine: Any,
    conflicts: list[Conflict],
    hint: str = "",
) -> Any:
    """Give the data of both with what was chosen; ``None`` when the question is dismissed."""
    chosen: dict[int, str] = dict.fromkeys(range(len(conflicts)), "mine")
    with (
        visit.doing.dialog().props("persistent") as dialog,
        ui.card().classes("w-full max-w-3xl gap-2"),
    ):
        ui.label(say("content.conflict_title")).classes("text-lg font-bold")
        ui.label(hint or say("content.conflict_hint"))
        for number, each in enumerate(conflicts):
            ui.label(told_place(shape, each.place)).classes("font-bold")
            options = {
                name: say(f"content.conflict_{name}", text=told_field(shape, each.place, value))
                for name, value in (("mine", each.mine), ("theirs", each.theirs))
            }
            ui.radio(options, value="mine", on_change=lambda event, n=number: chosen.update({n: event.value}))
        with ui.row():
            ui.button(say("content.conflict_done"), on_click=lambda: dialog.submit(True)).props("no-caps")
            ui.button(say("content.cancel"), on_click=dialog.close).props("flat no-caps")
    if not await dialog:
        return None
    keep_mine = [each for number, each in enumerate(conflicts) if chosen[number] == "mine"]
    return settled(began, theirs, mine, keep_mine)


def settled(began: Any, theirs: Any, mine: Any, keep_mine: list[Conflict]) -> Any:
    """Merge both sides; of the fields in conflict those of ``keep_mine`` are mine, the others theirs."""
    return merge(began, theirs, mine, [each.place for each in keep_mine]).data
