"""The outbox: each message once, never at night, later when the platform is down, never when it refuses."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from bot.outbox import (
    MOST_TRIES,
    NotNow,
    NotUntilTheyWrite,
    Outbox,
    OutboxMessage,
    Recipient,
    forget_sent,
    is_night,
    queue,
    take_news,
)
from bot.store import Conversation, FollowedDossier
from bot.turn import Assistant
from knowledge.database import now, transaction
from tests.bot.watch_run import Clock, follow, queued, send_all, some
from tests.servers.one_stop import OneStop
from tests.servers.telegram_api import TelegramApi

HOA = 555001
NEWS = {"text": "**Tin** mới", "choices": [{"title": "Xem", "payload": "ask_help"}], "sources": []}


@pytest.fixture
def clock() -> Clock:
    """Noon in Việt Nam."""
    return Clock()


def _queue(engine: Engine, *keys: str, address: str | None = str(HOA)) -> str:
    with transaction(engine) as session:
        conversation = session.scalar(select(Conversation)) or Conversation(
            channel="telegram", address=address
        )
        session.add(conversation)
        session.flush()
        for key in keys:
            queue(session, key, Recipient("telegram", address, conversation.id), NEWS)
        return conversation.id


def _states(engine: Engine) -> list[str]:
    return [message.state for message in queued(engine)]


def test_a_message_is_sent_once_however_often_it_is_queued_and_sent(
    any_engine: Engine, api: TelegramApi, clock: Clock
) -> None:
    for _ in range(3):
        _queue(any_engine, "one", "two")
        send_all(any_engine, api.url, clock)
    assert [message["text"] for message in api.received(HOA)] == ["Tin mới"] * 2
    assert _states(any_engine) == ["sent", "sent"]


def test_two_processes_send_each_message_once(any_engine: Engine, clock: Clock) -> None:
    _queue(any_engine, *(str(number) for number in range(100)))
    sent: list[str] = []

    async def send(_: str, message: dict[str, Any]) -> None:
        await asyncio.to_thread(sent.append, message["text"])

    async def both() -> None:
        async def run() -> None:
            outbox = Outbox(any_engine, {"telegram": send}, clock=clock)
            while await outbox.send_due():
                pass

        await asyncio.gather(run(), run(), run())

    asyncio.run(both())
    assert len(sent) == 100 and set(_states(any_engine)) == {"sent"}


def test_at_night_nothing_is_sent_and_in_the_morning_it_is(
    any_engine: Engine, api: TelegramApi, clock: Clock
) -> None:
    _queue(any_engine, "one")
    for hour in (22, 0, 5):
        clock.at = clock.at.replace(hour=hour)
        assert is_night(clock())
        send_all(any_engine, api.url, clock)
    assert api.received(HOA) == []
    clock.at = clock.at.replace(hour=6)
    send_all(any_engine, api.url, clock)
    assert len(api.received(HOA)) == 1


def test_a_platform_that_is_down_is_tried_again_later(
    any_engine: Engine, api: TelegramApi, clock: Clock
) -> None:
    _queue(any_engine, "one")
    api.refuse_next("sendMessage", 502, "Bad Gateway")
    send_all(any_engine, api.url, clock)
    assert _states(any_engine) == ["waiting"] and api.received(HOA) == []
    clock.go_on(minutes=2)
    send_all(any_engine, api.url, clock)
    assert len(api.received(HOA)) == 1


def test_a_platform_says_from_when_on_and_a_closed_window_waits_for_the_persons_next_word(
    any_engine: Engine, clock: Clock
) -> None:
    conversation = _queue(any_engine, "later", "closed")
    morning = clock() + timedelta(hours=6)
    answers: list[Exception] = [NotUntilTheyWrite("-230"), NotNow("-234", morning)]
    refused: list[tuple[str, str]] = []

    async def send(_address: str, _message: dict[str, Any]) -> None:
        if answers:
            raise answers.pop()

    outbox = Outbox(
        any_engine, {"telegram": send}, lambda message, state: refused.append((message.key, state)), clock
    )
    asyncio.run(outbox.send_due())
    assert (_states(any_engine), refused) == (["waiting", "kept"], [("closed", "kept")])
    assert queued(any_engine)[0].not_before == morning
    clock.at = morning
    asyncio.run(outbox.send_due())
    assert _states(any_engine) == ["sent", "kept"]
    with transaction(any_engine) as session:
        assert take_news(session, conversation) == [NEWS | {"id": 2}]


def test_what_a_platform_puts_off_by_its_own_moment_waits_however_often(
    any_engine: Engine, clock: Clock
) -> None:
    _queue(any_engine, "one")

    async def send(_address: str, _message: dict[str, Any]) -> None:
        raise NotNow("another process renews the tokens", clock() + timedelta(seconds=2))

    outbox = Outbox(any_engine, {"telegram": send}, clock=clock)
    for _ in range(MOST_TRIES + 3):
        assert asyncio.run(outbox.send_due()) == 1
        clock.go_on(minutes=1)
    assert _states(any_engine) == ["waiting"]


def test_a_citizen_who_blocked_the_bot_is_followed_for_no_longer(
    assistant: Assistant, one_stop: OneStop, api: TelegramApi, clock: Clock
) -> None:
    follow(assistant, str(HOA), *some(one_stop, 6))
    with transaction(assistant.engine) as session:
        conversation = session.scalars(select(Conversation)).one()
        queue(session, "one", Recipient("telegram", str(HOA), conversation.id), NEWS)
    api.refuse_next("sendMessage", 403, "Forbidden: bot was blocked by the user")
    send_all(assistant.engine, api.url, clock)
    assert _states(assistant.engine) == ["blocked"]
    with transaction(assistant.engine) as session:
        assert session.scalars(select(FollowedDossier)).all() == []


def test_what_a_stopped_process_was_sending_is_told_with_the_next_answer_and_not_sent_again(
    any_engine: Engine, api: TelegramApi, clock: Clock
) -> None:
    conversation = _queue(any_engine, "one")
    Outbox(any_engine, {"telegram": None}, clock=clock).claim()  # type: ignore[dict-item]
    send_all(any_engine, api.url, clock)
    assert _states(any_engine) == ["sending"]
    clock.go_on(minutes=11)
    send_all(any_engine, api.url, clock)
    assert api.received(HOA) == [] and _states(any_engine) == ["kept"]
    with transaction(any_engine) as session:
        (news,) = take_news(session, conversation)
    assert news == {
        **NEWS,
        "id": 1,
        "text": "Tin này có thể anh/chị đã nhận rồi, mình nhắc lại cho chắc:\n**Tin** mới",
    }
    with transaction(any_engine) as session:
        assert take_news(session, conversation) == []


def test_a_channel_without_an_address_keeps_its_news(any_engine: Engine, clock: Clock) -> None:
    conversation = _queue(any_engine, "one", "two", address=None)
    assert _states(any_engine) == ["kept", "kept"]
    with transaction(any_engine) as session:
        assert take_news(session, conversation) == [NEWS | {"id": 1}, NEWS | {"id": 2}]


def test_settled_messages_are_forgotten_after_their_time(any_engine: Engine) -> None:
    _queue(any_engine, "sent", "waiting")
    with transaction(any_engine) as session:
        first = session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)).first()
        assert first is not None
        first.state = "sent"
        for message in session.scalars(select(OutboxMessage)):
            message.changed_at = now() - timedelta(days=200)
        forget_sent(session, 180)
    assert [message.key for message in queued(any_engine)] == ["waiting"]
