"""Urgent notices stand before every answer, in their hours and province only."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from actions.answer import Answer
from actions.notices import with_notices
from actions.request import Known
from knowledge.library import Library
from knowledge.records import Notice
from tests.conftest import TODAY

STORM = Notice(
    id="bao", text="Bão số 9: bộ phận một cửa nghỉ chiều nay.", province="vinh-phuc",
    starts=datetime(2026, 11, 22, 12), ends=datetime(2026, 11, 22, 18), sources=("2138/UBND-HCC1",),
)  # fmt: skip
GIVEN = Answer("answered", ("Lệ phí: miễn phí.",))


def _told(library: Library, moment: datetime, province: str = "vinh-phuc", given: Answer = GIVEN) -> Answer:
    catalogue = replace(library.catalogue, notices=(STORM,))
    known = Known(library.with_records(catalogue), catalogue.province(province), TODAY)
    return with_notices(known, moment, given)


def test_a_notice_is_said_first_with_its_source(library: Library) -> None:
    told = _told(library, datetime(2026, 11, 22, 12))
    assert "Bão số 9" in told.blocks[0] and told.blocks[1:] == GIVEN.blocks
    assert told.sources[0].number == "2138/UBND-HCC1"


@pytest.mark.parametrize(
    ("moment", "province"),
    [
        (datetime(2026, 11, 22, 11, 59), "vinh-phuc"),
        (datetime(2026, 11, 22, 18), "vinh-phuc"),
        (datetime(2026, 11, 22, 13), "lai-chau"),
    ],
)
def test_before_after_and_elsewhere_nothing_is_said(
    library: Library, moment: datetime, province: str
) -> None:
    assert _told(library, moment, province) == GIVEN


def test_where_the_machine_keeps_silent_a_notice_does_too(library: Library) -> None:
    silent = Answer("handed_over", ())
    assert _told(library, datetime(2026, 11, 22, 13), given=silent) == silent
