"""Dossier codes are read as people write them; a nearly right one is noticed, never guessed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine

from knowledge.database import transaction
from knowledge.dossiers import DossierFileError, find_codes, find_dossier, has_near_code, import_dossiers

HEAD = "code,procedure,status,appointed_on\n"


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("000.00.12.H62-201105-0004", ["000.00.12.H62-201105-0004"]),
        ("H15.50.05.13-261008-0975", ["H15.50.05.13-261008-0975"]),
        ("G09.20-20260609-0092637", ["G09.20-20260609-0092637"]),
        ("mã của em là h62.12-200317-0001 ạ", ["H62.12-200317-0001"]),
        ("H62.12 – 200317 – 0001", ["H62.12-200317-0001"]),
        ("H62.12-200317-0001 với H62.12-200317-0002", ["H62.12-200317-0001", "H62.12-200317-0002"]),
        ("H62.12-200317-0001, nhắc lại H62.12-200317-0001", ["H62.12-200317-0001"]),
        ("số điện thoại 0915163312", []),
        ("thủ tục 1.001193", []),
        ("H62.12-200317-00011234", []),
        ("ngày 1/4/2020", []),
    ],
)
def test_codes_are_found_in_a_sentence(text: str, codes: list[str]) -> None:
    assert find_codes(text) == codes


@pytest.mark.parametrize(
    "text", ["H62.12-2003-0001", "hồ sơ h62 200317", "200317-0001", "000.00.12-201105-0004"]
)
def test_a_nearly_right_code_is_noticed(text: str) -> None:
    assert has_near_code(text)


@pytest.mark.parametrize(
    "text", ["hồ sơ của em tới đâu rồi", "H62.12-200317-0001", "gọi 0915163312", "năm 2020"]
)
def test_what_is_no_attempt_at_a_code_is_left_alone(text: str) -> None:
    assert not has_near_code(text)


def test_a_file_of_dossiers_is_imported_once(tmp_path: Path, any_engine: Engine) -> None:
    path = tmp_path / "dossiers.csv"
    path.write_text(
        HEAD + "h62.12-261001-0001,Đăng ký kết hôn,4,2026-12-01\nH62.12-261001-0002,Khai sinh,9,\n",
        encoding="utf-8",
    )
    with transaction(any_engine) as session:
        first = import_dossiers(session, path)
    with transaction(any_engine) as session:
        second = import_dossiers(session, path)
    assert (first.new, first.changed, first.unchanged) == (2, 0, 0)
    assert (second.new, second.changed, second.unchanged) == (0, 0, 2)
    path.write_text(HEAD + "H62.12-261001-0001,Đăng ký kết hôn,9,2026-12-01\n", encoding="utf-8")
    with transaction(any_engine) as session:
        third = import_dossiers(session, path)
        found = find_dossier(session, "H62.12-261001-0001")
        assert found is not None and (found.status, found.appointed_on) == (9, date(2026, 12, 1))
    assert third.changed == 1


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("abc,Khai sinh,4,", "csv:3: code: 'abc' is not a dossier code"),
        ("H62.12-261001-0002,Khai sinh,11,", "csv:3: status: '11' is not a number from 1 to 10"),
        ("H62.12-261001-0002,Khai sinh,4,mai", "csv:3: appointed_on: 'mai' is not a day"),
        ("H62.12-261001-0002,Khai sinh", "csv:3: status: is missing"),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_kept(tmp_path: Path, engine: Engine, row: str, fault: str) -> None:
    path = tmp_path / "dossiers.csv"
    path.write_text(f"{HEAD}H62.12-261001-0001,Khai sinh,4,\n{row}\n", encoding="utf-8")
    with pytest.raises(DossierFileError, match=fault.replace("(", r"\(")), transaction(engine) as session:
        import_dossiers(session, path)
    with transaction(engine) as session:
        assert find_dossier(session, "H62.12-261001-0001") is None
