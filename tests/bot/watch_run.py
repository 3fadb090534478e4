"""Followed dossiers as tests run them: who follows, rounds of the watcher at noon, what was sent."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import date, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Engine, select, update
from telegram.ext import AIORateLimiter, ExtBot

from bot.outbox import Outbox, OutboxMessage
from bot.start import note_refused
from bot.store import Conversation, FollowedDossier
from bot.telegram_channel import DEFAULTS
from bot.telegram_delivery import send_once
from bot.turn import Assistant
from bot.watched import WatchedDossier, watch
from bot.watching import Watcher
from knowledge.catalogue_files import load_catalogue
from knowledge.database import now, open_database, transaction
from knowledge.dossiers import HERE, keep_states
from tests.conftest import TODAY, build, dossier_settings
from tests.servers.one_stop import MadeUp, OneStop
from tests.servers.telegram_api import TOKEN


class Clock:
    """A clock of the test's own that stands at noon in Việt Nam, tomorrow at first."""

    def __init__(self) -> None:
        tomorrow = datetime.now(HERE).date() + timedelta(days=1)
        self.at = datetime(tomorrow.year, tomorrow.month, tomorrow.day, 12, tzinfo=HERE)

    def __call__(self) -> datetime:
        return self.at

    def go_on(self, **time: float) -> None:
        self.at += timedelta(**time)


def some(server: OneStop, status: int, number: int = 1) -> list[MadeUp]:
    """Give made-up dossiers of a status."""
    return [each for each in server.dossiers.values() if each.status == status][:number]


def follow(assistant: Assistant, address: str | None, *dossiers: MadeUp) -> str:
    """Let a citizen follow dossiers as they are now; give the conversation."""
    sightings = [assistant.desk.find(each.code) for each in dossiers]
    with transaction(assistant.engine) as session:
        by_address = select(Conversation).where(Conversation.address == address)
        conversation = session.scalar(by_address) if address else None
        if conversation is None:
            conversation = Conversation(channel="telegram" if address else "web", address=address)
            session.add(conversation)
            session.flush()
        for sighting in sightings:
            assert sighting.state is not None
            dossier = sighting.state.dossier
            keep_states(session, sighting.told)
            session.merge(FollowedDossier(conversation_id=conversation.id, code=dossier.code))
            watch(session, dossier)
        return conversation.id


def make_due(engine: Engine) -> None:
    """Let every watched dossier be due."""
    with transaction(engine) as session:
        session.execute(update(WatchedDossier).values(next_at=now() - timedelta(days=1)))


def watch_all(assistant: Assistant, clock: Clock, today: date = TODAY) -> None:
    """Let every watched dossier be looked at once."""
    make_due(assistant.engine)
    watcher = Watcher(assistant, batch=10, clock=clock)
    while watcher.round():
        pass


def queued(engine: Engine) -> list[OutboxMessage]:
    """Give what the outbox holds, oldest first."""
    with transaction(engine) as session:
        return list(session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)))


def texts(engine: Engine) -> list[str]:
    """Give the texts that the outbox holds."""
    return [str(each.message["text"]) for each in queued(engine)]


async def _send_all(engine: Engine, api_url: str, clock: Clock) -> None:
    bot = ExtBot(TOKEN, base_url=f"{api_url}/bot", defaults=DEFAULTS, rate_limiter=AIORateLimiter())
    async with bot:
        outbox = Outbox(engine, {"telegram": partial(send_once, bot)}, partial(note_refused, engine), clock)
        while await outbox.send_due():
            pass


def send_marked(engine: Engine) -> None:
    """Mark everything as sent."""
    with transaction(engine) as session:
        session.execute(update(OutboxMessage).values(state="sent"))


def send_all(engine: Engine, api_url: str, clock: Clock) -> None:
    """Let the outbox send what is due."""
    asyncio.run(_send_all(engine, api_url, clock))


def work(database: str, one_stop_url: str, api_url: str, library: Any) -> None:
    """Watch and send again and again, as a process that a test may kill at any moment."""
    engine, clock = open_database(database), Clock()
    settings = dossier_settings(one_stop_url, dossier_fresh_seconds=0, secret_key="a key of the tests")
    watcher = Watcher(build(library, "http://127.0.0.1:9", engine, settings), batch=3, clock=clock)
    while True:
        watcher.round()
        send_all(engine, api_url, clock)


def fork_workers(database: str, one_stop_url: str, api_url: str) -> None:
    """Start a worker for each line that is read, and print its process id."""
    library: Any = SimpleNamespace(catalogue=load_catalogue())  # nothing is searched for here
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for _ in sys.stdin:
        if (worker := os.fork()) == 0:
            work(database, one_stop_url, api_url, library)
        print(worker, flush=True)


if __name__ == "__main__":
    fork_workers(*sys.argv[1:])
