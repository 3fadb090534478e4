"""From a citizen's wish for a person to the last word: the machine keeps silent, and nothing is lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from bot.hotline import cases
from bot.hotline.accounts import set_presence
from bot.hotline.alerts import Alerts
from bot.hotline.cases import Case
from bot.hotline.history import history
from bot.hotline.staff import Staff
from bot.inbox import Message
from bot.outbox import OutboxMessage
from bot.store import Turn, UnresolvedQuestion
from bot.turn import Assistant
from knowledge.database import transaction
from knowledge.dossiers import HERE
from knowledge.library import Library
from tests.conftest import build, dossier_settings

OPEN = datetime(2026, 11, 26, 9, 0, tzinfo=HERE)  # a Thursday
CLOSED = datetime(2026, 11, 27, 18, 0, tzinfo=HERE)  # a Friday evening
HUMAN = "cho tôi gặp nhân viên"


class Talk:
    """One citizen's conversation with an assistant."""

    def __init__(self, assistant: Assistant, channel: str = "web") -> None:
        self.assistant = assistant
        self.channel = channel
        self.id: str | None = None

    def say(self, text: str | None = None, press: str | None = None) -> dict[str, Any]:
        address = "7" if self.channel == "telegram" else None
        known = None if address else self.id
        body = self.assistant.reply(
            Message(self.channel, text, press, conversation_id=known, address=address)
        ).body
        self.id = body["conversation_id"]
        return body

    def press(self, body: dict[str, Any], title: str) -> dict[str, Any]:
        choices = [choice for message in body["messages"] for choice in message["choices"]]
        return self.say(press=next(each["payload"] for each in choices if each["title"] == title))


def words(body: dict[str, Any]) -> str:
    return "\n".join(message["text"] for message in body["messages"])


@pytest.fixture
def assistant(library: Library, nlu_url: str, any_engine: Engine, made_up_url: str) -> Iterator[Assistant]:
    """An assistant with somebody on duty on a Thursday morning."""
    built = build(library, nlu_url, any_engine, dossier_settings(made_up_url))
    with transaction(any_engine) as session:
        session.add(
            Staff(
                id=1,
                login="lan",
                name="Lan",
                role="hotline",
                password_hash="",
                failures=0,
                presence="on",
                seen_at=OPEN,
            )
        )
    yield at(built, OPEN)


def at(assistant: Assistant, moment: datetime) -> Assistant:
    return replace(assistant, hotline=replace(assistant.hotline, clock=lambda: moment))


def only_case(engine: Engine) -> Case:
    with transaction(engine) as session:
        return session.scalars(select(Case)).one()


def said_to_staff(engine: Engine) -> list[str | None]:
    with transaction(engine) as session:
        return [
            each.text
            for each in history(session, session.scalars(select(Case.id)).one())
            if each.kind == "message"
        ]


def claim(engine: Engine) -> int:
    number = only_case(engine).id
    with transaction(engine) as session:
        assert cases.claim(session, number, 1)
    return number


def test_the_citizen_hears_what_happens_next_and_the_machine_falls_silent(assistant: Assistant) -> None:
    talk = Talk(assistant)
    talk.say("đi đăng ký kết hôn cần mang gì")
    told = talk.say(HUMAN)
    assert told["status"] == "handed_over"
    assert "người tiếp theo" in words(told)
    assert "chưa biết phải chờ bao lâu" in words(told)
    assert told["is_with_person"]
    silent = talk.say("lệ phí bao nhiêu vậy em")
    assert (silent["messages"], silent["status"], silent["is_with_person"]) == ([], "handed_over", True)
    assert said_to_staff(assistant.engine) == ["lệ phí bao nhiêu vậy em"]
    case = only_case(assistant.engine)
    assert (case.procedure, case.why, case.state) == ("1.000894", "asked", "waiting")
    assert "đăng ký kết hôn" in case.question


