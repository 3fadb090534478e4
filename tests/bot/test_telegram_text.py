"""Telegram's text: what our Markdown becomes, and how a long answer is cut."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.telegram_text import LIMIT, telegram_pieces
from tests.servers.telegram_api import Refused, parsed_text

LAW = {
    "number": "45/2016/QĐ-TTg",
    "title": "Quyết định về bưu chính <công ích>",
    "url": "https://vi.du/?a=1&b=2",
}

WORDS = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters="*_`[]"), min_size=1, max_size=9
)
SENTENCES = st.lists(WORDS, min_size=1, max_size=30).map(" ".join)
MARKED = st.one_of(
    SENTENCES,
    SENTENCES.map(lambda words: f"**{words}**"),
    SENTENCES.map(lambda words: f"**{words} _{words}_**"),
    SENTENCES.map(lambda words: f"trước `{words}` sau."),
    SENTENCES.map(lambda words: f"- [{words}](https://vi.du/{len(words)}?x=1&y=2) xem"),
    SENTENCES.map(lambda words: f"  - _{words}_"),
)
ANSWERS = st.lists(MARKED, min_size=1, max_size=12).flatmap(
    lambda lines: st.sampled_from(["\n", "\n\n"]).map(lambda between: between.join(lines))
)


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def html(markdown: str) -> str:
    [piece] = telegram_pieces(markdown)
    return piece


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("**Lệ phí:** miễn phí", "<b>Lệ phí:</b> miễn phí"),
        ("_Theo Cổng, tháng 7._", "<i>Theo Cổng, tháng 7.</i>"),
        ("**đậm _nghiêng_ đậm**", "<b>đậm <i>nghiêng</i> đậm</b>"),
        ("mã `H62.1-200401-0001`", "mã <code>H62.1-200401-0001</code>"),
        ("**mã `x` này**", "<b>mã </b><code>x</code><b> này</b>"),
        ("[Cổng](https://a.vn/?b=1&c=2)", '<a href="https://a.vn/?b=1&amp;c=2">Cổng</a>'),
        ("[Cổng](https://a.vn/x_(y))", '<a href="https://a.vn/x_(y)">Cổng</a>'),
        ("**[Cổng](https://a.vn)**", '<b><a href="https://a.vn">Cổng</a></b>'),
        ("[gọi](javascript:alert)", "[gọi](javascript:alert)"),
        ("1 < 2 & <b>x</b>", "1 &lt; 2 &amp; &lt;b&gt;x&lt;/b&gt;"),
        ("tên_tệp_dài và https://a.vn/b_c_d", "tên_tệp_dài và https://a.vn/b_c_d"),
        ("2 * 3 ** 4", "2 * 3 ** 4"),
        ("- một\n- hai\n  - ba", "• một\n• hai\n  ◦ ba"),
        ("Làm:\n1. đến\n2. nộp", "Làm:\n1. đến\n2. nộp"),
        ("một câu\nviết hai dòng\n\nđoạn sau", "một câu viết hai dòng\n\nđoạn sau"),
        ("đầu\n\n\n\n\ncuối", "đầu\n\ncuối"),
    ],
)
def test_markdown_becomes_telegram_html(markdown: str, expected: str) -> None:
    assert html(markdown) == expected
    assert parsed_text(expected)


def test_sources_stand_below_in_one_quote_that_unfolds() -> None:
    [piece] = telegram_pieces("Được ạ.", [LAW, {"number": None, "title": "Công văn", "url": None}])
    assert piece == (
        "Được ạ.\n\n<blockquote expandable>Nguồn: "
        '<a href="https://vi.du/?a=1&amp;b=2">45/2016/QĐ-TTg — Quyết định về bưu chính &lt;công ích&gt;</a>\n'
        "Nguồn: Công văn</blockquote>"
    )
    assert parsed_text(piece).endswith("<công ích>\nNguồn: Công văn")


@pytest.mark.parametrize(
    ("between", "cut_before"),
    [("\n\n", "Đoạn"), ("\n- ", "• Đoạn"), (". ", "Đoạn"), (" ", "Đoạn")],
    ids=["paragraphs", "lines", "sentences", "words"],
)
def test_a_long_answer_is_cut_at_the_best_place_there_is(between: str, cut_before: str) -> None:
    part = "Đoạn " + "chữ " * 20
    pieces = telegram_pieces(between.join([part.strip()] * 5), limit=190)
    assert len(pieces) > 1
    if between != " ":  # there is no better place than between two words
        assert all(piece.startswith(cut_before) for piece in pieces[1:])
    assert all(re.fullmatch(r"(• )?(Đoạn|chữ).*(chữ|Đoạn)\.?", piece, re.DOTALL) for piece in pieces)


def test_a_long_answer_is_cut_at_a_paragraph_rather_than_a_later_line() -> None:
    pieces = telegram_pieces("Đầu.\n\n- một hai ba\n- bốn năm sáu bảy", limit=30)
    assert pieces == ["Đầu.", "• một hai ba\n• bốn năm sáu bảy"]


def test_bold_that_is_cut_is_bold_in_both_pieces() -> None:
    first, *others = telegram_pieces(f"**{'chữ ' * 2000}hết**")
    assert first.startswith("<b>chữ") and first.endswith("chữ</b>")
    assert all(piece.startswith("<b>") and piece.endswith("</b>") for piece in others)


def test_a_word_longer_than_a_message_is_cut_by_characters() -> None:
    pieces = telegram_pieces("😀" * 5000)
    assert [len(piece) for piece in pieces] == [2048, 2048, 904]  # each counts twice in UTF-16


def test_an_entity_is_never_cut() -> None:
    pieces = telegram_pieces("&" * 5000)
    assert "".join(map(parsed_text, pieces)) == "&" * 5000
    assert max(map(units, pieces)) <= LIMIT


def test_a_link_too_long_for_a_message_stands_as_words() -> None:
    assert html(f"xem [trang](https://a.vn/{'x' * 5000}) này") == "xem trang này"


def test_nothing_to_say_makes_no_piece() -> None:
    assert telegram_pieces(" \n\n ") == []


@given(ANSWERS, st.integers(0, 3), st.sampled_from([200, 300, 1000, LIMIT]))
def test_pieces_carry_every_word_in_order_well_formed_and_within_the_limit(
    answer: str, sources: int, limit: int
) -> None:
    whole = "".join(telegram_pieces(answer, [LAW] * sources, limit=10**6))
    pieces = telegram_pieces(answer, [LAW] * sources, limit)
    assert [word for piece in pieces for word in parsed_text(piece).split()] == parsed_text(whole).split()
    assert all(0 < units(piece) <= limit for piece in pieces)


@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("*_`[]()\n <>&-"), min_size=1)
)
def test_any_text_at_all_is_well_formed_and_loses_no_letter(text: str) -> None:
    told = "".join(map(parsed_text, telegram_pieces(text)))
    assert [mark for mark in text if mark.isalpha()] == [mark for mark in told if mark.isalpha()]


@pytest.mark.parametrize(
    "html", ["<b>a", "a</b>", "<b><i>a</b></i>", "<p>a</p>", "1 < 2", "a & b", "&nbsp;", "<a>x</a>"]
)
def test_the_test_server_refuses_what_telegram_refuses(html: str) -> None:
    with pytest.raises(Refused, match="can't parse entities"):
        parsed_text(html)
