"""Putting the assistant together from its settings; what is missing is told in one sentence.

StartError
└── a setting, port or folder that keeps the assistant from starting
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from math import ceil
from pathlib import Path

import structlog
from fastapi import FastAPI
from sqlalchemy import Engine, make_url, select
from sqlalchemy.exc import ArgumentError

from actions.wording import say
from bot.announcements import Announcer
from bot.channels import Channel, open_channels
from bot.chores import Chore, doing
from bot.hotline.alerts import Alerts
from bot.hotline.cases import note_undelivered
from bot.hotline.duty import Hotline
from bot.hotline.hours import OpeningHours, read_hours
from bot.hotline.staff_sessions import forget_sign_ins
from bot.outbox import Outbox, OutboxMessage, Recipient, State, forget_sent, queue
from bot.settings import HERE, Settings
from bot.store import erase_older_than, stop_following
from bot.turn import Assistant
from bot.watched import WatchedDossier
from bot.watching import Watcher
from bot.web_channel import build_app
from bot.workbench.models import Follower
from knowledge.catalogue import Catalogue
from knowledge.catalogue_files import load_catalogue
from knowledge.content_files import CONTENT
from knowledge.database import migrate, open_database, transaction
from knowledge.dossiers import Refusal, forget_guesses, forget_states, open_desk
from knowledge.editing.loading import open_content
from knowledge.editing.published import Published
from knowledge.library import Shelf, open_library
from knowledge.places import load_places
from knowledge.revisions import stamp
from nlu.client import NluClient
from nlu.training import MODELS

log = structlog.get_logger()
A_LOOK = 1.0  # seconds between looks for changed knowledge
SOON = 0.2  # seconds between looks for messages to send: somebody may wait for one
A_DAY = 24 * 60 * 60  # seconds
WARNED_EVERY = 15.0  # seconds between looks for cases near their deadline
STATES_KEPT = 7  # days that a state is kept which nobody follows
STUBBORN = 3  # pauses of one person after which staff are told


SINGLE_SIGN_ON = ("oidc_issuer", "oidc_client_id", "oidc_client_secret")


class StartError(Exception):
    """The assistant cannot start; says what to do."""


def build_assistant(settings: Settings, *, lenient: bool = False) -> Assistant:
    """Load the knowledge, open and migrate the database, and connect to the NLU server."""
    check_single_sign_on(settings)
    engine = open_engine(settings)
    published = open_published(settings, engine, lenient=lenient)
    shelf = Shelf(
        lambda before: open_library(
            published.on(settings.content_day()), engine, lenient=lenient, at_once=True, before=before
        ),
        lambda: f"{stamp(engine)} {published.stamp(settings.content_day())}",
    )
    for fault in shelf.library().catalogue.faults:
        log.warning("content_left_out", fault=str(fault))
    province = shelf.library().catalogue.province(settings.province)
    desk = open_desk(
        settings,
        engine,
        lambda: shelf.library().catalogue.status_names,
        partial(note_guessing, engine, settings.staff_telegram_chat),
    )
    load_places()
    nlu = NluClient(settings.nlu_url)
    tells_each = settings.telegram_token and not settings.hotline_telegram_group  # else their group is told
    hotline = Hotline(
        OpeningHours(read_hours(settings.hotline_hours), shelf.library().catalogue.working_days(province.id)),
        province.id,
        timedelta(minutes=settings.hotline_answer_minutes),
        timedelta(minutes=settings.hotline_urgent_minutes),
        teams=settings.teams(),
        alerts=Alerts(settings.address()) if tells_each else None,
    )
    return Assistant(
        shelf.library,
        nlu,
        engine,
        province,
        settings.today,
        desk,
        hotline,
        settings.address(),
        shelf.look,
        settings.places(),
    )


def check_single_sign_on(settings: Settings) -> None:
    """Raise StartError when single sign-on is set in part."""
    unset = [name.upper() for name in SINGLE_SIGN_ON if getattr(settings, name) is None]
    if 0 < len(unset) < len(SINGLE_SIGN_ON):
        raise StartError(
            f"{' and '.join(unset)} not set: single sign-on needs OIDC_ISSUER, OIDC_CLIENT_ID and "
            "OIDC_CLIENT_SECRET; set all three or none"
        )


def open_published(settings: Settings, engine: Engine, *, lenient: bool = False) -> Published:
    """Open what is published, with what changed in the content folder; raises ContentError."""
    return open_content(engine, settings.content or CONTENT, settings.content_day(), lenient=lenient)


def catalogue_of(settings: Settings, engine: Engine, *, lenient: bool = False) -> Catalogue:
    """Load what is published, without what finds it; raises ContentError unless ``lenient``."""
    published = open_published(settings, engine, lenient=lenient)
    return load_catalogue(published.on(settings.content_day()), lenient=lenient)


def open_engine(settings: Settings) -> Engine:
    """Open the database, brought to the newest schema."""
    engine = open_database(checked_url(settings.database_url))
    migrate(engine)
    return engine


def web_app(assistant: Assistant, settings: Settings) -> FastAPI:
    """Build the web application; Telegram and the chores (new knowledge, erasing) run beside it."""
    from bot.desk import add_desk  # takes a second to load, which only the server needs
    from bot.workbench.pages import add_workbench

    channels = open_channels(assistant, settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as running:
            for channel in channels:
                await running.enter_async_context(channel.running())
            await running.enter_async_context(doing(chores_of(assistant, settings, channels)))
            yield

    def add_routes(app: FastAPI) -> None:
        for channel in channels:
            channel.add_routes(app)
        add_desk(app, assistant, settings)
        add_workbench(app, assistant, settings, tuple(each.name for each in channels))

    return build_app(assistant, settings.rate_limit, lifespan, add_routes, settings.sites())


def chores_of(assistant: Assistant, settings: Settings, channels: tuple[Channel, ...]) -> tuple[Chore, ...]:
    """List what is done beside answering: new knowledge, followed dossiers, news, erasing."""
    engine = assistant.engine
    watcher = Watcher(assistant, batch=ceil(settings.watched_per_minute / 60))
    senders = {each.name: each.send for each in channels}
    outbox = Outbox(engine, senders, partial(note_refused, engine), per_second=settings.per_second())
    announcer = Announcer(assistant, tuple(senders))
    return (
        Chore("look", partial(asyncio.to_thread, assistant.look), A_LOOK),
        Chore("watch", partial(asyncio.to_thread, watcher.round), A_LOOK),
        Chore("model", partial(asyncio.to_thread, Follower(engine, assistant.nlu, MODELS).round), A_LOOK),
        Chore("announce", partial(asyncio.to_thread, announcer.round), A_LOOK),
        Chore("send", outbox.keep_sending, SOON, at_end=outbox.finish),
        *(chore for channel in channels for chore in channel.chores),
        Chore("warn", partial(asyncio.to_thread, assistant.hotline.warn, engine), WARNED_EVERY),
        Chore("erase", partial(asyncio.to_thread, erase_old, engine, settings.retention_days), A_DAY),
    )


def erase_old(engine: Engine, days: int) -> None:
    """Erase what is no longer needed: conversations, sent news, audit lines, states nobody follows."""
    erased = erase_older_than(engine, days)
    with transaction(engine) as session:
        forget_sent(session, days)
        forget_guesses(session, days)
        forget_sign_ins(session, days)
        forget_states(session, STATES_KEPT, select(WatchedDossier.code))
    log.info("old_conversations_erased", count=erased)


def note_refused(engine: Engine, message: OutboxMessage, outcome: State) -> None:
    """Note that a platform does not take a message, or not until the citizen writes again: staff are told.

    When it never will, nothing is followed for this person any more.
    """
    if message.conversation_id and outcome in ("failed", "blocked"):
        stop_following(engine, message.conversation_id)
    with transaction(engine) as session:
        note_undelivered(session, message.key, is_window_closed=outcome == "kept")


def note_guessing(engine: Engine, chat: int | None, refusal: Refusal) -> None:
    """Queue a note to staff when somebody seems to guess codes; nothing in it names a person or a code."""
    kind, is_shared = refusal.bucket.partition(":")[0], refusal.bucket.startswith(("channel", "all"))
    if chat is None or not (is_shared or refusal.pauses >= STUBBORN):
        return
    text = say(
        f"staff.guessing_{kind}", pauses=refusal.pauses, minutes=ceil(refusal.wait.total_seconds() / 60)
    )
    key = f"guessing:{refusal.bucket}:{datetime.now(HERE):%Y-%m-%dT%H:%M}"
    with transaction(engine) as session:
        queue(session, key, Recipient("telegram", str(chat)), {"text": text})


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


def checked_url(url: str) -> str:
    """Give an address of a database that can be opened; raises StartError."""
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
