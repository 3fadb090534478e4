"""What every page of the workbench shares: who may see it, its head, and the names of staff."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from fastapi import Request
from fastapi.responses import RedirectResponse
from nicegui import run, ui
from sqlalchemy import Engine, select

from actions.wording import say
from bot.desk.doing import Doing, signed_in
from bot.desk.sign_in_pages import COOKIE, SIGN_OUT
from bot.hotline.staff import Staff, may
from bot.hotline.staff_sessions import Signed, csrf_of
from bot.settings import Settings
from bot.turn import Assistant
from bot.workbench.lessons import count_apart
from bot.workbench.listing import Listing
from knowledge.database import DatabaseUnavailable, reading
from knowledge.editing.published import Published

A_LOOK = 10.0  # seconds between looks whether a page that stands open may be seen still
PATH = "/content"  # below the desk's
COLOUR = "#0b5557"
STYLE = """
.q-field__bottom { position: static; transform: none; }
.q-field--with-bottom { padding-bottom: 0; }
"""  # a hint of several lines makes room for itself
COUNT_EVERY = 2.0  # seconds between looks at how many drafts wait
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
    lifetime = bench.settings.staff_lifetime()
    signed = await signed_in(request, bench.engine, lifetime)
    if isinstance(signed, RedirectResponse):
        return signed
    ui.colors(primary=COLOUR)
    if not may(signed.role, "knowledge"):
        ui.label(say("content.no_right"))
        ui.link(say("content.to_desk"), "/")
        return None
    visit = Visit(bench, Doing(bench.engine, request.cookies[COOKIE], lifetime, "knowledge"), signed)
    await _head(visit, here)
    await build(visit)
    ui.timer(A_LOOK, lambda: visit.doing.stays(is_use=False), immediate=False)
    return None


async def _head(visit: Visit, here: str) -> None:
    ui.add_css(STYLE)
    with ui.header().classes("items-center gap-x-3 gap-y-1 p-2").style("min-height: 56px"):
        heading = ui.label(say(PAGES.get(here, "content.record"))).classes("sr-only")
        heading.props("role=heading aria-level=1")  # to the eye the links say it
        if may(visit.me.role, "cases"):
            ui.link(say("content.to_desk"), "/").classes("text-white no-underline whitespace-nowrap")
        for path, key in PAGES.items():
            link = ui.link(say(key), f"{PATH}{path}").classes("text-white no-underline whitespace-nowrap")
            if path == here:
                link.classes("font-bold").props("aria-current=page")
            if path == "/review":
                look = partial(_count, link, say(key), visit.bench.engine)
                await look()
                ui.timer(COUNT_EVERY, look, immediate=False)
        ui.space()
        ui.label(visit.me.name).classes("max-md:hidden")
        with ui.element("form").props(f"method=post action={SIGN_OUT}"):
            ui.element("input").props(f"type=hidden name=csrf value={csrf_of(visit.doing.token)}")
            ui.button(say("desk.sign_out")).props("type=submit flat dense no-caps text-color=white")


async def _count(link: ui.link, title: str, engine: Engine) -> None:
    """Say beside a link's title how many drafts wait for review."""
    with suppress(DatabaseUnavailable):  # looked at again soon
        count = await run.io_bound(_count_waiting, engine)
        link.set_text(f"{title} ({count})" if count else title)


def _count_waiting(engine: Engine) -> int:
    with reading(engine) as session:
        return count_apart(session)


def names_of_staff(engine: Engine) -> dict[int, str]:
    """Give the names of staff, also of those who left."""
    with reading(engine) as session:
        return dict(session.execute(select(Staff.id, Staff.name)).all())
