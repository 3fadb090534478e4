"""Folding and masking keep what the entity marks rely on."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nlu.text import compose, fold, mask, word_spans


@given(st.text())
def test_folding_composed_text_keeps_its_length(text: str) -> None:
    assert len(fold(compose(text))) == len(compose(text))


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(compose(text))) == fold(compose(text))


def test_vietnamese_letters_lose_their_accents() -> None:
    assert fold("Đăng ký khai sinh ở Hưng Yên, ượng ỗ") == "Dang ky khai sinh o Hung Yen, uong o"


def test_codes_and_dates_stay_whole() -> None:
    text = "hồ sơ 000.00.12.H62-201105-0004 ngày 1/4/2020, nhé"
    words = [text[start:end] for start, end in word_spans(text)]
    assert words == ["hồ", "sơ", "000.00.12.H62-201105-0004", "ngày", "1/4/2020", ",", "nhé"]


def test_spans_are_replaced_by_their_kind() -> None:
    assert mask("làm hộ chiếu ở Lai Châu", [(4, 12, "procedure"), (15, 23, "place")]) == (
        "làm __procedure__ ở __place__"
    )
