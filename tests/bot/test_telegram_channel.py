"""The Telegram channel: what citizens send, and the answers they see."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from actions.wording import say
from bot.outbox import Recipient, queue
from bot.settings import Settings
from bot.store import Conversation
from bot.telegram_channel import COMMANDS
from bot.turn import Assistant
from knowledge.database import transaction
from tests.bot.telegram_run import HOA, QUESTION, buttons, channel, store_turn, turns
from tests.servers.telegram_api import TelegramApi

PHOTO = [{"file_id": "a", "file_unique_id": "b", "width": 9, "height": 9}]
FILE = {"file_id": "a", "file_unique_id": "b"}


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
    assert answers[1]["text"].startswith("Anh/chị gửi giúp mình mã hồ sơ")
    assert answers[2]["text"].startswith("Anh/chị có thể hỏi mình:")
    assert answers[3]["text"] == say("talk.cancel")
    assert answers[4]["text"] == say("privacy.confirm")
    assert [turn.payload for turn in turns(assistant)] == list(COMMANDS.values())


def test_what_waited_for_the_next_answer_is_told_before_it(
    api: TelegramApi, assistant: Assistant, settings: Settings
) -> None:
    with channel(assistant, settings):
        api.citizen_says(HOA, "xin chào")
        api.wait_for_message(HOA)
        with transaction(assistant.engine) as session:
            whose = session.scalars(select(Conversation.id)).one()
            news = {"text": "Hồ sơ đã xong.", "choices": [], "sources": [], "by": "desk"}
            queue(session, "one", Recipient("telegram", None, whose), news)  # kept, as what is unsure
        api.citizen_says(HOA, "cảm ơn")
        _, told, thanked = api.wait_for_message(HOA, 3)
    assert (told["text"], thanked["text"]) == ("Hồ sơ đã xong.", say("talk.thank"))


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
