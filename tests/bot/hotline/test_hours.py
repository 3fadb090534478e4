"""The hotline's hours, by the calendar of working days."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bot.hotline.hours import OpeningHours, read_hours
from knowledge.dossiers import HERE
from knowledge.library import Library


@pytest.fixture(scope="module")
def hours(library: Library) -> OpeningHours:
    return OpeningHours(read_hours("07:30-11:30,13:30-17:00"), library.catalogue.working_days("vinh-phuc"))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=HERE)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-11-26T07:29", False),
        ("2026-11-26T07:30", True),
        ("2026-11-26T11:30", False),
        ("2026-11-26T16:59", True),
        ("2026-11-29T09:00", False),  # a Sunday
        ("2026-09-02T09:00", False),  # National Day
        ("2020-01-27T09:00", False),  # Tết 2020
    ],
)
def test_it_is_open_in_the_hours_of_working_days(hours: OpeningHours, moment: str, is_open: bool) -> None:
    assert hours.is_open(at(moment)) is is_open


def test_the_next_opening_skips_weekends_and_holidays(hours: OpeningHours) -> None:
    assert hours.next_opening(at("2026-11-27T18:00")) == at("2026-11-30T07:30")
    assert hours.next_opening(at("2026-11-27T12:00")) == at("2026-11-27T13:30")
    assert hours.next_opening(at("2020-01-22T18:00")) == at("2020-01-30T07:30")


def test_no_opening_is_told_of_days_that_are_not_known(hours: OpeningHours) -> None:
    assert hours.next_opening(at("2027-06-01T18:00")) is None
    assert hours.after(at("2027-06-01T08:00"), timedelta(hours=1)) is None


def test_a_deadline_counts_open_time_only(hours: OpeningHours) -> None:
    assert hours.after(at("2026-11-27T16:30"), timedelta(hours=2)) == at("2026-11-30T09:00")
    assert hours.after(at("2026-11-26T11:00"), timedelta(hours=1)) == at("2026-11-26T14:00")


@pytest.mark.parametrize(
    "text", ["", "7:30-11:30", "11:30-07:30", "07:30-11:30,11:00-12:00", "07:30", "24:00-25:00"]
)
def test_hours_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_hours(text)


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        ("2026-11-26 07:00", "17:00"),
        ("2026-11-26 12:00", "17:00"),
        ("2026-11-26 17:00", None),
        ("2026-11-28 09:00", None),
    ],
)
def test_the_end_of_a_day_is_that_of_its_last_span(moment: str, end: str | None, hours: OpeningHours) -> None:
    found = hours.end_of_day(at(moment))
    assert (f"{found:%H:%M}" if found else None) == end
