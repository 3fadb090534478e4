"""A bad content file is named with file, line, field and what was expected."""

from __future__ import annotations

import shutil
from pathlib import Path
from unicodedata import normalize

import pytest

from knowledge.catalogue_files import load_catalogue
from knowledge.content_files import CONTENT, ContentError

RECORD = "procedures/1.000894.yml"


@pytest.fixture
def content(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CONTENT, tmp_path / "content"))


def _edit(content: Path, old: str, new: str, file: str = RECORD) -> int:
    """Replace a text in a record; give the number of the line it stood on."""
    path = content / file
    before = path.read_text(encoding="utf-8")
    assert old in before
    path.write_text(before.replace(old, new, 1), encoding="utf-8")
    return before[: before.index(old)].count("\n") + 1


def _faults(content: Path) -> list[str]:
    with pytest.raises(ContentError) as caught:
        load_catalogue(content)
    return [str(fault) for fault in caught.value.faults]


def test_a_wrong_type_is_named_with_line_and_field(content: Path) -> None:
    line = _edit(content, "levels: [commune]", "levels: [xã]")
    (fault,) = [fault for fault in _faults(content) if "levels" in fault]
    assert fault.startswith(f"{content / RECORD}:{line}: levels[0]: Input should be 'commune', 'province'")
    assert fault.endswith("(found 'xã')")


def test_a_missing_field_says_what_to_write(content: Path) -> None:
    _edit(content, "\nsummary:", "\nsummery:")
    faults = _faults(content)
    assert any("summary: is missing; write it, or 'not stated'" in fault for fault in faults)
    assert any("summery: is not a field of this kind of record" in fault for fault in faults)


def test_an_empty_fact_is_refused(content: Path) -> None:
    line = _edit(content, "\nagency:", "\nagency: null #") + 1
    assert any(f":{line}: agency: is empty" in fault for fault in _faults(content))


def test_a_code_without_quotes_is_explained(content: Path) -> None:
    _edit(content, 'code: "1.000894"', "code: 1.000894")
    assert any("code: must be text; put it in quotes" in fault for fault in _faults(content))


def test_a_field_that_stands_twice_is_refused(content: Path) -> None:
    _edit(content, "\nfield:", "\nfield: Hộ tịch\nfield:")
    assert any("field: stands twice in the same record" in fault for fault in _faults(content))


def test_broken_yaml_is_named_with_its_line(content: Path) -> None:
    (content / RECORD).write_text('code: "1.000894"\nname: [never closed\n', encoding="utf-8")
    assert any(f"{RECORD}:3: file: is not valid YAML" in fault for fault in _faults(content))


def test_text_that_is_not_composed_is_named_with_its_line(content: Path) -> None:
    path = content / RECORD
    path.write_text(normalize("NFD", path.read_text(encoding="utf-8")), encoding="utf-8")
    assert any("is not Unicode NFC" in fault for fault in _faults(content))


def test_text_that_is_not_utf8_is_refused(content: Path) -> None:
    (content / RECORD).write_bytes("name: Đăng ký".encode("utf-16"))
    assert any("is not UTF-8 text" in fault for fault in _faults(content))


def test_a_validity_that_ends_before_it_starts_is_refused(content: Path) -> None:
    _edit(content, "valid_to: null", "valid_to: 2026-06-01")
    assert any("valid_to 2026-06-01 lies before valid_from" in fault for fault in _faults(content))


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        (
            "official_texts.yml", "issued_on: 2020-03-27",
            "in_force_from: 2020-03-27\n  in_force_to: 2020-03-26",
            "in_force_to 2020-03-26 lies before in_force_from 2020-03-27",
        ),
        (
            "procedures/2.000815.yml", "- amount: 2000",
            "- amount: 2000\n        valid_from: 2027-01-01\n        valid_to: 2026-12-31",
            "valid_to 2026-12-31 lies before valid_from 2027-01-01",
        ),
    ],
)  # fmt: skip
def test_days_of_a_text_or_a_fee_that_end_before_they_start_are_refused(
    content: Path, file: str, old: str, new: str, told: str
) -> None:
    _edit(content, old, new, file)
    assert any(told in fault for fault in _faults(content))


def test_a_name_that_nobody_can_read_is_refused(content: Path) -> None:
    _edit(content, "\nname: >-\n", f"\nname: >-\n  {'rất ' * 1250}\n", "procedures/2.000815.yml")
    assert any("name: String should have at most 2000 characters" in fault for fault in _faults(content))


def test_a_fee_rests_on_a_text_that_its_procedure_or_the_list_of_texts_names(content: Path) -> None:
    fee = "- amount: 2000\n        basis: "
    _edit(content, "- amount: 2000", f"{fee}257/2016/TT-BTC", "procedures/2.000815.yml")
    load_catalogue(content)
    line = _edit(content, "basis: 257/2016", "basis: 999/2016", "procedures/2.000815.yml")
    (fault,) = _faults(content)
    assert fault.startswith(
        f"{content}/procedures/2.000815.yml:{line}: channels[0].fees[0].basis: names '999/"
    )


def test_a_reference_that_leads_nowhere_is_named(content: Path) -> None:
    _edit(content, "sources: [", "sources: [99/CT-TTg, ", "topics/covid-tu-tap.yml")
    assert any("'99/CT-TTg', which official_texts.yml does not list" in fault for fault in _faults(content))


def test_a_file_named_otherwise_than_its_record_is_refused(content: Path) -> None:
    (content / RECORD).rename(content / "procedures/9.999999.yml")
    assert any("must be named 1.000894.yml" in fault for fault in _faults(content))


def test_every_faulty_file_is_reported_at_once(content: Path) -> None:
    _edit(content, "\nsummary:", "\nsummery:")
    _edit(content, "\nsummary:", "\nsummery:", "procedures/1.001193.yml")
    faults = _faults(content)
    assert any("1.000894" in fault for fault in faults) and any("1.001193" in fault for fault in faults)


def test_the_other_files_load_only_when_lenient(content: Path) -> None:
    whole = load_catalogue(content)
    _edit(content, "\nsummary:", "\nsummery:")
    lenient = load_catalogue(content, lenient=True)
    assert set(whole.procedures) - set(lenient.procedures) == {"1.000894"}
    assert {fault.path.stem for fault in lenient.faults} == {"1.000894"}


def test_an_empty_list_of_questions_is_named(content: Path) -> None:
    (content / "questions" / "1.001193.yml").write_text("[]\n", encoding="utf-8")
    assert any("questions/1.001193.yml:1" in fault for fault in _faults(content))


def test_a_fee_of_a_new_decision_has_to_end_the_one_it_changes(content: Path) -> None:
    new = "what: Đăng ký kết hôn\n        basis: 12/2026/NQ-HĐND\n        valid_from: 2026-12-01"
    _edit(content, "what: Đăng ký kết hôn", f"what: Đăng ký kết hôn\n      - amount: 10000\n        {new}")
    fault = next(fault for fault in _faults(content) if "fees[1]" in fault)
    assert "begins on 2026-12-01, but the one before it holds without end" in fault
