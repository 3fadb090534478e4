"""Files that one-stop software exports are imported whole or not at all, without names and numbers."""

from __future__ import annotations

import codecs
import os
import re
import zipfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import Engine, select, text

from knowledge.database import now, reading, transaction
from knowledge.dossiers import (
    HERE,
    Dossier,
    DossierFileError,
    DossierState,
    Fee,
    ImportReport,
    Marks,
    State,
    Supplement,
    import_dossiers,
    read_file_settings,
)
from knowledge.dossiers.states import FILES, read_state_of
from knowledge.library import Library
from knowledge.redaction import HIDDEN

MARKS = Marks("a key of the tests")
FIRST, SECOND = "H62.12-260901-0001", "H62.12-260901-0002"
HEAD = "code,procedure,status,appointed"
ROW = f"{FIRST},Đăng ký kết hôn,4,30/09/2026"
MARCH, APRIL = datetime(2026, 3, 1, 8, tzinfo=HERE), datetime(2026, 4, 1, 8, tzinfo=HERE)
LOCAL = """
columns:
  code: Số hồ sơ
  procedure: Tên thủ tục
  status: Tình trạng
  received: Ngày nhận
  appointed: Ngày hẹn trả
  channel: Hình thức
  fee: Lệ phí
  phone: Điện thoại
dates: "%Hh%M %d-%m-%Y"
statuses: {Chờ anh Ba duyệt: 4, Đã trả kết quả: 9}
channels: {Qua mạng: online}
"""
LOCAL_HEAD = (
    "STT,Số hồ sơ,Tên thủ tục,Tình trạng,Ngày nhận,Ngày hẹn trả,Hình thức,Lệ phí,Điện thoại,Chủ hồ sơ"
)


@pytest.fixture
def status_names(library: Library) -> dict[str, int]:
    """How local software names the ten statuses."""
    return dict(library.catalogue.status_names)


def _csv(folder: Path, *lines: str, name: str = "dossiers.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


def _xlsx(folder: Path, *rows: list[Any]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)  # type: ignore[union-attr]
    book.save(folder / "dossiers.xlsx")
    return folder / "dossiers.xlsx"


def _settings(folder: Path, content: str = LOCAL) -> Path:
    path = folder / "columns.yml"
    path.write_text(content, encoding="utf-8")
    return path


def _import(
    engine: Engine,
    path: Path,
    status_names: dict[str, int] | None = None,
    *,
    columns: Path | None = None,
    exported_at: datetime | None = None,
) -> ImportReport:
    with transaction(engine) as session:
        settings = read_file_settings(columns)
        return import_dossiers(session, path, MARKS, settings, status_names or {}, exported_at)


def _refused(
    engine: Engine, path: Path, *, columns: Path | None = None, exported_at: datetime | None = None
) -> str:
    """Import what must be refused and commit all the same; give what was said."""
    settings = read_file_settings(columns)
    with transaction(engine) as session, pytest.raises(DossierFileError) as refused:
        import_dossiers(session, path, MARKS, settings, {}, exported_at)
    return str(refused.value)


def _state(engine: Engine, code: str = FIRST) -> State:
    with reading(engine) as session:
        state = read_state_of(session, code, FILES)
    assert state is not None
    return state


def _dossier(engine: Engine, code: str = FIRST) -> Dossier:
    return _state(engine, code).dossier


def _codes(engine: Engine) -> set[str]:
    with reading(engine) as session:
        return set(session.scalars(select(DossierState.code)))


def _raw(engine: Engine) -> list[tuple[Any, ...]]:
    """Give every row of the table as the database holds it."""
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text("SELECT * FROM dossier_states ORDER BY code"))]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("separator", [",", ";"])
def test_a_csv_is_read_with_comma_or_semicolon_with_and_without_a_mark_of_its_encoding(
    tmp_path: Path, any_engine: Engine, separator: str, encoding: str
) -> None:
    lines = [line.replace(",", separator) for line in (HEAD, ROW, f"{SECOND},Khai sinh,9,")]
    path = _csv(tmp_path, *lines, encoding=encoding)
    assert path.read_bytes().startswith(codecs.BOM_UTF8) == (encoding == "utf-8-sig")
    assert _import(any_engine, path) == ImportReport(new=2, changed=0, unchanged=0, older=0)
    assert _dossier(any_engine) == Dossier(
        code=FIRST,
        procedure="Đăng ký kết hôn",
        status=4,
        appointed=datetime(2026, 9, 30, tzinfo=HERE),
    )
    second = _dossier(any_engine, SECOND)
    assert (second.procedure, second.status, second.appointed) == ("Khai sinh", 9, None)


