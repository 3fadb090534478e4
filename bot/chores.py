"""Chores: what is done again and again beside answering."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import structlog

from knowledge.database import DatabaseUnavailable

log = structlog.get_logger()
LAST_WORDS = 5.0  # seconds that chores may still take when the program stops


@dataclass(frozen=True)
class Chore:
    """Something done again and again beside answering, and what is done at the end."""

    name: str
    work: Callable[[], Awaitable[object]]
    pause: float  # seconds
    at_end: Callable[[], Awaitable[object]] | None = None


@asynccontextmanager
async def doing(chores: tuple[Chore, ...]) -> AsyncIterator[None]:
    """Do chores beside the caller; at the end what is being sent is sent, for a few seconds at most."""
    stopping = asyncio.Event()
    working = asyncio.gather(*(_do(chore, stopping) for chore in chores))
    try:
        yield
    finally:
        stopping.set()
        with suppress(TimeoutError, asyncio.CancelledError):
            await asyncio.wait_for(working, LAST_WORDS)


async def _do(chore: Chore, stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        try:
            await chore.work()
        except DatabaseUnavailable as error:
            log.warning("chore_put_off", chore=chore.name, error=str(error))
        except Exception:  # one failure must not be the last time
            log.exception("chore_failed", chore=chore.name)
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), chore.pause)
    if chore.at_end:
        await chore.at_end()
