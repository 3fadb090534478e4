"""Words with the typing keys of Telex or VNI left standing are read; all other words stay."""

from __future__ import annotations

from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlu.typing_keys import decode_keys

SYLLABLES = (
    "thủ tục đăng ký giấy phép lái xe hộ khẩu thường trú tạm vắng kết hôn nuôi dưỡng quyết định hưởng chế độ "
    "người khuyết tật nghèo nghỉ thuỷ hoà khoẻ quý quốc tịch trơ trụi truyền nghiệp chuyển nhượng quyền sử "
    "dụng đất yêu cầu lệ phí mấy ngày rượu bưởi khuya xoáy ngoéo buồn cười giữa mùa mưa đũa chìa tiểu đường "
    "nhiều chịu mới thổi gửi núi cao sau cây kẹo lều bìa xoăn tuần thuở gìn giỏ giường uỷ ước"
).split()
TONES = {"\u0301": "s1", "\u0300": "f2", "\u0309": "r3", "\u0303": "x4", "\u0323": "j5"}
SHAPES = {
    "â": ("aa", "a6"), "ê": ("ee", "e6"), "ô": ("oo", "o6"), "ă": ("aw", "a8"), "ơ": ("ow", "o7"),
    "ư": ("uw", "u7"), "đ": ("dd", "d9"),
}  # fmt: skip
TELEX, VNI = 0, 1
LETTERS = "aăâbcdđeêghiklmnoôơpqrstuưvxyfjwzáàảãạ"


def _keys(syllable: str, method: int, *, tone_last: bool) -> str:
    """Give the keys pressed for a syllable, its tone after its vowel or after the whole word."""
    keys, tone = "", ""
    for letter in syllable:
        marks = [mark for mark in normalize("NFD", letter) if mark in TONES]
        plain = normalize("NFC", "".join(mark for mark in normalize("NFD", letter) if mark not in TONES))
        keys += SHAPES[plain][method] if plain in SHAPES else plain
        tone += "".join(TONES[mark][method] for mark in marks)
        if not tone_last:
            keys, tone = keys + tone, ""
    return keys + tone


@pytest.mark.parametrize("syllable", SYLLABLES)
@pytest.mark.parametrize("method", [TELEX, VNI])
@pytest.mark.parametrize("tone_last", [True, False])
def test_the_keys_of_a_syllable_are_read_as_the_syllable(
    syllable: str, method: int, *, tone_last: bool
) -> None:
    assert decode_keys(_keys(syllable, method, tone_last=tone_last)) == syllable


@pytest.mark.parametrize(
    ("keys", "read"),
    [
        ("thur", "thủ"),
        ("tucj", "tục"),
        ("ddawng", "đăng"),
        ("kys", "ký"),
        ("giaays", "giấy"),
        ("dduwowcj", "được"),
        ("dduowcj", "được"),
        ("dangd", "đang"),
        ("nguoiwf", "người"),
        ("trow", "trơ"),
    ],
)
def test_telex_keys_are_read(keys: str, read: str) -> None:
    assert decode_keys(keys) == read


@pytest.mark.parametrize(
    ("keys", "read"),
    [("thu3", "thủ"), ("tu5c", "tục"), ("d9a8ng", "đăng"), ("d9u7o7c5", "được"), ("nguoi72", "người")],
)
def test_vni_keys_are_read(keys: str, read: str) -> None:
    assert decode_keys(keys) == read


@pytest.mark.parametrize(
    "word",
    "form b2 a1 kt3 ct01 covid19 muc4 email zalo file scan online pdf 2020 h62-201105-0004 1/4/2020".split(),
)
def test_a_word_that_keys_do_not_explain_stays(word: str) -> None:
    assert decode_keys(word) == word


@pytest.mark.parametrize("syllable", [*SYLLABLES, "an", "xe", "sai", "sang", "rau", "thu", "hoa"])
def test_a_vietnamese_syllable_stays(syllable: str) -> None:
    assert decode_keys(syllable) == syllable


@pytest.mark.parametrize("word", ["hocf", "tichr", "hop4", "mat2"])
def test_a_tone_that_its_syllable_cannot_have_is_not_read(word: str) -> None:
    assert decode_keys(word) == word


@pytest.mark.parametrize("word", ["THUR", "Thur", "THU3", "Thu3"])
def test_capitals_are_no_typing_keys(word: str) -> None:
    assert decode_keys(word) == word


def test_a_tone_key_stands_after_a_vowel() -> None:
    assert [decode_keys(word) for word in ("troo", "trow", "bsan", "traf")] == ["trô", "trơ", "bsan", "trà"]


@given(st.one_of(st.text(), st.text(LETTERS, max_size=10), st.text("aeiouydnghct0123456789", max_size=10)))
def test_what_was_read_is_read_no_further_and_never_grows(word: str) -> None:
    once = decode_keys(word)
    assert decode_keys(once) == once
    assert len(once) <= len(word)


@given(st.text("abcdeghiklmnopqrstuvxy-./ 0123456789", min_size=11))
def test_a_long_word_stays(word: str) -> None:
    assert decode_keys(word) == word