def test_quoted_cells_hold_separators_and_lines(tmp_path: Path, engine: Engine) -> None:
    path = _csv(
        tmp_path,
        "code;procedure;status;supplement;agency",
        f'{FIRST};"Đăng ký kết hôn; có yếu tố nước ngoài";5;"Bản sao giấy khai sinh\nảnh 4x6";'
        "UBND xã, cơ sở 2",
    )
    _import(engine, path)
    dossier = _dossier(engine)
    assert dossier.procedure == "Đăng ký kết hôn; có yếu tố nước ngoài"
    assert dossier.supplements == (Supplement(text="Bản sao giấy khai sinh\nảnh 4x6"),)
    assert dossier.agency == "UBND xã, cơ sở 2"


def test_every_column_of_ours_is_read(tmp_path: Path, engine: Engine) -> None:
    path = _csv(
        tmp_path,
        "code,procedure,procedure_code,status,received,appointed,finished,agency,channel,fee,fee_name,"
        "supplement,supplement_requested,phone,identity,updated",
        f"{FIRST},Đăng ký kết hôn,1.000894,10,01/09/2026 08:05:30,30/09/2026 16:30,2026-09-29,"
        "UBND xã Tam Sơn,online,150.000,Lệ phí hộ tịch,Giấy xác nhận,03/09/2026,"
        "0912345678,001099012345,2026-02-01T10:00:00",
    )
    _import(engine, path, exported_at=MARCH)
    state = _state(engine)
    assert state.dossier == Dossier(
        code=FIRST,
        procedure="Đăng ký kết hôn",
        procedure_code="1.000894",
        status=10,
        received=datetime(2026, 9, 1, 8, 5, 30, tzinfo=HERE),
        appointed=datetime(2026, 9, 30, 16, 30, tzinfo=HERE),
        finished=datetime(2026, 9, 29, tzinfo=HERE),
        agency="UBND xã Tam Sơn",
        channel="online",
        fees=(Fee(name="Lệ phí hộ tịch", amount=150_000),),
        supplements=(Supplement(text="Giấy xác nhận", requested_at=datetime(2026, 9, 3, tzinfo=HERE)),),
    )
    assert state.as_of == datetime(2026, 2, 1, 10, tzinfo=HERE)
    assert len(state.factors) == 2


def test_an_xlsx_is_read_with_real_dates_and_numbers_in_its_cells(tmp_path: Path, any_engine: Engine) -> None:
    path = _xlsx(
        tmp_path,
        ["code", "procedure", "status", "received", "appointed", "fee", "phone"],
        [FIRST, "Đăng ký kết hôn", 4, datetime(2026, 9, 1, 8, 5), date(2026, 9, 30), 150000, 912345678],
        [None, None, None, None, None, None, None],
        [SECOND, "Khai sinh", "9", "01/09/2026", None, 150000.0, "0912345678"],
    )
    assert _import(any_engine, path).new == 2
    first, second = _state(any_engine), _state(any_engine, SECOND)
    assert first.dossier.status == 4
    assert first.dossier.received == datetime(2026, 9, 1, 8, 5, tzinfo=HERE)
    assert first.dossier.appointed == datetime(2026, 9, 30, tzinfo=HERE)
    assert second.dossier.received == datetime(2026, 9, 1, tzinfo=HERE)
    assert [each.dossier.fees[0].amount for each in (first, second)] == [150_000, 150_000]
    assert MARKS.proves(FIRST, "5678", first.factors)
    assert MARKS.proves(SECOND, "5678", second.factors)


@pytest.mark.parametrize(
    ("column", "whole"),
    [("status", "4"), ("fee", "150000"), ("phone", "912345678"), ("identity", "135123456")],
)
def test_a_number_that_software_made_fractional_is_still_the_same_number(
    tmp_path: Path, engine: Engine, column: str, whole: str
) -> None:
    """Software that has empty cells among numbers writes 4 as 4.0."""

    def read(number: str, exported_at: datetime) -> State:
        row = {"code": FIRST, "procedure": "Khai sinh", "status": "4", column: number}
        _import(engine, _csv(tmp_path, ",".join(row), ",".join(row.values())), exported_at=exported_at)
        return _state(engine)

    first, second = read(whole, MARCH), read(f"{whole}.0", APRIL)
    assert (first.dossier, first.factors) == (second.dossier, second.factors)


