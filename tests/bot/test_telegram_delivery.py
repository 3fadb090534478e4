"""Telegram's answers arrive: each once and in order, past refusals, stops and crashes."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from actions.wording import say
from bot.inbox import unanswered
from bot.settings import Settings
from bot.turn import Assistant
from tests.bot.telegram_run import HOA, LAN, channel, store_turn, turns
from tests.servers.telegram_api import TOKEN, TelegramApi


@pytest.mark.filterwarnings("ignore:.*attribute `retry_after`")  # the library's own, of its next version
def test_too_many_requests_are_waited_out_and_the_answer_comes_once(
    api: TelegramApi, assistant: Assistant, settings: Settings
) -> None:
    api.refuse_next("sendMessage", 429, "Too Many Requests: retry after 1", retry_after=1)
    with channel(assistant, settings):
        api.citizen_says(HOA, "xin chào")
        api.wait_for_message(HOA)
    refused, sent = api.called("sendMessage")
    assert sent.at - refused.at >= 1
    assert len(api.received(HOA)) == 1


def test_an_answer_that_telegram_could_not_take_is_sent_again(
    api: TelegramApi, assistant: Assistant, settings: Settings
) -> None:
    api.refuse_next("sendMessage", 502, "Bad Gateway")
    with channel(assistant, settings):
        api.citizen_says(HOA, "xin chào")
        assert len(api.wait_for_message(HOA)) == 1
    assert len(turns(assistant)) == 1


def test_a_citizen_who_blocked_the_bot_is_logged_without_their_words_or_chat(
    api: TelegramApi, assistant: Assistant, settings: Settings
) -> None:
    api.refuse_next("sendMessage", 403, "Forbidden: bot was blocked by the user")
    with capture_logs() as logs, channel(assistant, settings):
        api.citizen_says(HOA, "cảm ơn bạn")
        api.wait_for_call("sendMessage")
        api.citizen_says(LAN, "xin chào")
        api.wait_for_message(LAN)
    assert {"event": "telegram_not_delivered", "log_level": "warning",
            "error": "Forbidden: bot was blocked by the user"} in logs  # fmt: skip
    assert not any(word in str(logs) for word in (str(HOA), "cảm ơn", "Bí Mật", TOKEN))
    assert turns(assistant)[0].reply is not None


def test_an_answer_stored_before_a_crash_is_sent_when_the_update_comes_again(
    api: TelegramApi, assistant: Assistant, settings: Settings
) -> None:
    said = {"text": "Câu trả lời đã lưu.", "choices": [], "sources": []}
    store_turn(assistant, 9, text="câu hỏi", reply={"messages": [said], "status": "answered"})
    api.push({"update_id": 9, **api.text_from(HOA, "câu hỏi")})
    with channel(assistant, settings):
        [answer] = api.wait_for_message(HOA)
    assert answer["text"] == "Câu trả lời đã lưu."
    assert len(turns(assistant)) == 1


@pytest.mark.parametrize("confirmed", [True, False], ids=["confirmed", "to come again"])
def test_what_a_stopped_process_left_unanswered_is_answered_once_at_start(
    api: TelegramApi, assistant: Assistant, settings: Settings, confirmed: bool
) -> None:
    store_turn(assistant, 11, text="cảm ơn bạn")
    if not confirmed:
        api.push({"update_id": 11, **api.text_from(HOA, "cảm ơn bạn")})
    with channel(assistant, settings):
        api.citizen_says(HOA, "/huy")
        thanked, cancelled = api.wait_for_message(HOA, 2)
    assert (thanked["text"], cancelled["text"]) == (say("talk.thank"), say("talk.cancel"))
    assert unanswered(assistant.engine, "telegram") == []
    assert len(turns(assistant)) == 2


def test_a_restart_goes_on_where_it_stopped(
    api: TelegramApi, assistant: Assistant, settings: Settings
) -> None:
    with channel(assistant, settings):
        api.citizen_says(HOA, "xin chào")
        api.wait_for_message(HOA)
    assert api.pending == []  # confirmed
    api.citizen_says(HOA, "cảm ơn")
    with channel(assistant, settings):
        api.wait_for_message(HOA, 2)
    assert len(turns(assistant)) == len(api.received(HOA)) == 2


def test_a_stop_answers_what_was_fetched(api: TelegramApi, assistant: Assistant, settings: Settings) -> None:
    for _ in range(20):
        api.citizen_says(HOA, "cảm ơn")
    with channel(assistant, settings):
        api.wait_for_call("sendMessage")
    answered = len(api.received(HOA))
    assert answered == len(turns(assistant)) == 20 - len(api.pending)


def test_an_update_is_confirmed_only_after_its_answer_was_sent(
    api: TelegramApi, assistant: Assistant, settings: Settings
) -> None:
    api.hold(HOA)
    with channel(assistant, settings):
        api.citizen_says(HOA, "xin chào")
        api.wait_for_call("sendMessage")
        assert len(api.pending) == 1
        api.release(HOA)
        api.wait_until(lambda: api.pending == [], "the confirmation")
    assert len(api.received(HOA)) == 1


def test_a_chat_keeps_its_order_and_holds_up_no_other(
    api: TelegramApi, assistant: Assistant, settings: Settings
) -> None:
    api.hold(HOA)
    for chat_id, words in ((HOA, "xin chào"), (HOA, "/huy"), (HOA, "cảm ơn"), (LAN, "cảm ơn")):
        api.citizen_says(chat_id, words)
    with channel(assistant, settings):
        [answer] = api.wait_for_message(LAN)
        assert answer["text"] == say("talk.thank")
        assert api.received(HOA) == []
        api.release(HOA)
        _, cancelled, thanked = api.wait_for_message(HOA, 3)
    assert (cancelled["text"], thanked["text"]) == (say("talk.cancel"), say("talk.thank"))
