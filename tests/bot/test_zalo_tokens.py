"""Zalo's tokens: refreshed by one process at a time, stored at once, and staff told in time."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from bot.outbox import NotNow
from bot.zalo_tokens import ZaloToken
from knowledge.database import transaction
from tests.bot.watch_run import Clock, queued
from tests.bot.zalo_run import tokens
from tests.servers.zalo_oa import SEED, ZaloOaServer


@pytest.fixture
def clock() -> Clock:
    """Noon in Việt Nam."""
    return Clock()


@pytest.fixture
def zalo(clock: Clock) -> Iterator[ZaloOaServer]:
    """Zalo, with its first refresh token not yet used."""
    with ZaloOaServer(clock) as server:
        yield server


def _row(engine: Engine) -> ZaloToken:
    with transaction(engine) as session:
        return session.scalars(select(ZaloToken)).one()


def _do(zalo: ZaloOaServer, engine: Engine, *calls: str, **more: Any) -> list[Any]:
    """Call methods of one process' tokens, one after another; give what each gave or raised."""

    async def run() -> list[Any]:
        mine, client = tokens(engine, zalo.url, zalo.clock, **more)
        mine.plant()
        given: list[Any] = []
        async with client:
            for call in calls:
                name, _, argument = call.partition(" ")
                try:
                    given.append(await getattr(mine, name)(*argument.split()))
                except NotNow as error:
                    given.append(error)
        return given

    return asyncio.run(run())


def test_an_access_token_is_used_until_it_ends_and_then_renewed(
    any_engine: Engine, zalo: ZaloOaServer, clock: Clock
) -> None:
    first, same = _do(zalo, any_engine, "current", "current")
    clock.go_on(seconds=90_001)
    (second,) = _do(zalo, any_engine, "current")
    assert first == same != second
    assert zalo.refreshes == [SEED, "lam-moi-1"]
    row = _row(any_engine)
    assert (row.access_token, row.refresh_token) == (zalo.access_token, zalo.refresh_token)


def test_who_was_refused_with_an_old_token_takes_the_one_stored_since(
    any_engine: Engine, zalo: ZaloOaServer
) -> None:
    first, second = _do(zalo, any_engine, "current", "renewed truy-cap-1")
    (third,) = _do(zalo, any_engine, "renewed truy-cap-1")  # a process that still had the first
    assert first != second == third
    assert len(zalo.refreshes) == 2


def test_two_processes_that_need_a_token_at_once_ask_once(
    any_engine: Engine, zalo: ZaloOaServer, clock: Clock
) -> None:
    tokens(any_engine, zalo.url, clock)[0].plant()
    zalo.is_oauth_held = True
    database = any_engine.url.render_as_string(hide_password=False)
    words = [sys.executable, "-m", "tests.bot.zalo_run", database, zalo.url, clock().isoformat()]
    first = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    zalo.wait_until(lambda: len(zalo.refreshes) == 1, "the first call of OAuth")
    second = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert second.stdout
    assert second.stdout.readline().startswith("later")
    zalo.release_oauth()
    told = first.communicate(timeout=60)[0].split(), second.communicate(timeout=60)[0].split()
    assert told[0][-1] == told[1][-1] == zalo.access_token == "truy-cap-1"
    assert zalo.refreshes == [SEED]


def test_many_who_need_a_token_in_one_process_ask_once(engine: Engine, zalo: ZaloOaServer) -> None:
    async def run() -> list[str]:
        mine, client = tokens(engine, zalo.url, zalo.clock)
        mine.plant()
        async with client:
            return await asyncio.gather(*(mine.current() for _ in range(20)))

    assert set(asyncio.run(run())) == {"truy-cap-1"}
    assert zalo.refreshes == [SEED]


def test_a_lease_of_a_stopped_process_ends(any_engine: Engine, zalo: ZaloOaServer, clock: Clock) -> None:
    mine, _ = tokens(any_engine, zalo.url, clock)
    mine.plant()
    mine._claim(None)  # and stopped there
    (refused,) = _do(zalo, any_engine, "current")
    assert isinstance(refused, NotNow)
    clock.go_on(minutes=3)
    assert _do(zalo, any_engine, "current") == ["truy-cap-1"]


def test_another_token_in_the_settings_replaces_what_is_stored_and_the_same_does_not(
    any_engine: Engine, zalo: ZaloOaServer
) -> None:
    _do(zalo, any_engine, "current")
    _do(zalo, any_engine)  # started again
    assert _row(any_engine).refresh_token == "lam-moi-1"  # noqa: S105
    zalo.refresh_token, zalo.access_token = "cap-lai", ""
    assert _do(zalo, any_engine, "current", seed="cap-lai") == ["truy-cap-2"]
    assert zalo.refreshes == [SEED, "cap-lai"]


def test_a_refresh_token_that_was_used_elsewhere_is_told_to_staff_once_and_asked_seldom(
    any_engine: Engine, zalo: ZaloOaServer, clock: Clock
) -> None:
    zalo.refresh_token = "da-dung-noi-khac"  # noqa: S105
    for _ in range(3):
        (refused,) = _do(zalo, any_engine, "current", staff_chat=42)
        assert isinstance(refused, NotNow)
        assert refused.not_before == clock() + timedelta(minutes=10)
    assert zalo.refreshes == [SEED]
    (note,) = queued(any_engine)
    assert (note.channel, note.address) == ("telegram", "42")
    assert "Invalid refresh token" in note.message["text"]
    assert SEED not in note.message["text"]
    clock.go_on(minutes=11)
    zalo.refresh_token = SEED
    assert _do(zalo, any_engine, "current") == ["truy-cap-1"]


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_fault_of_oauth_costs_no_refresh_token(engine: Engine, zalo: ZaloOaServer, status: int) -> None:
    zalo.oauth_status = status
    (refused,) = _do(zalo, engine, "current")
    assert isinstance(refused, NotNow)
    zalo.oauth_status = 200
    assert _do(zalo, engine, "current") == ["truy-cap-1"]


def test_tokens_are_refreshed_before_they_end(engine: Engine, zalo: ZaloOaServer, clock: Clock) -> None:
    _do(zalo, engine, "keep_fresh", "keep_fresh")
    assert len(zalo.refreshes) == 1
    clock.go_on(hours=23, minutes=30)
    _do(zalo, engine, "keep_fresh")
    assert len(zalo.refreshes) == 2


def test_staff_are_warned_weekly_when_nothing_was_refreshed_for_a_month(
    engine: Engine, zalo: ZaloOaServer, clock: Clock
) -> None:
    _do(zalo, engine, "keep_fresh", staff_chat=42)
    zalo.oauth_status = 503
    clock.go_on(days=29)
    _do(zalo, engine, "keep_fresh", staff_chat=42)
    assert queued(engine) == []
    for _ in range(14):
        clock.go_on(days=1)
        _do(zalo, engine, "keep_fresh", "keep_fresh", staff_chat=42)
    warned = queued(engine)
    assert 2 <= len(warned) <= 3
    assert "60 ngày" in warned[0].message["text"]
    zalo.oauth_status = 200
    _do(zalo, engine, "keep_fresh", staff_chat=42)
    clock.go_on(days=7)
    _do(zalo, engine, "keep_fresh", staff_chat=42)
    assert len(queued(engine)) == len(warned)


def test_nothing_shown_of_an_app_holds_its_secrets(engine: Engine, zalo: ZaloOaServer) -> None:
    mine, _ = tokens(engine, zalo.url, zalo.clock)
    assert SEED not in repr(mine._app)
