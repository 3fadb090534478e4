"""How soon a citizen's message shows on the desks, and a reply reaches the citizen, while many talk.

Desks are real sessions that speak NiceGUI's protocol (python-socketio), one of them in Chromium, which
replies; citizens are on the web, those who are replied to on a Telegram server of the tests.
"""

from __future__ import annotations

import ast
import asyncio
import json
import random
import re
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import socketio
from playwright.async_api import Page, async_playwright
from sqlalchemy import Engine, update

from bot.hotline import cases
from bot.hotline.accounts import add_staff, set_presence
from bot.hotline.cases import Case
from bot.hotline.staff import Staff
from knowledge.database import migrate, now, open_database, transaction
from tests.bench import servers
from tests.bot.conftest import QUIET
from tests.servers.telegram_api import TOKEN, TelegramApi

STAFF, CONVERSATIONS = 20, 200
PASSWORD = "mot hai ba bon nam"  # noqa: S105 - of made-up accounts
EVERY = 20.0  # seconds between two messages of one citizen
_QUERY = re.compile(r"query: (\{.*?\})", re.DOTALL)


@dataclass
class Desk:
    """One member of staff's browser, as far as the server can tell."""

    heard: dict[str, float] = field(default_factory=dict)  # when each waited-for text came
    waits: dict[str, asyncio.Event] = field(default_factory=dict)

    def hear(self, update_: Any) -> None:
        text = json.dumps(update_, ensure_ascii=False)
        for mark, event in self.waits.items():
            if mark in text and mark not in self.heard:
                self.heard[mark] = time.monotonic()
                event.set()

    async def sees(self, mark: str, since: float) -> float:
        """Give the seconds until a text came that is being waited for."""
        await asyncio.wait_for(self.waits[mark].wait(), 15)
        del self.waits[mark]
        return self.heard.pop(mark) - since

    def wait_for(self, mark: str) -> None:
        self.waits[mark] = asyncio.Event()


@asynccontextmanager
async def desk(url: str, login: str, number: int) -> AsyncIterator[Desk]:
    """Open the desk with one case in the name of one member of staff."""
    opened = Desk()
    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as http:
        form = {"login": login, "password": PASSWORD, "code": ""}
        signed = await http.post("/desk/sign-in", data=form)
        assert signed.status_code == 303, signed.text
        page = (await http.get(f"/desk/?number={number}")).text
        found = _QUERY.search(page)
        assert found, page[:500]
        query = ast.literal_eval(found[1])
        query |= {"tab_id": login, "old_tab_id": "", "document_id": login}
        cookie = "; ".join(f"{name}={value}" for name, value in http.cookies.items())
        client = socketio.AsyncClient(reconnection=False)
        client.on("update", opened.hear)
        words = urlencode(
            {name: str(value).lower() if value is True else value for name, value in query.items()}
        )
        await client.connect(
            f"{url}?{words}",
            headers={"Cookie": cookie},
            socketio_path="/desk/_nicegui_ws/socket.io",
            transports=["websocket"],
        )
        try:
            yield opened
        finally:
            await client.disconnect()


def prepare(engine: Engine) -> list[int]:
    """Add the staff."""
    with transaction(engine) as session:
        people = [
            add_staff(session, f"s{number}", f"Nhân viên {number}", "hotline", PASSWORD).id
            for number in range(STAFF)
        ]
        for each in people:
            set_presence(session, each, "on")
        session.execute(update(Staff).values(seen_at=now()))
    return people


async def hand_over(http: httpx.AsyncClient, number: int) -> tuple[str, int]:
    body = (
        await http.post("/api/v1/messages", json={"text": f"cho tôi gặp nhân viên về việc {number}"})
    ).json()
    return body["conversation_id"], body["case_number"]


