"""Dossier codes are read as people write them; a nearly right one is noticed, never guessed."""

from __future__ import annotations

import pytest

from knowledge.dossier_codes import (
    example_code,
    find_codes,
    find_factor,
    find_proofs,
    has_near_code,
    lacks_front,
    tidy_codes,
)

ONE, TWO = "000.00.12.H62-261109-0024", "000.00.12.H62-261117-0005"


@pytest.mark.parametrize(
    "code",
    ["000.00.12.H62-201105-0004", "H15.50.05.13-261008-0975", "G09.20-20260609-0092637", "H62-200317-0001"],
)
def test_a_code_in_its_own_form_is_read_as_it_stands(code: str) -> None:
    assert find_codes(code) == [code]


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("h62.12-200317-0001", "H62.12-200317-0001"),
        ("000.00.12.h62-201105-0004", "000.00.12.H62-201105-0004"),
        ("H62.12 - 200317 - 0001", "H62.12-200317-0001"),
        ("H62.12 – 200317 – 0001", "H62.12-200317-0001"),
        ("H62.12—200317—0001", "H62.12-200317-0001"),
        ("H62.12 -200317– 0001", "H62.12-200317-0001"),
        ("000 00 12 h62 201105 0004", "000.00.12.H62-201105-0004"),
        ("H62 18 200325 0009", "H62.18-200325-0009"),
        ("h62 200325 0009", "H62-200325-0009"),
        ("0000012H62-201105-0004", "000.00.12.H62-201105-0004"),
        ("000.00.12 H62-201105-0004", "000.00.12.H62-201105-0004"),
        ("H15 50 05 13 261008 0975", "H15.50.05.13-261008-0975"),
        ("g09 20 20260609 0092637", "G09.20-20260609-0092637"),
        ("H62.12_200317_0001", "H62.12-200317-0001"),
        ("H62.12/200317/0001", "H62.12-200317-0001"),
        ("H62.12.200317.0001", "H62.12-200317-0001"),
        ("H62.12\n200317\n0001", "H62.12-200317-0001"),
    ],
)
def test_a_code_is_read_however_it_is_written(written: str, code: str) -> None:
    assert find_codes(written) == [code]


@pytest.mark.parametrize(
    "sentence",
    [
        "mã của em là {} ạ",
        "Hồ sơ {}, em nộp ngày 17/3/2020, tới đâu rồi?",
        "cho mình hỏi hồ sơ mã số ({}).",
        "Mã:{}",
        "“{}” xong chưa",
        "em nộp 2 tháng rồi mà {} chưa có kết quả, gọi 0915163312 không ai nghe",
        "{}\nkiểm tra giúp em",
    ],
)
@pytest.mark.parametrize("written", ["H62.12-200317-0001", "h62 12 200317 0001"])
def test_a_code_is_found_in_a_sentence(sentence: str, written: str) -> None:
    assert find_codes(sentence.format(written)) == ["H62.12-200317-0001"]


def test_letters_that_grow_in_upper_case_do_not_hide_a_code() -> None:
    assert find_codes("Straße ŉ ﬁ h62.12-200317-0001 ß") == ["H62.12-200317-0001"]


@pytest.mark.parametrize(
    "text",
    [
        "H62.12-200317-0001 với H62.12-200317-0002",
        "h62.12-200317-0001,h62.12-200317-0002",
        "h62 12 200317 0001, h62 12 200317 0002",
        "H62.12-200317-0001; H62.12-200317-0002; nhắc lại h62.12-200317-0001",
    ],
)
def test_several_codes_are_found_in_their_order_each_once(text: str) -> None:
    assert find_codes(text) == ["H62.12-200317-0001", "H62.12-200317-0002"]


def test_a_code_said_twice_is_found_once() -> None:
    assert find_codes("H62.12-200317-0001, em nhắc lại h62.12 – 200317 – 0001") == ["H62.12-200317-0001"]


@pytest.mark.parametrize(
    "text",
    [
        "số điện thoại 0915163312",
        "gọi 0915 163 312 hoặc 0915.163.312",
        "+84 915 163 312",
        "thủ tục 1.001193",
        "thủ tục 1.001193 và 2.000528",
        "căn cước 001 099 012345",
        "ngày 1/4/2020",
        "từ 28/3/2020 - 15/4/2020",
        "20200317",
        "công văn 2138/UBND-HCC1",
        "nghị định 118/2025/NĐ-CP",
        "lệ phí 150.000 đồng",
        "em ở tòa S10, sđt 0915163312",
        "",
    ],
)
def test_what_is_no_code_is_not_read_as_one(text: str) -> None:
    assert find_codes(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "H62.12-200317-00011234",
        "h62 12 200317 00011234",
        "H62.12-200317123-0001",
        "1000.00.12.H62-201105-0004",
        "XH62.12-200317-0001",
        "H62.12.11.10.09.08-200317-0001",
    ],
)
def test_a_code_that_is_too_long_is_none(text: str) -> None:
    assert find_codes(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "H62.12-2003-0001",
        "hồ sơ h62 200317",
        "hồ sơ H62.12-200317 tới đâu",
        "200317-0001",
        "20260609 - 0092637",
        "000.00.12-201105-0004",
        "000.00.12.H62-201105",
        "H62.12-200317-00011234",
    ],
)
def test_a_nearly_right_code_is_noticed(text: str) -> None:
    assert find_codes(text) == []
    assert has_near_code(text)


