"""Facts that follow each other neither overlap nor leave days open of which nobody said why."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from knowledge.records import Dated, Gap
from knowledge.validity import faults_of_validity
from tests.knowledge.test_content_files import _edit, _faults, content

__all__ = ["content"]  # the fixture


def _dated(first: str, last: str | None) -> Dated:
    return Dated(valid_from=date.fromisoformat(first), valid_to=date.fromisoformat(last) if last else None)


@pytest.mark.parametrize(
    ("facts", "fault"),
    [
        ([("2020-01-01", "2020-01-31"), ("2020-02-01", None)], None),
        ([("2020-02-01", None), ("2020-01-01", "2020-01-31")], None),
        ([("2020-01-01", "2020-02-01"), ("2020-02-01", None)], "begins on 2020-02-01, but the one before"),
        ([("2020-01-01", None), ("2020-02-01", None)], "holds without end"),
        ([("2020-01-01", "2020-01-30"), ("2020-02-01", None)], "leaves 2020-01-31 to 2020-01-31 open"),
    ],
)
def test_an_overlap_and_a_gap_are_told(facts: list[tuple[str, str | None]], fault: str | None) -> None:
    found = list(faults_of_validity([_dated(*fact) for fact in facts], lambda _: None))
    assert [fault in what for _, what in found] == ([True] if fault else [])


def test_facts_of_different_things_may_hold_together() -> None:
    both = [_dated("2020-01-01", None), _dated("2020-01-01", None)]
    assert list(faults_of_validity(both, id)) == []


def test_a_gap_that_is_told_is_no_fault() -> None:
    facts = [_dated("2020-01-01", "2020-01-31"), _dated("2020-03-01", None)]
    gap = Gap(valid_from=date(2020, 2, 1), valid_to=date(2020, 2, 29), why="chưa tìm được văn bản")
    assert list(faults_of_validity(facts, lambda _: None, [gap])) == []
    assert list(faults_of_validity(facts, lambda _: None)) != []


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("topics/vneid.yml", "valid_to: 2025-09-06", "valid_to: 2025-09-05", "rules[1]: leaves 2025-09-06"),
        (
            "topics/vneid.yml",
            "valid_to: 2025-09-06",
            "valid_to: 2025-09-07",
            "rules[1]: begins on 2025-09-07",
        ),
        ("provinces/toan-quoc.yml", "valid_to: 2025-06-30", "valid_to: 2025-07-02", "portals[1]: begins on"),
        ("tariffs.yml", "distance: between_districts", "distance: within_district", "[1]: begins on"),
    ],
)
def test_check_names_file_line_and_place(content: Path, file: str, old: str, new: str, told: str) -> None:
    _edit(content, old, new, file)
    (fault,) = _faults(content)
    assert fault.startswith(str(content / file)) and told in fault