def test_a_sheet_that_tells_its_size_wrong_is_read_all_the_same(tmp_path: Path, engine: Engine) -> None:
    """Software that streams its rows writes A1 as the size of the sheet."""
    whole = _xlsx(tmp_path, ["code", "procedure", "status"], [FIRST, "Khai sinh", 4])
    path = tmp_path / "streamed.xlsx"
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(name, re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1"', old.read(name)))
    assert _import(engine, path).new == 1


def test_columns_dates_statuses_and_channels_are_named_in_a_settings_file(
    tmp_path: Path, any_engine: Engine, status_names: dict[str, int]
) -> None:
    path = _csv(
        tmp_path,
        LOCAL_HEAD,
        f"1,{FIRST},Đăng ký kết hôn,Chờ anh Ba duyệt,08h05 01-09-2026,16h30 30-09-2026,Qua mạng,150.000,"
        "0912345678,Nguyễn Văn An",
        f"2,{SECOND},Khai sinh,Đang xử lý,08h05 01-09-2026,2026-09-30,Trực tiếp,,,Trần Thị Bình",
    )
    assert _import(any_engine, path, status_names, columns=_settings(tmp_path)).new == 2
    first, second = _dossier(any_engine), _dossier(any_engine, SECOND)
    assert first == Dossier(
        code=FIRST,
        procedure="Đăng ký kết hôn",
        status=4,
        status_name=f"Chờ anh {HIDDEN} duyệt",
        received=datetime(2026, 9, 1, 8, 5, tzinfo=HERE),
        appointed=datetime(2026, 9, 30, 16, 30, tzinfo=HERE),
        channel="online",
        fees=(Fee(name="Phí, lệ phí", amount=150_000),),
    )
    assert (second.status, second.appointed, second.channel) == (4, datetime(2026, 9, 30, tzinfo=HERE), None)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("Đang xử lý", 4),
        ("ĐANG XỬ LÝ", 4),
        ("  chờ  bổ sung ", 5),
        ("Da tra ket qua", 10),
        ("Không được tiếp nhận", 3),
        ("Chờ lãnh đạo phê duyệt lần hai", None),
    ],
)
def test_a_status_in_words_is_known_by_its_names_and_kept_in_its_words(
    tmp_path: Path, engine: Engine, status_names: dict[str, int], said: str, status: int | None
) -> None:
    _import(engine, _csv(tmp_path, HEAD, f"{FIRST},Khai sinh,{said},"), status_names)
    dossier = _dossier(engine)
    assert (dossier.status, dossier.status_name) == (status, said.strip())


def test_the_file_s_own_statuses_go_before_the_common_names(
    tmp_path: Path, engine: Engine, status_names: dict[str, int]
) -> None:
    path = _csv(tmp_path, "Số hồ sơ,Tên thủ tục,Tình trạng", f"{FIRST},Khai sinh,đã trả kết quả")
    columns = _settings(
        tmp_path,
        "columns: {code: Số hồ sơ, procedure: Tên thủ tục, status: Tình trạng}\n"
        "statuses: {Đã trả kết quả: 9}\n",
    )
    _import(engine, path, status_names, columns=columns)
    assert (_dossier(engine).status, _dossier(engine).status_name) == (9, "đã trả kết quả")


@pytest.mark.parametrize("number", range(1, 11))
def test_a_status_in_numbers_is_read_without_words(tmp_path: Path, engine: Engine, number: int) -> None:
    _import(engine, _csv(tmp_path, HEAD, f"{FIRST},Khai sinh,{number},"))
    assert (_dossier(engine).status, _dossier(engine).status_name) == (number, None)


