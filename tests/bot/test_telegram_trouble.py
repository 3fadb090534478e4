"""Telegram in trouble: citizens are told kindly, logs name no words, work goes on."""

from __future__ import annotations

from pydantic import SecretStr
from sqlalchemy import text
from structlog.testing import capture_logs

from actions.wording import say
from bot.settings import Settings
from bot.turn import Assistant
from tests.bot.telegram_run import HOA, channel, store_turn, turns
from tests.servers.telegram_api import TelegramApi


def rename(assistant: Assistant, table: str, name: str) -> None:
    with assistant.engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {table} RENAME TO {name}"))


def test_while_the_database_is_down_citizens_are_asked_to_come_back(
    api: TelegramApi, assistant: Assistant, settings: Settings
) -> None:
    with channel(assistant, settings):
        api.wait_for_call("getUpdates")
        rename(assistant, "turns", "turns_away")
        api.citizen_says(HOA, "xin chào")
        [answer] = api.wait_for_message(HOA)
    assert answer["text"] == say("trouble.not_received")


def test_a_database_that_is_down_at_start_is_waited_for(
    api: TelegramApi, assistant: Assistant, settings: Settings
) -> None:
    rename(assistant, "turns", "turns_away")
    api.citizen_says(HOA, "xin chào")
    with capture_logs() as logs, channel(assistant, settings):
        api.wait_until(lambda: "telegram_tried_in_vain" in str(logs), "the log")
        rename(assistant, "turns_away", "turns")
        api.wait_for_message(HOA)
    assert len(turns(assistant)) == 1


def test_a_failure_nobody_foresaw_is_told_kindly_and_logged_without_words(
    api: TelegramApi, assistant: Assistant, settings: Settings
) -> None:
    store_turn(assistant, 13, text="mật", reply={"messages": [{"words": "hỏng"}], "status": "?"})
    api.push({"update_id": 13, **api.text_from(HOA, "mật")})
    with capture_logs() as logs, channel(assistant, settings):
        [answer] = api.wait_for_message(HOA)
    assert answer["text"] == say("trouble.not_received")
    assert {"event": "telegram_failed", "log_level": "error", "error": "KeyError"} in logs
    assert not any(word in str(logs) for word in ("mật", "hỏng", str(HOA)))


def test_a_wrong_token_is_told_without_naming_it(
    assistant: Assistant, settings: Settings, api: TelegramApi
) -> None:
    wrong = settings.model_copy(update={"telegram_token": SecretStr("123456:WRONG")})
    with capture_logs() as logs, channel(assistant, wrong):
        api.wait_until(lambda: any(log["event"] == "telegram_not_started" for log in logs), "the log")
    assert "TELEGRAM_TOKEN" in str(logs)
    assert "WRONG" not in str(logs)


def test_telegram_that_cannot_be_reached_keeps_nobody_from_starting_and_is_tried_again(
    api: TelegramApi, assistant: Assistant, settings: Settings
) -> None:
    api.refuse_next("getMe", 502, "Bad Gateway")
    with capture_logs() as logs, channel(assistant, settings):
        api.citizen_says(HOA, "xin chào")
        assert api.wait_for_message(HOA)
    assert "telegram_tried_in_vain" in [log["event"] for log in logs]
