"""Amounts of money are read as officials type them; what is not clear is refused and explained."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.amounts import LARGEST_AMOUNT, Amount, AmountError, read_amount, spell_amount
from knowledge.search import fold


@pytest.mark.parametrize(
    ("text", "amount", "per"),
    [
        ("8000", 8_000, None),
        ("8.000", 8_000, None),
        ("8,000", 8_000, None),
        ("8 000", 8_000, None),
        ("1.250.000", 1_250_000, None),
        (" 8.000  đồng ", 8_000, None),
        ("8.000đ.", 8_000, None),
        ("8000 VND", 8_000, None),
        ("8.000VNĐ", 8_000, None),
        ("8.000đ/bản", 8_000, "bản"),
        ("8.000 / Bản sao", 8_000, "Bản sao"),
        ("50.000 đồng/01 hồ sơ", 50_000, "01 hồ sơ"),
        ("8.000 đồng một bản", 8_000, "bản"),
        ("8.000 mỗi trang", 8_000, "trang"),
        ("8 nghìn", 8_000, None),
        ("8 ngàn", 8_000, None),
        ("8k", 8_000, None),
        ("1,5 triệu", 1_500_000, None),
        ("1.5 triệu đồng", 1_500_000, None),
        ("0,25 tỷ", 250_000_000, None),
        ("mười nghìn", 10_000, None),
        ("Mười lăm nghìn đồng", 15_000, None),
        ("muoi lam nghin dong", 15_000, None),
        ("một trăm hai mươi lăm nghìn", 125_000, None),
        ("hai mươi tư nghìn", 24_000, None),
        ("hai mươi mốt nghìn không trăm lẻ năm đồng", 21_005, None),
        ("năm chục ngàn", 50_000, None),
        ("một triệu rưỡi", 1_500_000, None),
        ("một triệu năm mươi nghìn", 1_050_000, None),
        ("một trăm nghìn đồng mỗi hồ sơ", 100_000, "hồ sơ"),
        ("miễn phí", 0, None),
        ("Không thu", 0, None),
        ("0", 0, None),
        ("0đ", 0, None),
        ("không đồng", 0, None),
        ("500 đồng", 500, None),
        ("năm trăm đồng", 500, None),
    ],
)
def test_an_amount_is_read_as_it_is_typed(text: str, amount: int, per: str | None) -> None:
    assert read_amount(text) == Amount(amount, per)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("8,000.5", "chưa rõ là bao nhiêu. Gõ lại, chỉ dùng dấu chấm để tách hàng nghìn"),
        ("10.00", "chưa rõ là bao nhiêu. Gõ lại, chỉ dùng dấu chấm"),
        ("1,000.000", "chưa rõ là bao nhiêu. Gõ lại, chỉ dùng dấu chấm"),
        ("08000", "chưa rõ là bao nhiêu. Gõ lại, chỉ dùng dấu chấm"),
        ("1.500 nghìn", "chưa rõ là bao nhiêu. Gõ đủ số đồng"),
        ("khoảng 10 nghìn", "là mức áng chừng"),
        ("không quá 200.000", "là mức áng chừng"),
        ("từ 5.000 đến 10.000", "nói đến nhiều mức. Ghi mỗi mức một dòng"),
        ("5.000 - 10.000", "nói đến nhiều mức"),
        ("5.000 hoặc 10.000", "nói đến nhiều mức"),
        ("10%", "là tỉ lệ phần trăm"),
        ("10 USD", "không phải tiền đồng"),
        ("8", "là 8 đồng, rất nhỏ. Nếu là 8 nghìn thì gõ 8.000; nếu đúng là 8 đồng thì gõ “8 đồng”"),
        ("tám", "là 8 đồng, rất nhỏ"),
        ("2000 tỷ", "quá lớn"),
        ("một triệu hai", "Không đọc được"),
        ("một trăm hai", "Không đọc được"),
        ("mười mười nghìn", "Không đọc được"),
        ("nghìn", "Không đọc được"),
        ("không nghìn", "Không đọc được"),
        ("không", "Không đọc được"),
        ("theo quy định", "Không đọc được"),
        ("-5000", "Không đọc được"),
        ("1tr5", "Không đọc được"),
        ("", "Chưa ghi số tiền. Gõ số đồng"),
        ("8.000đ/bản, 2.000đ/trang", "sau số tiền là “bản, 2.000đ/trang”"),
        ("1/2/2026", "sau số tiền là “2/2026”"),
        ("mười hai nghìn đồng một trăm", "sau số tiền là “trăm”"),
        ("9" * 5_000, "dài quá"),
    ],
)
def test_what_is_not_clearly_one_amount_is_explained(text: str, told: str) -> None:
    with pytest.raises(AmountError, match=r"Gõ|gõ|Ghi") as caught:
        read_amount(text)
    assert told in str(caught.value)


@given(st.integers(0, LARGEST_AMOUNT))
def test_an_amount_spelled_out_is_read_back_with_and_without_accents(amount: int) -> None:
    assert read_amount(spell_amount(amount)).amount == amount
    assert read_amount(fold(spell_amount(amount))).amount == amount


@given(st.integers(1_000, LARGEST_AMOUNT))
def test_an_amount_in_digits_is_read_back(amount: int) -> None:
    assert read_amount(str(amount)).amount == amount
    assert read_amount(f"{amount:,}".replace(",", ".") + "đ/bản") == Amount(amount, "bản")


@given(st.text() | st.text(alphabet="0123456789.,/ đkmộtnghìtriệu%-"))
def test_any_text_is_an_amount_or_explained(text: str) -> None:
    try:
        assert 0 <= read_amount(text).amount <= LARGEST_AMOUNT
    except AmountError as error:
        assert str(error)


def test_numbers_are_spelled_as_officials_do() -> None:
    assert spell_amount(0) == "không đồng"
    assert spell_amount(15_000) == "mười lăm nghìn đồng"
    assert spell_amount(21_055) == "hai mươi mốt nghìn không trăm năm mươi lăm đồng"
    assert spell_amount(1_000_105) == "một triệu một trăm linh năm đồng"