def test_a_press_meanwhile_goes_to_the_person_by_its_title(assistant: Assistant) -> None:
    talk = Talk(assistant)
    asked = talk.say("đi đăng ký kết hôn cần mang gì")
    choice = asked["messages"][0]["choices"][0]
    talk.say(HUMAN)
    assert talk.say(press=choice["payload"])["messages"] == []
    assert said_to_staff(assistant.engine) == [choice["title"]]


def test_going_on_with_the_machine_works_at_once(assistant: Assistant) -> None:
    talk = Talk(assistant)
    told = talk.say(HUMAN)
    back = talk.press(told, "Thôi, hỏi máy tiếp")
    assert not back["is_with_person"]
    assert talk.say("làm hộ chiếu bao nhiêu tiền")["status"] == "answered"
    assert only_case(assistant.engine).closing == "citizen_left"


def test_two_failures_and_a_complaint_hand_over_too(assistant: Assistant) -> None:
    first = Talk(assistant)
    first.say("hôm bữa cái giấy đó với cái kia thì nó sao")
    assert first.say("tờ giấy màu hồng của bà nội")["is_with_person"]
    second = Talk(assistant)
    assert second.say("cán bộ phường quát nạt tôi, thái độ quá tệ, tôi muốn phản ánh")["is_with_person"]
    with transaction(assistant.engine) as session:
        found = {case.why: case.priority for case in session.scalars(select(Case))}
    assert found == {"not_understood": cases.ORDINARY, "complaint": cases.COMPLAINT}


@pytest.mark.parametrize(
    "text",
    [
        "mẹ tôi khó thở quá phải làm sao",
        "bố tôi bất tỉnh 30 giây rồi",
        "con tôi khó thở, tôi quên giấy bảo hiểm",
        "đang làm thủ tục thì bà cụ ngất xỉu",
        "cần xe cấp cứu gấp",
        "co giat roi cuu voi",
    ],
)
def test_a_danger_to_life_names_115_first_and_goes_to_the_front(assistant: Assistant, text: str) -> None:
    talk = Talk(assistant)
    told = talk.say(text)
    assert told["messages"][0]["text"].startswith("**Anh/chị gọi ngay 115**")
    assert only_case(assistant.engine).priority == cases.URGENT
    again = talk.say(text)  # also when a person has it
    assert "115" in words(again)


@pytest.mark.parametrize("text", ["giấy ra viện đột quỵ cần gì để hưởng bảo hiểm", "thủ tục trợ cấp co giật"])
def test_papers_about_an_illness_are_no_danger(assistant: Assistant, text: str) -> None:
    assert "gọi ngay 115" not in words(Talk(assistant).say(text))


def test_personal_numbers_reach_staff_only_with_leave(assistant: Assistant) -> None:
    talk = Talk(assistant)
    talk.say(HUMAN)
    hidden = talk.say("số của tôi 0912 345 678")
    assert "đã ẩn" in words(hidden)
    talk.press(hidden, "Đồng ý cho nhân viên xem")
    assert talk.say("số của tôi 0912 345 678")["messages"] == []
    assert said_to_staff(assistant.engine) == ["số của tôi [đã ẩn]", "số của tôi 0912 345 678"]
    with transaction(assistant.engine) as session:
        assert not any("345" in (text or "") for text in session.scalars(select(Turn.text)))
        assert session.scalars(select(Case)).one().consented_at


def test_out_of_hours_the_next_opening_is_told_and_the_machine_goes_on(assistant: Assistant) -> None:
    talk = Talk(at(assistant, CLOSED))
    told = talk.say(HUMAN)
    assert "07:30 thứ Hai, 30/11/2026" in words(told)
    assert "1800 1096" in words(told)
    assert not told["is_with_person"]
    assert talk.say("làm hộ chiếu bao nhiêu tiền")["status"] == "answered"
    asked = talk.press(talk.say(HUMAN), "Để lại lời nhắn")
    assert asked["status"] == "asked_back"
    left = talk.say("tách thửa cho con, gọi tôi số 0912345678")
    assert left["status"] == "handed_over"
    assert said_to_staff(assistant.engine) == [HUMAN, "tách thửa cho con, gọi tôi số 0912345678"]
    case = only_case(assistant.engine)
    assert case.deadline
    assert case.deadline.astimezone(HERE) == datetime(2026, 11, 30, 9, 30, tzinfo=HERE)