@pytest.mark.parametrize(
    "written",
    ["h62.12-260901-0001", "H62.12 – 260901 – 0001", "h62 12 260901 0001", "Mã: H62.12-260901-0001"],
)
def test_a_code_is_kept_in_its_own_form(tmp_path: Path, engine: Engine, written: str) -> None:
    _import(engine, _csv(tmp_path, HEAD, f"{written},Khai sinh,4,"))
    assert _codes(engine) == {FIRST}


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("30/09/2026", datetime(2026, 9, 30, tzinfo=HERE)),
        ("30/9/2026 16:30", datetime(2026, 9, 30, 16, 30, tzinfo=HERE)),
        ("30/09/2026 16:30:15", datetime(2026, 9, 30, 16, 30, 15, tzinfo=HERE)),
        ("2026-09-30", datetime(2026, 9, 30, tzinfo=HERE)),
        ("2026-09-30 16:30", datetime(2026, 9, 30, 16, 30, tzinfo=HERE)),
        ("2026-09-30T09:30:00+00:00", datetime(2026, 9, 30, 9, 30, tzinfo=UTC)),
        ("2026-09-30T09:30:00Z", datetime(2026, 9, 30, 16, 30, tzinfo=HERE)),
        ("", None),
        (" ", None),
    ],
)
def test_a_day_is_read_as_software_writes_it(
    tmp_path: Path, engine: Engine, written: str, moment: datetime | None
) -> None:
    _import(engine, _csv(tmp_path, HEAD, f"{FIRST},Khai sinh,4,{written}"))
    assert _dossier(engine).appointed == moment


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("150000", 150_000),
        ("150.000", 150_000),
        ("1.150.000", 1_150_000),
        ('"150,000"', 150_000),
        ("150 000", 150_000),
        ("150000.0", 150_000),
        ("150000.00", 150_000),
        ('"150.000,00"', 150_000),
    ],
)
def test_a_fee_is_read_as_software_writes_it(
    tmp_path: Path, engine: Engine, written: str, amount: int
) -> None:
    _import(engine, _csv(tmp_path, "code,procedure,status,fee", f"{FIRST},Khai sinh,4,{written}"))
    assert _dossier(engine).fees == (Fee(name="Phí, lệ phí", amount=amount),)


@pytest.mark.parametrize("written", ["", "0", "0.0"])
def test_no_fee_is_none(tmp_path: Path, engine: Engine, written: str) -> None:
    _import(engine, _csv(tmp_path, "code,procedure,status,fee", f"{FIRST},Khai sinh,4,{written}"))
    assert _dossier(engine).fees == ()


@pytest.mark.parametrize("written", ["mười nghìn", "-5000", "150000.5", "khoảng 150000", "miễn phí"])
def test_a_fee_that_is_no_whole_number_is_refused(tmp_path: Path, engine: Engine, written: str) -> None:
    path = _csv(tmp_path, "code,procedure,status,fee", f"{FIRST},Khai sinh,4,{written}")
    assert _refused(engine, path) == (
        f"{path}:2: fee: {written!r} is not a whole number of đồng, such as 150000"
    )
    assert _codes(engine) == set()


def test_importing_a_file_again_changes_nothing(
    tmp_path: Path, any_engine: Engine, status_names: dict[str, int]
) -> None:
    path = _csv(
        tmp_path,
        f"{HEAD},received,supplement,supplement_requested,fee,phone,identity",
        f"{ROW},01/09/2026 08:05,,,150.000,0912345678,001099012345",
        f"{SECOND},Khai sinh,Chờ bổ sung,,,Thiếu giấy của ông Nguyễn Văn An,02/09/2026,,,",
    )
    first = _import(any_engine, path, status_names)
    before = _raw(any_engine)
    second = _import(any_engine, path, status_names)
    assert first == ImportReport(new=2, changed=0, unchanged=0, older=0)
    assert second == ImportReport(new=0, changed=0, unchanged=2, older=0)
    assert len(before) == 2
    assert _raw(any_engine) == before


def test_a_newer_export_changes_what_differs_and_dates_the_rest_anew(
    tmp_path: Path, any_engine: Engine
) -> None:
    _import(any_engine, _csv(tmp_path, HEAD, ROW, f"{SECOND},Khai sinh,4,"), exported_at=MARCH)
    newer = _csv(tmp_path, HEAD, f"{FIRST},Đăng ký kết hôn,9,30/09/2026", f"{SECOND},Khai sinh,4,")
    assert _import(any_engine, newer, exported_at=APRIL) == ImportReport(
        new=0, changed=1, unchanged=1, older=0
    )
    assert [_dossier(any_engine, code).status for code in (FIRST, SECOND)] == [9, 4]
    assert [_state(any_engine, code).as_of for code in (FIRST, SECOND)] == [APRIL, APRIL]


def test_an_older_export_does_not_take_the_place_of_newer_data(tmp_path: Path, any_engine: Engine) -> None:
    _import(
        any_engine,
        _csv(tmp_path, HEAD, f"{FIRST},Đăng ký kết hôn,9,30/09/2026", f"{SECOND},Khai sinh,4,"),
        exported_at=APRIL,
    )
    before = _raw(any_engine)
    third = "H62.12-260901-0003"
    older = _csv(tmp_path, HEAD, ROW, f"{SECOND},Khai sinh,4,", f"{third},Khai tử,4,")
    assert _import(any_engine, older, exported_at=MARCH) == ImportReport(
        new=1, changed=0, unchanged=1, older=1
    )
    assert _raw(any_engine)[:2] == before
    assert _state(any_engine, third).as_of == MARCH


