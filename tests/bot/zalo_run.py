"""The Zalo channels as tests run them: behind a real web server, with the outbox at work."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from functools import partial
from threading import Event
from typing import Any

import httpx
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import select

from bot.channels import Channel
from bot.chores import Chore, doing
from bot.outbox import NotNow, Outbox
from bot.settings import Settings
from bot.start import note_refused
from bot.store import Conversation, Turn
from bot.turn import Assistant
from bot.web_channel import build_app
from bot.zalo_oa_channel import WEBHOOK_PATH, ZaloOa
from bot.zalo_tokens import App, Tokens
from knowledge.database import open_database, transaction
from tests.conftest import serve_app
from tests.servers import zalo_oa as server
from tests.servers.zalo_oa import ZaloOaServer

LAN, HOA = "2512523625412515", "2512523625412516"  # two citizens
QUESTION = "đăng ký kết hôn cần giấy tờ gì"


def oa_settings(url: str, **more: Any) -> Settings:
    """The settings of the Official Account before this server."""
    known: dict[str, Any] = {
        "zalo_oa_app_id": server.APP_ID,
        "zalo_oa_secret_key": SecretStr(server.SECRET_KEY),
        "zalo_app_secret": SecretStr(server.APP_SECRET),
        "zalo_oa_refresh_token": SecretStr(server.SEED),
        "zalo_api": url,
        "zalo_oauth": url,
        "public_url": "https://hoi.example",
    }
    return Settings(_env_file=None, **{**known, **more})


@contextmanager
def served_channel(assistant: Assistant, channel: Channel, clock: Any) -> Iterator[str]:
    """Serve a channel's paths with the outbox beside it; give the server's address."""
    outbox = Outbox(
        assistant.engine, {channel.name: channel.send}, partial(note_refused, assistant.engine), clock
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with channel.running(), doing((Chore("send", outbox.send_due, 0.05),)):
            yield

    with serve_app(build_app(assistant, "10000/minute", lifespan, channel.add_routes)) as url:
        yield url


@contextmanager
def oa_channel(assistant: Assistant, api: ZaloOaServer, **more: Any) -> Iterator[str]:
    """Serve the Official Account's webhook; give its address."""
    account = ZaloOa(assistant, oa_settings(api.url, **more), api.clock)
    account.tokens.plant()
    channel = Channel("zalo_oa", account.sender.send, account.running, account.add_routes)
    with served_channel(assistant, channel, api.clock) as url:
        api.webhook = f"{url}{WEBHOOK_PATH}"
        yield api.webhook


def turns(assistant: Assistant) -> list[Turn]:
    """Give the turns that are stored, oldest first."""
    with transaction(assistant.engine) as session:
        return list(session.scalars(select(Turn).order_by(Turn.id)))


def conversations(assistant: Assistant) -> list[Conversation]:
    """Give the conversations that are stored."""
    with transaction(assistant.engine) as session:
        return list(session.scalars(select(Conversation)))


def tokens(engine: Any, url: str, clock: Any, **more: Any) -> tuple[Tokens, httpx.AsyncClient]:
    """Give the tokens of one process, and the client that it asks by."""
    client = httpx.AsyncClient(timeout=20)
    app = App(server.APP_ID, server.APP_SECRET, more.pop("seed", server.SEED), url, **more)
    return Tokens(engine, app, client, clock), client


def refresh_until_known(database: str, url: str, at: str) -> None:
    """Ask for the access token as a process of its own; print it, or why it is not there yet."""
    mine, _ = tokens(open_database(database), url, lambda: datetime.fromisoformat(at))

    async def ask() -> None:
        while True:
            try:
                print(await mine.current(), flush=True)
                return
            except NotNow as error:
                print(f"later: {error}", flush=True)
                await asyncio.to_thread(Event().wait, 0.1)

    asyncio.run(ask())


if __name__ == "__main__":
    refresh_until_known(*sys.argv[1:])
