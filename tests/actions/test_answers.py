"""What actions answer to a Reading: on each side of a date, when it is unclear, when facts are missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import pytest

import actions
from actions.answer import Answer, Choice
from actions.picking import OF_THE_ANSWER, pick
from actions.request import HandOver, Memory, Request
from knowledge.dossiers import LookUp, Wanted
from knowledge.library import Library
from nlu.reading import FALLBACK, Entity, Reading

SPRING, TODAY = date(2020, 4, 1), date(2026, 11, 22)


@dataclass
class FakeCitizen:
    """A citizen of whom nothing is stored but what the test looks at."""

    followed: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    known: dict[str, LookUp] = field(default_factory=dict)
    can_be_told: bool = True
    takes_announcements: bool = True
    handed: HandOver | None = None
    places: dict[str, str] = field(default_factory=dict)

    def erase(self) -> int:
        return 0

    def follow_dossier(self, code: str) -> None:
        self.followed.append(code)

    def unfollow_dossiers(self, codes: list[str]) -> None:
        self.followed = [code for code in self.followed if code not in codes]

    def followed_dossiers(self) -> list[str]:
        return self.followed

    def give_code(self) -> str:
        return "abcdefgh"

    def bring_here(self, code: str) -> str | None:
        return None

    def take_announcements(self, *, takes: bool) -> None:
        self.takes_announcements = takes

    def leave_question(self, reason: str, things: int = 2) -> None:
        self.questions.append(reason)

    def hand_over(self, why: str, procedure: str | None, dossier: str | None) -> HandOver | None:
        return self.handed

    def give_back(self) -> bool:
        return self.handed is not None

    def consent(self) -> bool:
        return self.handed is not None

    def leave_message(self, text: str) -> int | None:
        return self.handed.number if self.handed else None

    def rate(self, number: int, rating: str | None = None, words: str | None = None) -> bool:
        return self.handed is not None and number == self.handed.number

    def look_up(self, wanted: Sequence[Wanted]) -> list[LookUp]:
        return [self.known.get(each.code, LookUp(each.code, "not_found")) for each in wanted]


def ask(library: Library, reading: Reading, today: date = TODAY, memory: Memory | None = None) -> Answer:
    return actions.answer(_request(library, reading, today, memory))[0]


def _request(
    library: Library, reading: Reading, today: date = TODAY, memory: Memory | None = None
) -> Request:
    province = library.catalogue.province("vinh-phuc")
    citizen = FakeCitizen()
    return Request(library, province, today, reading=reading, citizen=citizen, memory=memory or Memory())


def _chosen(intent: str, **entities: str) -> Reading:
    return Reading(intent, intent, 1.0, tuple(Entity(name, value, value) for name, value in entities.items()))


UNCLEAR = Reading("hả", FALLBACK, 0.3, alternatives=(("ask_fee", 0.3), ("ask_where", 0.2), ("greet", 0.1)))


def test_the_first_unclear_turn_asks_what_was_meant(library: Library) -> None:
    given = ask(library, UNCLEAR)
    assert given.status == "asked_back"
    assert [choice.payload for choice in given.choices] == ["ask_fee", "ask_where", "greet", "deny"]


def test_the_second_unclear_turn_in_a_row_offers_the_hotline_and_records_the_question(
    library: Library,
) -> None:
    request = _request(library, UNCLEAR)
    memory = actions.answer(request)[1]
    again = replace(request, memory=memory)
    assert actions.answer(again)[0].status == "handed_over"
    assert isinstance(again.citizen, FakeCitizen) and again.citizen.questions == ["not_understood"]


def test_an_understood_turn_between_two_failures_starts_the_count_anew(library: Library) -> None:
    request = _request(library, _chosen("thank"), memory=Memory(failures=1))
    assert actions.answer(request)[1].failures == 0


@pytest.mark.parametrize("intent", sorted(actions.INTENTS))
@pytest.mark.parametrize("today", [SPRING, TODAY])
def test_every_intent_answers_on_both_days_without_a_procedure(
    library: Library, intent: str, today: date
) -> None:
    given = ask(library, _chosen(intent), today)
    assert given.text
    assert len(given.choices) <= 5


@pytest.mark.parametrize(
    "intent", [name for name, action in actions.ACTIONS.items() if action.__module__ == "actions.procedures"]
)
def test_every_procedure_is_told_with_a_source_today_and_as_unknown_in_2020(
    library: Library, intent: str
) -> None:
    for code in library.catalogue.procedures:
        now = ask(library, _chosen(intent, procedure=code), TODAY)
        then = ask(library, _chosen(intent, procedure=code), SPRING)
        assert now.status in ("answered", "asked_back") and now.sources, code
        assert then.status == "not_found" and "chưa có thông tin" in then.text, code
        assert "None" not in now.text + then.text and "not stated" not in now.text, now.text


def test_every_topic_is_told_with_a_source_on_each_day_it_covers(library: Library) -> None:
    for topic in library.catalogue.topics.values():
        for rule in topic.rules:
            for today in {rule.valid_from, rule.valid_to or TODAY}:
                given = ask(library, _chosen(topic.intent, topic=topic.id), today)
                assert given.status == "answered" and given.sources, f"{topic.id} on {today}"
                assert rule.text in given.text


def test_an_expired_rule_is_told_only_as_expired(library: Library) -> None:
    for topic in library.catalogue.topics.values():
        for rule in topic.rules:
            if rule.valid_to and rule.valid_to < TODAY:
                given = ask(library, _chosen(topic.intent, topic=topic.id), rule.valid_to + timedelta(days=1))
                current = topic.rules_on(rule.valid_to + timedelta(days=1))
                repeated = any(rule.text in other.text for other in current)
                assert repeated or rule.text not in given.text, f"{topic.id}: {rule.valid_to}"


def test_no_source_is_cited_before_it_was_issued(library: Library) -> None:
    for topic in library.catalogue.topics.values():
        given = ask(library, _chosen(topic.intent, topic=topic.id), SPRING)
        assert all(source.issued_on is None or source.issued_on <= SPRING for source in given.sources), (
            topic.id
        )


def test_the_same_question_has_two_right_answers(library: Library) -> None:
    reading = _chosen("ask_covid_rule", topic="covid-tu-tap")
    then, now = ask(library, reading, SPRING), ask(library, reading, TODAY)
    assert "Tối đa 2 người" in then.text and "hết hiệu lực" not in then.text
    assert "đã hết hiệu lực" in now.text and "Tối đa 2 người" not in now.text
    assert "26/2023/QĐ-TTg" in [source.number for source in now.sources]


def test_a_covid_rule_is_not_stated_when_it_is_unclear_which_is_meant(library: Library) -> None:
    given = ask(library, Reading("dịch thì sao", "ask_covid_rule", 0.9), SPRING)
    assert given.status == "asked_back" and given.choices and not given.sources


def test_an_expired_fee_is_told_only_as_expired(library: Library) -> None:
    given = ask(library, _chosen("ask_fee", procedure="1.001456"))
    (line,) = [line for line in given.text.splitlines() if "160.000" in line]
    assert "chỉ áp dụng đến hết ngày 31/12/2023" in line
    assert "200.000 đ" in given.text


@pytest.mark.parametrize(
    ("today", "waived"),
    [
        (date(2026, 8, 14), False),
        (date(2026, 8, 15), True),
        (date(2027, 2, 28), True),
        (date(2027, 3, 1), False),
    ],
)
def test_the_general_fee_waiver_is_told_only_in_its_time(library: Library, today: date, waived: bool) -> None:
    given = ask(library, _chosen("ask_fee", procedure="3.000333"), today)
    assert ("117/2026/TT-BTC" in [source.number for source in given.sources]) is waived


def test_a_bare_name_answers_what_was_asked_back(library: Library) -> None:
    reading = Reading("đăng ký kết hôn", "ask_procedure", 0.9)
    request = _request(library, reading, memory=Memory(asked="ask_fee"))
    given = actions.answer(request)[0]
    assert given.procedure == "1.000894" and "lệ phí" in given.text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ok xoá đi", "xoá xong"),
        ("có", "xoá xong"),
        ("thôi không xoá nữa", "giữ nguyên"),
        ("xoá dữ liệu là xoá những gì?", "chắc chắn chứ"),
        ("đúng rồi, xoá dữ liệu của tôi đi", "chắc chắn chứ"),
        ("vâng đợi tôi tí", "chắc chắn chứ"),
    ],
)
def test_only_a_short_clear_reply_erases_or_keeps(library: Library, text: str, words: str) -> None:
    asked = ask(library, _chosen("delete_my_data"))
    memory = Memory(asked="delete_my_data", choices=asked.choices)
    for intent in ("delete_my_data", "affirm", "deny", "out_of_scope"):
        assert words in ask(library, Reading(text, intent, 0.9), memory=memory).text


def test_nothing_found_is_recorded_and_the_hotline_given(library: Library) -> None:
    marked = (Entity("procedure", "nuôi hổ trong nhà", "nuôi hổ trong nhà"),)
    request = _request(library, Reading("phép nuôi hổ trong nhà", "ask_documents", 0.9, marked))
    given = actions.answer(request)[0]
    assert given.status == "not_found" and "1800 1096" in given.text
    assert isinstance(request.citizen, FakeCitizen) and request.citizen.questions == ["nothing found"]


def test_the_way_out_of_the_choices_counts_as_not_helped(library: Library) -> None:
    request = _request(library, UNCLEAR)
    memory = actions.answer(request)[1]
    pressed = _request(library, _chosen("deny"), memory=memory)
    memory = actions.answer(pressed)[1]
    assert ask(library, UNCLEAR, memory=memory).status == "handed_over"


def test_an_unmarked_name_of_another_procedure_is_asked_about_in_a_follow_up(library: Library) -> None:
    reading = Reading("đk tạm trú mất mấy ngày", "ask_time_limit", 0.9)
    given = ask(library, reading, memory=Memory(procedure="1.000894"))
    assert given.status == "asked_back"
    assert [choice.payload.split("=")[-1] for choice in given.choices[:2]] == ["1.000894", "1.004194"]


@pytest.mark.parametrize(
    ("text", "picked"),
    [
        ("2", "b"),
        ("số 1", "a"),
        ("cái thứ 2", "b"),
        ("le phi", "a"),
        ("Lệ  phí", "a"),
        ("3", OF_THE_ANSWER),
        ("4", None),
        ("lệ phí bao nhiêu vậy em", None),
        ("0", None),
        ("cái cuối cùng", "b"),
        ("có cần", None),
    ],
)
def test_a_typed_number_or_title_picks_a_choice(text: str, picked: str | None) -> None:
    offered = (Choice("Lệ phí", "a"), Choice("Nộp ở đâu", "b"), Choice("Chưa đúng ý?", OF_THE_ANSWER))
    chosen = pick(offered, text)
    assert (chosen and chosen.payload) == picked


@pytest.mark.parametrize(
    "text",
    [
        "trợ cấp thất nghiệp nộp ở đâu",
        "tôi muốn ly hôn",
        "ly hôn thì nộp ở đâu",
        "làm giấy chứng nhận an toàn thực phẩm",
    ],
)
@pytest.mark.parametrize("memory", [Memory(), Memory(procedure="1.000894")])
def test_what_the_catalogue_lacks_is_said_to_be_unknown(library: Library, text: str, memory: Memory) -> None:
    for intent in ("ask_where", "ask_procedure", "out_of_scope", FALLBACK):
        given = ask(library, Reading(text, intent, 0.9), memory=memory)
        assert given.status == "not_found" and given.procedure is None, given.text


def test_what_the_catalogue_has_is_not_taken_for_what_it_lacks(library: Library) -> None:
    for code, record in library.catalogue.procedures.items():
        for name in (record.title, *record.aliases):
            assert not library.is_not_covered(name), f"{code}: {name}"


@pytest.mark.parametrize("handed", [None, HandOver(7, is_on_duty=False)])
@pytest.mark.parametrize(
    "text", ["nhà tôi đang cháy cứu với", "nhà hàng xóm đang cháy", "mẹ tôi khó thở quá"]
)
def test_an_emergency_names_whom_to_call_and_no_number_of_an_office(
    library: Library, text: str, handed: HandOver | None
) -> None:
    reading = Reading(text, "ask_help", 0.9)
    request = replace(_request(library, reading), citizen=FakeCitizen(handed=handed))
    given = actions.answer(request)[0]
    assert given.status == "handed_over"
    assert all(f"**{number}**" in given.text for number in (113, 114)) and "gọi ngay 115" in given.text
    assert "1800 1096" not in given.text and not given.sources


def test_words_that_are_put_together_keep_the_space_between_them(library: Library) -> None:
    given = ask(library, _chosen("ask_postal_fee"), SPRING)
    assert "từ 1/3/2020 đến 30/6/2020" in given.text
    code = next(
        code for code, one in library.catalogue.procedures.items() if one.levels == ("province", "commune")
    )
    named = (Entity("procedure", code, code), Entity("place", "xã Tam Hợp", "xã Tam Hợp"))
    placed = ask(library, Reading("ở xã Tam Hợp huyện Bình Xuyên thì nộp ở đâu", "ask_where", 1.0, named))
    assert "do **cấp tỉnh hoặc cấp xã** giải quyết" in placed.text