def test_an_export_an_hour_later_is_newer(tmp_path: Path, any_engine: Engine) -> None:
    _import(any_engine, _csv(tmp_path, HEAD, ROW), exported_at=MARCH)
    later = _csv(tmp_path, HEAD, f"{FIRST},Đăng ký kết hôn,9,30/09/2026")
    report = _import(any_engine, later, exported_at=MARCH + timedelta(hours=1))
    assert report == ImportReport(new=0, changed=1, unchanged=0, older=0)
    assert _dossier(any_engine).status == 9


@pytest.mark.parametrize("moment", [MARCH, MARCH.astimezone(UTC)], ids=["here", "UTC"])
def test_the_moment_of_an_export_is_kept_whatever_its_zone(
    tmp_path: Path, any_engine: Engine, moment: datetime
) -> None:
    _import(any_engine, _csv(tmp_path, HEAD, ROW), exported_at=moment)
    assert _state(any_engine).as_of == MARCH


def test_a_row_that_says_when_it_was_true_is_as_old_as_that(tmp_path: Path, any_engine: Engine) -> None:
    head = f"{HEAD},updated"
    _import(any_engine, _csv(tmp_path, head, f"{FIRST},Khai sinh,9,,01/04/2026 08:00"), exported_at=APRIL)
    stale = _csv(tmp_path, head, f"{FIRST},Khai sinh,4,,31/03/2026 08:00")
    assert _import(any_engine, stale).older == 1
    assert (_dossier(any_engine).status, _state(any_engine).as_of) == (9, APRIL)


def test_a_file_is_as_old_as_its_last_change(tmp_path: Path, engine: Engine) -> None:
    path = _csv(tmp_path, HEAD, ROW)
    os.utime(path, (MARCH.timestamp(), MARCH.timestamp()))
    _import(engine, path)
    assert _state(engine).as_of == MARCH


def test_an_export_from_the_future_is_refused(tmp_path: Path, engine: Engine) -> None:
    path = _csv(tmp_path, HEAD, ROW)
    tomorrow = now() + timedelta(days=1)
    assert "which is still to come" in _refused(engine, path, exported_at=tomorrow)
    os.utime(path, (tomorrow.timestamp(), tomorrow.timestamp()))
    assert _refused(engine, path).startswith(f"{path}: was exported at ")
    assert _codes(engine) == set()


def test_a_row_from_the_future_is_refused(tmp_path: Path, engine: Engine) -> None:
    tomorrow = (now().astimezone(HERE) + timedelta(days=1)).isoformat()
    path = _csv(tmp_path, f"{HEAD},updated", f"{ROW},{tomorrow}")
    assert _refused(engine, path) == f"{path}:2: updated: lies in the future"
    assert _codes(engine) == set()


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("abc,Khai sinh,4,", "code: 'abc' is not a dossier code"),
        (",Khai sinh,4,", "code: '' is not a dossier code"),
        (f"{SECOND} {FIRST},Khai sinh,4,", f"code: '{SECOND} {FIRST}' is not a dossier code"),
        ("H62.12-2609-0002,Khai sinh,4,", "code: 'H62.12-2609-0002' is not a dossier code"),
        (f"{SECOND},,4,", "procedure: must have 1 to 500 characters"),
        (f"{SECOND},{'a' * 501},4,", "procedure: must have 1 to 500 characters"),
        (f"{SECOND},Khai sinh,11,", "status: '11' is not a number from 1 to 10"),
        (f"{SECOND},Khai sinh,0,", "status: '0' is not a number from 1 to 10"),
        (f"{SECOND},Khai sinh,,", "status: is empty"),
        (f"{SECOND},Khai sinh", "status: is empty"),
        (f"{SECOND},Khai sinh,4,mai", "appointed: 'mai' is not a day like 30/11/2026 or 2026-11-30"),
        (f"{SECOND},Khai sinh,4,31/02/2026", "appointed: '31/02/2026' is not a day like"),
        (f"{SECOND},Khai sinh,4,11/30/2026", "appointed: '11/30/2026' is not a day like"),
        (f"{FIRST},Khai sinh,4,", f"code: {FIRST} stands twice in the file"),
        ("h62 12 260901 0001,Khai sinh,4,", f"code: {FIRST} stands twice in the file"),
    ],
)
def test_a_faulty_row_is_named_and_nothing_is_kept(
    tmp_path: Path, any_engine: Engine, row: str, fault: str
) -> None:
    path = _csv(tmp_path, HEAD, ROW, "", row)
    assert _refused(any_engine, path).startswith(f"{path}:4: {fault}")
    assert _codes(any_engine) == set()


