"""Numbers that identify people are hidden; codes, dates and amounts stay."""

from __future__ import annotations

import pytest

from bot.redaction import HIDDEN, redact


@pytest.mark.parametrize(
    "number",
    [
        "0915163312", "0915 163 312", "0915.163.312", "+84 915 163 312", "026123456789", "135123456",
        "DN 4 79 1234567890",
        "(0912) 345678",
        "+84(912)345678",
        "0912/345/678",
        "0912,345,678",
        "0912–345–678",
        "B1234567", "DN4791234567890", "lan.nguyen@example.com", "19001234567890",
    ],
)  # fmt: skip
def test_a_personal_number_is_hidden(number: str) -> None:
    assert redact(f"của em là {number} ạ") == f"của em là {HIDDEN} ạ"


@pytest.mark.parametrize(
    "text",
    [
        "hồ sơ 000.00.12.H62-201105-0004 tới đâu",
        "hồ sơ G09.20-20260609-0092637",
        "thủ tục 1.001193",
        "ngày 01/04/2020",
        "ngày 01.04.2020 nhé",
        "từ 28/3/2020 - 15/4/2020",
        "ngày 1/4/2020, 2/4/2020",
        "lệ phí 160.000 đồng",
        "gọi 1800 1096",
    ],
)
def test_what_identifies_nobody_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize("text", ["sđt0912345678", "0912345678nhé", "cccd001099012345", "tôi.0912345678"])
def test_a_personal_number_glued_to_a_word_is_hidden(text: str) -> None:
    assert not any(letter.isdigit() for letter in redact(text))


def test_a_number_beside_a_code_is_hidden_and_the_code_stays() -> None:
    assert redact("H62.12-200317-0001, sđt 0915163312") == f"H62.12-200317-0001, sđt {HIDDEN}"
