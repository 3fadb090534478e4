"""The Zalo Official Account channel from end to end, before a server that enforces Zalo's rules."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from actions.payloads import payload
from actions.places import nearest_desk
from actions.request import Known
from actions.wording import button, say
from bot.answering import EVENTS
from bot.hotline.cases import Case
from bot.hotline.history import CaseEvent
from bot.hotline.staff import Staff
from bot.inbox import Message, receive
from bot.outbox import OutboxMessage, Recipient, queue
from bot.store import Conversation, FollowedDossier
from bot.turn import Assistant
from knowledge.database import now, transaction
from knowledge.library import Library
from knowledge.records import Hours
from tests.bot.watch_run import Clock, queued
from tests.bot.zalo_run import HOA, LAN, QUESTION, conversations, oa_channel, turns
from tests.conftest import TODAY
from tests.servers.zalo_oa import AGAIN, ZaloOaServer, buttons

PHONE = "0912345678"


@pytest.fixture
def clock() -> Clock:
    """Noon in Việt Nam."""
    return Clock()


@pytest.fixture
def zalo(clock: Clock) -> Iterator[ZaloOaServer]:
    """Zalo, with its first refresh token not yet used."""
    with ZaloOaServer(clock) as server:
        yield server


def _settled(zalo: ZaloOaServer, assistant: Assistant, *states: str) -> list[OutboxMessage]:
    """Wait until the outbox holds messages in these states and no others; give them."""
    zalo.wait_until(
        lambda: sorted(each.state for each in queued(assistant.engine)) == sorted(states), str(states)
    )
    return queued(assistant.engine)


def _talk(zalo: ZaloOaServer, user: str, *texts: str) -> list[dict[str, Any]]:
    """Say one text after another, each after the answer to the one before; give all answers."""
    for text in texts:
        before = len(zalo.received(user))
        assert zalo.says(user, text).statuses == [200]
        zalo.wait_for_message(user, before + 1)
    return zalo.received(user)


def test_a_question_is_answered_with_buttons_and_a_press_leads_on(
    assistant: Assistant, zalo: ZaloOaServer
) -> None:
    with oa_channel(assistant, zalo):
        answer = _talk(zalo, LAN, QUESTION)[-1]
        titles = [each["title"] for each in buttons(answer)]
        assert "Nguồn:" in "".join(each["text"] for each in zalo.received(LAN))
        assert 1 <= len(titles) <= 5
        chosen = next(title for title in titles if title not in (say("zalo.more"),))
        before = len(zalo.received(LAN))
        assert zalo.presses(LAN, chosen).statuses == [200]
        zalo.wait_for_message(LAN, before + 1)
    asked, pressed = turns(assistant)
    assert asked.text == QUESTION
    assert pressed.text is None
    assert pressed.payload


def test_choices_that_do_not_fit_are_shown_by_see_more_and_typed_numbers_pick_them_too(
    assistant: Assistant, zalo: ZaloOaServer
) -> None:
    with oa_channel(assistant, zalo):
        _talk(zalo, LAN, "xin chào")
        (conversation,) = conversations(assistant)
        with transaction(assistant.engine) as session:
            codes = [f"H62.1-221122-{number:04}" for number in range(1, 12)]
            session.add_all(FollowedDossier(conversation_id=conversation.id, code=each) for each in codes)
        _talk(zalo, LAN, "thôi theo dõi hồ sơ")
        turn = turns(assistant)[-1]
        assert turn.reply
        offered = [each["title"] for each in turn.reply["messages"][-1]["choices"]]
        assert len(offered) > len(codes)
        seen = [each["title"] for each in buttons(zalo.received(LAN)[-1])]
        assert seen == [*offered[:4], say("zalo.more")]
        while seen[-1] == say("zalo.more"):
            before = len(zalo.received(LAN))
            zalo.presses(LAN, say("zalo.more"))
            more = [each["title"] for each in buttons(zalo.wait_for_message(LAN, before + 1)[-1])]
            seen = [*seen[:-1], *more]
        assert seen == offered
        _talk(zalo, LAN, str(len(offered)))
    assert _followed(assistant) == []  # the last choice was to follow none any more


def test_see_more_of_choices_that_are_long_gone_shows_no_others(
    assistant: Assistant, zalo: ZaloOaServer
) -> None:
    with oa_channel(assistant, zalo):
        zalo.says(LAN, "#xem-them?3-00000000")
        assert zalo.wait_for_message(LAN)[0]["text"] == say("zalo.no_more")
    assert turns(assistant) == []


@pytest.mark.parametrize("text", ["#đăng ký kết hôn", "#khong_phai?a=b", "# 1"])
def test_what_only_looks_like_a_press_is_read_as_words(
    assistant: Assistant, zalo: ZaloOaServer, text: str
) -> None:
    with oa_channel(assistant, zalo):
        _talk(zalo, LAN, text)
    (turn,) = turns(assistant)
    assert (turn.text, turn.payload) == (text, None)


def test_an_event_that_comes_again_is_answered_once(assistant: Assistant, zalo: ZaloOaServer) -> None:
    with oa_channel(assistant, zalo):
        event = zalo.says(LAN, "cảm ơn")
        zalo.wait_for_message(LAN)
        assert [zalo.deliver(event) for _ in range(3)] == [200] * 3
        _talk(zalo, LAN, "tạm biệt")
    assert len(turns(assistant)) == len(zalo.received(LAN)) == 2


def test_many_messages_of_one_person_are_answered_in_their_order(
    assistant: Assistant, zalo: ZaloOaServer
) -> None:
    words = ["xin chào", "cảm ơn", "tạm biệt"] * 4
    with oa_channel(assistant, zalo):
        for text in words:
            assert zalo.says(LAN, text).statuses == [200]
        zalo.says(HOA, "xin chào")
        zalo.wait_for_message(LAN, len(words))
        zalo.wait_for_message(HOA)
    mine = [turn for turn in turns(assistant) if turn.conversation_id == turns(assistant)[0].conversation_id]
    assert [turn.text for turn in mine] == words
    told = [turn.reply["messages"][-1]["text"] for turn in mine if turn.reply]
    assert len(told) == len(words)
    assert [each["text"][:15] for each in zalo.received(LAN)] == [each[:15] for each in told]


def test_whoever_follows_is_welcomed_and_whoever_leaves_is_left_alone(
    assistant: Assistant, zalo: ZaloOaServer
) -> None:
    with oa_channel(assistant, zalo):
        follow = zalo.follows(LAN)
        zalo.wait_for_message(LAN)
        zalo.deliver(follow)
        (conversation,) = conversations(assistant)
        whom = Recipient("zalo_oa", LAN, conversation.id)
        with transaction(assistant.engine) as session:
            session.add(FollowedDossier(conversation_id=conversation.id, code="H62.1-221122-0001"))
            queue(session, "news", whom, {"text": "tin mới"})
            session.execute(
                update(OutboxMessage)
                .where(OutboxMessage.key == "news")
                .values(not_before=zalo.clock() + timedelta(days=1))
            )
        assert zalo.unfollows(LAN).statuses == [200]
        with transaction(assistant.engine) as session:
            assert session.scalars(select(FollowedDossier)).all() == []
        assert [each.state for each in queued(assistant.engine)] == ["sent", "dropped"]
    assert len(zalo.received(LAN)) == 1
    (turn,) = turns(assistant)
    assert turn.intent == "greet"


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("user_send_image", "talk.no_pictures"),
        ("user_send_file", "talk.no_pictures"),
        ("user_send_video", "talk.no_pictures"),
        ("user_send_gif", "talk.no_words"),
        ("user_send_sticker", "talk.no_words"),
        ("user_send_audio", "talk.no_words"),
    ],
)
def test_what_is_no_text_is_refused_politely_once(
    assistant: Assistant, zalo: ZaloOaServer, name: str, key: str
) -> None:
    attachments = [{"type": "image", "payload": {"url": "https://f.zalo/x.jpg"}}]
    with oa_channel(assistant, zalo):
        for _ in range(3):  # as when somebody sends a heap of pictures
            assert zalo.sends(LAN, name, attachments=attachments).statuses == [200]
        zalo.wait_for_message(LAN)
        _talk(zalo, LAN, "cảm ơn")
    assert [each["text"] for each in zalo.received(LAN)] == [say(key), say("talk.thank")]


def test_words_under_a_picture_are_answered(assistant: Assistant, zalo: ZaloOaServer) -> None:
    with oa_channel(assistant, zalo):
        zalo.sends(LAN, "user_send_image", text="cảm ơn", attachments=[])
        told = zalo.wait_for_message(LAN, 2)
    assert {each["text"] for each in told} == {say("talk.no_pictures"), say("talk.thank")}


def test_a_location_is_told_where_desks_are_listed_and_not_kept(
    assistant: Assistant, zalo: ZaloOaServer
) -> None:
    place = [{"type": "location", "payload": {"coordinates": {"latitude": "21.3089", "longitude": "105.60"}}}]
    with oa_channel(assistant, zalo):
        zalo.sends(LAN, "user_send_location", attachments=place)
        (told,) = zalo.wait_for_message(LAN)
        assert told["text"] == say("place.nearest_unknown")  # the content has no coordinates yet
        zalo.presses(LAN, button("ask_contact"))
        zalo.wait_for_message(LAN, 2)
    assert turns(assistant)[-1].intent == "ask_contact"
    assert "21.30" not in str([each.message for each in queued(assistant.engine)])


def test_the_nearest_desk_with_coordinates_is_told(library: Library) -> None:
    number = next(iter(library.catalogue.official_texts))
    desks = [
        Hours(
            place=f"Nơi {name}", text="sáng 7:00-11:30", coordinates=where,
            valid_from=TODAY - timedelta(days=9), valid_to=ends, sources=(number,),
        )
        for name, where, ends in (
            ("xa", "21.60000, 105.80000", None),
            ("gần", "21.31000, 105.61000", None),
            ("rất gần nhưng hôm qua đóng", "21.30890, 105.60000", TODAY - timedelta(days=1)),
            ("không rõ", None, None),
        )
    ]  # fmt: skip
    province = library.catalogue.province("vinh-phuc").model_copy(update={"hours": tuple(desks)})
    told = nearest_desk(Known(library, province, TODAY), 21.3089, 105.60)
    assert "**Nơi gần**" in told.text
    assert "1,0 km" in told.text
    assert told.sources


@pytest.mark.parametrize(
    "where", ["105.60472, 21.30861", "21.3, 105.6", "0.00000, 0.00000", "21.30861 105.6"]
)
def test_coordinates_that_cannot_be_a_desk_in_viet_nam_are_refused(where: str) -> None:
    with pytest.raises(ValueError, match="coordinates"):
        Hours(place="a", text="b", coordinates=where, valid_from=TODAY, valid_to=None, sources=("x",))


def test_echoes_and_unknown_events_are_taken_and_only_counted(
    assistant: Assistant, zalo: ZaloOaServer
) -> None:
    def seen(name: str) -> float:
        return EVENTS.labels("zalo_oa", name)._value.get()

    before = seen("su_kien_la"), seen("oa_send_text")
    with oa_channel(assistant, zalo):
        for event in (
            {"event_name": "oa_send_text", "sender": {"id": "1"}, "message": {"msg_id": "1", "text": "chào"}},
            {"event_name": "su_kien_la", "sender": {"id": LAN}},
            {"event_name": "user_send_text", "sender": {"id": {"a": 1}}, "message": {"text": "chào"}},
            {"event_name": "user_send_text", "sender": {"id": LAN}, "message": ["chào"]},
            {"event_name": "user_send_text", "sender": {"id": LAN}, "message": {"text": {"a": 1}}},
            {"event_name": "user_submit_info", "sender": {"id": LAN}, "info": "0912"},
        ):
            assert zalo.push(**event).statuses == [200]
    assert (seen("su_kien_la"), seen("oa_send_text")) == (before[0] + 1, before[1] + 1)
    assert turns(assistant) == conversations(assistant) == queued(assistant.engine) == []


@pytest.mark.parametrize("text", ["\u200b\u200b", "a" * 2001])
def test_a_text_that_cannot_be_used_is_answered_with_why(
    assistant: Assistant, zalo: ZaloOaServer, text: str
) -> None:
    with oa_channel(assistant, zalo):
        zalo.says(LAN, text)
        (told,) = zalo.wait_for_message(LAN)
    assert "ký tự" in told["text"]
    assert turns(assistant) == []


def _staff(assistant: Assistant) -> None:
    with transaction(assistant.engine) as session:
        session.add(
            Staff(
                login="a",
                name="A",
                role="hotline",
                password_hash="",
                failures=0,
                presence="on",
                seen_at=now(),
            )
        )


def test_contact_given_with_consent_stands_in_the_case_and_nowhere_else(
    assistant: Assistant, zalo: ZaloOaServer
) -> None:
    _staff(assistant)
    info = {"name": "Nguyễn Thị Bí Mật", "phone": 84912345678, "address": "12 Lê Lợi", "city": ""}
    with oa_channel(assistant, zalo):
        _talk(zalo, LAN, "cho tôi gặp nhân viên")
        event = zalo.push(event_name="user_submit_info", sender={"id": LAN}, info=info)
        zalo.wait_for_message(LAN, 2)
        zalo.deliver(event)
        zalo.push(event_name="user_submit_info", sender={"id": HOA}, info=info)  # who has no case
        zalo.last_wrote[HOA] = zalo.clock()
        zalo.wait_for_message(HOA)
    with transaction(assistant.engine) as session:
        (case,) = session.scalars(select(Case))
        given = [
            each.text
            for each in session.scalars(select(CaseEvent).where(CaseEvent.case_id == case.id))
            if each.text and "84912345678" in each.text
        ]
    assert len(given) == 1
    assert "Nguyễn Thị Bí Mật" in given[0]
    assert zalo.received(LAN)[-1]["text"] == f"Mình đã chuyển lời nhắn cho nhân viên, số {case.id}."
    elsewhere = [turn.reply for turn in turns(assistant)], [turn.text for turn in turns(assistant)]
    stored = [each.message for each in queued(assistant.engine)]
    assert "Bí Mật" not in str((elsewhere, stored))
    assert "84912345678" not in str((elsewhere, stored))
    assert "không giữ" in zalo.received(HOA)[0]["text"]


def test_who_leaves_a_message_is_offered_to_share_their_number(
    assistant: Assistant, zalo: ZaloOaServer
) -> None:
    with oa_channel(assistant, zalo):
        zalo.says(LAN, f"#{payload('ask_human', leave='message')}")
        asked, template = zalo.wait_for_message(LAN, 2)
    assert asked["text"] == say("people.ask_message")
    assert template["attachment"]["payload"]["template_type"] == "request_user_info"


def test_an_access_token_revoked_in_the_middle_is_renewed_at_once(
    assistant: Assistant, zalo: ZaloOaServer
) -> None:
    with oa_channel(assistant, zalo):
        _talk(zalo, LAN, "xin chào")
        zalo.revoke()
        _talk(zalo, LAN, "cảm ơn")
        zalo.access_until = zalo.clock()  # ended before its time
        _talk(zalo, LAN, "tạm biệt")
    assert len(zalo.refreshes) == 3
    assert len(zalo.received(LAN)) == 3


def test_the_webhook_takes_events_while_the_tokens_are_lost_and_answers_wait(
    assistant: Assistant, zalo: ZaloOaServer, clock: Clock
) -> None:
    zalo.oauth_status = 503
    with oa_channel(assistant, zalo):
        assert zalo.says(LAN, "xin chào").statuses == [200]
        zalo.wait_until(lambda: len(zalo.refreshes) >= 1, "a call of OAuth")
        zalo.oauth_status = 200
        zalo.wait_until(lambda: _tried(assistant), "the answer to wait")
        clock.go_on(hours=1)
        zalo.wait_for_message(LAN)
    assert len(zalo.received(LAN)) == 1


def _tried(assistant: Assistant) -> bool:
    return [(each.state, each.tries > 0) for each in queued(assistant.engine)] == [("waiting", True)]


def test_too_many_requests_slow_down_and_nothing_is_lost(
    assistant: Assistant, zalo: ZaloOaServer, clock: Clock
) -> None:
    zalo.errors = [-32]
    with oa_channel(assistant, zalo):
        zalo.says(LAN, "xin chào")
        zalo.wait_until(lambda: _tried(assistant), "the answer to wait")
        zalo.says(HOA, "cảm ơn")
        zalo.wait_until(lambda: all(each.tries for each in queued(assistant.engine)), "both to wait")
        assert zalo.received(HOA) == []
        assert len(zalo.attempts) == 1  # the second was not even tried
        clock.go_on(minutes=2)
        zalo.wait_for_message(HOA)
        zalo.wait_for_message(LAN)
    assert len(zalo.messages) == 2


def test_at_night_what_zalo_refuses_is_sent_at_six(
    assistant: Assistant, zalo: ZaloOaServer, clock: Clock
) -> None:
    clock.go_on(hours=11)  # 23 o'clock
    with oa_channel(assistant, zalo):
        assert zalo.says(LAN, "xin chào").statuses == [200]
        zalo.wait_until(lambda: _tried(assistant), "the answer to wait")
        clock.go_on(hours=6, minutes=59)
        (waiting,) = queued(assistant.engine)
        assert waiting.not_before == clock.at + timedelta(minutes=1)
        clock.go_on(minutes=1)
        zalo.wait_for_message(LAN)


def test_what_zalo_calls_night_by_another_clock_is_sent_soon_after(
    assistant: Assistant, zalo: ZaloOaServer, clock: Clock
) -> None:
    zalo.errors.append(-234)
    with oa_channel(assistant, zalo):
        assert zalo.says(LAN, "xin chào").statuses == [200]
        zalo.wait_until(lambda: _tried(assistant), "the answer to wait")
        (waiting,) = queued(assistant.engine)
        assert waiting.not_before == clock.at + timedelta(minutes=15)
        clock.go_on(minutes=15)
        zalo.wait_for_message(LAN)


def test_who_follows_again_is_asked_for_nothing_and_is_not_taken_for_gone(
    assistant: Assistant, zalo: ZaloOaServer, clock: Clock
) -> None:
    with oa_channel(assistant, zalo):
        zalo.follows(LAN)
        zalo.wait_for_message(LAN)
        with transaction(assistant.engine) as session:
            session.execute(update(Conversation).values(takes_announcements=False))
        clock.go_on(minutes=1)
        left = zalo.unfollows(LAN)
        assert [each.follows for each in conversations(assistant)] == [False]
        clock.go_on(minutes=1)
        zalo.follows(LAN)
        assert zalo.deliver(left) == 200  # again, as Zalo does when it heard no answer
    (whose,) = conversations(assistant)
    assert whose.follows and not whose.takes_announcements


def test_after_seven_days_news_is_kept_and_told_with_the_next_answer(
    assistant: Assistant, zalo: ZaloOaServer, clock: Clock
) -> None:
    with oa_channel(assistant, zalo):
        _talk(zalo, LAN, "xin chào")
        clock.go_on(days=8)
        (conversation,) = conversations(assistant)
        with transaction(assistant.engine) as session:
            queue(session, "news", Recipient("zalo_oa", LAN, conversation.id), {"text": "Tin mới."})
        _settled(zalo, assistant, "kept", "sent")
        zalo.says(LAN, "cảm ơn")
        told = zalo.wait_for_message(LAN, 3)
    assert [each["text"] for each in told[1:]] == ["Tin mới.", say("talk.thank")]


def test_nothing_is_followed_for_whoever_blocked_the_account(
    assistant: Assistant, zalo: ZaloOaServer
) -> None:
    with oa_channel(assistant, zalo):
        _talk(zalo, LAN, "xin chào")
        (conversation,) = conversations(assistant)
        zalo.gone.add(LAN)
        with transaction(assistant.engine) as session:
            session.add(FollowedDossier(conversation_id=conversation.id, code="H62.1-221122-0001"))
            queue(session, "news", Recipient("zalo_oa", LAN, conversation.id), {"text": "Tin mới."})
        _settled(zalo, assistant, "blocked", "sent")
        zalo.wait_until(lambda: not _followed(assistant), "following to end")


def _followed(assistant: Assistant) -> list[FollowedDossier]:
    with transaction(assistant.engine) as session:
        return list(session.scalars(select(FollowedDossier)))


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_fault_of_zalo_lets_the_message_wait(
    assistant: Assistant, zalo: ZaloOaServer, clock: Clock, status: int
) -> None:
    zalo.statuses = [status]
    with oa_channel(assistant, zalo):
        zalo.says(LAN, "xin chào")
        zalo.wait_until(lambda: _tried(assistant), "the answer to wait")
        clock.go_on(hours=1)
        zalo.wait_for_message(LAN)


def test_a_message_that_zalo_cannot_take_is_kept_and_following_goes_on(
    assistant: Assistant, zalo: ZaloOaServer
) -> None:
    zalo.errors = [-210]
    with oa_channel(assistant, zalo):
        zalo.says(LAN, "xin chào")
        _settled(zalo, assistant, "kept")


def test_events_sent_while_the_program_was_down_come_by_zalos_schedule_and_are_answered_once(
    assistant: Assistant, zalo: ZaloOaServer, clock: Clock
) -> None:
    zalo.webhook = "http://127.0.0.1:9/zalo/oa/webhook"
    event = zalo.says(LAN, "xin chào")
    for pause in AGAIN[:-1]:
        clock.go_on(seconds=pause.total_seconds())
        zalo.deliver_due()
    assert event.statuses == [0] * 5
    with oa_channel(assistant, zalo):
        clock.go_on(seconds=AGAIN[-1].total_seconds())
        zalo.deliver_due()
        zalo.wait_for_message(LAN)
    assert event.statuses[-1] == 200
    assert zalo.is_webhook_on
    assert len(turns(assistant)) == 1


def test_what_a_stop_left_unanswered_is_answered_once_at_the_next_start(
    assistant: Assistant, zalo: ZaloOaServer
) -> None:
    zalo.last_wrote[LAN] = zalo.clock()
    for number in (1, 2):
        receive(assistant.engine, Message("zalo_oa", f"cảm ơn {number}", address=LAN, key=f"m{number}"))
    for _ in range(2):
        with oa_channel(assistant, zalo):
            zalo.wait_for_message(LAN, 2)
            _settled(zalo, assistant, "sent", "sent")
    assert len(zalo.received(LAN)) == 2
    with transaction(assistant.engine) as session:
        assert len(session.scalars(select(Conversation)).all()) == 1
