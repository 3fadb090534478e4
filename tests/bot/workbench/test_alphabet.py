"""Vietnamese alphabetical order."""

from __future__ import annotations

import random
from unicodedata import normalize

import pytest

from bot.workbench.alphabet import in_alphabet

IN_ORDER = (
    ["12 việc", "A", "Á", "An", "Ă", "Ăn", "Â", "Ân", "Ba", "Ca", "Da", "Dạy", "Đa", "Đất", "E", "Ê"],
    ["la", "là", "lả", "lã", "lá", "lạ", "lan", "lạn"],
    ["Cấp lại bằng", "Cấp lại giấy", "Cấp mới"],
    ["ho", "hò", "hòa", "hô", "hồ", "hơ", "hời", "hu", "hư", "hy"],
    ["Đăng ký kết hôn", "Đăng ký khai sinh", "Đăng ký khai tử", "Định danh"],
    ["«Thuế»", "thuê", "thuế"],
)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("right", IN_ORDER)
def test_letters_stand_in_the_vietnamese_order(right: list[str], form: str) -> None:
    mixed = [normalize(form, each) for each in right]  # type: ignore[arg-type]
    for seed in range(5):
        random.Random(seed).shuffle(mixed)  # noqa: S311
        assert [normalize("NFC", each) for each in sorted(mixed, key=in_alphabet)] == right


def test_case_does_not_matter_but_no_two_texts_are_the_same() -> None:
    assert sorted(["b", "A", "a"], key=in_alphabet)[2] == "b"
    assert in_alphabet("A") != in_alphabet("a")