def test_a_faulty_file_leaves_what_was_kept_as_it_was(tmp_path: Path, any_engine: Engine) -> None:
    _import(any_engine, _csv(tmp_path, HEAD, ROW), exported_at=MARCH)
    before = _raw(any_engine)
    faulty = _csv(tmp_path, HEAD, f"{FIRST},Đăng ký kết hôn,9,", "abc,Khai sinh,4,")
    _refused(any_engine, faulty)
    assert _raw(any_engine) == before


def test_a_fault_is_named_by_the_file_s_own_title(tmp_path: Path, engine: Engine) -> None:
    path = _csv(tmp_path, LOCAL_HEAD, f"1,{FIRST},Khai sinh,4,,30/09/2026,,,,")
    columns = _settings(tmp_path)
    assert _refused(engine, path, columns=columns) == (
        f"{path}:2: Ngày hẹn trả: '30/09/2026' is not a day like %Hh%M %d-%m-%Y"
    )


def test_a_fault_of_a_sheet_is_named_by_its_row(tmp_path: Path, engine: Engine) -> None:
    path = _xlsx(tmp_path, ["code", "procedure", "status"], [FIRST, "Khai sinh", 4], [None], ["abc", "x", 4])
    assert _refused(engine, path) == f"{path}:4: code: 'abc' is not a dossier code"
    assert _codes(engine) == set()


def test_every_fault_is_listed_one_a_line(tmp_path: Path, engine: Engine) -> None:
    path = _csv(tmp_path, HEAD, "abc,Khai sinh,4,", ROW, f"{SECOND},Khai sinh,4,mai", f"{FIRST},Khai sinh,4,")
    assert [line.split(": ")[:2] for line in _refused(engine, path).splitlines()] == [
        [f"{path}:2", "code"],
        [f"{path}:4", "appointed"],
        [f"{path}:5", "code"],
    ]


@pytest.mark.parametrize(("faulty", "told"), [(20, 20), (21, 21), (25, 21)])
def test_at_most_twenty_faults_are_listed_and_the_rest_counted(
    tmp_path: Path, engine: Engine, faulty: int, told: int
) -> None:
    path = _csv(tmp_path, HEAD, *(f"abc{number},Khai sinh,4," for number in range(faulty)))
    lines = _refused(engine, path).splitlines()
    assert len(lines) == told
    assert lines[19].startswith(f"{path}:21: code: 'abc19'")
    assert lines[20:] == ([f"… and {faulty - 20} more"] if faulty > 20 else [])


@pytest.mark.parametrize("needed", ["code", "procedure", "status"])
def test_a_missing_column_is_named_with_those_there_are(tmp_path: Path, engine: Engine, needed: str) -> None:
    path = _csv(tmp_path, HEAD.replace(needed, "ghi chú"), ROW)
    there = HEAD.replace(needed, "ghi chú").replace(",", ", ")
    assert _refused(engine, path) == (
        f"{path}:1: column {needed!r} ({needed}) is missing; there are: {there}. "
        "Name the columns with --columns"
    )


def test_a_column_that_the_settings_name_and_the_file_lacks_is_a_fault(
    tmp_path: Path, engine: Engine
) -> None:
    """Else a renamed column would take the appointed day from every dossier, and nobody would know."""
    head = LOCAL_HEAD.replace("Ngày hẹn trả", "Hạn trả")
    path = _csv(tmp_path, head, f"1,{FIRST},Khai sinh,4,,16h30 30-09-2026,,,,")
    assert "Ngày hẹn trả" in _refused(engine, path, columns=_settings(tmp_path))


def test_two_columns_of_one_title_are_refused_where_they_are_read(tmp_path: Path, engine: Engine) -> None:
    path = _csv(tmp_path, f"{HEAD},status", f"{ROW},9")
    assert _refused(engine, path) == f"{path}:1: column 'status' stands twice"
    assert _codes(engine) == set()


