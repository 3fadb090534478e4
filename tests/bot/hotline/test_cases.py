"""Cases: one owner each, nothing sent by anybody else, nothing lost and nothing twice."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import timedelta
from typing import Any, get_args

import pytest
from sqlalchemy import Engine, delete, select, update

from actions.wording import say
from bot.desk.showing import line_of
from bot.hotline import cases
from bot.hotline.cases import Case, CaseRefused, Opening
from bot.hotline.history import history
from bot.hotline.proposals import Proposal, propose
from bot.hotline.staff import Staff
from bot.hotline.waiting import FEWEST, expected_wait, queue_of
from bot.hotline.writing import LASTS, Typing, note_sent, note_typing, typing_now
from bot.outbox import OutboxMessage, State
from bot.store import Conversation, Turn, erase_conversation
from knowledge.database import now, transaction


def opening(**more: Any) -> Opening:
    return Opening(
        **{"why": "asked", "question": "hỏi", "province": "vinh-phuc", "is_silencing": True, **more}
    )


def staff(engine: Engine, *logins: str) -> list[int]:
    with transaction(engine) as session:
        people = [
            Staff(login=each, name=each.title(), role="hotline", password_hash="", failures=0)
            for each in logins
        ]
        session.add_all(people)
        session.flush()
        return [each.id for each in people]


def case(engine: Engine, address: str = "7", **more: Any) -> int:
    with transaction(engine) as session:
        conversation = Conversation(channel="telegram", address=address)
        session.add(conversation)
        session.flush()
        return cases.open_case(session, conversation, opening(**more))[0].id


def sent(engine: Engine) -> list[str]:
    with transaction(engine) as session:
        return [
            each.message["text"] for each in session.scalars(select(OutboxMessage).order_by(OutboxMessage.id))
        ]


def state(engine: Engine, number: int) -> tuple[str, int | None]:
    with transaction(engine) as session:
        found = session.get_one(Case, number)
        return found.state, found.owner_id


def test_of_fifty_who_claim_at_the_same_instant_one_wins(any_engine: Engine) -> None:
    people = staff(any_engine, *(f"s{n}" for n in range(50)))
    for number in [case(any_engine, str(n)) for n in range(10)]:
        start = threading.Barrier(50)

        def claim(person: int, number: int = number, start: threading.Barrier = start) -> bool:
            start.wait()
            with transaction(any_engine) as session:
                return cases.claim(session, number, person)

        with ThreadPoolExecutor(50) as pool:
            won = [person for person, has in zip(people, pool.map(claim, people), strict=True) if has]
        assert len(won) == 1
        assert state(any_engine, number) == ("taken", won[0])
    assert len(sent(any_engine)) == 10  # each citizen is told once


def test_a_conversation_has_one_open_case_and_its_priority_only_rises(any_engine: Engine) -> None:
    number = case(any_engine)
    with transaction(any_engine) as session:
        conversation = session.scalars(select(Conversation)).one()
        again, is_new = cases.open_case(session, conversation, opening(why="emergency"))
        assert (again.id, is_new, again.priority) == (number, False, cases.URGENT)
        cases.open_case(session, conversation, opening(why="asked"))
        assert again.why == "emergency"


def test_two_hand_overs_at_the_same_instant_open_one_case(any_engine: Engine) -> None:
    with transaction(any_engine) as session:
        session.add(Conversation(id="c", channel="web"))
    start = threading.Barrier(8)

    def open_one(_: int) -> int:
        start.wait()
        with transaction(any_engine) as session:
            return cases.open_case(session, session.get_one(Conversation, "c"), opening())[0].id

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(open_one, range(8)))) == 1


def test_only_the_owner_answers_and_others_are_told_who_it_is(any_engine: Engine) -> None:
    lan, minh = staff(any_engine, "lan", "minh")
    number = case(any_engine)
    with transaction(any_engine) as session, pytest.raises(CaseRefused, match="chưa ai nhận"):
        cases.reply(session, number, lan, "Chào anh/chị", "k1")
    with transaction(any_engine) as session:
        assert cases.claim(session, number, lan)
    with transaction(any_engine) as session, pytest.raises(CaseRefused, match="Lan"):
        cases.reply(session, number, minh, "Chào anh/chị", "k2")
    with transaction(any_engine) as session:
        cases.reply(session, number, lan, "Chào anh/chị", "k3")
        cases.reply(session, number, lan, "Chào anh/chị", "k3")  # pressed twice
    with transaction(any_engine) as session, pytest.raises(CaseRefused, match="đã gửi"):
        cases.reply(session, number, lan, "Chữ khác", "k3")  # which would be lost
    assert sent(any_engine)[1:] == ["Chào anh/chị"]
    assert state(any_engine, number) == ("answered", lan)


@pytest.mark.parametrize("text", ["", "  ", "a" * 10_000])
def test_a_reply_that_cannot_be_sent_is_refused_whole(any_engine: Engine, text: str) -> None:
    (lan,) = staff(any_engine, "lan")
    number = case(any_engine)
    with transaction(any_engine) as session:
        cases.claim(session, number, lan)
    with transaction(any_engine) as session, pytest.raises(CaseRefused, match="4000"):
        cases.reply(session, number, lan, text, "k")
    assert len(sent(any_engine)) == 1


def test_a_closed_or_erased_case_is_answered_by_nobody(any_engine: Engine) -> None:
    (lan,) = staff(any_engine, "lan")
    number = case(any_engine)
    with transaction(any_engine) as session:
        cases.claim(session, number, lan)
        cases.close(session, number, lan, "answered")
    with transaction(any_engine) as session, pytest.raises(CaseRefused, match="đã đóng"):
        cases.reply(session, number, lan, "thêm nữa", "k")
    with transaction(any_engine) as session, pytest.raises(CaseRefused, match="đã đóng"):
        cases.close(session, number, lan, "answered")
    with transaction(any_engine) as session:
        erase_conversation(session, session.get_one(Case, number).conversation_id)
    with transaction(any_engine) as session, pytest.raises(CaseRefused, match="đã được xoá"):
        cases.reply(session, number, lan, "thêm nữa", "k")


@pytest.mark.parametrize(
    ("closing", "is_asked"),
    [("answered", True), ("citizen_left", False), ("duplicate", False), ("abusive", False)],
)
def test_after_closing_the_citizen_is_asked_how_it_was_unless_they_left(
    any_engine: Engine, closing: Any, is_asked: bool
) -> None:
    (lan,) = staff(any_engine, "lan")
    number = case(any_engine)
    with transaction(any_engine) as session:
        cases.claim(session, number, lan)
        cases.close(session, number, lan, closing)
        told = session.scalars(select(OutboxMessage).order_by(OutboxMessage.id.desc())).first()
        assert told
        assert bool(told.message["choices"]) is is_asked
        whose = session.get_one(Case, number).conversation_id
        assert cases.rate(session, whose, number, "useful", None) is is_asked
        assert not cases.rate(session, "another's", number, "useless", None)


def test_taking_over_needs_the_owner_that_was_shown(any_engine: Engine) -> None:
    lan, minh, hoa = staff(any_engine, "lan", "minh", "hoa")
    number = case(any_engine)
    with transaction(any_engine) as session:
        cases.claim(session, number, lan)
    with transaction(any_engine) as session:
        cases.take_over(session, number, minh, lan)
    with transaction(any_engine) as session, pytest.raises(CaseRefused, match="Minh"):
        cases.take_over(session, number, hoa, lan)
    assert state(any_engine, number) == ("taken", minh)
    with transaction(any_engine) as session:
        cases.transfer(session, number, minh, to=hoa)
        cases.transfer(session, number, hoa, team="đất đai")
    assert state(any_engine, number) == ("waiting", None)
    with transaction(any_engine) as session:
        kinds = [each.kind for each in history(session, number)]
    assert kinds == ["opened", "claimed", "taken_over", "transferred", "transferred"]


def test_the_cases_of_somebody_removed_go_back_to_the_queue(any_engine: Engine) -> None:
    lan, minh = staff(any_engine, "lan", "minh")
    mine, theirs, closed = (case(any_engine, str(n)) for n in range(3))
    with transaction(any_engine) as session:
        cases.claim(session, mine, lan)
        cases.claim(session, theirs, minh)
        cases.claim(session, closed, lan)
        cases.close(session, closed, lan, "answered")
    with transaction(any_engine) as session:
        cases.release_all(session, lan)
    assert state(any_engine, mine) == ("waiting", None)
    assert state(any_engine, theirs) == ("taken", minh)
    assert state(any_engine, closed) == ("closed", lan)
    with transaction(any_engine) as session:
        assert cases.claim(session, mine, minh)


def test_the_place_counts_those_before_and_urgent_ones_go_first(any_engine: Engine) -> None:
    first, second = case(any_engine, "1"), case(any_engine, "2")
    urgent = case(any_engine, "3", why="emergency")
    with transaction(any_engine) as session:
        places = [
            queue_of(session, session.get_one(Case, each), now()).position for each in (urgent, first, second)
        ]
    assert places == [1, 2, 3]


def test_the_wait_is_the_median_at_this_hour_and_else_not_known(any_engine: Engine) -> None:
    at = now()
    numbers = [case(any_engine, str(n)) for n in range(FEWEST)]
    with transaction(any_engine) as session:
        for minutes, number in zip((1, 2, 4, 30, 60), numbers, strict=True):
            opened = at - timedelta(days=1)
            session.execute(
                update(Case)
                .where(Case.id == number)
                .values(
                    state="closed",
                    open_for=None,
                    opened_at=opened,
                    taken_at=opened + timedelta(minutes=minutes),
                )
            )
    with transaction(any_engine) as session:
        assert expected_wait(session, at) == timedelta(minutes=4)
        assert expected_wait(session, at + timedelta(hours=3)) is None
        assert expected_wait(session, at + timedelta(days=15)) is None


def test_nobody_who_answers_no_cases_is_given_one(any_engine: Engine) -> None:
    lan, minh = staff(any_engine, "lan", "minh")
    number = case(any_engine)
    with transaction(any_engine) as session:
        cases.claim(session, number, lan)
        session.execute(update(Staff).where(Staff.id == minh).values(role="content"))
    with transaction(any_engine) as session, pytest.raises(CaseRefused):
        cases.transfer(session, number, lan, to=minh)
    assert state(any_engine, number) == ("taken", lan)


def test_the_number_of_an_erased_case_and_message_never_comes_again(any_engine: Engine) -> None:
    (lan,) = staff(any_engine, "lan")
    first = case(any_engine)
    with transaction(any_engine) as session:
        cases.claim(session, first, lan)
        message = session.scalars(select(OutboxMessage.id)).one()
        erase_conversation(session, session.get_one(Case, first).conversation_id)
    second = case(any_engine)
    with transaction(any_engine) as session:
        cases.claim(session, second, lan)
        assert session.scalars(select(OutboxMessage.id)).one() > message
    assert second > first


def test_what_comes_in_while_a_case_goes_back_to_the_queue_leaves_it_there(any_engine: Engine) -> None:
    (lan,) = staff(any_engine, "lan")
    number = case(any_engine)
    with transaction(any_engine) as session:
        cases.claim(session, number, lan)
        cases.reply(session, number, lan, "Dạ", "k")
    with transaction(any_engine) as session:
        assert session.get_one(Case, number).state == "answered"  # a turn has read this
        with (
            transaction(any_engine)
            if any_engine.dialect.name == "postgresql"
            else nullcontext(session) as other
        ):
            cases.release_all(other, lan)
        cases.take_message(session, number, 1, "alo")
    assert state(any_engine, number) == ("waiting", None)


def test_staff_take_over_a_conversation_that_nobody_asked_a_person_for(any_engine: Engine) -> None:
    lan, minh = staff(any_engine, "lan", "minh")
    with transaction(any_engine) as session:
        conversation = Conversation(channel="telegram", address="7")
        session.add(conversation)
        session.flush()
        session.add(Turn(conversation_id=conversation.id, text="làm sổ đỏ thế nào"))
        whose = conversation.id
    with transaction(any_engine) as session:
        taken = cases.take_conversation(session, whose, lan, "vinh-phuc", None)
        assert (taken.why, taken.question, taken.owner_id) == ("staff", "làm sổ đỏ thế nào", lan)
        assert taken.is_silencing
    with transaction(any_engine) as session, pytest.raises(CaseRefused, match="Lan"):
        cases.take_conversation(session, whose, minh, "vinh-phuc", None)
    with transaction(any_engine) as session, pytest.raises(CaseRefused, match="không còn"):
        cases.take_conversation(session, "nobody's", minh, "vinh-phuc", None)
    assert sent(any_engine) == [say("hotline.claimed")]


def test_what_the_channel_refuses_is_told_to_staff_once(any_engine: Engine) -> None:
    [lan] = staff(any_engine, "lan")
    number = case(any_engine)
    with transaction(any_engine) as session:
        cases.claim(session, number, lan)
        cases.reply(session, number, lan, "Chào anh/chị", "k")
    with transaction(any_engine) as session:
        keys = list(session.scalars(select(OutboxMessage.key)))
        for key in [*keys, *keys, "news:1.2.3:4", "case:reply:x", "case:reply:999"]:
            cases.note_undelivered(session, key)
    with transaction(any_engine) as session:
        told = [each.more["of"] for each in history(session, number) if each.kind == "undelivered"]
    assert sorted(told) == ["claimed", "reply"]


def test_a_closed_window_is_told_apart_from_a_refusal(any_engine: Engine) -> None:
    [lan] = staff(any_engine, "lan")
    number = case(any_engine)
    with transaction(any_engine) as session:
        cases.claim(session, number, lan)
        cases.reply(session, number, lan, "Chào anh/chị", "k")
        (key,) = session.scalars(select(OutboxMessage.key).where(OutboxMessage.key.startswith("case:reply")))
        for _ in range(2):
            cases.note_undelivered(session, key, is_window_closed=True)
        cases.note_undelivered(session, key)
    with transaction(any_engine) as session:
        lines = [line_of(each, {}).text for each in history(session, number)]
    assert [each for each in lines if "gọi" in each] == [
        say("desk.event_window_closed"),
        say("desk.event_undelivered"),
    ]


@pytest.mark.parametrize("state", sorted(set(get_args(State)) - {"sent", "unsure", "expired"}))
def test_how_far_a_reply_has_come_is_always_told(state: str) -> None:
    assert say(f"desk.delivery_{state}")


def test_an_answer_is_proposed_without_personal_numbers(any_engine: Engine) -> None:
    [lan] = staff(any_engine, "lan")
    number = case(any_engine)
    with transaction(any_engine) as session:
        made = propose(session, number, lan, "Số 0912345678 hỏi lệ phí?", " Không mất phí. ", [])
        assert "0912345678" not in made.question
        assert made.answer == "Không mất phí."
    with transaction(any_engine) as session, pytest.raises(CaseRefused, match="đủ câu hỏi"):
        propose(session, number, lan, " ", "có", [])


def test_a_proposal_outlives_the_conversation_it_came_from(any_engine: Engine) -> None:
    [lan] = staff(any_engine, "lan")
    number = case(any_engine)
    with transaction(any_engine) as session:
        propose(session, number, lan, "Hỏi gì?", "Đáp.", [])
        note_typing(session, session.get_one(Case, number).conversation_id, is_staff=True)
    with transaction(any_engine) as session:
        erase_conversation(session, session.get_one(Case, number).conversation_id)
    with transaction(any_engine) as session:
        assert [each.case_id for each in session.scalars(select(Proposal))] == [None]
        assert typing_now(session) == frozenset()
        session.execute(delete(Proposal))


def test_who_is_typing_is_known_for_a_few_seconds_or_until_it_is_sent(any_engine: Engine) -> None:
    number = case(any_engine)
    with transaction(any_engine) as session:
        whose = session.get_one(Case, number).conversation_id
        for is_staff in (True, True, False):
            note_typing(session, whose, is_staff=is_staff)
        assert typing_now(session) == {(whose, True), (whose, False)}
        note_sent(session, whose, is_staff=True)
        assert typing_now(session) == {(whose, False)}
        session.execute(update(Typing).values(at=now() - LASTS))
        assert typing_now(session) == frozenset()
