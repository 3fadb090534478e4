"""Picking the official sources that go with a reply, by searching the knowledge."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from actions.wording import say
from bot.desk.view import View
from bot.hotline.cases import Case
from bot.turn import Assistant
from knowledge.records import OfficialText
from knowledge.search import folded_words

MOST_FOUND = 12


def find_sources(assistant: Assistant, words: str, procedure: str | None) -> list[OfficialText]:
    """Find procedures and official texts by words; first what the case's procedure stands on."""
    library, today = assistant.library, assistant.today()
    catalogue, found = library.catalogue, list[OfficialText]()
    if procedure and procedure in catalogue.procedures:
        found.append(catalogue.procedures[procedure].as_source())
    if wanted := folded_words(words):
        found += [catalogue.procedures[hit.key].as_source() for hit in library.find_procedures(words)]
        for hit in library.find_topics(None, assistant.province.id, words):
            topic = catalogue.topics[hit.key]
            for rule in topic.rules:
                if rule.holds_on(today):
                    found += catalogue.texts(rule.sources)
        found += [
            text
            for text in catalogue.official_texts.values()
            if wanted in folded_words(f"{text.number or ''} {text.title}")
        ]
    return list(dict.fromkeys(found))[:MOST_FOUND]


async def pick_sources(view: View, case: Case, chosen: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    """Ask for the sources of a reply; ``None`` when the question is dismissed."""
    picked = list(chosen)

    def choose(source: dict[str, Any], *, is_on: bool) -> None:
        if is_on and source not in picked:
            picked.append(source)
        if not is_on and source in picked:
            picked.remove(source)

    with view.doing.place, ui.dialog() as dialog, ui.card().classes("w-full gap-2"):
        ui.label(say("desk.sources_title")).classes("font-bold")
        box = ui.input(say("desk.sources_search")).props("dense outlined autofocus debounce=200")
        box.classes("w-full")

        @ui.refreshable
        def results() -> None:
            for text in find_sources(view.assistant, box.value or "", case.procedure):
                source = text.model_dump(mode="json")
                label = f"{text.number}: {text.title}" if text.number else text.title
                ui.checkbox(
                    label,
                    value=source in picked,
                    on_change=lambda event, one=source: choose(one, is_on=event.value),
                )

        box.on_value_change(results.refresh)
        with ui.column().classes("w-full gap-0 max-h-96 overflow-auto"):
            results()
        with ui.row():
            ui.button(say("desk.sources_done"), on_click=lambda: dialog.submit(True)).props("no-caps")
            ui.button(say("desk.stay"), on_click=dialog.close).props("flat no-caps")
    try:
        return picked if await dialog else None
    finally:
        dialog.delete()