def test_two_columns_of_one_title_do_no_harm_where_nobody_reads_them(tmp_path: Path, engine: Engine) -> None:
    path = _csv(tmp_path, f"{HEAD},Ghi chú,Ghi chú,,", f"{ROW},một,hai,,")
    assert _import(engine, path).new == 1


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", ":1: column 'code' (code) is missing; there are: none"),
        (b"\n\n", ":1: column 'code' (code) is missing; there are: none"),
        (f"{HEAD}\n".encode(), ": has no rows"),
        (f"{HEAD}\n\n,,,\n , ,\n".encode(), ": has no rows"),
        (f"{HEAD}\n{ROW}\n".encode("utf-16"), ": cannot be read as CSV in UTF-8 or xlsx"),
        (f"{HEAD}\n{FIRST},Khai sinh \xe0,4,\n".encode("cp1252"), ": cannot be read as CSV in UTF-8 or xlsx"),
    ],
    ids=["empty", "empty lines", "no rows", "empty rows", "UTF-16", "Windows-1252"],
)
def test_a_csv_that_is_empty_or_not_in_utf_8_is_refused(
    tmp_path: Path, engine: Engine, content: bytes, told: str
) -> None:
    path = tmp_path / "dossiers.csv"
    path.write_bytes(content)
    assert _refused(engine, path).startswith(f"{path}{told}")
    assert _codes(engine) == set()


def _spoil(path: Path, how: str) -> None:
    """Break a sound xlsx in one of the ways files break."""
    if how == "empty":
        path.write_bytes(b"")
    elif how == "a CSV by another name":
        path.write_text(f"{HEAD}\n{ROW}\n", encoding="utf-8")
    elif how == "cut short":
        path.write_bytes(path.read_bytes()[:-200])
    elif how == "another kind of archive":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("note.txt", "not a workbook")
    else:
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        sheet = "xl/worksheets/sheet1.xml"
        with zipfile.ZipFile(path, "w") as archive:
            for name, part in parts.items():
                archive.writestr(name, part[: len(part) // 2] if name == sheet else part)


@pytest.mark.parametrize(
    "how", ["empty", "a CSV by another name", "cut short", "another kind of archive", "half a sheet inside"]
)
def test_a_broken_xlsx_is_refused(tmp_path: Path, engine: Engine, how: str) -> None:
    path = _xlsx(tmp_path, ["code", "procedure", "status"], [FIRST, "Khai sinh", 4])
    _spoil(path, how)
    assert _refused(engine, path).startswith(f"{path}: cannot be read as CSV in UTF-8 or xlsx")
    assert _codes(engine) == set()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            "columns: {code: Mã, procedure: Tên, status: Tình trạng, colour: Màu}",
            "columns: 'colour' is none of",
        ),
        ("columns: {code: Mã, procedure: Tên}", "columns: 'status' must be named"),
        ("column: {code: Mã}", "column: "),
        ("statuses: {Chờ: nhiều}", "statuses.Chờ: "),
        ("channels: {Qua mạng: internet}", "channels.Qua mạng: "),
        ("columns: [", "is not readable YAML"),
        ("", "file: "),
        ("chỉ là chữ", "file: "),
    ],
)
def test_faulty_settings_of_a_file_are_named(tmp_path: Path, content: str, told: str) -> None:
    path = _settings(tmp_path, content)
    with pytest.raises(DossierFileError) as refused:
        read_file_settings(path)
    assert str(refused.value).startswith(f"{path}: {told}")


def test_settings_that_are_not_in_utf_8_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "columns.yml"
    path.write_bytes(LOCAL.encode("utf-16"))
    path.write_bytes(b"\xff" + path.read_bytes())
    with pytest.raises(DossierFileError, match="is not readable YAML"):
        read_file_settings(path)


@pytest.mark.parametrize(
    ("phone", "identity", "proofs"),
    [
        ("0912345678", "001099012345", {"5678", "2345"}),
        ("0912 345 678", "", {"5678"}),
        ("+84 912.345.678", "001 099 012 345", {"5678", "2345"}),
        ("", "B1234567", {"4567"}),
        ("", "12345678A", {"678A", "678a"}),
        ("123", "", set()),
    ],
)
def test_phone_and_identity_number_prove_the_dossier_and_are_kept_nowhere(
    tmp_path: Path, any_engine: Engine, phone: str, identity: str, proofs: set[str]
) -> None:
    path = _csv(tmp_path, f"{HEAD},phone,identity,applicant", f"{ROW},{phone},{identity},Nguyễn Văn An")
    _import(any_engine, path)
    state = _state(any_engine)
    for factor in proofs:
        assert MARKS.proves(FIRST, factor, state.factors)
    for factor in ("1111", "0912", "0010", "3456", "", "5678 hoặc 1111"):
        assert not MARKS.proves(FIRST, factor, state.factors)
    assert len(state.factors) == len({proof.upper() for proof in proofs})
    assert all(re.fullmatch(r"[0-9a-f]{32}", mark) for mark in state.factors)
    (row,) = _raw(any_engine)
    held = re.sub(r"[^0-9A-Za-z]", "", " ".join(map(str, row)))
    for number in filter(None, (phone, identity)):
        digits = re.sub(r"[^0-9A-Za-z]", "", number)
        assert len(digits) < 4 or digits not in held
    assert "Nguy" not in held and "Văn An" not in str(_dossier(any_engine))


