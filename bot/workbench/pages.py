"""Serving the pages of the workbench."""

from __future__ import annotations

from functools import partial

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse
from nicegui import ui

from actions.wording import say
from bot.settings import Settings
from bot.turn import Assistant
from bot.workbench.learn_page import learn_page
from bot.workbench.list_page import list_page
from bot.workbench.listing import Listing
from bot.workbench.models_page import models_page
from bot.workbench.record_page import record_page
from bot.workbench.review_page import review_page
from bot.workbench.shell import PATH, Workbench, begin
from knowledge.editing.published import Published

PATIENCE = 30.0  # seconds for a page: the first list of a large content is read whole
ADDRESS = f"/desk{PATH}"  # the pages stand below the desk's path, where staff are signed in


def add_workbench(
    app: FastAPI, assistant: Assistant, settings: Settings, channels: tuple[str, ...] = ()
) -> None:
    """Serve the workbench's pages; ``channels`` are those that can send."""
    published = Published(assistant.engine)
    listing = Listing(assistant.engine, published)
    bench = Workbench(assistant, published, listing, settings, channels)

    @app.get("/content", include_in_schema=False)
    def go_to_workbench() -> RedirectResponse:
        return RedirectResponse(ADDRESS, 307)

    @ui.page(PATH, title=say("content.list"), response_timeout=PATIENCE)
    async def show_list(request: Request) -> RedirectResponse | None:
        return await begin(request, bench, "", list_page)

    @ui.page(f"{PATH}/record", title=say("content.record"), response_timeout=PATIENCE)
    async def show_record(request: Request, kind: str = "", key: str = "") -> RedirectResponse | None:
        return await begin(request, bench, "/record", partial(record_page, key=(kind, key)))

    @ui.page(f"{PATH}/review", title=say("content.review"), response_timeout=PATIENCE)
    async def show_review(request: Request) -> RedirectResponse | None:
        return await begin(request, bench, "/review", review_page)

    @ui.page(f"{PATH}/learn", title=say("content.learn"), response_timeout=PATIENCE)
    async def show_questions(request: Request) -> RedirectResponse | None:
        return await begin(request, bench, "/learn", learn_page)

    @ui.page(f"{PATH}/models", title=say("content.models"), response_timeout=PATIENCE)
    async def show_models(request: Request) -> RedirectResponse | None:
        return await begin(request, bench, "/models", models_page)
