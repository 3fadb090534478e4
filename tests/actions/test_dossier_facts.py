"""What is asked of a dossier, and what is said of it first."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from actions.dossier_facts import Fact, fact_said, tell_fact
from knowledge.dossiers import HERE, SUPPLEMENT, Deadline, Dossier

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("khi nào xong", "when"),
        ("còn mấy ngày nữa", "when"),
        ("chung nao co", "when"),
        ("đóng bao nhiêu tiền", "fee"),
        ("lệ phí hồ sơ này bao nhiêu", "fee"),
        ("nộp tiền ở đâu", "pay"),
        ("tại sao lâu vậy", "why"),
        ("thiếu giấy tờ gì", "lacking"),
        ("phải nộp thêm giấy gì", "lacking"),
        ("nộp bổ sung ở đâu", "supplement_where"),
        ("hạn bổ sung đến ngày nào", "supplement_by"),
        ("hồ sơ của tôi có trễ không", "late"),
        ("tạm dừng nghĩa là sao", "paused"),
        ("yêu cầu bổ sung nghĩa là gì", None),
        ("bổ sung rồi khi nào xong", "when"),
        ("hồ sơ sao rồi", None),
        ("trẻ em thì cần gì", None),
    ],
)
def test_a_question_asks_for_one_fact(text: str, fact: Fact | None) -> None:
    assert fact_said(text) == fact


@pytest.mark.parametrize(
    ("appointed", "days", "words"),
    [(date(2026, 11, 23), 1, "ngày mai"), (date(2026, 11, 25), 3, "3 ngày làm việc"),
     (date(2026, 11, 25), None, "25/11/2026")],
)  # fmt: skip
def test_the_day_is_told_as_tomorrow_or_counted_where_holidays_are_known(
    appointed: date, days: int | None, words: str
) -> None:
    dossier = Dossier(code="H62.12-261120-0001", procedure="Đăng ký khai sinh", status=4)
    (told,) = tell_fact("when", dossier, Deadline("left", appointed, days), TODAY, is_proven=False)
    assert words in told


@pytest.mark.parametrize("fact", ["when", "late"])
@pytest.mark.parametrize("standing", ["paused", "paused_late"])
@pytest.mark.parametrize("days", [2, None])
def test_a_paused_dossier_has_a_sentence_for_each_fact(fact: Fact, standing: str, days: int | None) -> None:
    dossier = Dossier(
        code="H62.12-261120-0001",
        procedure="Đăng ký khai sinh",
        status=SUPPLEMENT,
        received=datetime(2026, 11, 2, tzinfo=HERE),
    )
    at = Deadline(standing, date(2026, 11, 18), days)  # type: ignore[arg-type]
    assert all(tell_fact(fact, dossier, at, TODAY, is_proven=True))
