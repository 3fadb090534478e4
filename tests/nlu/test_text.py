"""Texts as citizens type them get one spelling; codes, places and lengths are kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from unicodedata import normalize

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from knowledge.dossier_codes import find_codes
from nlu import text as nlu_text
from nlu.text import SHORT_FORMS, compose, fold, normalise, normalise_word, word_spans

WORDS = (
    "Đăng ký khai sinh ở Hưng Yên thủ tục giấy tờ hòa thuỷ HÒA khoẻ được người nghiêng tiếng Việt "
    "thur tucj ddawng kys dduwowcj thu3 tu5c d9a8ng form b2 ct01 covid19 email 1/4/2020 1.000.000 đ"
).split()
UNSEEN = ("\u200b", "\u200d", "\u200e", "\u200f", "\u202e", "\u2066", "\u00ad", "\ufe0f", "\ufeff")
MARKS = ("\u0301", "\u0323", "\u031b", "\u0338")
EMOJI = ("😀", "👍🏽", "👨‍👩‍👧", "🇻🇳", "❤️", "🏴󠁧󠁢󠁥󠁮󠁧󠁿")
OTHER = (
    "1️⃣",
    "שלום",
    "مرحبا",
    "ＡＢＣ",
    "－",
    "ⓚ",
    "ﬁ",
    "½",
    "²",
    "ſ",
    "\u3000",
    "\t",
    "\n",
    *" .,:-–/_?!'^`+=",
)
PIECES = st.one_of(
    st.sampled_from((*WORDS, *SHORT_FORMS, *SHORT_FORMS.values())),
    st.sampled_from((*UNSEEN, *MARKS, *EMOJI, *OTHER)),
    st.text("aeiouydghcnptăâêôơưđwsfrxj", max_size=7),
    st.text("aeiouydghcnpt0123456789", max_size=7),
)
WRITTEN = st.builds(str.join, st.sampled_from((" ", "")), st.lists(PIECES, max_size=12))
TEXTS = st.one_of(
    st.text(), WRITTEN, WRITTEN.map(str.upper), WRITTEN.map(lambda text: normalize("NFD", text))
)
CODES = st.builds(
    lambda dash, *parts: dash.join(parts),
    st.sampled_from(("-", "–", " - ", " – ", "- ", " -")),
    st.from_regex(r"[0-9]{3}(\.[0-9]{2}){2}\.[A-Z][0-9]{2}|[A-Z][0-9]{2}(\.[0-9]{1,3}){0,4}", fullmatch=True),
    st.from_regex(r"[0-9]{6}|[0-9]{8}", fullmatch=True),
    st.from_regex(r"[0-9]{3,7}", fullmatch=True),
)


@given(st.text())
def test_folding_composed_text_keeps_its_length(text: str) -> None:
    assert len(fold(compose(text))) == len(compose(text))


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(compose(text))) == fold(compose(text))


def test_vietnamese_letters_lose_their_accents() -> None:
    assert fold("Đăng ký khai sinh ở Hưng Yên, ượng ỗ") == "Dang ky khai sinh o Hung Yen, uong o"


def test_a_decomposed_letter_becomes_one_character() -> None:
    assert compose("u\u031b\u0323") == compose("ư\u0323") == "ự"


def test_codes_and_dates_stay_whole() -> None:
    text = "hồ sơ 000.00.12.H62-201105-0004 ngày 1/4/2020, nhé"
    words = [text[start:end] for start, end in word_spans(text)]
    assert words == ["hồ", "sơ", "000.00.12.H62-201105-0004", "ngày", "1/4/2020", ",", "nhé"]


def test_an_unseen_character_parts_no_word_and_is_no_word() -> None:
    text = "\u200fthủ\u200b tu\u00adc \u200d ?\ufe0f"
    assert [text[start:end] for start, end in word_spans(text)] == ["thủ\u200b", "tu\u00adc", "?"]


def test_an_accent_that_no_letter_takes_stays_with_its_word() -> None:
    assert word_spans("vậy\u0301 v\u0301") == [(0, 4), (5, 7)]


@given(TEXTS)
def test_spans_are_in_order_apart_and_leave_out_only_what_cannot_be_seen(text: str) -> None:
    end, between = 0, ""
    for start, stop in word_spans(text):
        assert end <= start < stop
        between += text[end:start]
        end = stop
    assert normalise(between + text[end:]) == ""


@given(TEXTS)
def test_normalising_twice_is_normalising_once(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(PIECES)
def test_a_normalised_word_is_normal(word: str) -> None:
    assert normalise_word(normalise_word(word)) == normalise_word(word)


@given(TEXTS)
def test_a_normalised_text_is_at_most_twice_as_long_as_the_composed_text(text: str) -> None:
    assert len(normalise(text)) <= 2 * len(compose(text))


@given(st.one_of(WRITTEN, WRITTEN.map(lambda text: normalize("NFD", text))))
def test_a_normalised_message_is_at_most_twice_as_long_as_it_was_typed(text: str) -> None:
    assert len(normalise(text)) <= 2 * len(text)


def test_only_a_letter_that_composing_takes_apart_may_grow_more() -> None:
    assert normalise("\ufb2c") == compose("\ufb2c") == "\u05e9\u05bc\u05c1"


@given(TEXTS, CODES, st.sampled_from((str, str.lower)), TEXTS)
def test_a_dossier_code_stands_unchanged(
    before: str, code: str, case: Callable[[str], str], after: str
) -> None:
    assert len(find_codes(code)) == 1
    assert f" {case(code)} " in f" {normalise(f'{before} {case(code)} {after}')} "


@pytest.mark.parametrize(
    "code",
    ["000.00.12.H62-201105-0004", "h62-201105-0004", "H62.1.23 – 20110512 – 0004567", "a12 - 201105 - 001"],
)
def test_a_dossier_code_is_still_found_in_the_normalised_text(code: str) -> None:
    assert normalise(f"cho mình hỏi hồ sơ {code} 😀 tới đâu rùi") == f"cho mình hỏi hồ sơ {code} tới đâu rồi"
    assert find_codes(normalise(f"hs {code}, ạ")) == find_codes(code)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("thur tucj", "thủ tục"),
        ("ddawng kys", "đăng ký"),
        ("giaays", "giấy"),
        ("dduwowcj", "dc"),
        ("thu3 tu5c", "thủ tục"),
        ("d9a8ng", "đăng"),
    ],
)
def test_leftover_typing_keys_are_read(typed: str, read: str) -> None:
    assert normalise(typed) == read


@pytest.mark.parametrize("word", ["form", "b2", "kt3", "ct01", "covid19", "muc4", "email", "zalo"])
def test_a_word_that_only_looks_like_typing_keys_stays(word: str) -> None:
    assert normalise(word) == word


@pytest.mark.parametrize(
    ("old", "new"), [("hòa", "hoà"), ("thủy", "thuỷ"), ("khỏe", "khoẻ"), ("Hóa", "Hoá"), ("QÚY", "QUÝ")]
)
def test_old_and_new_tone_marks_are_one_spelling(old: str, new: str) -> None:
    assert normalise(old) == normalise(normalize("NFD", old)) == normalise(new) == new


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("vângggg ạaaa", "vâng ạ"),
        ("nhéee", "nhé"),
        ("quaaaá", "quá"),
        ("điiii", "đi"),
        ("rùiiiii", "rồi"),
        ("kooooo", "ko"),
        ("CHÀOooo", "CHÀO"),
    ],
)
def test_stretched_letters_are_shortened(typed: str, read: str) -> None:
    assert normalise(typed) == read


def test_figures_are_not_stretched_letters() -> None:
    assert normalise("gọi 0111222333, mất 1000000 đồng") == "gọi 0111222333, mất 1000000 đồng"


@pytest.mark.parametrize("emoji", EMOJI)
def test_emoji_are_dropped_and_part_words(emoji: str) -> None:
    assert normalise(f"chào{emoji}bạn {emoji} {emoji} ạ{emoji}") == "chào bạn ạ"


def test_only_the_digit_of_a_key_cap_is_kept() -> None:
    assert normalise("bước 1️⃣nộp") == "bước 1 nộp"


@pytest.mark.parametrize("unseen", UNSEEN)
def test_an_unseen_character_is_dropped_even_inside_a_word(unseen: str) -> None:
    assert normalise(f"{unseen}th{unseen}ủ tục{unseen} đ{unseen}c") == "thủ tục dc"
    assert normalise(f"tu{unseen}\u0323c.{unseen}vn") == "tục.vn"


@pytest.mark.parametrize(
    ("typed", "read"),
    [("ＡＢＣ　１２", "ABC 12"), ("𝐭𝐡𝐮̉ tục", "thủ tục"), ("ⓚo", "ko"), ("a－b", "a-b"), ("m²", "m2")],
)
def test_full_width_and_ornamental_letters_become_plain(typed: str, read: str) -> None:
    assert normalise(typed) == read


def test_punctuation_and_single_spaces_are_kept() -> None:
    assert normalise("  Dạ ,\tcho\u00a0hỏi : lệ   phí?\n") == "Dạ , cho hỏi : lệ phí?"


@pytest.mark.parametrize(("form", "head"), SHORT_FORMS.items())
def test_a_short_form_is_read_as_its_head_which_is_at_most_twice_as_long(form: str, head: str) -> None:
    assert normalise_word(form) == normalise_word(form.upper()) == head
    assert len(head) <= 2 * len(form)


@pytest.mark.parametrize("head", sorted(set(SHORT_FORMS.values())))
def test_the_head_of_short_forms_is_no_form_and_stays_as_it_is(head: str) -> None:
    assert head not in SHORT_FORMS
    assert normalise_word(head) == head == compose(head.lower())


def test_no_short_form_stands_under_two_heads() -> None:
    path = Path(nlu_text.__file__).with_name("short_forms.yml")
    forms = Counter(
        compose(str(form)) for forms in yaml.safe_load(path.read_text("utf-8")).values() for form in forms
    )
    assert max(forms.values()) == 1
    assert set(forms) == set(SHORT_FORMS)
