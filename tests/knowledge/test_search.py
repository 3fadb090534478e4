"""Names are found with or without accents; what is not clear is not asserted."""

from __future__ import annotations

import pytest

from knowledge.library import Library
from knowledge.search import fold, is_clear, procedure_codes


def test_every_name_and_alias_leads_to_its_own_procedure(library: Library) -> None:
    for code, record in library.catalogue.procedures.items():
        for name in (record.title, *record.aliases):
            hits = library.find_procedures(name)
            assert hits[0].key == code, f"{name}: {hits[:2]}"


def test_every_alias_is_found_without_accents(library: Library) -> None:
    names = [
        (alias, code) for code, record in library.catalogue.procedures.items() for alias in record.aliases
    ]
    missed = [alias for alias, code in names if library.find_procedures(fold(alias))[0].key != code]
    assert len(missed) / len(names) <= 0.02, missed


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("đi đăng ký kết hôn cần mang gì", "1.000894"),
        ("đăng ký kết hôn với người nước ngoài cần giấy tờ gì", "2.000806"),
        ("lam ho chieu het bao nhieu tien", "1.001456"),
        ("sang tên xe máy ở đâu", "1.013076"),
        ("mất bằng lái thì làm lại thế nào", "3.000348"),
    ],
)
def test_a_clear_question_finds_its_procedure(library: Library, question: str, code: str) -> None:
    hits = library.find_procedures(question)
    assert hits[0].key == code
    assert is_clear(hits)


@pytest.mark.parametrize("question", ["sổ đỏ", "lệ phí bao nhiêu", "thế nộp ở đâu ạ", "trời hôm nay đẹp quá"])
def test_an_unclear_question_asserts_no_procedure(library: Library, question: str) -> None:
    assert not is_clear(library.find_procedures(question))


def test_a_national_code_is_read_from_a_sentence() -> None:
    assert procedure_codes("TTHC 2.000815 và 1.001193.") == ["2.000815", "1.001193"]
    assert procedure_codes("giá 1.000.000 đồng, ngày 1.1.2020") == []
