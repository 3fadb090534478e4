"""Real records of the portal, read by eye and written down as facts: the parser says the same."""

from __future__ import annotations

import json
import lzma
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest
import yaml

from knowledge import portal_columns as columns
from tests.conftest import PORTAL_RECORDS

GOLDEN = yaml.safe_load(Path(__file__).with_name("golden_parses.yml").read_text(encoding="utf-8"))


def _channels(text: str) -> list[list[Any]]:
    return [
        [channel.channel, _limit(channel.time_limit), [fee.amount for fee in channel.fees or ()]]
        for channel in columns.parse_channels(text).value
    ]


def _limit(told: str | None) -> str | None:
    return None if told is None or told.startswith("Cổng ") else told


READ = {
    "channels": ("cach_thuc_thuc_hien", _channels),
    "papers": (
        "thanh_phan_ho_so",
        lambda text: [len(case.documents or ()) for case in columns.parse_documents(text).value],
    ),
    "legal_basis": (
        "can_cu_phap_ly",
        lambda text: [basis.number for basis in columns.parse_legal_basis(text).value],
    ),
    "results": (
        "ket_qua_xu_ly",
        lambda text: [normalize("NFC", name) for name in columns.parse_results(text).value],
    ),
    "steps": ("trinh_tu_thuc_hien", lambda text: len(columns.parse_lines(text).value)),
}


@pytest.fixture(scope="module")
def records() -> dict[str, dict[str, str]]:
    with lzma.open(PORTAL_RECORDS, "rt", encoding="utf-8") as lines:
        return {record["ma_thu_tuc"]: record for record in map(json.loads, lines)}


def test_the_records_are_sixty_and_each_says_why() -> None:
    assert len({record["code"] for record in GOLDEN}) >= 60
    assert all(record["why"] for record in GOLDEN)


if PORTAL_RECORDS.exists():  # elsewhere the report's head says that they are not there

    @pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: golden["code"])
    def test_a_real_record_is_read_as_by_eye(
        golden: dict[str, Any], records: dict[str, dict[str, str]]
    ) -> None:
        told = {field: golden[field] for field in READ if field in golden}
        read = {field: READ[field][1](records[golden["code"]][READ[field][0]]) for field in told}
        differs = {field for field in told if read[field] != told[field]}
        known = {golden["parser_differs"].split(",")[0]} if "parser_differs" in golden else set()
        assert differs == known, {field: (told[field], read[field]) for field in differs ^ known}
