"""The staff's Telegram group as a desk: each case a topic, one owner, and nothing lost or told twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update
from structlog.testing import capture_logs

from actions.wording import say
from bot.hotline import cases
from bot.hotline.closing_words import read_closing
from bot.hotline.staff import Staff
from bot.hotline.topic_steps import note_topic, take_step, untold
from bot.hotline.topics import CaseTopic
from bot.settings import Settings
from bot.start import build_assistant
from bot.turn import Assistant
from knowledge.database import now, transaction
from knowledge.dossiers import HERE
from tests.bot.hotline.group_run import (
    GROUP,
    HUMAN,
    LAN,
    MINH,
    OPEN,
    STRANGER,
    Run,
    add_staff,
    at,
    group_desk,
)
from tests.bot.telegram_run import HOA, buttons
from tests.servers.telegram_api import TelegramApi

PHOTO = [{"file_id": "a", "file_unique_id": "b", "width": 9, "height": 9}]


@pytest.fixture
def staffed(assistant: Assistant) -> Assistant:
    """An assistant with Lan and Minh on duty on a Thursday morning."""
    add_staff(assistant)
    return at(assistant, OPEN)


def topic_of(assistant: Assistant) -> CaseTopic:
    with transaction(assistant.engine) as session:
        return session.scalars(select(CaseTopic)).one()


def from_desk(assistant: Assistant, act: Any) -> Any:
    with transaction(assistant.engine) as session:
        return act(session)


def test_a_case_from_the_card_to_the_rating(api: TelegramApi, staffed: Assistant, settings: Settings) -> None:
    with group_desk(staffed, settings, api) as run:
        api.citizen_says(HOA, "đi đăng ký kết hôn cần mang gì")
        api.wait_for_message(HOA)
        api.citizen_says(HOA, "cho tôi gặp nhân viên @lan <b>gấp</b>")
        topic = run.topic()
        card = run.wait(topic, "Câu hỏi:")
        number = run.case().id
        assert api.forums[GROUP].topics[topic].name == f"#{number} · Xin gặp nhân viên"
        assert f"#{number} · Xin gặp nhân viên\nTelegram · hạn 11:00 26/11" in card["text"]
        assert "Người dân: đi đăng ký kết hôn cần mang gì" in card["text"]
        assert "@\N{WORD JOINER}lan <b>gấp</b>" in card["text"]
        data = f"case_claim?number={number}"
        assert buttons(card) == [[{"text": "Nhận", "callback_data": data}]]

        api.member_presses(LAN, data, card)
        api.member_presses(MINH, data, card)
        run.wait(topic, "Nguyễn Lan đã nhận")
        api.wait_until(lambda: run.alerts() == ["Nguyễn Lan đang giữ câu hỏi này."], "the loser's alert")
        api.wait_until(lambda: not buttons(api.in_topic(GROUP, topic)[0]), "no button")
        run.wait_for_citizen("Nhân viên đã nhận")

        api.member_says(GROUP, topic, LAN, "Anh/chị ở xã nào ạ?")
        run.wait_for_citizen("Anh/chị ở xã nào ạ?")
        api.citizen_says(HOA, "xã Tam Dương &amp; <i>")
        run.wait(topic, "Người dân: xã Tam Dương &amp; <i>")
        api.member_says(GROUP, topic, MINH, "// hỏi lại bên tư pháp")
        api.wait_until(lambda: run.events()[-1].kind == "note", "the note")
        api.member_says(GROUP, topic, LAN, "/xong da_tra_loi")
        asked = run.wait_for_citizen("có giúp được anh/chị không")
        run.wait(topic, "Nguyễn Lan đóng: Đã trả lời xong")
        api.wait_until(lambda: api.forums[GROUP].topics[topic].is_closed, "a closed topic")
        api.citizen_presses(HOA, buttons(asked)[0][0]["callback_data"], asked["message_id"])
        run.wait(topic, "Người dân chấm: có ích? Có")
    assert not any("tư pháp" in each for each in run.citizen_texts())
    told = "\n".join(run.texts(topic))
    assert "ở xã nào" not in told and "tư pháp" not in told  # they stand there already


def test_what_is_done_at_the_desk_shows_in_the_group(
    api: TelegramApi, staffed: Assistant, settings: Settings
) -> None:
    with group_desk(staffed, settings, api) as run:
        api.citizen_says(HOA, HUMAN)
        topic = run.topic()
        card = run.wait(topic, "Câu hỏi:")
        number = run.case().id
        assert from_desk(staffed, lambda session: cases.claim(session, number, 2))
        run.wait(topic, "Trần Minh đã nhận")
        api.wait_until(lambda: not buttons(api.in_topic(GROUP, topic)[0]), "no button")
        from_desk(staffed, lambda session: cases.reply(session, number, 2, "Chào anh/chị", "k"))
        run.wait(topic, "Trần Minh: Chào anh/chị")
        from_desk(staffed, lambda session: cases.add_note(session, number, 1, "xem lại"))
        run.wait(topic, "Ghi chú · Nguyễn Lan: xem lại")
        from_desk(staffed, lambda session: cases.transfer(session, number, 2))
        again = run.wait(topic, "Trần Minh chuyển cho hàng chờ")
        assert buttons(again)
        api.member_presses(LAN, buttons(again)[0][0]["callback_data"], again)
        run.wait(topic, "Nguyễn Lan đã nhận")
        api.wait_until(lambda: not any(map(buttons, api.in_topic(GROUP, topic))), "no button")
    assert card["message_id"] != again["message_id"]


def test_who_does_not_own_the_case_is_told_that_nothing_was_sent(
    api: TelegramApi, staffed: Assistant, settings: Settings
) -> None:
    with group_desk(staffed, settings, api) as run:
        api.citizen_says(HOA, HUMAN)
        topic = run.topic()
        card = run.wait(topic, "Câu hỏi:")
        api.member_says(GROUP, topic, LAN, "chưa nhận đã viết")
        run.wait(topic, "bấm «Nhận» trước")
        api.member_says(GROUP, topic, LAN, "/xong trùng")
        api.member_presses(STRANGER, buttons(card)[0][0]["callback_data"], card)
        api.member_says(GROUP, topic, STRANGER, "tôi là ai")
        api.member_says(GROUP, topic, STRANGER, "tôi là ai vậy")
        run.wait(topic, f"python -m bot staff telegram TEN {STRANGER}")
        api.member_presses(LAN, buttons(card)[0][0]["callback_data"], card)
        run.wait(topic, "Nguyễn Lan đã nhận")
        api.member_says(GROUP, topic, MINH, "để em trả lời")
        run.wait(topic, "Nguyễn Lan đang giữ câu hỏi số")
        api.member_says(GROUP, topic, LAN, "a" * 4050)
        run.wait(topic, "Tin dài 4050 ký tự")
    assert any(f"telegram TEN {STRANGER}" in alert for alert in run.alerts())
    assert sum("TEN" in each for each in run.texts(topic)) == 1
    assert [event.kind for event in run.events()] == ["opened", "claimed"]


def test_only_text_is_passed_on_and_the_rest_is_told_not_to_be(
    api: TelegramApi, staffed: Assistant, settings: Settings
) -> None:
    with group_desk(staffed, settings, api) as run:
        topic = run.claimed()
        api.member_sends(GROUP, topic, LAN, photo=PHOTO, media_group_id="7", caption="đây ạ")
        api.member_sends(GROUP, topic, LAN, photo=PHOTO, media_group_id="7")
        api.member_says(GROUP, topic, LAN, "/help")
        run.wait(topic, "Không có lệnh này")
        api.member_says(GROUP, topic, LAN, "//")
        run.wait(topic, say("group.empty_note"))
        api.member_sends(GROUP, topic, LAN, forum_topic_edited={"name": "khác"})
        api.member_says(GROUP, None, LAN, "trưa nay ăn gì")
        api.member_says(GROUP, 77, LAN, "chủ đề khác")
        api.citizen_says(-100200, "/start", chat_type="supergroup")
        sent = api.member_says(GROUP, topic, LAN, "Chữ đầu")["message"]
        run.wait_for_citizen("Chữ đầu")
        edit = {"kind": "edited_message", "message_id": sent["message_id"]}
        api.member_sends(GROUP, topic, LAN, **edit, text="Chữ đầu")  # as when a link gets its picture
        api.member_sends(GROUP, topic, LAN, **edit, text="Chữ sau")
        run.wait(topic, say("group.edited"))
    assert sum(each == say("group.only_text") for each in run.texts(topic)) == 1
    assert api.in_topic(GROUP, None) == [] == api.received(-100200)
    assert not any(
        words in str(run.citizen_texts()) for words in ("đây ạ", "ăn gì", "Chữ sau", "chủ đề khác")
    )


def test_closing_asks_for_a_reason_by_buttons(
    api: TelegramApi, staffed: Assistant, settings: Settings
) -> None:
    with group_desk(staffed, settings, api) as run:
        topic = run.claimed()
        api.member_says(GROUP, topic, LAN, "/xong@hoi_mot_cua_bot vì mệt")
        asked = run.wait(topic, say("group.choose_closing"))
        assert [row[0]["text"] for row in buttons(asked)] == [
            say(f"desk.closing_{closing}") for closing in cases.CLOSINGS
        ]
        data = buttons(asked)[1][0]["callback_data"]
        api.member_presses(MINH, data, asked)
        api.wait_until(lambda: "Nguyễn Lan" in str(run.alerts()), "the alert")
        api.member_presses(LAN, data, asked)
        run.wait(topic, "Nguyễn Lan đóng: Đã chuyển cơ quan")
        api.wait_until(lambda: not any(map(buttons, api.in_topic(GROUP, topic))), "no button")
        api.member_says(GROUP, topic, LAN, "còn nữa")
        run.wait(topic, "đã đóng, không làm gì thêm được")


@pytest.mark.parametrize(
    ("words", "closing"),
    [
        ("da_tra_loi", "answered"), ("Đã trả lời", "answered"), ("da_tra_loi_xong", "answered"),
        ("chuyen", "referred"), ("đã chuyển", "referred"), ("khong", "no_answer"), ("quấy rối", "abusive"),
        ("nguoi_dan_roi", "citizen_left"), ("trùng", "duplicate"), ("da", None), ("", None), ("xyz", None),
    ],
)  # fmt: skip
def test_a_reason_is_known_by_its_beginning(words: str, closing: str | None) -> None:
    assert read_closing(words) == closing


def test_what_comes_twice_is_done_once(api: TelegramApi, staffed: Assistant, settings: Settings) -> None:
    with group_desk(staffed, settings, api) as run:
        topic = run.claimed()
        written = api.member_says(GROUP, topic, LAN, "Một lần thôi")
        noted = api.member_says(GROUP, topic, LAN, "//nhớ")
        api.member_says(GROUP, topic, LAN, "/xong trung")
        api.wait_until(lambda: api.forums[GROUP].topics[topic].is_closed, "a closed topic")
    with group_desk(staffed, settings, api):
        for update_again in (written, noted):
            api.push({**update_again, "update_id": api._next_id()})
        api.member_says(GROUP, topic, LAN, "thêm")
        run.wait(topic, "không làm gì thêm được")
    assert [event.kind for event in run.events()] == ["opened", "claimed", "reply", "note", "closed"]
    assert run.citizen_texts().count("Một lần thôi") == 1
    assert sum("không làm gì thêm được" in each for each in run.texts(topic)) == 1


def test_being_on_duty_is_said_in_the_group(api: TelegramApi, staffed: Assistant, settings: Settings) -> None:
    with transaction(staffed.engine) as session:
        session.execute(update(Staff).values(presence="off"))
    with group_desk(staffed, settings, api) as run:
        api.member_says(GROUP, None, LAN, "/truc@hoi_mot_cua_bot")
        run.wait(None, "Nguyễn Lan đang trực tới 17:00.")
        with transaction(staffed.engine) as session:
            assert session.get_one(Staff, 1).there_until == OPEN.replace(hour=17)
        api.member_says(GROUP, None, STRANGER, "/truc")
        run.wait(None, str(STRANGER))
        api.member_says(GROUP, None, LAN, "/nghỉ")
        run.wait(None, "Nguyễn Lan đã nghỉ trực.")
        api.member_says(GROUP, None, LAN, "/truc@another_bot")
    late = at(staffed, datetime(2026, 11, 27, 18, 0, tzinfo=HERE))
    with group_desk(late, settings, api) as run:
        api.member_says(GROUP, None, LAN, "/truc")
        run.wait(None, "Mở lại: 07:30 thứ Hai, 30/11.")
    with transaction(staffed.engine) as session:
        assert session.get_one(Staff, 1).presence == "off"


def test_a_deleted_topic_is_told_anew_in_another(
    api: TelegramApi, staffed: Assistant, settings: Settings
) -> None:
    with group_desk(staffed, settings, api) as run:
        former = run.claimed()
        api.member_says(GROUP, former, LAN, "Viết ở chủ đề cũ")
        run.wait_for_citizen("Viết ở chủ đề cũ")
        api.delete_topic(GROUP, former)
        api.citizen_says(HOA, "dạ em đây")
        api.wait_until(lambda: bool(set(api.forums[GROUP].topics) - {former}), "another topic")
        topic = run.topic()
        run.wait(topic, "dạ em đây")
    told = "\n".join(run.texts(topic))
    parts = ("Chủ đề trước đã bị xoá", "Câu hỏi:", "đã nhận", "Nguyễn Lan: Viết ở chủ đề cũ", "dạ em đây")
    places = [told.index(part) for part in parts]
    assert places == sorted(places)
    assert not any(map(buttons, api.in_topic(GROUP, topic)))


@pytest.mark.parametrize("lacking", ["is_forum", "may_manage"])
def test_a_group_that_is_not_set_up_is_told_what_to_do_and_nothing_is_lost(
    api: TelegramApi, staffed: Assistant, settings: Settings, lacking: str
) -> None:
    setattr(api.forums[GROUP], lacking, False)
    with group_desk(staffed, settings, api) as run:
        api.citizen_says(HOA, HUMAN)
        run.wait(None, "cho bot làm quản trị viên")
        api.citizen_says(HOA, "còn ai không")
        api.wait_until(lambda: run.events()[-1].kind == "message", "the message")
        assert len(api.called("createForumTopic")) == 1  # the bot rests
    setattr(api.forums[GROUP], lacking, True)
    with group_desk(staffed, settings, api) as run:
        run.wait(run.topic(), "còn ai không")
    assert len(run.texts(None)) == 1


def test_a_program_stopped_while_sending_sends_again_and_says_so(
    api: TelegramApi, staffed: Assistant, settings: Settings
) -> None:
    with group_desk(staffed, settings, api, tells=False) as run:
        api.citizen_says(HOA, HUMAN)
        api.wait_for_message(HOA)
        number = run.case().id
        taken = take_step(staffed.engine, number)
        assert taken and take_step(staffed.engine, number) is None  # nobody else tells it meanwhile
        assert untold(staffed.engine, 5) == []
    with transaction(staffed.engine) as session:
        session.execute(update(CaseTopic).values(sending_at=now() - timedelta(minutes=3)))
    assert untold(staffed.engine, 5) == [number]
    with group_desk(staffed, settings, api) as run:
        card = run.wait(run.topic(), "Câu hỏi:")
        assert card["text"].startswith(say("group.again"))
        api.citizen_says(HOA, "dạ")
        later = run.wait(run.topic(), "Người dân: dạ")
        assert "gửi lại" not in later["text"]
        assert note_topic(staffed.engine, taken, 5) is None  # whoever was slow changes nothing
    assert topic_of(staffed).sending_event is None


@pytest.mark.parametrize(("status", "words"), [(502, "Bad Gateway"), (403, "Forbidden: bot was kicked")])
def test_what_telegram_did_not_take_is_sent_later_without_such_a_word(
    api: TelegramApi, staffed: Assistant, settings: Settings, status: int, words: str
) -> None:
    with group_desk(staffed, settings, api, tells=False) as run:
        api.citizen_says(HOA, HUMAN)
        api.wait_for_message(HOA)
    api.refuse_next("createForumTopic", status, words)
    with group_desk(staffed, settings, api):
        api.wait_for_call("createForumTopic")
    with group_desk(staffed, settings, api):
        assert say("group.again") not in run.wait(run.topic(), "Câu hỏi:")["text"]


def test_what_may_have_come_is_sent_again_with_such_a_word(
    api: TelegramApi, staffed: Assistant, settings: Settings
) -> None:
    with group_desk(staffed, settings, api, tells=False) as run:
        api.citizen_says(HOA, HUMAN)
        api.wait_for_message(HOA)
    api.refuse_next("sendMessage", 502, "Bad Gateway")
    with group_desk(staffed, settings, api):
        api.wait_for_call("sendMessage", 2)
    with group_desk(staffed, settings, api):
        assert say("group.again") in run.wait(run.topic(), "Câu hỏi:")["text"]
    assert len(api.forums[GROUP].topics) == 1


def test_of_many_who_tell_a_case_one_does(api: TelegramApi, staffed: Assistant, settings: Settings) -> None:
    with group_desk(staffed, settings, api, tells=False) as run:
        api.citizen_says(HOA, HUMAN)
        api.wait_for_message(HOA)
    number = run.case().id
    with ThreadPoolExecutor(8) as threads:
        steps = list(threads.map(lambda _: take_step(staffed.engine, number), range(8)))
    assert sum(step is not None for step in steps) == 1


def test_a_group_that_moved_is_logged_with_its_new_number(
    api: TelegramApi, staffed: Assistant, settings: Settings
) -> None:
    words = "Bad Request: group chat was upgraded to a supergroup chat"
    api.refuse_next("createForumTopic", 400, words, migrated_to=-1009)
    with capture_logs() as logs, group_desk(staffed, settings, api):
        api.citizen_says(HOA, HUMAN)
        api.wait_until(lambda: "HOTLINE_TELEGRAM_GROUP=-1009" in str(logs), "the log")


@pytest.mark.filterwarnings("ignore:.*attribute `retry_after`")  # the library's own, of its next version
def test_citizens_do_not_wait_for_the_pace_of_the_group(
    api: TelegramApi, staffed: Assistant, settings: Settings
) -> None:
    api.refuse_next("createForumTopic", 429, "Too Many Requests: retry after 2", retry_after=2)
    with group_desk(staffed, settings, api) as run:
        api.citizen_says(HOA, HUMAN)
        api.wait_for_call("createForumTopic")
        api.citizen_says(HOA + 1, "cảm ơn bạn")
        api.wait_for_message(HOA + 1)
        assert not api.forums[GROUP].topics
        assert "gửi lại" not in run.wait(run.topic(), "Câu hỏi:")["text"]


def test_a_citizen_who_blocked_the_bot_is_told_of(
    api: TelegramApi, staffed: Assistant, settings: Settings
) -> None:
    with group_desk(staffed, settings, api) as run:
        topic = run.claimed()
        run.wait_for_citizen("Nhân viên đã nhận")
        api.refuse_next("sendMessage", 403, "Forbidden: bot was blocked by the user")
        api.member_says(GROUP, topic, LAN, "Anh/chị ơi")
        run.wait(topic, "Không gửi được tin tới người dân")


def test_while_the_database_is_down_staff_are_told_that_nothing_was_sent(
    api: TelegramApi, staffed: Assistant, settings: Settings
) -> None:
    def rename(table: str, name: str) -> None:
        with staffed.engine.begin() as connection:
            connection.execute(text(f"ALTER TABLE {table} RENAME TO {name}"))

    with group_desk(staffed, settings, api) as run:
        topic = run.claimed()
        rename("case_events", "away")
        api.member_says(GROUP, topic, LAN, "có tới không")
        run.wait(topic, say("group.database_down"))
        rename("away", "case_events")
        api.member_says(GROUP, topic, LAN, "tới rồi")
        run.wait_for_citizen("tới rồi")
    assert "có tới không" not in run.citizen_texts()


def test_a_case_closed_before_it_had_a_topic_gets_none(
    api: TelegramApi, staffed: Assistant, settings: Settings
) -> None:
    with group_desk(staffed, settings, api, tells=False) as run:
        api.citizen_says(HOA, HUMAN)
        [told] = api.wait_for_message(HOA)
        api.citizen_presses(HOA, buttons(told)[-1][0]["callback_data"], told["message_id"])
        run.wait_for_state("closed")
    assert untold(staffed.engine, 5) == []


def test_a_note_longer_than_a_message_comes_in_pieces(
    api: TelegramApi, staffed: Assistant, settings: Settings
) -> None:
    with group_desk(staffed, settings, api) as run:
        topic = run.claimed()
        number = run.case().id
        long = "😀 từ " * 2000
        from_desk(staffed, lambda session: cases.add_note(session, number, 1, f"{long} HẾT"))
        run.wait(topic, "HẾT")
    assert " ".join(run.texts(topic)).count("😀") == 2000


def test_whoever_gets_a_group_gets_no_alerts(settings: Settings, tmp_path: Any) -> None:
    known = settings.model_copy(update={"database_url": f"sqlite:///{tmp_path / 'a.db'}"})
    assert build_assistant(known).hotline.alerts is not None
    with_group = known.model_copy(update={"hotline_telegram_group": GROUP})
    assert build_assistant(with_group).hotline.alerts is None


def test_each_case_has_a_topic_of_its_own(api: TelegramApi, staffed: Assistant, settings: Settings) -> None:
    with group_desk(staffed, settings, api) as run:
        first = run.claimed()
        api.citizen_says(HOA + 7, HUMAN)
        second = run.topic(2)
        run.wait(second, "Câu hỏi:")
        api.member_says(GROUP, second, LAN, "// của người thứ hai")
        api.wait_until(lambda: run.events()[-1].kind == "note", "the note")
    assert first != second and isinstance(run, Run)


@pytest.mark.parametrize("may_delete", [True, False])
def test_erasing_their_data_deletes_the_topic_too(
    api: TelegramApi, staffed: Assistant, settings: Settings, may_delete: bool
) -> None:
    api.forums[GROUP].may_delete = may_delete
    with group_desk(staffed, settings, api) as run:
        topic = run.claimed()
        api.citizen_says(HOA, "/xoadulieu")
        asked = run.wait_for_citizen(say("privacy.confirm"))
        api.citizen_presses(HOA, buttons(asked)[0][0]["callback_data"], asked["message_id"])
        if may_delete:
            api.wait_until(lambda: not api.forums[GROUP].topics, "no topic")
        else:
            run.wait(topic, say("group.erased"))
    assert untold(staffed.engine, 5) == []


def test_a_mistyped_command_is_not_sent_and_an_anonymous_admin_is_told_what_to_do(
    api: TelegramApi, staffed: Assistant, settings: Settings
) -> None:
    with group_desk(staffed, settings, api) as run:
        topic = run.claimed()
        for text in ("/xong, da_tra_loi", "/ /ghi chú", "/ xong"):
            api.member_says(GROUP, topic, LAN, text)
        run.wait(topic, "Không có lệnh này")
        chat = {"id": GROUP, "type": "supergroup", "title": "Tổ"}
        api.member_sends(GROUP, topic, 1087968824, text="Chào", sender_chat=chat)
        run.wait(topic, say("group.anonymous"))
        assert not any("xong" in each or "ghi chú" in each for each in run.citizen_texts())
    assert [each.kind for each in run.events()] == ["opened", "claimed"]
