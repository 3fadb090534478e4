"""Forms: every field has words, faults are told in Vietnamese, differences are told field by field."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from datetime import date
from pathlib import Path

import pytest
from pydantic import BaseModel

from actions.wording import say
from bot.workbench.comparing import differences, told_place, told_value
from bot.workbench.fee_advice import advice_on, fee_advice
from bot.workbench.fields import FormField, empty, form_of, told_choice, told_kind, told_table
from bot.workbench.form_values import read, told_amount, told_as_understood, told_words, written
from bot.workbench.telling import told_fault
from knowledge.content_files import Fault
from knowledge.editing.records import FOLDERS, KINDS, MAPS, TABLES, shape_of
from knowledge.portal_columns import WAYS
from knowledge.records import Contact, Fee, Notice, Procedure, Tariff
from knowledge.sheets.columns import NOT_STATED_WORDS, Choice
from knowledge.sheets.tables import Contacts, Fees, Tariffs

SHAPES = [shape for _, shape in (*FOLDERS.values(), *MAPS.values())] + list(TABLES.values())
MONEY = FormField("amount", "Mức thu", "", "number", is_required=True, is_money=True)
WORDS = FormField("short_forms", "", "", "words")
FEE = ("channels", 0, "fees", 0, "amount")


def _all(fields: tuple[FormField, ...]) -> Iterator[FormField]:
    for field in fields:
        yield field
        yield from _all(field.fields)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_field_is_called_and_explained_in_vietnamese(shape: type[BaseModel]) -> None:
    for field in _all(form_of(shape)):
        assert field.label and field.explained, field


def test_every_kind_and_table_has_a_name() -> None:
    assert all(told_kind(kind) for kind in KINDS) and all(told_table(name) for name in TABLES)


def test_closed_lists_are_chosen_from_and_said_in_vietnamese() -> None:
    channels = next(field for field in form_of(Procedure) if field.name == "channels")
    channel = next(field for field in channels.fields if field.name == "channel")
    assert channel.kind == "choice" and channel.choices == ("direct", "online", "postal")
    assert channels.is_stated and channels.kind == "records"
    assert (
        told_place(Procedure, ("channels", "postal", "time_limit"))
        == "Cách nộp › Dịch vụ bưu chính › Thời hạn giải quyết"
    )
    tariffs = shape_of(("table", "tariffs"))
    assert told_place(tariffs, ("Lạng Sơn · within_district", "amount")) == (
        "Lạng Sơn · Trong huyện › Giá cước (đồng)"
    )


def test_a_new_record_has_what_is_required_and_nothing_else() -> None:
    data = empty(form_of(Procedure))
    assert data["aliases"] == [] and data["source"]["url"] == "" and "remarks" not in data


@pytest.mark.parametrize(
    ("typed", "data"),
    [
        ("mười nghìn", 10_000),
        ("10.000đ/bản", 10_000),
        ("0", 0),
        ("khoảng 10 nghìn", "khoảng 10 nghìn"),
        ("", ""),
    ],
)
def test_an_amount_is_read_as_officials_type_it(typed: str, data: object) -> None:
    assert read(MONEY, typed) == data


def test_an_amount_in_words_is_told_as_it_is_understood() -> None:
    assert told_as_understood("mười nghìn rưỡi") == "Mình hiểu là 10.500 đồng (mười nghìn năm trăm đồng)."
    assert told_as_understood("10500") == told_as_understood("liên hệ") == told_as_understood("") == ""


@pytest.mark.parametrize(
    ("typed", "beside", "told"),
    [
        ("mười nghìn", "mỗi trang", None),
        ("10.000đ/bản", "Mỗi bản", None),
        ("10.000đ/bản", "mỗi trang", "ghi «bản», nhưng ô ghi thu cho việc gì lại là «mỗi trang»"),
        ("", None, "Chưa ghi số tiền. Gõ số đồng"),
        ("liên hệ", None, "Không đọc được số tiền “liên hệ”"),
    ],
)
def test_what_is_wrong_with_an_amount_is_told(typed: str, beside: str | None, told: str | None) -> None:
    said = told_amount(MONEY, typed, beside)
    assert told in said if told and said else said is told


def test_lists_and_words_are_a_line_each() -> None:
    assert read(FormField("a", "", "", "texts"), " một \n\nhai") == ["một", "hai"]
    assert read(FormField("a", "", "", "wordlists"), "1: a; b\n2: c") == {"1": ["a", "b"], "2": ["c"]}
    assert read(WORDS, "gks: giấy khai sinh") == {"gks": "giấy khai sinh"}


@pytest.mark.parametrize(
    ("typed", "told"),
    [("gks: giấy khai sinh\n gks : giấy khác", "«gks» có ở hai dòng"), ("gks", "Dòng «gks» chưa đủ")],
)
def test_words_given_twice_or_without_meaning_are_told_and_none_is_lost(typed: str, told: str) -> None:
    assert told in str(told_words(WORDS, typed))
    assert read(WORDS, typed) == typed and written(WORDS, typed) == typed


def test_forms_and_sheets_call_one_thing_by_one_name() -> None:
    content = {("province", "x"): {"name": "X"}, ("table", "tariffs"): []}
    for shape, table in ((Fee, Fees(content)), (Contact, Contacts(content)), (Tariff, Tariffs(content))):
        fields = {field.name: field for field in form_of(shape)}
        for column in table.columns:
            field = fields.get(column.field)
            if column.key or field is None:
                continue
            assert column.title == field.label
            labels = column.kind.labels if isinstance(column.kind, Choice) else {}
            assert [label.casefold() for label in labels.values()] == [
                told_choice(each).casefold() for each in labels
            ]


def test_channels_and_silence_are_called_alike_in_sheets() -> None:
    assert {told_choice(code): code for code in WAYS.values()} == WAYS
    assert say("content.not_stated") == NOT_STATED_WORDS


def test_every_list_says_what_one_entry_of_it_is_called() -> None:
    lists = [field for shape in SHAPES for field in _all(form_of(shape)) if field.kind == "records"]
    assert lists and all(field.entry and field.entry == field.entry.lower() for field in lists)


def filed(channel: str, amount: object, what: str = "bản", **more: object) -> dict[str, object]:
    return {"channel": channel, "fees": [{"amount": amount, "what": what, **more}]}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"amount": 12_000}, "Các cách nộp còn ghi mức cũ 8.000 đ: Trực tuyến."),
        ({"amount": 8_000}, ""),
        ({"amount": 12_000, "what": "trang"}, "Các cách nộp còn ghi mức cũ 8.000 đ: Trực tuyến."),
    ],
)
def test_other_ways_of_filing_with_the_old_amount_are_told_of(changed: dict[str, object], told: str) -> None:
    held = {"channels": [filed("direct", 8_000), filed("online", 8_000), filed("postal", 8_000, "thư")]}
    data = deepcopy(held)
    fee = data["channels"][0]["fees"][0]  # type: ignore[index]
    fee.update({"basis": "12/2026/NQ-HĐND", **changed})
    said = fee_advice(held, data, fee)
    assert said.startswith(told) and bool(said) == bool(told)
    data["channels"][1]["fees"][0]["amount"] = fee["amount"]  # type: ignore[index]
    assert fee_advice(held, data, fee) == ""


def test_the_reviewer_gets_the_advice_on_every_fee() -> None:
    held = {"channels": [filed("direct", 8_000), filed("online", 8_000)]}
    data = {"channels": [filed("direct", 12_000), filed("online", 12_000)]}
    assert advice_on(held, data) == [say("content.fee_unfounded")]
    assert advice_on(None, data) == advice_on(held, held) == []


def test_moments_and_provinces_are_picked() -> None:
    kinds = {field.name: field.kind for field in form_of(Notice)}
    assert (kinds["starts"], kinds["ends"], kinds["province"]) == ("moment", "moment", "province")


def test_days_are_told_as_people_write_them() -> None:
    assert told_value("2026-07-01") == told_value(date(2026, 7, 1)) == "01/07/2026"
    assert told_value({"day": "2026-07-01", "name": "Nghỉ bù"}) == "01/07/2026 · Nghỉ bù"
    assert told_value("2026-07-01T08:00") == "2026-07-01T08:00"


def test_a_changed_amount_needs_the_text_that_changed_it() -> None:
    held = {"channels": [filed("direct", 8_000, basis="226/2016/TT-BTC")]}
    data = deepcopy(held)
    fee = data["channels"][0]["fees"][0]  # type: ignore[index]
    fee["amount"] = 12_000
    assert "vẫn ghi theo 226/2016/TT-BTC" in fee_advice(held, data, fee)
    del fee["basis"]
    assert "ô «Căn cứ» còn trống" in fee_advice(held, data, fee)
    fee["basis"] = "12/2026/NQ-HĐND"
    assert fee_advice(held, data, fee) == ""


@pytest.mark.parametrize(
    ("words", "is_told"),
    [
        ("Nộp 8.000 đồng khi nhận.", True),
        ("Lệ phí: 8000đ", True),
        ("8,000đ/bản", True),
        ("Nộp 18.000 đồng.", False),
        ("Nộp 8.000.000 đồng.", False),
        ("Số 8000/2019", False),
        ("Nộp 12.000 đồng.", False),
    ],
)
def test_the_old_amount_in_words_is_told_of(words: str, is_told: bool) -> None:
    held = {"conditions": words, "channels": [filed("direct", 8_000)], "source": {"note": "8.000 đồng"}}
    data = deepcopy(held)
    fee = data["channels"][0]["fees"][0]  # type: ignore[index]
    fee.update(amount=12_000, basis="12/2026/NQ-HĐND")
    said = fee_advice(held, data, fee)
    assert (f"Mức cũ 8.000 đ còn ghi trong lời văn: «…{words}…»" in said) == bool(said) == is_told


@pytest.mark.parametrize(
    ("file", "field", "message", "told"),
    [
        (
            "procedures/1.001193.yml",
            "summary",
            "is missing; write it, or 'not stated' where",
            "Thủ tục này để làm gì",
        ),
        (
            "procedures/1.001193.yml",
            "channels[0].fees[1]",
            "leaves 2027-01-01 to 2027-01-31 open after",
            "bỏ trống",
        ),
        (
            "procedures/1.001193.yml",
            "channels[0].fees[0].amount",
            "Input should be a valid integer (found 'x')",
            "Mức thu",
        ),
        (
            "topics/x.yml",
            "rules[0].sources",
            "names '9/NQ', which official_texts.yml does not list",
            "văn bản 9/NQ",
        ),
        (
            "tariffs.yml",
            "[3]",
            "begins on 2020-01-01, but the one before it holds without end; let one",
            "Cước",
        ),
        (
            "procedures/1.001193.yml",
            "channels[0].fees[0].basis",
            "names '9/TT', which neither legal_basis nor official_texts.yml lists",
            "«9/TT» không có trong «Căn cứ pháp lý»",
        ),
        (
            "official_texts.yml",
            "9/TT",
            "in_force_to 2026-01-01 lies before in_force_from 2026-02-01",
            "ngày hết hiệu lực 2026-01-01 trước ngày có hiệu lực 2026-02-01",
        ),
        (
            "status_names.yml",
            "file",
            "Input should be a valid dictionary (found '1: a')",
            "trùng hoặc thiếu dấu",
        ),
        (
            "procedures/1.001193.yml",
            "channels[0].fees[0].amount",
            "Input should be a valid integer, unable to parse string as an integer (found '')",
            "chưa ghi; gõ số đồng",
        ),
        (
            "procedures/1.001193.yml",
            "file",
            "short_name: is missing; the name is longer than 60 characters",
            "Tên ngắn",
        ),
    ],
)
def test_a_fault_is_told_with_its_record_and_field(file: str, field: str, message: str, told: str) -> None:
    said = told_fault(Fault(Path(file), 1, field, message), {})
    assert told in said and not any(word in said for word in ("is ", "the ", "should", "names ", "holds"))


def test_a_fault_calls_the_entries_of_lists_by_what_they_are() -> None:
    fees = [{"amount": 0}, {"amount": "x", "what": "Mỗi bản"}]
    records = {("procedure", "1.001193"): {"channels": [{"channel": "direct", "fees": fees}]}}
    where = "channels[0].fees[{}].amount"
    for number, called in ((0, "mục 1"), (1, "Mỗi bản")):
        said = told_fault(
            Fault(Path("procedures/1.001193.yml"), 1, where.format(number), "is missing"), records
        )
        assert said.startswith(
            f"Thủ tục 1.001193 – Cách nộp › Trực tiếp › Phí và lệ phí › {called} › Mức thu"
        )


def test_differences_are_told_field_by_field() -> None:
    before = {"channels": [{"channel": "direct", "time_limit": "3 ngày", "fees": [{"amount": 0}]}]}
    after = {"channels": [{"channel": "direct", "time_limit": "not stated", "fees": [{"amount": 8000}]}]}
    first, second = differences(Procedure, before, after)
    assert (first.where, first.before, first.after) == (
        "Cách nộp › Trực tiếp › Thời hạn giải quyết", "3 ngày", "nguồn không nêu",
    )  # fmt: skip
    assert second.where.endswith("Mức thu (đồng)") and (second.before, second.after) == (
        "miễn phí",
        "8.000 đ",
    )


def test_a_record_that_is_one_list_is_compared_by_its_lines() -> None:
    (added,) = differences(shape_of(("questions", "1.001193")), ["một"], ["một", "hai"])
    assert added.after == "hai"


NEW_TOPIC = {
    "id": "le-phi-moi", "intent": "ask_fee", "title": "Lệ phí mới", "aliases": ["phí mới", "giá mới"],
    "rules": [{"valid_from": "2027-01-01", "text": "Miễn lệ phí.", "sources": ["9/2026/NQ-HĐND"]}],
}  # fmt: skip


def test_every_field_of_a_new_record_is_shown_with_its_label() -> None:
    found = differences(shape_of(("topic", "le-phi-moi")), None, NEW_TOPIC)
    told = {each.where: each.after for each in found}
    assert told["Tên chủ đề"] == "Lệ phí mới" and told["Cách gọi của người dân"] == "- phí mới\n- giá mới"
    assert told["Nội dung theo thời gian"] == (
        "- Áp dụng từ ngày: 01/01/2027\n  Nội dung: Miễn lệ phí.\n  Văn bản làm căn cứ: 9/2026/NQ-HĐND"
    )
    assert {each.before for each in found} == {"chưa có hoặc ngừng dùng", "(trống)"}


def test_every_field_of_a_record_that_is_taken_away_is_shown() -> None:
    found = differences(shape_of(("topic", "le-phi-moi")), NEW_TOPIC, None)
    assert ("Tên chủ đề", "Lệ phí mới", "(trống)") in [
        (each.where, each.before, each.after) for each in found
    ]


def test_a_fee_is_named_by_what_it_is_and_told_with_its_labels() -> None:
    def with_fees(*fees: dict[str, object]) -> dict[str, object]:
        return {"channels": [{"channel": "direct", "fees": list(fees)}]}

    page, copy = {"amount": 2000, "what": "mỗi trang"}, {"amount": 1000, "what": "mỗi bản sao"}
    (dearer,) = differences(Procedure, with_fees(page, copy), with_fees(page, {**copy, "amount": 3000}))
    assert dearer.where == "Cách nộp › Trực tiếp › Phí và lệ phí › mỗi bản sao › Mức thu (đồng)"
    added = differences(Procedure, with_fees(page), with_fees(page, copy))
    assert any("Mức thu (đồng): 1.000 đ\n" in f"{each.after}\n" for each in added)


def test_what_lies_inside_a_new_entry_is_indented_below_its_label() -> None:
    channel = {"channel": "postal", "fees": [{"amount": 0, "what": "bản"}, {"amount": 9000, "what": "trang"}]}
    (added,) = differences(Procedure, {"channels": []}, {"channels": [channel]})
    assert added.after.splitlines() == [
        "Cách nộp: Dịch vụ bưu chính", "Phí và lệ phí:",
        "  - Mức thu (đồng): miễn phí", "    Thu cho: bản",
        "  - Mức thu (đồng): 9.000 đ", "    Thu cho: trang",
    ]  # fmt: skip
