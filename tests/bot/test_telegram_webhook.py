"""Telegram's webhook: set with its secret, closed to everybody else, behind a real web server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
import requests
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from actions.wording import say
from bot.settings import Settings, SettingsError
from bot.telegram_channel import (
    SECRET_HEADER,
    running_telegram,
    telegram_application,
    webhook_route,
)
from bot.turn import Assistant
from tests.bot.telegram_run import HOA, LAN, QUESTION, buttons, turns
from tests.conftest import serve_app
from tests.servers.telegram_api import TelegramApi

SECRET = "mot-bi-mat-chi-de-thu"  # noqa: S105 - opens nothing


@pytest.fixture
def by_webhook(settings: Settings) -> Settings:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return settings.model_copy(
        update={
            "telegram_mode": "webhook",
            "port": port,
            "telegram_webhook_url": f"http://127.0.0.1:{port}",
            "telegram_webhook_secret": SecretStr(SECRET),
        }
    )


@contextmanager
def web_server(assistant: Assistant, settings: Settings) -> Iterator[str]:
    """Serve the webhook with a real web server; give the webhook's address."""
    application = telegram_application(assistant, settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> Any:
        async with running_telegram(application, settings):
            yield

    app = FastAPI(lifespan=lifespan)
    webhook_route(app, application, settings)
    server = uvicorn.Server(uvicorn.Config(app, port=settings.port, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield f"{settings.telegram_webhook_url}/telegram/webhook"
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


def test_the_webhook_is_set_with_its_secret_and_answers(
    api: TelegramApi, assistant: Assistant, by_webhook: Settings
) -> None:
    api.citizen_says(LAN, "xin chào")  # while the program was not running
    with web_server(assistant, by_webhook) as url:
        assert api.wait_for_message(LAN)
        api.citizen_says(HOA, QUESTION)
        [answer] = api.wait_for_message(HOA)
        api.citizen_presses(HOA, buttons(answer)[0][0]["callback_data"], answer["message_id"])
        api.wait_for_message(HOA, 2)
    assert (api.webhook.url, api.webhook.secret) == (url, SECRET)
    assert len(turns(assistant)) == 3


@pytest.mark.parametrize("headers", [{}, {SECRET_HEADER: "sai"}, {SECRET_HEADER: "đoán".encode()}])
def test_the_webhook_refuses_whoever_does_not_know_the_secret(
    api: TelegramApi, assistant: Assistant, by_webhook: Settings, headers: dict[str, str | bytes]
) -> None:
    with web_server(assistant, by_webhook) as url:
        api.wait_for_call("setWebhook")
        update = {"update_id": 1, **api.text_from(HOA, "xin chào")}
        assert requests.post(url, json=update, headers=headers, timeout=5).status_code == 403
        api.citizen_says(LAN, "xin chào")
        api.wait_for_message(LAN)
    assert api.received(HOA) == []
    assert len(turns(assistant)) == 1


def test_an_update_that_comes_twice_is_answered_once(
    api: TelegramApi, assistant: Assistant, by_webhook: Settings
) -> None:
    with web_server(assistant, by_webhook):
        update = api.citizen_says(HOA, "xin chào")
        api.wait_for_message(HOA)
        api.push(update)  # as when the webhook's 200 was lost on the way
        api.citizen_says(HOA, "cảm ơn")
        greeting, thanks = api.wait_for_message(HOA, 2)
    assert thanks["text"] == say("talk.thank") != greeting["text"]
    assert api.pending == []
    assert len(turns(assistant)) == len(api.received(HOA)) == 2


def test_the_webhook_takes_nothing_before_telegram_runs(
    api: TelegramApi, assistant: Assistant, by_webhook: Settings
) -> None:
    app, application = FastAPI(), telegram_application(assistant, by_webhook)
    webhook_route(app, application, by_webhook)
    with serve_app(app) as address:
        update = {"update_id": 1, **api.text_from(HOA, "xin chào")}
        headers = {SECRET_HEADER: SECRET}
        answer = requests.post(f"{address}/telegram/webhook", json=update, headers=headers, timeout=5)
    assert answer.status_code == 503  # so that Telegram sends it again
    assert application.update_queue.empty()


def test_there_is_no_webhook_while_polling(assistant: Assistant, settings: Settings) -> None:
    app = FastAPI()
    webhook_route(app, telegram_application(assistant, settings), settings)
    assert "/telegram/webhook" not in {getattr(route, "path", "") for route in app.routes}


@pytest.mark.parametrize("body", [b"", b"[1]", b"{}", b'{"update_id": 1, "message": 5}', b"\xff"])
def test_the_webhook_refuses_what_is_no_update(
    api: TelegramApi, assistant: Assistant, by_webhook: Settings, body: bytes
) -> None:
    with web_server(assistant, by_webhook) as url:
        api.wait_for_call("setWebhook")
        assert requests.post(url, data=body, headers={SECRET_HEADER: SECRET}, timeout=5).status_code == 400
    assert turns(assistant) == []


def test_a_stop_answers_what_the_webhook_took(
    api: TelegramApi, assistant: Assistant, by_webhook: Settings
) -> None:
    with web_server(assistant, by_webhook):
        for _ in range(10):
            api.citizen_says(HOA, "cảm ơn")
        api.wait_for_call("sendMessage")
    assert len(api.received(HOA)) == len(turns(assistant)) == 10 - len(api.pending)


@pytest.mark.parametrize(
    ("change", "setting"),
    [
        ({"telegram_token": None}, "TELEGRAM_TOKEN"),
        ({"telegram_webhook_url": None}, "TELEGRAM_WEBHOOK_URL"),
        ({"telegram_webhook_secret": None}, "TELEGRAM_WEBHOOK_SECRET"),
        ({"telegram_webhook_secret": SecretStr("ngắn")}, "TELEGRAM_WEBHOOK_SECRET"),
    ],
)
def test_a_missing_setting_is_named_before_anything_starts(
    assistant: Assistant, by_webhook: Settings, change: dict[str, Any], setting: str
) -> None:
    with pytest.raises(SettingsError, match=setting):
        telegram_application(assistant, by_webhook.model_copy(update=change))
