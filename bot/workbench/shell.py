"""What every page of the workbench shares: who may see it, its head, and the names of staff."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import RedirectResponse
from nicegui import run, ui
from sqlalchemy import Engine, func, select

from actions.wording import say
from bot.desk.doing import Doing
from bot.desk.sign_in_pages import COOKIE, SECOND_FACTOR, SIGN_IN, SIGN_OUT
from bot.hotline.staff import Staff, may
from bot.hotline.staff_sessions import Signed, csrf_of, who
from bot.settings import Settings
from bot.turn import Assistant
from bot.workbench.listing import Listing
from knowledge.database import reading
from knowledge.editing.published import Published
from knowledge.editing.revisions import ContentRevision

PATH = "/content"  # below the desk's
COLOUR = "#0b5557"
PAGES = {
    "": "content.list",
    "/review": "content.review",
    "/learn": "content.learn",
    "/models": "content.models",
}


@dataclass(frozen=True)
class Workbench:
    """What the pages work on."""

    assistant: Assistant
    published: Published
    listing: Listing
    settings: Settings
    channels: tuple[str, ...] = ()  # those that can send

    @property
    def engine(self) -> Engine:
        """The database."""
        return self.assistant.engine


@dataclass(frozen=True)
class Visit:
    """One browser's visit of a page, and in whose name it acts."""

    bench: Workbench
    doing: Doing
    me: Signed


async def begin(
    request: Request, bench: Workbench, here: str, build: Callable[[Visit], Awaitable[None]]
) -> RedirectResponse | None:
    """Let staff who may edit the knowledge see a page; whoever else is told whom to ask."""
    lifetime, token = bench.settings.staff_lifetime(), request.cookies.get(COOKIE, "")
    signed = await run.io_bound(who, bench.engine, token, lifetime)
    if signed is None or signed.needs_second_factor:
        return RedirectResponse(SECOND_FACTOR if signed else SIGN_IN, 303)
    ui.colors(primary=COLOUR)
    if not may(signed.role, "knowledge"):
        ui.label(say("content.no_right"))
        ui.link(say("content.to_desk"), "/")
        return None
    visit = Visit(bench, Doing(bench.engine, token, lifetime, "knowledge"), signed)
    await _head(visit, here)
    await build(visit)
    return None


async def _head(visit: Visit, here: str) -> None:
    count = await run.io_bound(_count_waiting, visit.bench.engine)
    with ui.header().classes("items-center gap-3 p-2 flex-nowrap overflow-x-auto").style("height: 56px"):
        if may(visit.me.role, "cases"):
            ui.link(say("content.to_desk"), "/").classes("text-white no-underline whitespace-nowrap")
        for path, key in PAGES.items():
            title = f"{say(key)} ({count})" if path == "/review" and count else say(key)
            link = ui.link(title, f"{PATH}{path}").classes("text-white no-underline whitespace-nowrap")
            if path == here:
                link.classes("font-bold").props("aria-current=page")
        ui.space()
        ui.label(visit.me.name).classes("max-md:hidden")
        with ui.element("form").props(f"method=post action={SIGN_OUT}"):
            ui.element("input").props(f"type=hidden name=csrf value={csrf_of(visit.doing.token)}")
            ui.button(say("desk.sign_out")).props("type=submit flat dense no-caps text-color=white")


def _count_waiting(engine: Engine) -> int:
    with reading(engine) as session:
        wanted = select(func.count()).where(ContentRevision.state == "in_review")
        return session.scalar(wanted) or 0


def names_of_staff(engine: Engine) -> dict[int, str]:
    """Give the names of staff, also of those who left."""
    with reading(engine) as session:
        return dict(session.execute(select(Staff.id, Staff.name)).all())