def test_no_byte_of_the_database_holds_a_phone_or_identity_number(tmp_path: Path, engine: Engine) -> None:
    path = _csv(tmp_path, f"{HEAD},phone,identity", f"{ROW},0912345678,001099012345")
    _import(engine, path)
    held = b"".join(file.read_bytes() for file in tmp_path.glob("test.db*"))
    assert FIRST.encode() in held
    assert b"0912345678" not in held and b"912345678" not in held
    assert b"001099012345" not in held and b"099012345" not in held


def test_the_proof_of_one_dossier_proves_no_other_and_none_by_another_key(
    tmp_path: Path, engine: Engine
) -> None:
    head = "code,procedure,status,phone"
    _import(
        engine,
        _csv(tmp_path, head, f"{FIRST},Khai sinh,4,0912345678", f"{SECOND},Khai sinh,4,0987654321"),
    )
    first, second = _state(engine).factors, _state(engine, SECOND).factors
    assert MARKS.proves(FIRST, "5678", first) and not MARKS.proves(SECOND, "5678", first)
    assert not MARKS.proves(FIRST, "4321", first) and not MARKS.proves(FIRST, "5678", second)
    assert not Marks("another key").proves(FIRST, "5678", first)


def test_the_same_phone_has_another_mark_on_another_dossier(tmp_path: Path, engine: Engine) -> None:
    rows = (f"{code},Khai sinh,4,0912345678" for code in (FIRST, SECOND))
    _import(engine, _csv(tmp_path, "code,procedure,status,phone", *rows))
    assert not set(_state(engine).factors) & set(_state(engine, SECOND).factors)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (
            "Chuyên viên Lê Thị Hoa đề nghị ông Nguyễn Văn An bổ sung giấy chứng sinh",
            f"Chuyên viên {HIDDEN} đề nghị ông {HIDDEN} bổ sung giấy chứng sinh",
        ),
        ("Gọi Trần Thị Bình 0912 345 678", f"Gọi {HIDDEN} {HIDDEN}"),
        ("Bản sao căn cước 001099012345", f"Bản sao căn cước {HIDDEN}"),
        (f"Bổ sung cho hồ sơ {FIRST}", f"Bổ sung cho hồ sơ {FIRST}"),
        ("Nộp tại Trung tâm Phục vụ hành chính công", "Nộp tại Trung tâm Phục vụ hành chính công"),
    ],
)
def test_names_and_numbers_in_a_request_for_papers_are_hidden(
    tmp_path: Path, any_engine: Engine, said: str, kept: str
) -> None:
    path = _csv(
        tmp_path,
        "code,procedure,status,supplement,supplement_requested",
        f"{FIRST},Khai sinh,5,{said},03/09/2026",
    )
    _import(any_engine, path)
    (request,) = _dossier(any_engine).supplements
    assert request == Supplement(text=kept, requested_at=datetime(2026, 9, 3, tzinfo=HERE))


def test_a_name_in_the_words_of_a_status_is_hidden(tmp_path: Path, engine: Engine) -> None:
    _import(engine, _csv(tmp_path, HEAD, f"{FIRST},Khai sinh,Chờ đồng chí Lê Thị Hoa ký,"))
    assert _dossier(engine).status_name == f"Chờ đồng chí {HIDDEN} ký"


def test_a_request_for_papers_without_words_keeps_its_day(tmp_path: Path, engine: Engine) -> None:
    head = "code,procedure,status,supplement,supplement_requested"
    _import(engine, _csv(tmp_path, head, f"{FIRST},Khai sinh,5,,03/09/2026", f"{SECOND},Khai sinh,5,,"))
    assert _dossier(engine).supplements == (
        Supplement(text="", requested_at=datetime(2026, 9, 3, tzinfo=HERE)),
    )
    assert _dossier(engine, SECOND).supplements == ()


def test_a_file_that_is_not_there_is_told_as_that(tmp_path: Path, engine: Engine) -> None:
    with pytest.raises(FileNotFoundError), transaction(engine) as session:
        import_dossiers(session, tmp_path / "none.csv", MARKS, read_file_settings(None), {})
