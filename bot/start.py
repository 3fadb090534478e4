"""Putting the assistant together from its settings; what is missing is told in one sentence.

StartError
└── a setting, port or folder that keeps the assistant from starting
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext, suppress
from pathlib import Path

import structlog
from fastapi import FastAPI
from sqlalchemy import Engine, make_url
from sqlalchemy.exc import ArgumentError

from bot.settings import Settings
from bot.store import erase_older_than
from bot.telegram_channel import running_telegram, telegram_application, webhook_route
from bot.turn import Assistant
from bot.web_channel import build_app
from knowledge.content_files import CONTENT, content_stamp
from knowledge.database import DatabaseUnavailable, migrate, open_database
from knowledge.library import Shelf, open_library
from knowledge.revisions import stamp
from nlu.client import NluClient

log = structlog.get_logger()
A_LOOK = 1.0  # seconds between looks for changed knowledge
A_DAY = 24 * 60 * 60  # seconds


class StartError(Exception):
    """The assistant cannot start; says what to do."""


def build_assistant(settings: Settings, *, lenient: bool = False) -> Assistant:
    """Load the knowledge, open and migrate the database, and connect to the NLU server."""
    engine = open_engine(settings)
    content = settings.content or CONTENT
    shelf = Shelf(
        lambda: open_library(content, engine, lenient=lenient, at_once=True),
        lambda: f"{stamp(engine)} {content_stamp(content)}",
    )
    for fault in shelf.library().catalogue.faults:
        log.warning("content_left_out", fault=str(fault))
    province = shelf.library().catalogue.province(settings.province)
    nlu = NluClient(settings.nlu_url)
    return Assistant(shelf.library, nlu, engine, province, settings.today, settings.address(), shelf.look)


def open_engine(settings: Settings) -> Engine:
    """Open the database, brought to the newest schema."""
    engine = open_database(_checked_url(settings.database_url))
    migrate(engine)
    return engine


def web_app(assistant: Assistant, settings: Settings) -> FastAPI:
    """Build the web application; Telegram and the chores (new knowledge, erasing) run beside it."""
    telegram = telegram_application(assistant, settings) if settings.telegram_token else None

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        chores = asyncio.gather(
            _erase_old_daily(assistant, settings.retention_days), _look_for_changes(assistant)
        )
        try:
            async with running_telegram(telegram, settings) if telegram else nullcontext():
                yield
        finally:
            chores.cancel()
            with suppress(asyncio.CancelledError):
                await chores

    def add_routes(app: FastAPI) -> None:
        if telegram:
            webhook_route(app, telegram, settings)

    return build_app(assistant, settings.rate_limit, lifespan, add_routes)


async def _look_for_changes(assistant: Assistant) -> None:
    while True:
        try:
            await asyncio.to_thread(assistant.look)
        except Exception:  # one bad look must not be the last
            log.exception("look_failed")
        await asyncio.sleep(A_LOOK)


async def _erase_old_daily(assistant: Assistant, days: int) -> None:
    while True:
        try:
            erased = await asyncio.to_thread(erase_older_than, assistant.engine, days)
            log.info("old_conversations_erased", count=erased)
        except DatabaseUnavailable as error:
            log.warning("old_conversations_kept", error=str(error))
        await asyncio.sleep(A_DAY)


def check_port(host: str, port: int, setting: str = "PORT") -> None:
    """Raise StartError when the port is in use or may not be used; names the setting to change."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise StartError(
                f"port {port} on {host} cannot be used ({error.strerror}): "
                f"stop what uses it, or set {setting} to another"
            ) from error


def _checked_url(url: str) -> str:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StartError(
            "DATABASE_URL is not an address: write sqlite:///file.db or postgresql://user:password@host/name"
        ) from error
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise StartError(f"DATABASE_URL names {parsed.drivername}; only sqlite and postgresql are spoken")
    if parsed.get_backend_name() == "sqlite" and parsed.database and parsed.database != ":memory:":
        _check_writable(Path(parsed.database).parent.absolute())
    return url


def _check_writable(folder: Path) -> None:
    probe = folder / f".writable-{id(folder)}"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise StartError(
            f"the database's folder {folder} cannot be written ({error.strerror}): "
            "give this user the right, or set DATABASE_URL"
        ) from error
