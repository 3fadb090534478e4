"""Asking whether something is really meant."""

from __future__ import annotations

from nicegui import ui

from actions.wording import say
from bot.workbench.shell import Visit


async def asked(visit: Visit, question: str) -> bool:
    """Ask a question; tell whether the answer is yes."""
    with visit.doing.place, ui.dialog() as dialog, ui.card():
        ui.label(question)
        with ui.row():
            ui.button(say("content.yes"), on_click=lambda: dialog.submit(True)).props("no-caps")
            ui.button(say("content.cancel"), on_click=dialog.close).props("flat no-caps")
    return bool(await dialog)
