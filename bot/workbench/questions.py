"""What several pages ask: why and from when, and whether something is really meant."""

from __future__ import annotations

from nicegui import ui

from actions.wording import say
from bot.workbench.shell import Visit


def ask_why(why: str = "") -> tuple[ui.textarea, ui.input]:
    """Draw the boxes for what a change rests on, and for its first day."""
    reason = (
        ui.textarea(say("content.why"), value=why)
        .props("outlined autogrow hide-bottom-space")
        .classes("w-full")
    )
    reason.props["hint"] = say("content.why_hint")
    day = (
        ui.input(say("content.publish_on"))
        .props("outlined type=date stack-label hide-bottom-space")
        .classes("w-full")
    )
    day.props["hint"] = say("content.publish_on_hint")
    return reason, day


async def asked(visit: Visit, question: str, yes: str = "yes", no: str = "cancel") -> bool:
    """Ask a question; tell whether the answer is yes. ``yes`` and ``no`` name the words of the buttons."""
    with visit.doing.dialog() as dialog, ui.card():
        ui.label(question).classes("whitespace-pre-wrap break-words")
        with ui.row():
            ui.button(say(f"content.{yes}"), on_click=lambda: dialog.submit(True)).props("no-caps")
            ui.button(say(f"content.{no}"), on_click=dialog.close).props("flat no-caps")
    return bool(await dialog)
