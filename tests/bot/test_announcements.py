"""Announcements: queued once for everyone in their audience, sent at a pace, dropped when unwanted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from actions import INTENTS
from actions.payloads import read_payload
from bot.announcements import Announcer, count_recipients, report_on
from bot.hotline.changes import Changes
from bot.inbox import Message
from bot.outbox import (
    AT_ONCE,
    Blocked,
    NotEver,
    NotNow,
    NotUntilTheyWrite,
    Outbox,
    OutboxMessage,
    Recipient,
    queue,
    take_news,
)
from bot.sms_numbers import add_numbers
from bot.store import Conversation, Turn
from bot.turn import Assistant, Waiting, _is_for_the_machine
from knowledge.catalogue import Catalogue
from knowledge.catalogue_files import load_catalogue
from knowledge.database import transaction
from knowledge.dossiers import HERE, Seeker
from knowledge.library import Library
from knowledge.records import Notice
from nlu.reading import Reading
from tests.bot.watch_run import Clock, queued

BIRTH = "1.001193"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture
def clock() -> Clock:
    """Noon in Việt Nam."""
    return Clock()


def _notice(clock: Clock, **given: Any) -> Notice:
    at = clock().replace(tzinfo=None)
    values = {
        "id": "bao", "title": "Nghỉ vì bão", "text": "Một cửa nghỉ chiều nay.", "link": "https://x.vn/bao",
        "starts": at - timedelta(hours=1), "ends": at + timedelta(hours=5), "audience": "all",
    }  # fmt: skip
    return Notice(**{**values, **given})


def _announcer(
    engine: Engine,
    catalogue: Catalogue,
    clock: Clock,
    *notices: Notice,
    channels: tuple[str, ...] = ("telegram",),
) -> Announcer:
    assistant: Any = SimpleNamespace(
        engine=engine,
        library=SimpleNamespace(catalogue=replace(catalogue, notices=notices)),
        province=catalogue.province("vinh-phuc"),
        pack=catalogue.province("vinh-phuc"),
        content_day=lambda: date(2026, 11, 29),
    )
    return Announcer(assistant, channels, clock)


def _people(engine: Engine, *addresses: str | None, channel: str = "telegram") -> list[str]:
    with transaction(engine) as session:
        people = [Conversation(channel=channel, address=each) for each in addresses]
        session.add_all(people)
        session.flush()
        return [each.id for each in people]


def _addresses(engine: Engine) -> list[str | None]:
    return [message.address for message in queued(engine)]


def _states(engine: Engine) -> list[str]:
    return [message.state for message in queued(engine)]


def test_everyone_who_can_be_reached_gets_it_once(
    any_engine: Engine, catalogue: Catalogue, clock: Clock
) -> None:
    _people(any_engine, "1", "2", None)
    _people(any_engine, "9", channel="web")
    with transaction(any_engine) as session:
        session.execute(
            update(Conversation).where(Conversation.address == "2").values(takes_announcements=False)
        )
    notice = _notice(clock)
    with transaction(any_engine) as session:
        assert count_recipients(session, notice, ("telegram",)) == 1
    for changed in (notice, notice, notice.model_copy(update={"text": "Sửa lại."})):
        _announcer(any_engine, catalogue, clock, changed).round()
    assert _addresses(any_engine) == ["1"]
    with transaction(any_engine) as session:
        report = report_on(session, "bao")
    assert report and (report.count, report.left_out, report.of("waiting")) == (1, 1, 1)


@pytest.mark.parametrize(
    ("given", "hours"),
    [({}, -2), ({}, 6), ({"province": "lai-chau"}, 0), ({"audience": None}, 0)],
    ids=["before it begins", "after its end", "elsewhere", "only shown"],
)
def test_nothing_is_sent_outside_its_window_and_province(
    any_engine: Engine, catalogue: Catalogue, clock: Clock, given: dict[str, Any], hours: int
) -> None:
    _people(any_engine, "1")
    announcer = _announcer(any_engine, catalogue, clock, _notice(clock, **given))
    clock.go_on(hours=hours)
    announcer.round()
    assert _addresses(any_engine) == []


def test_a_window_that_began_while_the_program_was_down_is_still_announced(
    any_engine: Engine, catalogue: Catalogue, clock: Clock
) -> None:
    _people(any_engine, "1")
    announcer = _announcer(any_engine, catalogue, clock, _notice(clock))
    clock.go_on(hours=4)
    announcer.round()
    assert _addresses(any_engine) == ["1"]


@pytest.mark.parametrize(
    ("audience", "understood"),
    [
        (BIRTH, {"procedure": {"code": BIRTH}, "topic": None}),
        ("vneid", {"procedure": None, "topic": "vneid"}),
    ],
)
def test_only_those_who_asked_about_it_are_told(
    any_engine: Engine, catalogue: Catalogue, clock: Clock, audience: str, understood: dict[str, Any]
) -> None:
    asked, other, _ = _people(any_engine, "1", "2", "3")
    with transaction(any_engine) as session:
        for whose, what in ((asked, understood), (other, {"procedure": {"code": "1.000894"}, "topic": "x"})):
            session.add(Turn(conversation_id=whose, text="?", reply={"understanding": what}))
            session.add(Turn(conversation_id=whose, text="?", reply={"understanding": what}))
    _announcer(any_engine, catalogue, clock, _notice(clock, audience=audience)).round()
    assert _addresses(any_engine) == ["1"]


def test_what_ended_or_was_withdrawn_is_sent_no_more(
    any_engine: Engine, catalogue: Catalogue, clock: Clock
) -> None:
    _people(any_engine, "1", "2")
    notice, other = _notice(clock), _notice(clock, id="khac")
    _announcer(any_engine, catalogue, clock, notice, other).round()
    clock.go_on(minutes=2)
    _announcer(any_engine, catalogue, clock, other).round()
    assert _states(any_engine) == ["expired"] * 2 + ["waiting"] * 2
    clock.go_on(hours=6)
    _announcer(any_engine, catalogue, clock, other).round()
    assert _states(any_engine) == ["expired"] * 4


@pytest.mark.parametrize(("hours", "state"), [(2, "expired"), (9, "waiting")])
def test_a_changed_end_is_followed(
    any_engine: Engine, catalogue: Catalogue, clock: Clock, hours: int, state: str
) -> None:
    _people(any_engine, "1")
    notice = _notice(clock)
    _announcer(any_engine, catalogue, clock, notice).round()
    moved = notice.model_copy(update={"ends": clock().replace(tzinfo=None) + timedelta(hours=hours)})
    clock.go_on(hours=3 if state == "expired" else 6)
    _announcer(any_engine, catalogue, clock, moved).round()
    assert _states(any_engine) == [state]


def _outbox(engine: Engine, clock: Clock, send: Callable[[str], Any], **more: Any) -> Outbox:
    async def sender(address: str, _message: dict[str, Any]) -> None:
        result = send(address)
        if asyncio.iscoroutine(result):
            await result

    return Outbox(engine, {"telegram": sender}, clock=clock, **more)


def test_the_report_tells_sent_failed_blocked_kept_and_unsure_apart(
    any_engine: Engine, catalogue: Catalogue, clock: Clock
) -> None:
    whose = _people(any_engine, *"123456")
    _announcer(any_engine, catalogue, clock, _notice(clock)).round()
    answers = {
        "2": NotEver("gone"), "3": Blocked("blocked"), "4": NotUntilTheyWrite("-230"),
        "5": OSError("timeout"), "6": NotNow("busy"),
    }  # fmt: skip

    def send(address: str) -> None:
        if address in answers:
            raise answers[address]

    asyncio.run(_outbox(any_engine, clock, send).send_due())
    assert _states(any_engine) == ["sent", "failed", "blocked", "kept", "unsure", "waiting"]
    with transaction(any_engine) as session:
        assert take_news(session, whose[4]) == []  # it may have come: not told again
        (told,) = take_news(session, whose[3])
    assert "Một cửa nghỉ chiều nay." in told["text"]
    assert told["choices"] == [{"title": "Không nhận thông báo", "payload": "cancel?announcements=no"}]


def test_an_announcement_of_a_killed_process_is_neither_sent_nor_told_again(
    any_engine: Engine, catalogue: Catalogue, clock: Clock
) -> None:
    (whose,) = _people(any_engine, "1")
    _announcer(any_engine, catalogue, clock, _notice(clock)).round()
    sent: list[str] = []
    assert len(_outbox(any_engine, clock, sent.append).claim()) == 1
    clock.go_on(minutes=11)
    asyncio.run(_outbox(any_engine, clock, sent.append).send_due())
    assert (sent, _states(any_engine)) == ([], ["unsure"])
    with transaction(any_engine) as session:
        assert take_news(session, whose) == []


def test_what_a_person_waits_for_goes_before_a_crowd_of_announcements(
    any_engine: Engine, catalogue: Catalogue, clock: Clock
) -> None:
    _people(any_engine, *(str(number) for number in range(2 * AT_ONCE)))
    _announcer(any_engine, catalogue, clock, _notice(clock)).round()
    with transaction(any_engine) as session:
        queue(session, "turn:1:0", Recipient("telegram", "waiting"), {"text": "x"}, at_night=True)
    claimed = _outbox(any_engine, clock, print, per_second={"telegram": 10}).claim()
    assert claimed[0].address == "waiting" and len(claimed) < AT_ONCE


def test_replicas_share_the_pace_of_a_channel(any_engine: Engine, catalogue: Catalogue, clock: Clock) -> None:
    _people(any_engine, *(str(number) for number in range(300)))
    _announcer(any_engine, catalogue, clock, _notice(clock)).round()
    began, sent = clock(), list[tuple[timedelta, str]]()
    outboxes = [
        _outbox(
            any_engine, clock, lambda each: sent.append((clock() - began, each)), per_second={"telegram": 24}
        )
        for _ in range(3)
    ]
    for _ in range(100):  # five seconds of looks
        for each in outboxes:
            asyncio.run(each.send_due())
        clock.go_on(seconds=0.05)
    assert len({each for _, each in sent}) == len(sent)
    assert 24 * 5 <= len(sent) <= 24 * 5 + 6
    for start in range(0, 100, 5):
        window = [
            each
            for at, each in sent
            if timedelta() <= at - timedelta(seconds=start / 20) < timedelta(seconds=1)
        ]
        assert len(window) <= 30  # what Telegram allows


def test_one_slow_recipient_holds_up_nobody(any_engine: Engine, catalogue: Catalogue, clock: Clock) -> None:
    _people(any_engine, *(str(number) for number in range(3 * AT_ONCE)))
    _announcer(any_engine, catalogue, clock, _notice(clock)).round()
    with transaction(any_engine) as session:  # of before noon, so that it is sent first
        queue(session, "slow", Recipient("telegram", "slow"), {"text": "x"})

    async def run() -> list[str]:
        released, all_others, sent = asyncio.Event(), asyncio.Event(), list[str]()

        async def send(address: str) -> None:
            if address == "slow":
                await released.wait()
            sent.append(address)
            if len(sent) == 3 * AT_ONCE:
                all_others.set()

        outbox = _outbox(any_engine, clock, send)
        while not all_others.is_set():
            await outbox.keep_sending()
        before = list(sent)
        released.set()
        await outbox.finish()
        return before

    before = asyncio.run(asyncio.wait_for(run(), 60))
    assert "slow" not in before and len(before) == len(set(before)) == 3 * AT_ONCE
    assert set(_states(any_engine)) == {"sent"}


def test_whoever_wants_none_is_left_alone_and_may_come_back(
    assistant: Assistant, library: Library, clock: Clock
) -> None:
    catalogue = library.catalogue
    assistant.reply(Message("telegram", "xin chào", address="1"))
    _announcer(assistant.engine, catalogue, clock, _notice(clock)).round()
    reply = assistant.reply(Message("telegram", payload="cancel?announcements=no", address="1"))
    assert "không gửi thông báo chung" in reply.messages[-1]["text"]
    back = reply.messages[-1]["choices"][0]
    assert back["payload"] == "cancel?announcements=yes" and _states(assistant.engine) == ["dropped"]
    _announcer(assistant.engine, catalogue, clock, _notice(clock, id="hai")).round()
    assert len(_states(assistant.engine)) == 1
    assistant.reply(Message("telegram", back["title"], address="1"))  # typed
    _announcer(assistant.engine, catalogue, clock, _notice(clock, id="ba")).round()
    assert _states(assistant.engine) == ["dropped", "waiting"]
    assistant.reply(Message("telegram", "khong nhan thong bao", address="1"))
    assert _states(assistant.engine) == ["dropped", "dropped"]


def test_wanting_no_announcements_forgets_nothing_that_was_talked_of(assistant: Assistant) -> None:
    assistant.reply(Message("telegram", "đăng ký kết hôn cần giấy tờ gì", address="1"))
    assistant.reply(Message("telegram", payload="cancel?announcements=no", address="1"))
    with transaction(assistant.engine) as session:
        memory = session.scalars(select(Conversation.memory)).one()
    assert memory["procedure"] == "1.000894"


def test_numbers_get_the_sms_of_what_is_for_all_and_nothing_else(
    any_engine: Engine, catalogue: Catalogue, clock: Clock
) -> None:
    with transaction(any_engine) as session:
        add_numbers(session, ["+84912345678", "+84987654321"])
    notices = _notice(clock), _notice(clock, id="ai-hoi", audience=BIRTH)
    _announcer(any_engine, catalogue, clock, *notices, channels=("telegram", "sms")).round()
    assert _addresses(any_engine) == ["+84912345678", "+84987654321"]
    claimed = Outbox(any_engine, {"sms": print}, clock=clock).claim()  # type: ignore[dict-item]
    assert claimed[0].message == {"text": "Nghi vi bao. Mot cua nghi chieu nay. https://x.vn/bao"}
    assert claimed[0].conversation_id is None


def test_at_night_announcements_wait(any_engine: Engine, catalogue: Catalogue, clock: Clock) -> None:
    _people(any_engine, "1")
    clock.at = clock.at.replace(hour=23)
    _announcer(any_engine, catalogue, clock, _notice(clock, ends=datetime(2099, 1, 1))).round()
    sent: list[str] = []
    outbox = _outbox(any_engine, clock, sent.append)
    asyncio.run(outbox.send_due())
    clock.at = (clock.at + timedelta(days=1)).astimezone(HERE).replace(hour=7)
    assert sent == []
    asyncio.run(outbox.send_due())
    assert sent == ["1"]


def test_messages_of_one_announcement_keep_its_words_once(
    any_engine: Engine, catalogue: Catalogue, clock: Clock
) -> None:
    _people(any_engine, "1", "2")
    _announcer(any_engine, catalogue, clock, _notice(clock)).round()
    assert [message.message for message in queued(any_engine)] == [{}, {}]
    claimed = _outbox(any_engine, clock, print).claim()
    assert all("**Nghỉ vì bão**" in each.message["text"] for each in claimed)
    with transaction(any_engine) as session:
        assert session.scalars(select(OutboxMessage.message)).all() == [{}, {}]


def test_desks_are_not_called_for_each_announcement(
    any_engine: Engine, catalogue: Catalogue, clock: Clock
) -> None:
    def mark() -> object:
        return asyncio.run(Changes(any_engine).current())

    _people(any_engine, "1", "2")
    before = mark()
    _announcer(any_engine, catalogue, clock, _notice(clock)).round()
    assert mark() == before
    with transaction(any_engine) as session:
        queue(session, "news", Recipient("telegram", "1"), {"text": "x"})
    assert mark() != before


def test_wanting_none_is_not_told_to_the_person_who_answers() -> None:
    reading = read_payload("cancel?announcements=no", INTENTS)
    typed = Waiting(Turn(), reading, Seeker("telegram", "1"), (), {}, "không nhận thông báo")
    assert _is_for_the_machine(typed) and _is_for_the_machine(replace(typed, written=None))
    number = replace(typed, reading=Reading("2", "cancel", 1.0), written="2")
    assert not _is_for_the_machine(number)
