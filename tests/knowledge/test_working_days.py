"""Working days and deadlines, against a table counted by hand; and what the content check refuses of them."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from knowledge.catalogue_files import load_catalogue
from knowledge.content_files import CONTENT, ContentError
from knowledge.dossiers import HERE, Dossier, Supplement, deadline
from knowledge.library import Library
from knowledge.working_days import ExceptionalDay, UndecidedSwap, WorkingCalendar, WorkingDays

CASES: list[dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("working_days.yml").read_text(encoding="utf-8")
)
INPUTS = {"received", "appointed", "today", "status", "asked_for_papers", "finished"}
FRIDAY, SATURDAY, MONDAY = date(2026, 6, 5), date(2026, 6, 6), date(2026, 6, 8)
CALENDAR = "working_days.yml"


@pytest.fixture
def calendar(library: Library) -> WorkingDays:
    """The real calendar of Vĩnh Phúc."""
    return library.catalogue.working_days("vinh-phuc")


def _moment(day: date | None, at: time = time(16, 30)) -> datetime | None:
    return datetime.combine(day, at, HERE) if day else None


def _dossier(case: dict[str, Any]) -> Dossier:
    asked = _moment(case.get("asked_for_papers"), time(10, 0))
    return Dossier(
        code="H62.12-200317-0001",
        procedure="Đăng ký khai sinh",
        status=case["status"],
        received=_moment(case["received"], time(8, 0)),
        appointed=_moment(case.get("appointed")),
        finished=_moment(case.get("finished"), time(9, 0)),
        supplements=(Supplement(text="Bản sao giấy chứng sinh", requested_at=asked),) if asked else (),
    )


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_dossier_stands_against_its_day_as_counted_by_hand(
    case: dict[str, Any], calendar: WorkingDays
) -> None:
    judged = deadline(_dossier(case), case["today"], calendar)
    if case["standing"] is None:
        assert judged is None
        return
    assert judged is not None
    assert (judged.standing, judged.days) == (case["standing"], case["days"])
    assert judged.appointed == case["appointed"]


def test_every_case_of_the_table_has_a_name_of_its_own_and_known_fields() -> None:
    assert len({case["name"] for case in CASES}) == len(CASES) >= 25
    for case in CASES:
        assert set(case) <= INPUTS | {"name", "standing", "days"}, case["name"]
        assert {"received", "today", "status", "standing", "days"} <= set(case), case["name"]
        assert case["received"] <= case["today"], case["name"]


def test_a_day_is_taken_in_vietnamese_time(calendar: WorkingDays) -> None:
    """18:00 in UTC is already the next day here, whatever zone a source writes."""
    late_evening = datetime(2026, 6, 9, 18, 0, tzinfo=UTC)
    dossier = _dossier({"received": FRIDAY, "status": 4}).model_copy(update={"appointed": late_evening})
    judged = deadline(dossier, date(2026, 6, 10), calendar)
    assert judged is not None
    assert (judged.standing, judged.appointed) == ("due_today", date(2026, 6, 10))


def test_of_several_requests_for_papers_the_last_one_counts(calendar: WorkingDays) -> None:
    case = {"received": date(2026, 6, 1), "appointed": date(2026, 6, 10), "status": 5}
    requests = tuple(
        Supplement(text="Giấy tờ", requested_at=_moment(day)) for day in (FRIDAY, date(2026, 6, 9), None)
    )
    dossier = _dossier(case).model_copy(update={"supplements": requests})
    judged = deadline(dossier, date(2026, 6, 22), calendar)
    assert judged is not None
    assert (judged.standing, judged.days) == ("paused", 1)


@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2020-01-22", True),
        ("2020-01-23", False),
        ("2020-01-29", False),
        ("2020-01-30", True),
        ("2020-04-02", False),
        ("2020-04-30", False),
        ("2020-05-01", False),
        ("2026-01-01", False),
        ("2026-01-02", False),
        ("2026-01-05", True),
        ("2026-01-10", True),
        ("2026-01-17", False),
        ("2026-02-16", False),
        ("2026-02-20", False),
        ("2026-02-23", True),
        ("2026-04-27", False),
        ("2026-08-22", True),
        ("2026-08-23", False),
        ("2026-08-29", False),
        ("2026-08-31", False),
        ("2026-09-01", False),
        ("2026-09-02", False),
        ("2026-09-03", True),
        ("2026-11-23", None),
        ("2026-11-24", False),
        ("2026-11-28", None),
        ("2026-12-31", True),
        ("2027-01-04", None),
    ],
)
def test_a_day_is_worked_or_off_or_not_known(calendar: WorkingDays, day: str, works: bool | None) -> None:
    assert calendar.is_working(date.fromisoformat(day)) is works


def test_a_count_is_the_sum_of_its_days(calendar: WorkingDays) -> None:
    """Whatever is counted at once must come to the same as day by day, the whole of 2020."""
    first, last = date(2020, 1, 1), date(2020, 12, 31)
    days = [first + timedelta(number) for number in range((last - first).days + 1)]
    worked = [day for day in days if calendar.is_working(day)]
    assert calendar.count(first - timedelta(1), last) == len(worked)
    assert calendar.count(date(2020, 1, 20), date(2020, 1, 20)) == 0


def _own_calendar(*exceptions: ExceptionalDay, province: str | None) -> WorkingDays:
    return WorkingDays(WorkingCalendar(known_to=date(2026, 12, 31), exceptions=exceptions), province)


def _exception(day: date, works: bool, province: str | None = None) -> ExceptionalDay:
    return ExceptionalDay(
        day=day, works=works, why="Quyết định của tỉnh", source="1/QĐ-UBND", province=province
    )


def test_an_exceptional_saturday_of_one_province_counts_there_and_nowhere_else() -> None:
    saturday = _exception(SATURDAY, True, "lai-chau")
    in_lai_chau = _own_calendar(saturday, province="lai-chau")
    elsewhere = _own_calendar(saturday, province="vinh-phuc")
    assert (in_lai_chau.is_working(SATURDAY), elsewhere.is_working(SATURDAY)) == (True, False)
    assert (in_lai_chau.count(FRIDAY, MONDAY), elsewhere.count(FRIDAY, MONDAY)) == (2, 1)
    assert _own_calendar(saturday, province=None).count(FRIDAY, MONDAY) == 1


def test_a_dossier_of_that_province_has_the_saturday_too() -> None:
    dossier = _dossier({"received": date(2026, 6, 1), "appointed": FRIDAY, "status": 4})
    saturday = _exception(SATURDAY, True, "lai-chau")
    told = [
        deadline(dossier, MONDAY, _own_calendar(saturday, province=each))
        for each in ("lai-chau", "vinh-phuc")
    ]
    assert [each.days for each in told if each] == [2, 1]


@pytest.mark.parametrize("is_national_first", [True, False])
def test_what_a_province_decides_goes_before_what_holds_for_all(is_national_first: bool) -> None:
    listed = [_exception(SATURDAY, False), _exception(SATURDAY, True, "lai-chau")]
    calendar = _own_calendar(*listed[:: 1 if is_national_first else -1], province="lai-chau")
    assert calendar.is_working(SATURDAY) is True


def test_a_swap_is_not_known_only_where_a_count_holds_one_of_its_days() -> None:
    swap = UndecidedSwap(day=MONDAY, instead=date(2026, 6, 13), why="Đề xuất")
    calendar = WorkingDays(WorkingCalendar(known_to=date(2026, 12, 31), undecided=(swap,)))
    assert calendar.count(FRIDAY, MONDAY) is None
    assert calendar.count(MONDAY, date(2026, 6, 12)) == 4
    assert calendar.count(date(2026, 6, 12), date(2026, 6, 15)) is None
    assert calendar.count(FRIDAY, date(2026, 6, 15)) == 6


def test_without_a_calendar_no_count_is_told() -> None:
    nothing_known = WorkingDays(WorkingCalendar())
    assert nothing_known.is_working(MONDAY) is None
    assert nothing_known.count(FRIDAY, MONDAY) is None


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """A copy of what the calendar and the status names rest on, to spoil."""
    for name in ("official_texts.yml", CALENDAR, "status_names.yml"):
        shutil.copy(CONTENT / name, tmp_path)
    for name in ("provinces", "topics"):
        shutil.copytree(CONTENT / name, tmp_path / name)
    return tmp_path


def _faults(content: Path) -> list[str]:
    with pytest.raises(ContentError) as refused:
        load_catalogue(content)
    return [str(fault) for fault in refused.value.faults]


def _append(path: Path, text: str) -> int:
    """Add to a file; give the number of the line on which the addition begins."""
    before = path.read_text(encoding="utf-8").rstrip("\n") + "\n"
    path.write_text(before + text, encoding="utf-8")
    return before.count("\n") + 1


def _row(day: str, source: str = "12729/VPCP-KGVX", province: str = "") -> str:
    row = f"  - day: {day}\n    works: true\n    why: Làm bù\n    source: {source}\n"
    return row + (f"    province: {province}\n" if province else "")


def test_the_spoiled_copy_is_sound_before_it_is_spoiled(content: Path) -> None:
    _append(content / CALENDAR, _row("2026-06-06") + _row("2026-06-06", province="vinh-phuc"))
    assert load_catalogue(content).working_days("vinh-phuc").is_working(SATURDAY) is True


@pytest.mark.parametrize("province", ["", "vinh-phuc"])
def test_a_day_that_stands_twice_is_refused(content: Path, province: str) -> None:
    row = _row("2026-06-06", province=province)
    second = _append(content / CALENDAR, row + row) + row.count("\n")
    (fault,) = _faults(content)
    assert fault.startswith(f"{content / CALENDAR}:{second}: ")
    assert "2026-06-06 stands twice" in fault


def test_a_source_that_is_not_listed_is_refused(content: Path) -> None:
    line = _append(content / CALENDAR, _row("2026-06-06", source="99/QĐ-UBND"))
    (fault,) = _faults(content)
    assert fault.startswith(f"{content / CALENDAR}:{line}: ")
    assert "names '99/QĐ-UBND', which official_texts.yml does not list" in fault


def test_a_province_without_a_pack_is_refused(content: Path) -> None:
    _append(content / CALENDAR, _row("2026-06-06", province="atlantis"))
    (fault,) = _faults(content)
    assert "names provinces/atlantis.yml, which is not there" in fault


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("works: false", "works: perhaps", "exceptions[0].works: "),
        ("day: 2026-01-02", "day: 2026-02-30", "exceptions[0].day: "),
        ("known_to: 2026-12-31", "known_till: 2026-12-31", "known_till: is not a field"),
    ],
)
def test_a_faulty_calendar_is_named_with_its_line(content: Path, old: str, new: str, told: str) -> None:
    path = content / CALENDAR
    before = path.read_text(encoding="utf-8")
    assert old in before
    path.write_text(before.replace(old, new, 1), encoding="utf-8")
    line = before[: before.index(old)].count("\n") + 1
    (fault,) = _faults(content)
    assert fault.startswith(f"{path}:{line}: ") and told in fault


@pytest.mark.parametrize("name", ["Đã trả kết quả", "đã trả  KẾT QUẢ", "Da tra ket qua"])
def test_a_status_name_under_two_numbers_is_refused(content: Path, name: str) -> None:
    path = content / "status_names.yml"
    before = path.read_text(encoding="utf-8")
    path.write_text(before.replace("  - Đang xử lý\n", f"  - {name}\n  - Đang xử lý\n", 1), encoding="utf-8")
    (fault,) = _faults(content)
    assert fault.startswith(f"{path}:") and "'Đã trả kết quả' stands under two statuses" in fault


@pytest.mark.parametrize("number", [0, 11])
def test_a_status_that_is_none_of_the_ten_is_refused(content: Path, number: int) -> None:
    _append(content / "status_names.yml", f"{number}: [Chờ lãnh đạo duyệt]\n")
    assert any("status_names.yml" in fault for fault in _faults(content))


def test_every_name_of_a_status_is_known_by_its_folded_words(library: Library) -> None:
    names = library.catalogue.status_names
    assert (names["da tra ket qua"], names["cho bo sung"], names["moi dang ky"]) == (10, 5, 1)
    assert set(names.values()) == set(range(1, 11))