async def measure(
    url: str, engine: Engine, people: list[int], api: TelegramApi, rounds: int
) -> dict[str, Any]:
    """Measure both ways while 200 conversations go on."""
    rng = random.Random(6)  # noqa: S311 - of a bench
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=60, trust_env=False))
        opened = [await hand_over(http, number) for number in range(CONVERSATIONS - 1)]
        api.citizen_says(7, "cho tôi gặp nhân viên")
        await asyncio.to_thread(api.wait_for_message, 7)
        with transaction(engine) as session:
            chat = session.query(Case.id).where(Case.channel == "telegram").scalar()
            for place, (_, number) in enumerate(opened):
                cases.claim(session, number, people[1 + place % (STAFF - 1)])
            cases.claim(session, chat, people[0])
        desks = [
            await stack.enter_async_context(desk(url, f"s{place + 1}", opened[place][1]))
            for place in range(STAFF - 1)
        ]
        page = await stack.enter_async_context(real_desk(url, "s0", chat))
        group = await stack.enter_async_context(asyncio.TaskGroup())
        talking = group.create_task(talk(http, [each for each, _ in opened[STAFF:]], rng))
        shown = [await one_message(http, desks, opened, rng, number) for number in range(rounds)]
        replied = [await one_reply(page, api, number) for number in range(rounds)]
        talking.cancel()
    return {"shown": told(shown), "replied": told(replied)}


async def talk(http: httpx.AsyncClient, conversations: list[str], rng: random.Random) -> None:
    """Let citizens go on writing to their persons."""
    sending = set()
    while True:
        whose = rng.choice(conversations)
        task = asyncio.create_task(
            http.post("/api/v1/messages", json={"conversation_id": whose, "text": "dạ vâng ạ"})
        )
        sending.add(task)
        task.add_done_callback(sending.discard)
        await asyncio.sleep(rng.expovariate(CONVERSATIONS / EVERY))


async def one_message(
    http: httpx.AsyncClient, desks: list[Desk], opened: list[tuple[str, int]], rng: random.Random, number: int
) -> float:
    place, mark = rng.randrange(len(desks)), f"tin số {number} xin chào"
    desks[place].wait_for(mark)
    since = time.monotonic()
    answer = asyncio.create_task(
        http.post("/api/v1/messages", json={"conversation_id": opened[place][0], "text": mark})
    )
    seconds = await desks[place].sees(mark, since)
    assert (await answer).json()["is_with_person"]
    return seconds


async def one_reply(page: Page, api: TelegramApi, number: int) -> float:
    mark = f"Trả lời số {number} ạ."
    await page.get_by_label(re.compile("^Trả lời")).fill(mark)
    since = time.monotonic()
    await page.keyboard.press("Control+Enter")

    def has_come() -> bool:
        return any(message["text"] == mark for message in api.received(7))

    await asyncio.to_thread(api.wait_until, has_come, mark)
    came = next(call.at for call in api.called("sendMessage") if call.params.get("text") == mark)
    return came - since


@asynccontextmanager
async def real_desk(url: str, login: str, number: int) -> AsyncIterator[Page]:
    """Open the desk in Chromium."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=QUIET.split()
        )
        page = await (await browser.new_context(base_url=url)).new_page()
        await page.goto("/desk/")
        await page.get_by_label("Tên đăng nhập").fill(login)
        await page.get_by_label("Mật khẩu").fill(PASSWORD)
        await page.get_by_role("button", name="Đăng nhập").click()
        await page.goto(f"/desk/?number={number}")
        await page.get_by_label(re.compile("^Trả lời")).wait_for()
        yield page
        await browser.close()


def told(seconds: list[float]) -> dict[str, Any]:
    """Give percentiles in milliseconds."""
    ordered = sorted(seconds)
    p50, p95 = (round(1000 * ordered[int(share * (len(ordered) - 1))]) for share in (0.5, 0.95))
    return {"times": len(ordered), "p50_ms": p50, "p95_ms": p95, "longest_ms": round(1000 * ordered[-1])}


def live(nlu_url: str, folder: Path, database: str, rounds: int) -> dict[str, Any]:
    """Measure with the real program, on the database at this address."""
    engine = open_database(database)
    migrate(engine)
    people = prepare(engine)
    settings = {"HOTLINE_HOURS": "00:00-23:59", "TELEGRAM_TOKEN": TOKEN, "ASSISTANT_TODAY": ""}
    with TelegramApi() as api:
        settings["TELEGRAM_API"] = api.url
        with servers.assistant(folder, nlu_url, database, **settings) as server:
            return asyncio.run(measure(server.url, engine, people, api, rounds))
