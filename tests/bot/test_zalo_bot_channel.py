"""The Zalo Bot Platform channel, by polling and by webhook, before a server that enforces its rules."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import text

from actions.answer import Choice
from actions.picking import pick
from actions.wording import say
from bot.channels import Channel
from bot.outbox import Blocked, NotEver, NotNow, Recipient, queue
from bot.settings import Settings, SettingsError
from bot.turn import Assistant
from bot.zalo_bot_channel import SECRET_HEADER, WEBHOOK_PATH, BotRefused, ZaloBot, _meaning, texts
from knowledge.database import transaction
from tests.bot.watch_run import Clock, queued
from tests.bot.zalo_run import QUESTION, conversations, served_channel, turns
from tests.servers.zalo_bot import TOKEN, ZaloBotServer

LAN, HOA = "6ede9afa66b88fe6d6a9", "6ede9afa66b88fe6d6b0"
SECRET = "mot-bi-mat-chi-de-thu"  # noqa: S105 - opens nothing


@pytest.fixture
def zalo() -> Iterator[ZaloBotServer]:
    """The platform, with nothing sent yet."""
    with ZaloBotServer() as server:
        yield server


def bot_settings(url: str, **more: Any) -> Settings:
    return Settings(_env_file=None, zalo_bot_token=SecretStr(TOKEN), zalo_bot_api=url, **more)


def by_webhook(url: str, **more: Any) -> Settings:
    known: dict[str, Any] = {
        "zalo_bot_mode": "webhook",
        "zalo_bot_webhook_url": "https://hoi.example",
        "zalo_bot_webhook_secret": SecretStr(SECRET),
    }
    return bot_settings(url, **{**known, **more})


@contextmanager
def channel(assistant: Assistant, settings: Settings) -> Iterator[str]:
    bot = ZaloBot(assistant, settings)
    with served_channel(
        assistant, Channel("zalo_bot", bot.send, bot.running, bot.add_routes), Clock()
    ) as url:
        yield url


@contextmanager
def webhook(assistant: Assistant, zalo: ZaloBotServer) -> Iterator[str]:
    """Serve the bot by webhook; updates reach it at the address it set, on this machine."""
    with channel(assistant, by_webhook(zalo.url)) as url:
        zalo.wait_until(lambda: bool(zalo.webhook), "setWebhook")
        assert zalo.webhook == {"url": f"https://hoi.example{WEBHOOK_PATH}", "secret_token": SECRET}
        zalo.webhook["url"] = f"{url}{WEBHOOK_PATH}"
        yield zalo.webhook["url"]


def test_a_question_is_answered_with_a_numbered_menu_and_a_number_picks_from_it(
    assistant: Assistant, zalo: ZaloBotServer
) -> None:
    with channel(assistant, bot_settings(zalo.url)):
        zalo.says(LAN, QUESTION)
        told = zalo.wait_for_message(LAN)
        zalo.wait_until(lambda: queued(assistant.engine)[0].state == "sent", "it to be sent")
        (turn,) = turns(assistant)
        assert turn.reply
        choices = turn.reply["messages"][-1]["choices"]
        whole = "\n".join(zalo.received(LAN))
        assert f"2. {choices[1]['title']}" in whole
        assert "typing" not in whole
        before = len(zalo.received(LAN))
        zalo.says(LAN, "2")
        zalo.wait_for_message(LAN, before + 1)
    assert told
    assert turns(assistant)[-1].intent == choices[1]["payload"].partition("?")[0]
    assert "sendChatAction" in zalo.calls
    assert "deleteWebhook" in zalo.calls


def test_a_number_means_the_menu_that_was_said_last_whoever_said_it(
    assistant: Assistant, zalo: ZaloBotServer
) -> None:
    with channel(assistant, bot_settings(zalo.url)):
        zalo.says(LAN, QUESTION)
        zalo.wait_for_message(LAN)
        zalo.wait_until(lambda: all(each.state == "sent" for each in queued(assistant.engine)), "sending")
        first = len(zalo.received(LAN))
        (conversation,) = conversations(assistant)
        menu = [{"title": "Có", "payload": "thank"}, {"title": "Chưa", "payload": "goodbye"}]
        with transaction(assistant.engine) as session:
            whom = Recipient("zalo_bot", LAN, conversation.id)
            queue(session, "closed", whom, {"text": "Có giúp được không ạ?", "choices": menu})
        assert "1. Có\n2. Chưa" in zalo.wait_for_message(LAN, first + 1)[-1]
        zalo.says(LAN, "2")
        assert zalo.wait_for_message(LAN, first + 2)[-1] == say("talk.goodbye")


def test_news_told_with_an_answer_has_no_menu_of_its_own(assistant: Assistant, zalo: ZaloBotServer) -> None:
    with channel(assistant, bot_settings(zalo.url)):
        zalo.says(LAN, "xin chào")
        first = len(zalo.wait_for_message(LAN))
        (conversation,) = conversations(assistant)
        with transaction(assistant.engine) as session:
            menu = [{"title": "Thôi theo dõi", "payload": "unfollow_dossier"}]
            queue(
                session, "n", Recipient("zalo_bot", None, conversation.id), {"text": "Tin.", "choices": menu}
            )
        zalo.says(LAN, "cảm ơn")
        told = zalo.wait_for_message(LAN, first + 2)[first:]
    assert told == ["Tin.", say("talk.thank")]


@pytest.mark.parametrize("is_enveloped", [True, False])
def test_both_shapes_of_a_webhooks_body_are_read(
    assistant: Assistant, zalo: ZaloBotServer, *, is_enveloped: bool
) -> None:
    zalo.is_enveloped = is_enveloped
    with webhook(assistant, zalo):
        update = zalo.says(LAN, "cảm ơn")
        zalo.push(update)  # as when the 200 was lost on the way
        zalo.says(LAN, "tạm biệt")
        assert zalo.wait_for_message(LAN, 2) == [say("talk.thank"), say("talk.goodbye")]
    assert zalo.statuses == [200] * 3
    assert len(turns(assistant)) == 2


@pytest.mark.parametrize("headers", [{}, {SECRET_HEADER: "sai"}, {SECRET_HEADER: "đoán".encode()}])
def test_whoever_does_not_know_the_secret_is_refused_and_nothing_is_stored(
    assistant: Assistant, zalo: ZaloBotServer, headers: dict[str, Any]
) -> None:
    with webhook(assistant, zalo) as url:
        body = {"event_name": "message.text.received", "message": {"message_id": "1", "text": "xin chào"}}
        assert requests.post(url, json=body, headers=headers, timeout=10).status_code == 403
    assert conversations(assistant) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"\xff", 400),
        (b"[" * 5000, 400),
        (b" " * 1_000_000, 413),
        (b"[1]", 200),
        (b'{"ok": true, "result": 5}', 200),
        (b'{"event_name": "su_kien_la", "message": {}}', 200),
        (b'{"event_name": "message.text.received", "message": {"message_id": "1", "chat": 5}}', 200),
        (b'{"event_name": {"a": 1}, "message": {"message_id": "1", "chat": {"id": ["x"]}}}', 200),
    ],
)
def test_what_is_no_update_does_no_harm(
    assistant: Assistant, zalo: ZaloBotServer, body: bytes, status: int
) -> None:
    app = FastAPI()
    ZaloBot(assistant, by_webhook(zalo.url)).add_routes(app)
    said = TestClient(app).post(WEBHOOK_PATH, content=body, headers={SECRET_HEADER: SECRET})
    assert said.status_code == status
    assert conversations(assistant) == []


@pytest.mark.parametrize(
    ("event", "key"),
    [
        ("message.image.received", "talk.no_pictures"),
        ("message.sticker.received", "talk.no_words"),
        ("message.voice.received", "talk.no_words"),
        ("message.unsupported.received", "talk.no_words"),
    ],
)
def test_what_is_no_text_is_refused_politely(
    assistant: Assistant, zalo: ZaloBotServer, event: str, key: str
) -> None:
    with channel(assistant, bot_settings(zalo.url)):
        zalo.sends(LAN, event, photo="https://f.zalo/x.jpg")
        assert zalo.wait_for_message(LAN) == [say(key)]
    assert turns(assistant) == []


def test_polling_goes_on_after_nothing_came_and_after_faults(
    assistant: Assistant, zalo: ZaloBotServer
) -> None:
    zalo.refusals = {"deleteWebhook": [(503, "")], "getUpdates": [(408, "Request timeout"), (502, "")]}
    with channel(assistant, bot_settings(zalo.url)):
        zalo.says(LAN, "cảm ơn")
        assert zalo.wait_for_message(LAN) == [say("talk.thank")]


def test_a_fetched_update_waits_for_the_database(assistant: Assistant, zalo: ZaloBotServer) -> None:
    other = assistant.engine.connect()
    with channel(assistant, bot_settings(zalo.url)):
        other.execute(text("SELECT 1"))  # begins by taking the only right to write
        zalo.says(LAN, "cảm ơn")
        zalo.says(HOA, "tạm biệt")
        zalo.wait_until(lambda: len(zalo.pending) == 1, "one update to be fetched")
        other.close()
        assert zalo.wait_for_message(LAN) == [say("talk.thank")]
        assert zalo.wait_for_message(HOA) == [say("talk.goodbye")]


def test_a_busy_platform_gets_the_answer_later(assistant: Assistant, zalo: ZaloBotServer) -> None:
    zalo.refusals = {"sendMessage": [(503, "")]}
    with channel(assistant, bot_settings(zalo.url)):
        zalo.says(LAN, "cảm ơn")
        zalo.wait_until(
            lambda: [(each.state, each.tries) for each in queued(assistant.engine)] == [("waiting", 1)],
            "the answer to wait",
        )
    assert zalo.received(LAN) == []


@pytest.mark.parametrize(
    ("code", "description", "meaning"),
    [
        (429, "Too Many Requests", NotNow),
        (401, "Unauthorized", NotNow),
        (403, "Forbidden: blocked", Blocked),
        (400, "Bad Request: chat not found", NotEver),
        (400, "Bad Request: text", BotRefused),
    ],
)
def test_refusals_mean_what_they_say(code: int, description: str, meaning: type[Exception]) -> None:
    assert type(_meaning(BotRefused(code, description))) is meaning


def test_a_long_answer_keeps_its_menu_whole_at_the_end() -> None:
    choices = [{"title": f"Lựa chọn số {number} " + "x" * 40, "payload": "thank"} for number in range(1, 13)]
    written = texts({"text": "Một câu dài vừa phải. " * 120, "choices": choices})
    assert all(1 <= len(each) <= 2000 for each in written)
    assert all(f"{number}. Lựa chọn số {number} " in written[-1] for number in range(1, 13))


def test_numbers_of_two_digits_pick_too() -> None:
    choices = tuple(Choice(f"Mục {number}", f"p{number}") for number in range(1, 13))
    assert pick(choices, "12") == choices[11]
    assert pick(choices, "13") is None


@pytest.mark.parametrize(
    ("change", "setting"),
    [
        ({"zalo_bot_token": None}, "ZALO_BOT_TOKEN"),
        ({"zalo_bot_webhook_url": None}, "ZALO_BOT_WEBHOOK_URL"),
        ({"zalo_bot_webhook_secret": None}, "ZALO_BOT_WEBHOOK_SECRET"),
        ({"zalo_bot_webhook_secret": SecretStr("ngắn")}, "ZALO_BOT_WEBHOOK_SECRET"),
    ],
)
def test_a_missing_setting_is_named_before_anything_starts(
    assistant: Assistant, change: dict[str, Any], setting: str
) -> None:
    with pytest.raises(SettingsError, match=setting):
        ZaloBot(assistant, by_webhook("http://127.0.0.1:9").model_copy(update=change))


def test_there_is_no_webhook_while_polling(assistant: Assistant) -> None:
    app = FastAPI()
    ZaloBot(assistant, bot_settings("http://127.0.0.1:9")).add_routes(app)
    assert WEBHOOK_PATH not in {getattr(route, "path", "") for route in app.routes}
