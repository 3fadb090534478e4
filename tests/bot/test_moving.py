"""One conversation, several places: a code given here brings it there, with all that hangs on it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from actions.moving import find_code, wants_to_move
from bot.hotline import cases
from bot.hotline.cases import Case
from bot.hotline.staff import Staff
from bot.inbox import Message
from bot.intake import UnknownConversation
from bot.moving import VALID, MoveCode, give_code
from bot.outbox import AnnouncementText, OutboxMessage, Recipient, queue
from bot.store import Conversation, FollowedDossier, Turn
from bot.turn import Assistant
from knowledge.database import now, transaction
from knowledge.library import Library
from tests.bot.hotline.test_handing_over import OPEN
from tests.conftest import build, dossier_settings

PLACES = {"web": "https://hoi.example", "telegram": "https://t.me/hoi", "zalo": "https://zalo.me/1"}


@pytest.fixture
def assistant(library: Library, nlu_url: str, any_engine: Engine, made_up_url: str) -> Assistant:
    built = build(library, nlu_url, any_engine, dossier_settings(made_up_url))
    hotline = replace(built.hotline, clock=lambda: OPEN)
    return replace(built, places=PLACES, hotline=hotline)


def _say(
    assistant: Assistant, text: str | None = None, whose: str | None = None, **how: str
) -> dict[str, Any]:
    how = {"channel": "web", **how}
    return assistant.reply(Message(text=text, conversation_id=whose, **how)).body  # type: ignore[arg-type]


def _words(body: dict[str, Any]) -> str:
    return "\n".join(message["text"] for message in body["messages"])


def _code(assistant: Assistant, whose: str | None = None) -> tuple[str, str]:
    """Ask for a code on the web page; give the conversation and the code."""
    asked = _say(assistant, "chuyển sang zalo giúp em", whose)
    yes, no = asked["messages"][-1]["choices"]
    assert (asked["status"], no["title"]) == ("asked_back", "Thôi, ở lại đây")
    given = _say(assistant, whose=asked["conversation_id"], payload=yes["payload"])
    found = re.search(r"TIEP-\w{4}-\w{4}", _words(given))
    assert found, _words(given)
    assert "https://zalo.me/1" in _words(given) and "https://hoi.example" not in _words(given)
    return given["conversation_id"], found[0]


def test_the_same_conversation_goes_on_in_the_other_place(assistant: Assistant) -> None:
    there = _say(assistant, "đăng ký kết hôn cần giấy tờ gì")["conversation_id"]
    _, code = _code(assistant, there)
    with transaction(assistant.engine) as session:
        session.add(FollowedDossier(conversation_id=there, code="H62.12-200317-0001"))
    before = _say(assistant, "chào", channel="zalo_oa", address="11")
    moved = _say(assistant, code.lower().replace("-", " "), channel="zalo_oa", address="11")
    assert "trang web" in _words(moved) and moved["conversation_id"] == before["conversation_id"]
    fee = _say(assistant, "thế lệ phí bao nhiêu", channel="zalo_oa", address="11")
    assert fee["understanding"]["procedure"]["name"] == "Đăng ký kết hôn"
    with transaction(assistant.engine) as session:
        (followed,) = session.scalars(select(FollowedDossier))
        assert followed.conversation_id == moved["conversation_id"]
        assert session.get(Conversation, there) is None
        assert {turn.conversation_id for turn in session.scalars(select(Turn))} == {moved["conversation_id"]}
    with pytest.raises(UnknownConversation):
        _say(assistant, "alo", there)


def test_a_waiting_case_and_its_answer_go_along(assistant: Assistant) -> None:
    with transaction(assistant.engine) as session:
        session.add(
            Staff(id=1, login="lan", name="Lan", role="hotline", password_hash="", failures=0,
                  presence="on", seen_at=OPEN)
        )  # fmt: skip
    asked = _say(assistant, "cho tôi gặp nhân viên")
    offer = asked["messages"][-1]["choices"][-1]
    assert offer["title"] == "Chuyển sang Telegram hoặc Zalo"
    there = asked["conversation_id"]
    consent = _say(assistant, whose=there, payload=offer["payload"])  # though a person has the conversation
    given = _say(assistant, whose=there, payload=consent["messages"][-1]["choices"][0]["payload"])
    code = re.search(r"TIEP-\w{4}-\w{4}", _words(given))
    with transaction(assistant.engine) as session:
        number = session.scalars(select(Case.id)).one()
        assert cases.claim(session, number, 1)
        cases.reply(session, number, 1, "Chào anh/chị, mình nghe.", "k")
    moved = _say(assistant, code[0] if code else "", channel="zalo_oa", address="11")
    with transaction(assistant.engine) as session:
        case = session.scalars(select(Case)).one()
        assert (case.open_for, case.channel) == (moved["conversation_id"], "zalo_oa")
        waiting = [
            (each.address, each.message["text"])
            for each in session.scalars(select(OutboxMessage).where(OutboxMessage.channel == "zalo_oa"))
        ]
    assert ("11", "Chào anh/chị, mình nghe.") in waiting
    told = _say(assistant, "mình hỏi tiếp đây", channel="zalo_oa", address="11")
    assert told["is_with_person"] and told["messages"] == []


def test_a_case_on_either_side_leaves_the_one_here_open(assistant: Assistant) -> None:
    with transaction(assistant.engine) as session:
        session.add(
            Staff(id=1, login="lan", name="Lan", role="hotline", password_hash="", failures=0,
                  presence="off", seen_at=OPEN)
        )  # fmt: skip
    there = _say(assistant, "cho tôi gặp nhân viên")["conversation_id"]
    _, code = _code(assistant, there)
    here = _say(assistant, "cho tôi gặp nhân viên", channel="zalo_oa", address="11")
    _say(assistant, code, channel="zalo_oa", address="11")
    with transaction(assistant.engine) as session:
        first, second = session.scalars(select(Case).order_by(Case.id))
    assert (first.state, first.closing, first.conversation_id) == (
        "closed",
        "duplicate",
        here["conversation_id"],
    )
    assert (second.state, second.open_for) == ("waiting", here["conversation_id"])


def test_a_code_is_used_once_by_another_place_and_for_ten_minutes(assistant: Assistant) -> None:
    there, code = _code(assistant)
    assert "không đúng" in _words(_say(assistant, code, there))  # here it is already
    assert "không đúng" in _words(_say(assistant, "TIEP-2222-3333", channel="zalo_oa", address="11"))
    _, newer = _code(assistant, there)
    assert "không đúng" in _words(_say(assistant, code, channel="zalo_oa", address="11"))
    with transaction(assistant.engine) as session:
        session.execute(update(MoveCode).values(made_at=now() - VALID - timedelta(seconds=1)))
    assert "không đúng" in _words(_say(assistant, newer, channel="zalo_oa", address="11"))
    _, last = _code(assistant, there)
    assert "chuyển cuộc trò chuyện" in _words(_say(assistant, last, channel="zalo_oa", address="11"))
    assert "không đúng" in _words(_say(assistant, last, channel="telegram", address="12"))


def test_where_there_is_no_other_place_none_is_offered(assistant: Assistant) -> None:
    alone = replace(assistant, places={})
    assert _words(_say(alone, "chuyển sang zalo")) == "Hiện mình chỉ trả lời ở đây thôi ạ."
    helped = _say(alone, payload="ask_help")
    assert helped["messages"][-1]["choices"] == []


@pytest.mark.parametrize("text", ["chuyển sang zalo", "Cho em chuyển cuộc trò chuyện này qua Telegram với ạ"])
def test_a_wish_to_go_on_elsewhere_is_understood(text: str) -> None:
    assert wants_to_move(text)


@pytest.mark.parametrize("text", ["nộp hồ sơ qua zalo được không", "chuyển hộ khẩu sang web", "zalo"])
def test_what_only_names_a_place_is_no_such_wish(text: str) -> None:
    assert not wants_to_move(text)


def test_a_code_is_read_however_it_is_typed() -> None:
    typed = ("TIEP-AB2D-EF3H", "mã của em là tiếp ab2d ef3h nhé", "tiepab2def3h")
    assert {find_code(text) for text in typed} == {"ab2def3h"}


@pytest.mark.parametrize(
    "text",
    [
        "tiếp tục nhé",
        "Hồ sơ của tôi đã được tiếp nhận chưa?",
        "tiếp nhận trực tuyến",
        "tiếp nhận bằng cách nào",
    ],
)
def test_no_words_are_taken_for_a_code(text: str) -> None:
    assert find_code(text) is None


def test_an_announcement_that_waits_comes_along(assistant: Assistant) -> None:
    there = _say(assistant, "chào", channel="telegram", address="7")["conversation_id"]
    with transaction(assistant.engine) as session:
        session.add(AnnouncementText(announcement="bao", channel="telegram", message={"text": "Bão"}))
        queue(session, "announcement:bao:x", Recipient("telegram", "7", there), {})
        session.execute(update(OutboxMessage).values(announcement="bao"))
        code = give_code(session, there)
    _say(assistant, f"TIEP-{code[:4]}-{code[4:]}", channel="telegram", address="8")
    with transaction(assistant.engine) as session:
        (told,) = session.scalars(select(OutboxMessage).where(OutboxMessage.announcement == "bao"))
        assert (told.address, told.state) == ("8", "waiting")


def test_between_two_accounts_of_a_channel_what_waits_goes_to_the_new_one(assistant: Assistant) -> None:
    there = _say(assistant, "chào", channel="telegram", address="7")["conversation_id"]
    with transaction(assistant.engine) as session:
        whom = Recipient("telegram", "7", there)
        queue(session, "news", whom, {"text": "Tin mới", "choices": [], "sources": []})
        session.add(AnnouncementText(announcement="bao", channel="telegram", message={"text": "Bão"}))
        queue(session, "announcement:bao:x", whom, {})
        announced = update(OutboxMessage).where(OutboxMessage.key == "announcement:bao:x")
        session.execute(announced.values(announcement="bao", state="kept"))
        session.get_one(Conversation, there).takes_announcements = False
        code = give_code(session, there)
    code = f"TIEP-{code[:4]}-{code[4:]}"
    moved = _say(assistant, code)  # to the web, which has no text of the announcement
    assert "chuyển cuộc trò chuyện" in _words(moved)
    assert "Tin mới" in _words(moved), "what waited is told here"
    with transaction(assistant.engine) as session:
        assert not session.get_one(Conversation, moved["conversation_id"]).takes_announcements
        code = give_code(session, moved["conversation_id"])
        queue(session, "later", Recipient("web", None, moved["conversation_id"]), {"text": "Tin sau"})
    _say(assistant, f"TIEP-{code[:4]}-{code[4:]}", channel="telegram", address="8")
    with transaction(assistant.engine) as session:
        later = session.scalars(select(OutboxMessage).where(OutboxMessage.key == "later")).one()
    assert (later.channel, later.address, later.state) == ("telegram", "8", "waiting")