@pytest.mark.parametrize(
    "text",
    [
        "hồ sơ của em tới đâu rồi",
        "H62.12-200317-0001",
        "h62 18 200325 0009",
        "gọi 0915163312",
        "gọi 0915.163.312",
        "năm 2020",
        "ngày 17/3/2020",
        "ngày 17-03-2020",
        "thủ tục 1.001193",
        "lệ phí 150.000 đồng",
        "hồ sơ của em phí 150.000 - 200.000 đồng phải không",
        "hồ sơ của em nộp ở 024.3825 1234 được không",
    ],
)
def test_what_is_no_attempt_at_a_code_is_left_alone(text: str) -> None:
    assert not has_near_code(text)


@pytest.mark.parametrize(
    ("text", "tidy"),
    [
        ("mã h62.12-200317-0001 ạ", "mã H62.12-200317-0001 ạ"),
        ("mã H62.12 – 200317 – 0001 ạ", "mã H62.12-200317-0001 ạ"),
        ("mã h62 18 200325 0009 ạ", "mã H62.18-200325-0009 ạ"),
        ("000 00 12 h62 201105 0004", "000.00.12.H62-201105-0004"),
        ("ß h62.12-200317-0001 ß", "ß H62.12-200317-0001 ß"),
        (
            "h62.12-200317-0001 và h62.12—200317—0002, sđt 0915163312",
            "H62.12-200317-0001 và H62.12-200317-0002, sđt 0915163312",
        ),
        ("em hỏi thủ tục 1.001193", "em hỏi thủ tục 1.001193"),
    ],
)
def test_codes_of_a_text_are_written_in_their_own_form_and_the_rest_stays(text: str, tidy: str) -> None:
    assert tidy_codes(text) == tidy
    assert tidy_codes(tidy) == tidy


@pytest.mark.parametrize(
    ("text", "factor"),
    [
        ("1234", "1234"),
        (" 1234. ", "1234"),
        ("123A", "123A"),
        ("123a", "123A"),
        ("số cuối 1234", "1234"),
        ("4 số cuối là 1234 ạ", "1234"),
        ("so cuoi cua em la 1234", "1234"),
        ("đuôi 1234", "1234"),
        ("sđt 1234", "1234"),
        ("CCCD 123a", "123A"),
        ("số cuối: 1234ạ", "1234"),
        ("0912 345 678", "5678"),
        ("sđt của em 0912.345.678 nhé", "5678"),
        ("em gửi 0912345678", "5678"),
        ("+84 912 345 678", "5678"),
        ("căn cước 001099012345", "2345"),
        ("0912345678, nhắc lại 0912 345 678", "5678"),
        ("số cuối 1234, đúng là 1234", "1234"),
        ("H62.12-200317-0001 1234", "1234"),
        ("h62 18 200325 0009 số cuối 1234", "1234"),
        ("H62.12-200317-0001, sđt 0912 345 678", "5678"),
        ("hồ sơ nộp năm 2025, số cuối 1234", "1234"),
        ("nộp ngày 01/04/2025, số cuối 1234", "1234"),
    ],
)
def test_what_proves_a_dossier_is_found_where_it_is_said_to_be_that(text: str, factor: str) -> None:
    assert find_factor(text) == factor
    assert find_factor(text, is_asked=True) == factor


@pytest.mark.parametrize("text", ["của em là 1234 ạ", "1234 ạ", "1234ạ", "vâng em nhớ 123a"])
def test_in_a_sentence_it_counts_only_when_it_was_asked_for(text: str) -> None:
    assert find_factor(text) is None
    assert find_factor(text, is_asked=True) in ("1234", "123A")


@pytest.mark.parametrize(
    "text",
    [
        "1234 hay 5678",
        "số cuối 1234 hoặc 5678",
        "0912345678 hoặc 0987654321",
        "nộp năm 2025",
        "nop nam 2025",
        "Năm 2025 em có nộp rồi",
        "nộp ngày 01/04/2025",
        "1-4-2025",
        "01.04.2025",
        "2025-04-01",
        "tháng 4/2025",
        "lệ phí 150.000 đồng",
        "em nộp 8000 đồng",
        "thủ tục 1.001193",
        "nghị định 118/2025/NĐ-CP",
        "tổng đài 1800 1096",
        "12345",
        "123",
        "123AB",
        "A1234",
        "H62.12-200317-0001",
        "h62 18 200325 0009",
        "H62.12-200317-0001 và h62 12 200317 0002",
        "200317-0001",
        "em nộp ngày 01-04-2025 8 giờ sáng",
        "em không nhớ",
        "",
    ],
)
def test_what_proves_nothing_is_not_taken_even_when_proof_was_asked_for(text: str) -> None:
    assert find_factor(text) is None
    assert find_factor(text, is_asked=True) is None


@pytest.mark.parametrize("unit", ["H62", "H35", "H59", None])
def test_the_example_of_a_code_is_the_province_s_and_is_read_as_one(unit: str | None) -> None:
    example = example_code(unit)
    assert (unit or "H62") in example
    assert find_codes(f"ví dụ {example}") == [example]


@pytest.mark.parametrize(
    ("text", "proofs"),
    [
        (f"{ONE} 2137, {TWO} 1676", {ONE: "2137", TWO: "1676"}),
        (f"{ONE}: 2137 và {TWO} số cuối 676K", {ONE: "2137", TWO: "676K"}),
        (f"{ONE} với {TWO} 1676", {TWO: "1676"}),
        (f"{ONE} nộp năm 2026 và {TWO} nộp 2026", {}),
        ("không có mã nào 2137", {}),
    ],
)
def test_each_of_several_codes_is_proven_by_what_follows_it(text: str, proofs: dict[str, str]) -> None:
    assert find_proofs(text) == proofs


def test_a_code_that_begins_with_the_province_lacks_its_front() -> None:
    assert lacks_front("H62-261116-0024")
    assert not any(lacks_front(code) for code in (ONE, "H62.7-261003-0417", "G09.20-20260609-0092637"))