def test_with_nobody_there_in_the_hours_it_is_said_so(assistant: Assistant) -> None:
    with transaction(assistant.engine) as session:
        session.execute(update(Staff).values(presence="away"))
    told = Talk(assistant).say(HUMAN)
    assert "chưa có nhân viên trực" in words(told)
    assert not told["is_with_person"]


def test_a_case_of_the_night_is_silent_from_when_it_is_claimed(assistant: Assistant) -> None:
    talk = Talk(at(assistant, CLOSED), "telegram")
    talk.say(HUMAN)
    number = claim(assistant.engine)
    assert talk.say("alo có ai không")["messages"] == []
    with transaction(assistant.engine) as session:
        cases.reply(session, number, 1, "Chào anh/chị, mình nghe.", "k")
        told = session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)).all()
    assert [(each.state, each.at_night) for each in told] == [("waiting", True)] * 3


def test_where_a_channel_has_an_address_the_outbox_says_that_one_is_handed_over(
    assistant: Assistant,
) -> None:
    message = Message("telegram", HUMAN, address="7", key="1-1")
    first, again = assistant.reply(message), assistant.reply(message)  # as after a crash
    assert first.to_send == again.to_send == first.messages[:-1]
    with transaction(assistant.engine) as session:
        assert list(session.scalars(select(OutboxMessage.message))) == first.messages[-1:]
    on_the_page = assistant.reply(Message("web", HUMAN))
    assert on_the_page.to_send == on_the_page.messages != []


def test_a_web_citizen_gets_the_replies_with_the_next_answer(assistant: Assistant) -> None:
    talk = Talk(assistant)
    talk.say(HUMAN)
    number = claim(assistant.engine)
    with transaction(assistant.engine) as session:
        cases.reply(session, number, 1, "Chào anh/chị, mình nghe.", "k")
    assert words(talk.say("alo")).endswith("Chào anh/chị, mình nghe.")
    assert only_case(assistant.engine).state == "taken"  # to be answered again


def test_after_closing_the_machine_answers_and_the_rating_is_kept(assistant: Assistant) -> None:
    talk = Talk(assistant)
    talk.say(HUMAN)
    number = claim(assistant.engine)
    with transaction(assistant.engine) as session:
        cases.close(session, number, 1, "answered")
    told = talk.say("làm hộ chiếu bao nhiêu tiền")
    assert told["status"] == "answered"
    rated = talk.press(told, "Chưa")
    asked = talk.press(rated, "Góp ý thêm")
    assert asked["status"] == "asked_back"
    talk.say("trả lời hơi chậm")
    case = only_case(assistant.engine)
    assert (case.rating, case.rating_words) == ("useless", "trả lời hơi chậm")


def test_without_staff_the_question_is_recorded_as_before(assistant: Assistant) -> None:
    with transaction(assistant.engine) as session:
        session.execute(update(Staff).values(removed_at=OPEN))
    told = Talk(assistant).say(HUMAN)
    assert told["status"] == "handed_over"
    assert not told["is_with_person"]
    with transaction(assistant.engine) as session:
        assert session.scalars(select(Case)).all() == []
        assert session.scalars(select(UnresolvedQuestion.reason)).all() == ["asked"]


def test_erasing_ends_the_case_too(assistant: Assistant) -> None:
    talk = Talk(assistant)
    talk.say(HUMAN)
    talk.say(press="delete_my_data")
    talk.say(press="delete_my_data?confirmed=yes")
    with transaction(assistant.engine) as session:
        assert session.scalars(select(Case)).all() == []
    assert talk.say("làm hộ chiếu bao nhiêu tiền")["status"] == "answered"


def test_a_failing_nlu_does_not_break_the_silence(assistant: Assistant) -> None:
    talk = Talk(assistant)
    talk.say(HUMAN)
    talk.assistant = replace(assistant, nlu=type(assistant.nlu)("http://127.0.0.1:9"))
    assert talk.say("alo có ai không")["messages"] == []
    assert said_to_staff(assistant.engine) == ["alo có ai không"]


