"""The Telegram channel: python-telegram-bot and the assistant, against a Bot API server of our own."""

from __future__ import annotations

import asyncio
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
from sqlalchemy import select, text
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from actions.wording import say
from bot.settings import Settings
from bot.store import Conversation, Turn
from bot.telegram_channel import (
    COMMANDS,
    SECRET_HEADER,
    TelegramSettingsError,
    running_telegram,
    telegram_application,
    webhook_route,
)
from bot.turn import Assistant
from tests.conftest import serve_app
from tests.servers.telegram_api import TOKEN, TelegramApi

HOA, LAN = 555001, 555002  # two citizens' chats
SECRET = "mot-bi-mat-chi-de-thu"  # noqa: S105 - opens nothing
QUESTION = "đăng ký kết hôn cần giấy tờ gì"


@pytest.fixture
def api() -> Iterator[TelegramApi]:
    with TelegramApi() as server:
        yield server


@pytest.fixture
def settings(api: TelegramApi) -> Settings:
    return Settings(_env_file=None, telegram_token=SecretStr(TOKEN), telegram_api=api.url)


@contextmanager
def channel(assistant: Assistant, settings: Settings) -> Iterator[None]:
    """Run the channel in a loop of its own, as the web server does, and stop it cleanly."""
    loop, started, stopping = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def live() -> None:
        async with running_telegram(telegram_application(assistant, settings), settings):
            started.set()
            await stopping.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(live(),))
    thread.start()
    assert started.wait(10)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(20)
        assert not thread.is_alive()
        loop.close()


def turns(assistant: Assistant) -> list[Turn]:
    with Session(assistant.engine) as session:
        return list(session.scalars(select(Turn).order_by(Turn.id)))


def store_turn(assistant: Assistant, update_id: int, **said: Any) -> None:
    """Store a turn of Hoa's as a stopped process would have left it."""
    with Session(assistant.engine) as session, session.begin():
        conversation = Conversation(channel="telegram", address=str(HOA))
        session.add(conversation)
        session.flush()
        key = f"telegram:{TOKEN.split(':')[0]}-{update_id}"
        session.add(Turn(conversation_id=conversation.id, request_key=key, **said))


def buttons(message: dict[str, Any]) -> list[list[dict[str, str]]]:
    return list(message.get("reply_markup", {}).get("inline_keyboard", []))


def test_a_question_is_answered_with_choices_a_row_each_and_its_source(
    api: TelegramApi, assistant: Assistant, settings: Settings
) -> None:
    with channel(assistant, settings):
        api.citizen_says(HOA, QUESTION)
        [answer] = api.wait_for_message(HOA)
    assert "Đăng ký kết hôn" in answer["text"]
    assert "<blockquote expandable>Nguồn: <a href=" in answer["html"]
    assert len(buttons(answer)) > 1
    assert all(len(row) == 1 for row in buttons(answer))
    [call] = api.called("sendMessage")
    assert call.params["link_preview_options"] == {"is_disabled": True}
    assert [call.params["action"] for call in api.called("sendChatAction")] == ["typing"]


def test_a_pressed_choice_is_answered_once_and_its_choices_taken_away(
    api: TelegramApi, assistant: Assistant, settings: Settings
) -> None:
    with channel(assistant, settings):
        api.citizen_says(HOA, QUESTION)
        [first] = api.wait_for_message(HOA)
        payload = buttons(first)[0][0]["callback_data"]
        api.citizen_presses(HOA, payload, first["message_id"])
        api.citizen_presses(HOA, payload, first["message_id"])
        api.wait_for_call("answerCallbackQuery", 2)
        api.citizen_says(HOA, "cảm ơn")
        _, told, thanked = api.wait_for_message(HOA, 3)
    assert "Đăng ký kết hôn" in told["text"] != first["text"]
    assert thanked["text"] == say("talk.thank")
    assert not buttons(api.received(HOA)[0])
    assert [turn.payload for turn in turns(assistant)] == [None, payload, None]


def test_commands_are_listed_in_vietnamese_and_each_is_answered(
    api: TelegramApi, assistant: Assistant, settings: Settings
) -> None:
    with channel(assistant, settings):
        [listed] = api.wait_for_call("setMyCommands")
        for name in COMMANDS:
            api.citizen_says(HOA, f"/{name}")
        answers = api.wait_for_message(HOA, len(COMMANDS))
    assert {item["command"] for item in listed.params["commands"]} == set(COMMANDS)
    assert answers[0]["text"].startswith("Chào anh/chị!")
    assert answers[1]["text"].startswith("Anh/chị có thể hỏi mình:")
    assert answers[2]["text"] == say("talk.cancel")
    assert answers[3]["text"] == say("privacy.confirm")
    assert [turn.payload for turn in turns(assistant)] == list(COMMANDS.values())


