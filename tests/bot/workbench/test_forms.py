"""Forms: every field has words, faults are told in Vietnamese, differences are told field by field."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from bot.workbench.comparing import differences, told_place
from bot.workbench.fields import FormField, empty, form_of, told_kind, told_table
from bot.workbench.form_view import _read
from bot.workbench.telling import told_fault
from knowledge.content_files import Fault
from knowledge.editing.records import FOLDERS, KINDS, MAPS, TABLES, shape_of
from knowledge.records import Procedure

SHAPES = [shape for _, shape in (*FOLDERS.values(), *MAPS.values())] + list(TABLES.values())
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


def test_a_new_record_has_what_is_required_and_nothing_else() -> None:
    data = empty(form_of(Procedure))
    assert data["aliases"] == [] and data["source"]["url"] == "" and "remarks" not in data


@pytest.mark.parametrize(
    ("typed", "read"),
    [("mười nghìn", 10_000), ("10.000đ/bản", 10_000), ("0", 0), ("khoảng 10 nghìn", "khoảng 10 nghìn")],
)
def test_an_amount_is_read_as_officials_type_it(typed: str, read: object) -> None:
    field = FormField("amount", "Số tiền", "", "number", is_required=True, is_money=True)
    assert _read(field, typed) == read


def test_lists_and_words_are_a_line_each() -> None:
    assert _read(FormField("a", "", "", "texts"), " một \n\nhai") == ["một", "hai"]
    assert _read(FormField("a", "", "", "wordlists"), "1: a; b\n2: c") == {"1": ["a", "b"], "2": ["c"]}
    assert _read(FormField("a", "", "", "words"), "gks: giấy khai sinh") == {"gks": "giấy khai sinh"}


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
            "file",
            "short_name: is missing; the name is longer than 60 characters",
            "Tên ngắn",
        ),
    ],
)
def test_a_fault_is_told_with_its_record_and_field(file: str, field: str, message: str, told: str) -> None:
    said = told_fault(Fault(Path(file), 1, field, message))
    assert told in said and not any(word in said for word in ("is ", "the ", "should", "names ", "holds"))


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
