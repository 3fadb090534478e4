"""Tables go out as xlsx and come back as a plan: what would change, and what is wrong in which cell."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, get_args
from zipfile import ZIP_DEFLATED, ZipFile

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge import places
from knowledge.content_files import CONTENT, read_yaml
from knowledge.records import Contact, Fee, Procedure, Province, Tariff
from knowledge.search import fold
from knowledge.sheets import WHOLE_ROW, Content, Plan, Table, read_sheet, write_sheet
from knowledge.sheets.tables import ABOUT, DISTANCES, PROVINCES
from knowledge.sheets.workbooks import LARGEST_CONTENT, MOST_ELEMENTS, MOST_ROWS

COPIES = "1.001193"  # a procedure with two fees in each of its three channels
PASSPORT = "1.001456"
CODES = (COPIES, PASSPORT, "2.000635", "1.001445")
Edit = Callable[[Any], None]
TABLES: tuple[Table, ...] = get_args(Table)


def _real_content() -> dict[tuple[str, str], Any]:
    content: dict[tuple[str, str], Any] = {}
    for kind, folder in (("procedure", "procedures"), ("province", "provinces")):
        for path in sorted((CONTENT / folder).glob("*.yml")):
            content[kind, path.stem] = read_yaml(path).data
    content["table", "tariffs"] = read_yaml(CONTENT / "tariffs.yml").data
    return content


CONTENT_OF_TODAY = _real_content()
FEW = {key: data for key, data in CONTENT_OF_TODAY.items() if key[0] != "procedure" or key[1] in CODES}


def _edited(file: bytes, edit: Edit) -> bytes:
    """Open a file as Excel does, change its table and save it."""
    book = openpyxl.load_workbook(BytesIO(file))
    edit(book.worksheets[0])
    return _saved(book)


def _saved(book: Any) -> bytes:
    saved = BytesIO()
    book.save(saved)
    return saved.getvalue()


def _read(edit: Edit, table: Table = "fees", content: Content = FEW) -> Plan:
    return read_sheet(table, _edited(write_sheet(table, content), edit), content)


def _column(sheet: Any, title: str) -> int:
    return next(cell.column for cell in sheet[1] if cell.value == title)


def _row(sheet: Any, *values: str) -> int:
    """Find the first row that has all the values."""
    return next(row[0].row for row in sheet.iter_rows() if set(values) <= {cell.value for cell in row})


def _set(title: str, value: Any, *row: str) -> Edit:
    def edit(sheet: Any) -> None:
        sheet.cell(_row(sheet, *row), _column(sheet, title)).value = value

    return edit


def _append(*values: Any) -> Edit:
    return lambda sheet: sheet.append(values)


def _told(plan: Plan) -> list[str]:
    assert not plan.records, "nothing is to be applied while there are faults"
    return [str(fault) for fault in plan.faults]


def _fees(plan: Plan, code: str, channel: int = 0) -> Any:
    return plan.records["procedure", code]["channels"][channel]["fees"]


# Going out and coming back

_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"]), max_size=12)
_WORDS = _TEXT.map(lambda text: text + "x")  # not empty
_STARTS = st.sampled_from(["=1+1", "+84", "@a", "-1", "#N/A", "TRUE", "0123", "1/2", "a\nb", " b ", "x; y"])
_LABEL = _WORDS | _STARTS
_DAY = st.dates(date(1990, 1, 1), date(2090, 1, 1))
_AMOUNT = st.integers(0, 10**9)


def _written(day: date | None, as_text: bool) -> Any:
    return day.isoformat() if day and as_text else day


@st.composite
def _dates(draw: Any) -> dict[str, Any]:
    first, last, as_text = draw(_DAY), draw(st.none() | st.integers(0, 900)), draw(st.booleans())
    until = first + timedelta(days=last) if last is not None else None
    return {"valid_from": _written(first, as_text), "valid_to": _written(until, as_text)}


@st.composite
def _fee(draw: Any) -> dict[str, Any]:
    fee: dict[str, Any] = {"amount": draw(_AMOUNT | st.just("not stated"))}
    fee |= {name: draw(_LABEL) for name in draw(st.sets(st.sampled_from(["what", "basis"])))}
    return fee | (draw(_dates()) if draw(st.booleans()) else {})


def _same_fee(fee: dict[str, Any]) -> Any:
    return tuple(" ".join(str(fee.get(name, "")).split()) for name in ("what", "basis"))


_CHANNEL = st.fixed_dictionaries(
    {
        "channel": st.sampled_from(["direct", "online", "postal"]),
        "time_limit": _WORDS,
        "fees": st.just("not stated") | st.lists(_fee(), max_size=4, unique_by=_same_fee),
    }
)
_PROCEDURE = st.fixed_dictionaries(
    {
        "name": _LABEL,
        "steps": st.lists(_WORDS, max_size=2),
        "channels": st.just("not stated")
        | st.lists(_CHANNEL, min_size=1, max_size=3, unique_by=lambda channel: channel["channel"]),
    }
)


@st.composite
def _contact(draw: Any) -> dict[str, Any]:
    contact = {"name": draw(_LABEL), "phone": draw(st.from_regex(r"0[0-9]{7,10}", fullmatch=True))}
    contact |= {"about": draw(st.sampled_from(sorted(ABOUT)))} | draw(_dates())
    return contact | {"sources": draw(st.lists(_LABEL, min_size=1, max_size=3))}


@st.composite
def _tariff(draw: Any) -> dict[str, Any]:
    tariff = {"province": draw(st.sampled_from(PROVINCES[:4]) | _WORDS)}
    tariff |= {"distance": draw(st.sampled_from(sorted(DISTANCES)))}
    tariff |= {"up_to_grams": draw(st.integers(1, 9_999))} if draw(st.booleans()) else {}
    tariff |= {"amount": draw(_AMOUNT)} | ({"note": draw(_LABEL)} if draw(st.booleans()) else {})
    return tariff | draw(_dates()) | {"sources": draw(st.lists(_LABEL, min_size=1, max_size=2))}


@st.composite
def _contents(draw: Any, codes: tuple[str, ...] = ("1.000001", "1.000890", "2.000002")) -> Content:
    content: dict[tuple[str, str], Any] = {}
    for code in draw(st.sets(st.sampled_from(codes))):
        content["procedure", code] = {"code": code, **draw(_PROCEDURE)}
    for key, name in (("vinh-phuc", "Vĩnh Phúc"), ("toan-quoc", "toàn quốc")):
        contacts = draw(st.lists(_contact(), max_size=4, unique_by=lambda one: one["name"].strip()))
        content["province", key] = {"id": key, "name": name, "contacts": contacts, "letters": []}
    content["table", "tariffs"] = draw(st.lists(_tariff(), max_size=5, unique_by=_same_tariff))
    return content


def _same_tariff(tariff: dict[str, Any]) -> Any:
    return tariff["province"].strip(), tariff["distance"], tariff.get("up_to_grams")


_THOROUGH = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("table", TABLES)
def test_the_content_of_today_comes_back_unchanged(table: Table) -> None:
    plan = read_sheet(table, write_sheet(table, CONTENT_OF_TODAY), CONTENT_OF_TODAY)
    assert plan == Plan()


@_THOROUGH
@given(_contents(), st.sampled_from(TABLES))
def test_what_was_written_is_read_back_as_no_change(content: Content, table: Table) -> None:
    assert read_sheet(table, write_sheet(table, content), content) == Plan()


@_THOROUGH
@given(_contents(), st.sampled_from(TABLES), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_columns_does_not_matter(
    content: Content, table: Table, chance: random.Random
) -> None:
    def shuffle(sheet: Any) -> None:
        head, *rows = ([cell.value for cell in row] for row in sheet.iter_rows())
        order = list(range(len(head)))
        chance.shuffle(order)
        chance.shuffle(rows)
        sheet.delete_rows(1, sheet.max_row)
        for number, row in enumerate([head, *rows], 1):
            for at, old in enumerate(order, 1):
                cell = sheet.cell(number, at)
                cell.value = row[old]
                cell.data_type = "s" if isinstance(row[old], str) else cell.data_type

    assert _read(shuffle, table, content) == Plan()


@_THOROUGH
@given(_contents(), _contents(), st.sampled_from(TABLES))
def test_once_applied_a_sheet_has_nothing_more_to_change(now: Content, wanted: Content, table: Table) -> None:
    here = {key: data for key, data in wanted.items() if key in now}
    for key, data in here.items():  # the same procedures and channels, other fees
        if key[0] == "procedure":
            here[key] = {**now[key], "channels": _other_fees(now[key]["channels"], data["channels"])}
    file = write_sheet(table, here)
    plan = read_sheet(table, file, now)
    if not plan.faults:  # a tariff's made-up province is unknown to the other content
        assert read_sheet(table, file, {**now, **plan.records}) == Plan()
        assert bool(plan.changes) == bool(plan.records)
        for key, data in plan.records.items():
            assert _without_entries(data) == _without_entries(now[key])


def _other_fees(channels: Any, other: Any) -> Any:
    fees = [each["fees"] for each in other] if isinstance(other, list) else []
    if not isinstance(channels, list):
        return channels
    return [{**each, "fees": fees[n] if n < len(fees) else []} for n, each in enumerate(channels)]


def _without_entries(record: Any) -> Any:
    if isinstance(record, list):
        return None
    rest = {name: data for name, data in record.items() if name not in ("contacts", "channels")}
    channels = record.get("channels")
    if isinstance(channels, list):
        rest["channels"] = [{**each, "fees": None} for each in channels]
    return rest


# What changes


def test_an_amount_in_words_changes_that_fee_and_nothing_else() -> None:
    plan = _read(_set("Mức thu (đồng)", "mười lăm nghìn đồng", PASSPORT, "Trực tiếp", "Mỗi hộ chiếu"))
    (change,) = plan.changes
    assert (change.kind, change.key, change.place) == (
        "procedure",
        PASSPORT,
        ("channels", 0, "fees", 0, "amount"),
    )
    assert (change.column, change.before, change.after) == ("Mức thu (đồng)", 200_000, 15_000)
    assert change.cell and change.cell.startswith("D")
    before = FEW["procedure", PASSPORT]
    assert _fees(plan, PASSPORT) == [
        {**before["channels"][0]["fees"][0], "amount": 15_000},
        *before["channels"][0]["fees"][1:],
    ]
    assert _fees(plan, PASSPORT, 1) is before["channels"][1]["fees"]
    assert (
        list(plan.records) == [("procedure", PASSPORT)]
        and before["channels"][0]["fees"][0]["amount"] == 200_000
    )
    assert Procedure.model_validate(plan.records["procedure", PASSPORT])


def test_a_new_rate_ends_the_old_one_and_stands_behind_it() -> None:
    def edit(sheet: Any) -> None:
        _set("Đến hết ngày", "31/12/2026", PASSPORT, "Trực tiếp", "Mỗi hộ chiếu")(sheet)
        sheet.append(
            [PASSPORT, None, "Trực tiếp", "250.000đ", "Mỗi hộ chiếu", "25/2021/TT-BTC", datetime(2027, 1, 1)]
        )

    plan = _read(edit)
    ended, added = plan.changes
    assert (ended.after, ended.column) == ("2026-12-31", "Đến hết ngày")
    assert (added.column, added.before, added.place) == (WHOLE_ROW, None, ("channels", 0, "fees", 1))
    assert added.after == {
        "amount": 250_000,
        "what": "Mỗi hộ chiếu",
        "basis": "25/2021/TT-BTC",
        "valid_from": "2027-01-01",
    }
    fees = _fees(plan, PASSPORT)
    assert [fee["amount"] for fee in fees] == [200_000, 250_000, 400_000]
    assert all(Fee.model_validate(fee) for fee in fees)


def test_a_row_that_is_gone_removes_its_entry_only_while_its_procedure_is_there() -> None:
    gone = _read(lambda sheet: sheet.delete_rows(_row(sheet, PASSPORT, "Trực tiếp", "Mỗi hộ chiếu")))
    (change,) = gone.changes
    assert (change.column, change.cell, change.after) == (WHOLE_ROW, None, None)
    assert change.before["amount"] == 200_000
    assert [fee["amount"] for fee in _fees(gone, PASSPORT)] == [400_000]

    def delete_all(sheet: Any) -> None:
        for row in [cell.row for cell in sheet["A"] if cell.value == PASSPORT][::-1]:
            sheet.delete_rows(row)

    assert _read(delete_all) == Plan()


def test_clearing_the_white_cells_removes_even_the_last_entry() -> None:
    def clear_all(sheet: Any) -> None:
        for row in [cell.row for cell in sheet["A"] if cell.value == PASSPORT]:
            for column in range(4, 9):
                sheet.cell(row, column).value = None

    plan = _read(clear_all)
    assert [_fees(plan, PASSPORT, channel) for channel in range(3)] == ["not stated"] * 3
    assert Procedure.model_validate(plan.records["procedure", PASSPORT])


def test_a_channel_without_fees_gets_its_first_one() -> None:
    code, channel = next(
        (key, channel["channel"])
        for (kind, key), data in FEW.items()
        if kind == "procedure"
        for channel in data["channels"]
        if channel["fees"] == "not stated"
    )
    plan = _read(_append(code, "", channel, "Miễn phí"))
    assert [change.after for change in plan.changes] == [{"amount": 0}]


def test_what_an_amount_is_paid_for_each_of_goes_into_its_own_column() -> None:
    plan = _read(_append("2.000635", None, "trực tuyến", "10.000đ/bản"))
    assert plan.changes[-1].after == {"amount": 10_000, "what": "bản"}
    beside = _read(_set("Mức thu (đồng)", "10.000đ/hộ chiếu", PASSPORT, "Trực tiếp", "Mỗi hộ chiếu"))
    assert [change.after for change in beside.changes] == [10_000]
    (fault,) = _told(_read(_set("Mức thu (đồng)", "10.000đ/trang", PASSPORT, "Trực tiếp", "Mỗi hộ chiếu")))
    assert "ghi “trang” sau số tiền, nhưng cột “Thu cho” ghi “Mỗi hộ chiếu”" in fault


def test_a_fee_that_is_renamed_is_the_same_fee() -> None:
    (change,) = _read(_set("Thu cho", "Một hộ chiếu", PASSPORT, "Trực tiếp", "Mỗi hộ chiếu")).changes
    assert (change.column, change.before, change.after) == ("Thu cho", "Mỗi hộ chiếu", "Một hộ chiếu")


def test_a_fee_whose_amount_and_text_both_change_is_the_same_fee() -> None:
    def edit(sheet: Any) -> None:
        for title, value in (("Mức thu (đồng)", 150_000), ("Căn cứ", "9/2026/TT-BTC")):
            _set(title, value, PASSPORT, "Trực tiếp", "Mỗi hộ chiếu")(sheet)

    plan = _read(edit)
    assert [(change.column, change.after) for change in plan.changes] == [
        ("Mức thu (đồng)", 150_000),
        ("Căn cứ", "9/2026/TT-BTC"),
    ]
    assert [fee["amount"] for fee in _fees(plan, PASSPORT)] == [150_000, 400_000]


def test_a_new_tariff_stands_behind_those_of_its_province() -> None:
    row = ["Lạng Sơn", "khác tỉnh", None, 30_000, None, date(2026, 1, 1), None, "Bưu điện Lạng Sơn"]
    tariffs = _read(_append(*row), "tariffs").records["table", "tariffs"]
    assert [one["province"] for one in tariffs] == ["Lạng Sơn"] * 3 + ["Quảng Ngãi"] * 2


def test_packs_of_the_same_name_are_told_apart_by_their_ids() -> None:
    packs = {("province", key): {**FEW["province", "vinh-phuc"], "id": key} for key in ("vinh-phuc", "vp")}
    assert read_sheet("contacts", write_sheet("contacts", packs), packs) == Plan()
    plan = _read(_set("Số điện thoại", "0211 3 888 888", "vp"), "contacts", packs)
    assert list(plan.records) == [("province", "vp")]


def test_a_number_stored_as_text_is_the_same_number() -> None:
    assert _read(_set("Mức thu (đồng)", "200000", PASSPORT, "Trực tiếp", "Mỗi hộ chiếu")) == Plan()


def test_a_fee_that_is_not_stated_is_written_and_read_in_words() -> None:
    plan = _read(_set("Mức thu (đồng)", "Nguồn không nêu", PASSPORT, "Trực tiếp", "Mỗi hộ chiếu"))
    assert [(change.before, change.after) for change in plan.changes] == [(200_000, "not stated")]


def test_a_contact_and_a_tariff_are_added_as_the_content_writes_them() -> None:
    row = [
        "Lai Châu",
        "Trung tâm Phục vụ hành chính công",
        "0213 3 876 543",
        "Dịch vụ công",
        "1/7/2025",
        None,
        "623/TTg-KSTT; 118/2025/NĐ-CP",
    ]
    plan = _read(_append(*row), "contacts")
    (contact,) = plan.records["province", "lai-chau"]["contacts"]
    assert contact == {
        "name": "Trung tâm Phục vụ hành chính công",
        "phone": "0213 3 876 543",
        "about": "public_services",
        "valid_from": "2025-07-01",
        "valid_to": None,
        "sources": ["623/TTg-KSTT", "118/2025/NĐ-CP"],
    }
    assert Contact.model_validate(contact) and Province.model_validate(plan.records["province", "lai-chau"])
    tariffs = _read(
        _append("Ba Ria - Vung Tau", "khác tỉnh", "100", "26.000", None, date(2026, 1, 1), None, "VNPost"),
        "tariffs",
    )
    *old, new = tariffs.records["table", "tariffs"]
    assert old == FEW["table", "tariffs"]
    assert (new["province"], new["up_to_grams"], new["amount"]) == ("Bà Rịa - Vũng Tàu", 100, 26_000)
    assert Tariff.model_validate(new) and "note" not in new


def test_every_province_of_before_and_after_the_reform_can_have_tariffs() -> None:
    known = set(map(fold, PROVINCES))
    for row in places._rows():
        for name in (row["old_province"], row["new_province"]):
            assert fold(places.bare_name(name)) in known


# What is wrong


@pytest.mark.parametrize(
    ("title", "value", "told"),
    [
        ("Mức thu (đồng)", "khoảng 10 nghìn", "“khoảng 10 nghìn” là mức áng chừng. Gõ đúng số tiền"),
        ("Mức thu (đồng)", 8, "“8” là 8 đồng, rất nhỏ. Nếu là 8 nghìn thì gõ 8.000"),
        ("Mức thu (đồng)", 8.5, "Excel đang giữ giá trị 8.5 ở ô này. Định dạng ô là Text"),
        ("Mức thu (đồng)", "liên hệ", "không đọc được số tiền “liên hệ”"),
        ("Mức thu (đồng)", None, "còn trống. Ghi “Mức thu (đồng)” cho dòng này"),
        (
            "Mức thu (đồng)",
            "=100000*2",
            "ô đang chứa công thức. Chép ô rồi dán lại bằng Paste Special → Values",
        ),
        ("Mức thu (đồng)", "#DIV/0!", "Excel báo lỗi “#DIV/0!” ở ô này"),
        ("Thu cho", datetime(2026, 2, 1), "Excel đã đổi chữ thành ngày giờ. Định dạng ô là Text"),
        ("Áp dụng từ ngày", "31/2/2026", "không có ngày “31/2/2026” trong lịch"),
        ("Áp dụng từ ngày", "31/12/26", "không đọc được ngày “31/12/26”. Gõ ngày/tháng/năm"),
        ("Áp dụng từ ngày", time(7, 30), "“07:30:00” không phải ngày. Định dạng ô là Date"),
        ("Áp dụng từ ngày", "1/7/2206", "năm 2206 có lẽ gõ nhầm"),
        ("Mã thủ tục", "9.999999", "không có thủ tục mã 9.999999"),
        ("Mã thủ tục", "passport", "“passport” không phải mã thủ tục. Mã có dạng 1.001193"),
        ("Mã thủ tục", 1.00089, "mã đang là số nên có thể mất số 0. Định dạng ô là Text"),
        ("Mã thủ tục", None, "còn trống. Ghi “Mã thủ tục”"),
        ("Tên thủ tục (chỉ để xem)", "Đăng ký khai sinh", "mã 1.001456 là “Cấp hộ chiếu phổ thông"),
        (
            "Cách nộp",
            "fax",
            "“fax” không có trong danh mục. Chọn trong danh sách của ô: Trực tuyến; Trực tiếp",
        ),
    ],
)
def test_a_faulty_cell_is_named_and_explained(title: str, value: Any, told: str) -> None:
    at: list[str] = []

    def edit(sheet: Any) -> None:
        cell = sheet.cell(_row(sheet, PASSPORT, "Trực tiếp", "Mỗi hộ chiếu"), _column(sheet, title))
        cell.value = value
        at.append(cell.coordinate)

    plan = _read(edit)
    assert [fault for fault in _told(plan) if fault.startswith(f"Ô {at[0]}: {told}")]
    assert not plan.changes


def test_a_number_that_does_not_look_like_a_day_is_told() -> None:
    def edit(sheet: Any) -> None:
        sheet["G2"].number_format = "General"
        sheet["G2"] = 46_387

    assert _told(_read(edit))[0].startswith("Ô G2: “46387” không phải ngày. Định dạng ô là Date")


def test_faults_do_not_hide_what_other_rows_would_change() -> None:
    def edit(sheet: Any) -> None:
        _set("Mức thu (đồng)", "10%", PASSPORT, "Trực tiếp", "Mỗi hộ chiếu")(sheet)
        _set("Mức thu (đồng)", "9.000", "2.000635", "Trực tiếp")(sheet)

    plan = _read(edit)
    assert len(_told(plan)) == 1
    assert [(change.key, change.after) for change in plan.changes] == [("2.000635", 9_000)]


def test_a_channel_that_the_procedure_lacks_is_told() -> None:
    content = {
        ("procedure", "1.000001"): {"name": "A", "channels": [{"channel": "direct", "fees": [{"amount": 0}]}]}
    }
    (fault,) = _told(_read(_append("1.000001", "A", "Trực tuyến", 8_000), content=content))
    assert fault == "Ô C3: thủ tục 1.000001 không có cách nộp “Trực tuyến”. Thêm cách nộp vào thủ tục trước."


def test_a_repeated_row_is_told_beside_the_one_it_repeats() -> None:
    def repeat(sheet: Any) -> None:
        sheet.append([cell.value for cell in sheet[2]])

    (fault,) = _told(_read(repeat))
    assert "lặp lại dòng 2. Xoá một dòng." in fault


@pytest.mark.parametrize(
    ("first", "told"),
    [
        ("1/12/2026", "trùng thời gian với dòng {}. Cho dòng này bắt đầu sau khi dòng kia hết hạn"),
        ("2/1/2027", "dòng {} hết hạn ngày 31/12/2026, từ đó đến khi dòng này bắt đầu còn để trống"),
    ],
)
def test_days_that_overlap_or_are_left_open_are_told(first: str, told: str) -> None:
    rows: list[int] = []

    def edit(sheet: Any) -> None:
        _set("Đến hết ngày", date(2026, 12, 31), PASSPORT, "Trực tiếp", "Mỗi hộ chiếu")(sheet)
        rows.append(_row(sheet, PASSPORT, "Trực tiếp", "Mỗi hộ chiếu"))
        sheet.append([PASSPORT, None, "direct", 250_000, "Mỗi hộ chiếu", "25/2021/TT-BTC", first])
        rows.append(sheet.max_row)

    (fault,) = _told(_read(edit))
    assert fault.startswith(f"Ô G{rows[1]}: {told.format(rows[0])}")


def test_a_fact_that_ends_before_it_begins_is_told() -> None:
    row = ["Lai Châu", "A", "0213 3876543", "y tế", date(2026, 2, 1), date(2026, 1, 1), "B"]
    (fault,) = _told(_read(_append(*row), "contacts"))
    assert "hết hạn trước ngày áp dụng (01/02/2026)" in fault


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        (0, "Cà Mau", "“Cà Mau” không có trong danh mục"),
        (2, 915163312, "số điện thoại đang là số nên mất số 0 ở đầu"),
        (2, "0915.163.312", "không phải số điện thoại. Chỉ gõ chữ số và dấu cách"),
        (6, ";", "không có nguồn nào"),
        (6, None, "còn trống. Ghi “Văn bản làm căn cứ”"),
    ],
)
def test_a_faulty_contact_is_explained(column: int, value: Any, told: str) -> None:
    row: list[Any] = ["Lai Châu", "A", "0213 3876543", "y tế", date(2026, 1, 1), None, "B"]
    row[column] = value
    (fault,) = _told(_read(_append(*row), "contacts"))
    assert told in fault


@pytest.mark.parametrize(("grams", "told"), [("100g", "không phải số gam"), (0, "không phải số gam")])
def test_a_weight_is_a_whole_number(grams: Any, told: str) -> None:
    (fault,) = _told(
        _read(_append("Huế", "khác tỉnh", grams, 26_000, None, date(2026, 1, 1), None, "V"), "tariffs")
    )
    assert told in fault


def test_merged_cells_are_told_with_their_range() -> None:
    (fault,) = _told(_read(lambda sheet: sheet.merge_cells("A2:A4")))
    assert fault.startswith("Ô A2:A4: các ô bị gộp. Chọn vùng này, bấm Merge & Center")


def test_unknown_doubled_and_missing_columns_are_told() -> None:
    def edit(sheet: Any) -> None:
        sheet["E1"], sheet["F1"], sheet["J1"] = "Mức thu (đồng)", None, "Người duyệt"

    assert _told(_read(edit)) == [
        "Ô E1: cột “Mức thu (đồng)” có hai lần. Xoá một cột.",
        "Ô J1: không có cột “Người duyệt” trong bảng này. Xoá cột.",
        "Dòng 1 thiếu tiêu đề cột: “Thu cho”, “Căn cứ”. Thêm lại đúng tên như bảng tải về.",
    ]


def test_a_cell_beside_the_table_is_told() -> None:
    def edit(sheet: Any) -> None:
        sheet["K3"] = "xem lại"

    (fault,) = _told(_read(edit))
    assert fault.startswith("Ô K3: nằm ngoài các cột của bảng")


def test_hidden_rows_and_columns_are_read_and_told() -> None:
    def hide(sheet: Any) -> None:
        row = _row(sheet, PASSPORT, "Trực tiếp", "Mỗi hộ chiếu")
        sheet.cell(row, 4).value = 150_000
        sheet.row_dimensions[row].hidden = True
        sheet.column_dimensions["F"].hidden = True

    plan = _read(hide)
    assert [change.after for change in plan.changes] == [150_000] and plan.records
    assert [note.partition(":")[0] for note in plan.notes] == [
        "Dòng đang ẩn vẫn được đọc",
        "Cột đang ẩn vẫn được đọc",
    ]


def test_a_hidden_sheet_is_read_and_told() -> None:
    book = openpyxl.load_workbook(BytesIO(write_sheet("fees", FEW)))
    book.active = 1
    book["Phí, lệ phí"].sheet_state = "hidden"
    assert read_sheet("fees", _saved(book), FEW) == Plan(
        notes=("Trang “Phí, lệ phí” đang ẩn, vẫn được đọc.",)
    )


def test_other_sheets_are_told_and_the_named_one_is_read() -> None:
    book = openpyxl.load_workbook(BytesIO(write_sheet("fees", FEW)))
    book.create_sheet("Nháp", 0)
    assert read_sheet("fees", _saved(book), FEW).notes == ("Chỉ đọc trang “Phí, lệ phí”, không đọc: “Nháp”.",)
    book["Phí, lệ phí"].title = "Trang 2"
    (fault,) = _told(read_sheet("fees", _saved(book), FEW))
    assert fault == "Không biết đọc trang nào (“Nháp”, “Trang 2”). Đặt tên trang có bảng là “Phí, lệ phí”."


# Files that are no table


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (b"", "File hỏng hoặc không phải Excel (.xlsx)"),
        ("Mã thủ tục;Mức thu\n1.001193;8000".encode(), "File hỏng hoặc không phải Excel (.xlsx)"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600), "File là Excel đời cũ (.xls)"),
        (
            bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600) + "EncryptedPackage".encode("utf-16-le"),
            "File đang khoá bằng mật khẩu",
        ),
        (bytes(21 * 2**20), "File lớn hơn 20 MB"),
    ],
)
def test_a_file_that_is_no_xlsx_is_explained(file: bytes, told: str) -> None:
    (fault,) = _told(read_sheet("fees", file, FEW))
    assert fault.startswith(told)


def test_a_zip_without_a_workbook_is_no_xlsx() -> None:
    (fault,) = _told(read_sheet("fees", _zipped({"word/document.xml": b"<a/>"}), FEW))
    assert fault.startswith("File hỏng hoặc không phải Excel")


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    packed = BytesIO()
    with (
        ZipFile(packed, "w", ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("xl/workbook.xml", "w") as part,
    ):
        for _ in range(LARGEST_CONTENT // 2**20 + 1):
            part.write(bytes(2**20))
    assert len(packed.getvalue()) < 2 * 2**20
    (fault,) = _told(read_sheet("fees", packed.getvalue(), FEW))
    assert fault.startswith("Bảng quá lớn")


def test_a_row_far_below_is_refused() -> None:
    (fault,) = _told(_read(lambda sheet: sheet.cell(MOST_ROWS + 1, 1, "x")))
    assert fault.startswith("Bảng quá lớn: chỉ đọc đến 100.000 dòng")


def test_far_too_many_elements_are_refused() -> None:
    parts = {**_unzipped(write_sheet("fees", FEW)), "xl/more.xml": b"<a>" + b"<b/>" * MOST_ELEMENTS + b"</a>"}
    (fault,) = _told(read_sheet("fees", _zipped(parts), FEW))
    assert fault.startswith("Bảng quá lớn")


def test_what_a_file_says_of_its_own_size_does_not_count() -> None:
    parts = _unzipped(
        _edited(write_sheet("fees", FEW), _set("Thu cho", "Một hộ chiếu", PASSPORT, "Trực tiếp"))
    )
    name = "xl/worksheets/sheet1.xml"
    lying = re.sub(rb'<dimension ref="[^"]+"', b'<dimension ref="A1:A1"', parts[name])
    assert lying != parts[name]
    assert len(read_sheet("fees", _zipped({**parts, name: lying}), FEW).changes) == 1


def test_a_huge_merged_range_costs_nothing() -> None:
    parts = _unzipped(write_sheet("fees", FEW))
    name = "xl/worksheets/sheet1.xml"
    huge = b'</sheetData><mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells>'
    file = _zipped({**parts, name: parts[name].replace(b"</sheetData>", huge)})
    assert _told(read_sheet("fees", file, FEW))[0].startswith("Ô A1:XFD1048576: các ô bị gộp")


def test_a_file_that_declares_entities_is_refused() -> None:
    parts = _unzipped(write_sheet("fees", FEW))
    name = "xl/worksheets/sheet1.xml"
    doctype = b'<!DOCTYPE a [<!ENTITY b "c">]>'
    (fault,) = _told(read_sheet("fees", _zipped({**parts, name: doctype + parts[name]}), FEW))
    assert fault.startswith("File hỏng")


def _unzipped(file: bytes) -> dict[str, bytes]:
    with ZipFile(BytesIO(file)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _zipped(parts: dict[str, bytes]) -> bytes:
    packed = BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return packed.getvalue()


_SMALL = {("procedure", code): FEW["procedure", code] for code in (COPIES, PASSPORT)}
_SMALL_FILE = write_sheet("fees", _SMALL)
_PARTS = _unzipped(_SMALL_FILE)


@_THOROUGH
@given(st.data())
def test_a_damaged_file_is_read_or_explained_but_never_fails(data: Any) -> None:
    name = data.draw(st.sampled_from(sorted(_PARTS)))
    part = bytearray(_PARTS[name])
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(part)))
        part[start : start + data.draw(st.integers(0, 40))] = data.draw(
            st.binary(max_size=6) | st.sampled_from([b'"', b"9", b"<c/>", b"-1"])
        )
    damaged = _zipped({**_PARTS, name: bytes(part)})
    plan = read_sheet("fees", damaged, _SMALL)
    assert not (plan.faults and plan.records)
    assert all(fault.message for fault in plan.faults)


@given(st.integers(0, len(_SMALL_FILE) - 1))
def test_a_file_that_breaks_off_is_explained(length: int) -> None:
    assert read_sheet("fees", _SMALL_FILE[:length], _SMALL).faults


# What stands in the file


def test_the_file_is_locked_where_it_must_be_and_offers_choices() -> None:
    book = openpyxl.load_workbook(BytesIO(write_sheet("fees", FEW)))
    sheet: Any = book["Phí, lệ phí"]
    row = _row(sheet, PASSPORT, "Trực tuyến", "Mỗi hộ chiếu, nộp trực tuyến hoặc qua bưu chính")
    assert [sheet.cell(row, column).protection.locked for column in range(1, 9)] == [True] * 3 + [False] * 5
    assert sheet.protection.sheet and not sheet.protection.password and sheet.freeze_panes == "B2"
    assert (sheet.cell(row, 1).value, sheet.cell(row, 1).number_format) == (PASSPORT, "@")
    assert (sheet.cell(row, 7).value, sheet.cell(row, 7).number_format) == (
        datetime(2023, 7, 1),
        "dd/mm/yyyy",
    )
    assert (
        sheet.column_dimensions["A"].number_format == "@"
        and not sheet.column_dimensions["A"].protection.locked
    )
    (choices,) = sheet.data_validations.dataValidation
    guide: Any = book["Hướng dẫn"]
    first, last = choices.formula1.replace("$", "").partition("!")[2].split(":")
    assert [cell[0].value for cell in guide[first:last]] == ["Trực tuyến", "Trực tiếp", "Dịch vụ bưu chính"]
    assert any("31/12/2026" in str(cell.value) for cell in guide["A"])


def test_texts_that_look_like_formulas_stay_texts() -> None:
    fees = [{"amount": 8_000, "what": '=HYPERLINK("http://a")'}]
    content = {("procedure", "1.000001"): {"name": "A", "channels": [{"channel": "direct", "fees": fees}]}}
    sheet: Any = openpyxl.load_workbook(BytesIO(write_sheet("fees", content))).worksheets[0]
    assert (sheet["E2"].value, sheet["E2"].data_type) == (fees[0]["what"], "s")
    assert sheet["E2"].quotePrefix


def test_the_content_folder_is_not_touched(tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in CONTENT.rglob("*.yml")}
    assert _read(_set("Mức thu (đồng)", 1_000, PASSPORT, "Trực tiếp")).records
    assert {path: path.stat().st_mtime_ns for path in CONTENT.rglob("*.yml")} == before