def test_what_is_written_while_a_case_is_closed_is_either_passed_on_or_answered(assistant: Assistant) -> None:
    for _ in range(10):
        talk = Talk(assistant)
        talk.say(HUMAN)
        with transaction(assistant.engine) as session:
            number = session.scalars(select(Case.id).where(Case.open_for == talk.id)).one()
        with transaction(assistant.engine) as session:
            assert cases.claim(session, number, 1)
            cases.reply(session, number, 1, "Dạ", f"k{number}")
        start = threading.Barrier(5)

        def write(_: int, talk: Talk = talk, start: threading.Barrier = start) -> dict[str, Any]:
            start.wait()
            return talk.say("làm hộ chiếu bao nhiêu tiền")

        def end(number: int = number, start: threading.Barrier = start) -> None:
            start.wait()
            with transaction(assistant.engine) as session:
                cases.close(session, number, 1, "answered")

        with ThreadPoolExecutor(5) as pool:
            ended = pool.submit(end)
            bodies = list(pool.map(write, range(4)))
            ended.result()
        with transaction(assistant.engine) as session:
            case = session.get_one(Case, number)
            assert (case.state, case.open_for, case.is_silencing) == ("closed", None, False)
            passed_on = [line for line in history(session, number) if line.kind == "message"]
        answered = [body for body in bodies if body["status"] == "answered"]
        assert len(passed_on) + len(answered) == len(bodies)


def test_a_number_typed_to_a_person_is_no_choice(assistant: Assistant) -> None:
    talk = Talk(assistant)
    talk.say(HUMAN)
    claim(assistant.engine)
    assert talk.say("1")["is_with_person"]
    assert said_to_staff(assistant.engine) == ["1"]
    assert not talk.say("Thôi, hỏi máy tiếp")["is_with_person"]


def test_silence_begins_when_asked_again_in_the_hours(assistant: Assistant) -> None:
    talk = Talk(at(assistant, CLOSED))
    assert not talk.say(HUMAN)["is_with_person"]
    talk.assistant = assistant
    assert talk.say(HUMAN)["is_with_person"]
    assert talk.say("alo")["messages"] == []


def test_silence_ends_when_everybody_goes_home_without_taking_the_case(assistant: Assistant) -> None:
    talk = Talk(assistant)
    talk.say(HUMAN)
    talk.assistant = at(assistant, CLOSED)
    told = talk.say("làm hộ chiếu bao nhiêu tiền")
    assert (told["status"], told["is_with_person"]) == ("answered", False)
    claim(assistant.engine)
    assert talk.say("alo")["is_with_person"]


def test_after_a_case_the_next_question_is_no_message_to_staff(assistant: Assistant) -> None:
    talk = Talk(at(assistant, CLOSED))
    talk.press(talk.say(HUMAN), "Để lại lời nhắn")
    number = claim(assistant.engine)
    talk.say("tách thửa cho con")
    with transaction(assistant.engine) as session:
        cases.close(session, number, 1, "citizen_left")
    assert talk.say("làm hộ chiếu bao nhiêu tiền")["status"] == "answered"


def test_a_second_danger_reaches_the_person_who_has_the_case(assistant: Assistant) -> None:
    talk = Talk(assistant)
    talk.say("mẹ tôi bị đột quỵ")
    number = claim(assistant.engine)
    with transaction(assistant.engine) as session:
        cases.reply(session, number, 1, "Anh/chị gọi 115 chưa?", "k")
    told = talk.say("mẹ tôi không thở được nữa")
    assert "nhân viên đang giữ câu hỏi này" in words(told)
    assert said_to_staff(assistant.engine) == ["mẹ tôi không thở được nữa"]
    assert only_case(assistant.engine).state == "taken"