def test_a_refused_command_list_keeps_nobody_waiting(
    api: TelegramApi, assistant: Assistant, settings: Settings
) -> None:
    api.refuse_next("setMyCommands", 400, "Bad Request: BOT_COMMAND_INVALID")
    with channel(assistant, settings):
        api.citizen_says(HOA, "xin chào")
        assert api.wait_for_message(HOA)


def test_erasing_their_data_by_command_and_button_leaves_one_bare_turn(
    api: TelegramApi, assistant: Assistant, settings: Settings
) -> None:
    with channel(assistant, settings):
        api.citizen_says(HOA, QUESTION)
        api.citizen_says(HOA, "/xoadulieu")
        _, asked = api.wait_for_message(HOA, 2)
        api.citizen_presses(HOA, buttons(asked)[0][0]["callback_data"], asked["message_id"])
        *_, done = api.wait_for_message(HOA, 3)
    assert "đã xoá xong" in done["text"]
    assert [(turn.text, turn.payload) for turn in turns(assistant)] == [
        (None, "delete_my_data?confirmed=yes")
    ]


def test_a_long_answer_comes_in_pieces_with_the_choices_under_the_last(
    api: TelegramApi, assistant: Assistant, settings: Settings
) -> None:
    paragraphs = [f"**Đoạn {number}.** {'chữ ' * 300}".strip() for number in range(9)]
    said = {
        "text": "\n\n".join(paragraphs),
        "choices": [{"title": "Lệ phí", "payload": "ask_fee"}],
        "sources": [],
    }
    store_turn(assistant, 7, text="hỏi dài", reply={"messages": [said], "status": "answered"})
    api.push({"update_id": 7, **api.text_from(HOA, "hỏi dài")})
    with channel(assistant, settings):
        api.wait_for_message(HOA, 3)
        api.citizen_says(HOA, "cảm ơn")
        *pieces, _ = api.wait_for_message(HOA, 4)
    assert [bool(buttons(piece)) for piece in pieces] == [False, False, True]
    assert "\n\n".join(piece["text"] for piece in pieces) == "\n\n".join(paragraphs).replace("**", "")


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
    assert assistant.unanswered("telegram") == []
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


PHOTO = [{"file_id": "a", "file_unique_id": "b", "width": 9, "height": 9}]
FILE = {"file_id": "a", "file_unique_id": "b"}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"photo": PHOTO}, "talk.no_pictures"),
        ({"document": FILE}, "talk.no_pictures"),
        ({"voice": {**FILE, "duration": 3}}, "talk.no_words"),
        ({"location": {"latitude": 21.3, "longitude": 105.6}}, "talk.no_words"),
    ],
    ids=["photo", "file", "voice", "place"],
)
def test_what_is_not_text_is_answered_kindly_and_not_stored(
    api: TelegramApi, assistant: Assistant, settings: Settings, content: dict[str, Any], sentence: str
) -> None:
    with channel(assistant, settings):
        api.citizen_sends(HOA, **content)
        [answer] = api.wait_for_message(HOA)
    assert answer["text"] == say(sentence)
    assert turns(assistant) == []


def test_an_album_is_answered_once_and_the_words_under_it_too(
    api: TelegramApi, assistant: Assistant, settings: Settings
) -> None:
    with channel(assistant, settings):
        api.citizen_sends(HOA, photo=PHOTO, media_group_id="77", caption="cảm ơn")
        api.citizen_sends(HOA, photo=PHOTO, media_group_id="77")
        api.citizen_says(HOA, "/huy")
        answers = api.wait_for_message(HOA, 3)
    assert [answer["text"] for answer in answers] == [
        say("talk.no_pictures"), say("talk.thank"), say("talk.cancel")
    ]  # fmt: skip


def test_groups_are_left_alone(api: TelegramApi, assistant: Assistant, settings: Settings) -> None:
    with channel(assistant, settings):
        api.citizen_says(-100200, "/start", chat_type="supergroup")
        api.citizen_says(-100200, QUESTION, chat_type="supergroup")
        api.citizen_says(HOA, "xin chào")
        api.wait_for_message(HOA)
    assert api.received(-100200) == []
    assert len(turns(assistant)) == 1


def test_a_text_that_cannot_be_used_is_told_in_vietnamese(
    api: TelegramApi, assistant: Assistant, settings: Settings
) -> None:
    with channel(assistant, settings):
        api.citizen_says(HOA, "a" * 3000)
        [answer] = api.wait_for_message(HOA)
    assert "tối đa 2000 ký tự" in answer["text"]


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
    store_turn(assistant, 13, text="mật", reply={"messages": [{"text": "hỏng", "unknown": 1}], "status": "?"})
    api.push({"update_id": 13, **api.text_from(HOA, "mật")})
    with capture_logs() as logs, channel(assistant, settings):
        [answer] = api.wait_for_message(HOA)
    assert answer["text"] == say("trouble.not_received")
    assert {"event": "telegram_failed", "log_level": "error", "error": "TypeError"} in logs
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


# Webhook


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
    with pytest.raises(TelegramSettingsError, match=setting):
        telegram_application(assistant, by_webhook.model_copy(update=change))