def test_leave_for_one_message_is_no_leave_for_the_next(assistant: Assistant) -> None:
    talk = Talk(at(assistant, CLOSED))
    talk.press(talk.say(HUMAN), "Để lại lời nhắn")
    talk.say("gọi tôi số 0912345678")
    claim(assistant.engine)
    assert "đã ẩn" in words(talk.say("căn cước của tôi 001089012345"))
    assert said_to_staff(assistant.engine) == ["gọi tôi số 0912345678", "căn cước của tôi [đã ẩn]"]


def test_numbers_in_what_is_said_of_an_answer_are_hidden(assistant: Assistant) -> None:
    talk = Talk(assistant)
    talk.say(HUMAN)
    number = claim(assistant.engine)
    with transaction(assistant.engine) as session:
        cases.close(session, number, 1, "answered")
    rated = talk.press(talk.say("cảm ơn em"), "Có")
    talk.press(rated, "Góp ý thêm")
    talk.say("gọi lại tôi 0912345678")
    assert only_case(assistant.engine).rating_words == "gọi lại tôi [đã ẩn]"


def test_a_message_left_while_the_nlu_is_down_reaches_staff(assistant: Assistant) -> None:
    talk = Talk(at(assistant, CLOSED))
    talk.press(talk.say(HUMAN), "Để lại lời nhắn")
    talk.assistant = replace(talk.assistant, nlu=type(assistant.nlu)("http://127.0.0.1:9"))
    assert talk.say("tách thửa cho con")["status"] == "handed_over"
    assert said_to_staff(assistant.engine) == ["tách thửa cho con"]


def test_a_case_near_its_deadline_is_told_once_to_whoever_is_to_answer(assistant: Assistant) -> None:
    engine, alerts = assistant.engine, Alerts("https://hoi.example")
    assistant = replace(assistant, hotline=replace(assistant.hotline, alerts=alerts))
    with transaction(engine) as session:
        session.get_one(Staff, 1).telegram_id = 77
        session.add(Staff(id=2, login="b", name="B", role="content", password_hash="", failures=0,
                          presence="on", telegram_id=78))  # fmt: skip
        session.add(Staff(id=3, login="c", name="C", role="hotline", password_hash="", failures=0,
                          presence="off", telegram_id=79))  # fmt: skip
    Talk(assistant).say(HUMAN)
    number = only_case(engine).id
    with transaction(engine) as session:
        session.execute(update(Case).values(opened_at=OPEN))
    warned = (timedelta(minutes=100), timedelta(minutes=106), timedelta(minutes=107))
    for later in warned:
        at(assistant, OPEN + later).hotline.warn(engine)
    with transaction(engine) as session:
        told = [(each.address, each.message["text"]) for each in session.scalars(select(OutboxMessage))]
        kinds = [each.kind for each in history(session, number)]
    assert [address for address, _ in told] == ["77", "77"]
    assert f"https://hoi.example/desk/?number={number}" in told[0][1]
    assert "sắp tới hạn" in told[1][1]
    assert kinds == ["opened", "due"]


def test_who_is_on_duty_without_a_desk_counts_as_there_until_then(assistant: Assistant) -> None:
    later = OPEN + timedelta(minutes=30)
    with transaction(assistant.engine) as session:
        assert not assistant.hotline.is_on_duty(session, later)
        set_presence(session, 1, "on", until=OPEN + timedelta(hours=1))
        session.flush()
        assert assistant.hotline.is_on_duty(session, later)
        set_presence(session, 1, "off")
        session.flush()
        assert not assistant.hotline.is_on_duty(session, later)


@pytest.mark.parametrize("moment", [OPEN, CLOSED])
def test_a_number_in_the_wish_for_a_person_is_hidden_and_leave_is_asked_at_once(
    assistant: Assistant, moment: datetime
) -> None:
    talk = Talk(at(assistant, moment))
    told = talk.say("cho tôi gặp nhân viên, số tôi 0912345678")
    assert "mình đã ẩn đi" in words(told)
    assert "0912345678" not in only_case(assistant.engine).question
    assert "nhắn lại số đó" in words(talk.press(told, "Đồng ý cho nhân viên xem"))
    assert only_case(assistant.engine).consented_at
