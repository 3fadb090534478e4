"""Importing what the national portal publishes: dated revisions, a report, and nothing lost or half done."""

from __future__ import annotations

import gzip
import json
import lzma
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from sqlalchemy import Engine, func, select

from knowledge.content_files import CONTENT, ContentError
from knowledge.database import transaction
from knowledge.editing.loading import load_folder, open_content
from knowledge.explaining import explain_procedure
from knowledge.library import Library, Shelf, open_library
from knowledge.portal_files import LONGEST, PortalFileError, is_list, read_portal_file
from knowledge.revisions import (
    ProcedureRevision,
    Report,
    facts_on,
    import_records,
    revisions_of,
    stamp,
)

JULY, AUGUST = date(2026, 7, 1), date(2026, 8, 1)
CHANNELS = (
    "Hình thức nộpThời gianPhí, lệ phíMô tả"
    "Trực tuyến3 Ngày làm việcMiễn phíTrực tiếp3 Ngày làm việc8,000 Đồng"
)
RESULT = "Giấy phép thả diềuMã: KQ.G01.000001Từ khóaKhông có thông tinMô tảKhông có thông tin"


def _row(code: str = "9.000001", name: str = "Thủ tục xin phép thả diều", **columns: str) -> dict[str, str]:
    return {"ma_thu_tuc": code, "ten_thu_tuc": name, "linh_vuc": "Trò chơi", "cap_thuc_hien": "Cấp xã",
            "doi_tuong_thuc_hien": "Công dân Việt Nam", "cach_thuc_thuc_hien": CHANNELS,
            "trinh_tu_thuc_hien": "Bước 1: Nộp đơn.\nBước 2: Nhận giấy.", "ket_qua_xu_ly": RESULT,
            "detail_url": "https://dichvucong.gov.vn/thu-tuc-hanh-chinh/x", **columns}  # fmt: skip


def _write(path: Path, *rows: object) -> Path:
    text = "".join(
        (row if isinstance(row, str) else json.dumps(row, ensure_ascii=False)) + "\n" for row in rows
    )
    opened = {".xz": lzma.open, ".gz": gzip.open}.get(path.suffix, open)
    with opened(path, "wt", encoding="utf-8") as file:
        file.write(text)
    return path


def _import(
    engine: Engine, path: Path, seen_on: date = JULY, *, complete: bool = False
) -> tuple[Report, list[str]]:
    faults: list[str] = []
    records = read_portal_file(path, faults.append)
    report = import_records(
        engine, records, str(path), seen_on, faults.append, complete=complete, listed=is_list(path)
    )
    return report, faults


def _count(engine: Engine) -> int:
    with transaction(engine) as session:
        return session.scalar(select(func.count()).select_from(ProcedureRevision)) or 0


@pytest.mark.parametrize("name", ["all.jsonl", "all.jsonl.gz", "all.jsonl.xz"])
def test_each_kind_of_file_is_read_and_a_second_time_changes_nothing(
    any_engine: Engine, tmp_path: Path, name: str
) -> None:
    path = _write(tmp_path / name, _row(), _row("9.000002", "Đăng ký thả cá"))
    assert _import(any_engine, path)[0].counts() == {"new": 2, "changed": 0, "unchanged": 0, "retired": 0}
    before = stamp(any_engine)
    assert _import(any_engine, path, AUGUST)[0].counts() == {
        "new": 0,
        "changed": 0,
        "unchanged": 2,
        "retired": 0,
    }
    assert stamp(any_engine) == before


def test_the_facts_are_read_from_the_flattened_columns(any_engine: Engine, tmp_path: Path) -> None:
    _import(any_engine, _write(tmp_path / "all.jsonl", _row()))
    found = facts_on(any_engine, "9.000001", None)
    assert found is not None
    assert (found.name, found.levels, found.results) == (
        "Xin phép thả diều", ("commune",), ("Giấy phép thả diều",)
    )  # fmt: skip
    online, direct = found.channel("online"), found.channel("direct")
    assert online and direct and online.fees and direct.fees
    assert (online.time_limit, online.fees[0].amount, direct.fees[0].amount) == ("3 Ngày làm việc", 0, 8000)
    assert found.legal_basis is None
    assert found.source.state_of == "2026-07"


def test_a_limit_without_a_unit_is_kept_and_marked_as_doubtful(any_engine: Engine, tmp_path: Path) -> None:
    row = _row(cach_thuc_thuc_hien=CHANNELS.replace("3 Ngày làm việc", "3", 1))
    report, _ = _import(any_engine, _write(tmp_path / "all.jsonl", row))
    assert any("không có đơn vị" in doubt for doubt in report.doubts["9.000001"])
    assert revisions_of(any_engine, "9.000001")[0].columns == row
    found = facts_on(any_engine, "9.000001", None)
    assert found
    online = found.channel("online")
    assert online and "không nói ngày hay giờ" in (online.time_limit or "")


def test_the_competent_agency_stands_in_where_no_executing_one_is_told(
    any_engine: Engine, tmp_path: Path
) -> None:
    row = _row(co_quan_thuc_hien="", co_quan_co_tham_quyen="UBND cấp xã")
    _import(any_engine, _write(tmp_path / "all.jsonl", row))
    found = facts_on(any_engine, "9.000001", None)
    assert found is not None
    assert found.agency == "UBND cấp xã"


def test_headings_that_only_sort_the_papers_make_one_case(any_engine: Engine, tmp_path: Path) -> None:
    head = "Tên giấy tờMẫu đơn, tờ khaiSố lượng"
    papers = (
        f"* Giấy tờ phải nộp:{head}- Đơn xin thả diều1 bản chính"
        f"* Giấy tờ phải xuất trình:{head}- Thẻ căn cước0 bản chính"
    )
    _import(any_engine, _write(tmp_path / "all.jsonl", _row(thanh_phan_ho_so=papers)))
    found = facts_on(any_engine, "9.000001", None)
    assert found is not None
    (case,) = found.cases
    assert [(paper.name, paper.action) for paper in case.documents or ()] == [
        ("Đơn xin thả diều", "submit"), ("Thẻ căn cước", "show")
    ]  # fmt: skip


def test_a_change_is_a_new_revision_and_the_old_one_keeps_its_days(
    any_engine: Engine, tmp_path: Path
) -> None:
    _import(any_engine, _write(tmp_path / "july.jsonl", _row()))
    changed = _row(ket_qua_xu_ly=RESULT.replace("Giấy phép", "Thẻ"))
    report, _ = _import(any_engine, _write(tmp_path / "august.jsonl", changed), AUGUST)
    assert report.changed == ["9.000001"]
    new, old = revisions_of(any_engine, "9.000001")
    assert (old.valid_from, old.ended_on, old.facts["results"]) == (
        JULY,
        date(2026, 7, 31),
        ["Giấy phép thả diều"],
    )
    assert (new.valid_from, new.ended_on, new.facts["results"]) == (AUGUST, None, ["Thẻ thả diều"])


def test_only_a_complete_file_retires_what_it_lacks(any_engine: Engine, tmp_path: Path) -> None:
    _import(any_engine, _write(tmp_path / "july.jsonl", _row(), _row("9.000002", "Đăng ký thả cá")))
    part = _write(tmp_path / "august.jsonl", _row())
    assert _import(any_engine, part, AUGUST)[0].retired == []
    assert _import(any_engine, part, AUGUST, complete=True)[0].retired == ["9.000002"]
    retired = facts_on(any_engine, "9.000002", None)
    assert retired and retired.valid_to == date(2026, 7, 31)
    assert revisions_of(any_engine, "9.000002")[0].ended_on == date(2026, 7, 31)


def test_a_list_adds_what_is_unknown_and_tells_other_names(any_engine: Engine, tmp_path: Path) -> None:
    _import(any_engine, _write(tmp_path / "july.jsonl", _row()))
    report, faults = _import(
        any_engine, _list(tmp_path, ["9.000001", "Cho phép thả diều"], ["9.000003", "Cấp thẻ câu"])
    )
    assert (report.new, report.unchanged, report.renamed, faults) == (
        ["9.000003"],
        ["9.000001"],
        ["9.000001"],
        [],
    )
    added = facts_on(any_engine, "9.000003", None)
    assert added and added.channels is None and added.agency == "Sở Trò chơi"


def _list(folder: Path, *rows: list[str]) -> Path:
    book = openpyxl.Workbook()
    for row in (["DANH SÁCH"], ["Mã số", "Tên", "Cơ quan ban hành", "Cơ quan thực hiện", "Lĩnh vực"]):
        book.active.append(row)  # type: ignore[union-attr]
    for row in rows:
        book.active.append([*row, "Bộ", "Sở Trò chơi", "Trò chơi"])  # type: ignore[union-attr]
    book.save(folder / "list.xlsx")
    return folder / "list.xlsx"


BROKEN = {
    "not JSON": ("{not json", "not one JSON object a line"),
    "no object": ([1, 2], "is not a JSON object"),
    "no code": ({"ten_thu_tuc": "Xin phép"}, "is no procedure code"),
    "no name": ({"ma_thu_tuc": "9.000009"}, "ten_thu_tuc: is missing"),
    "twice": (_row(), "9.000001 stands already at"),
    "NUL": (_row("9.000009", ket_qua_xu_ly="a\0b"), "NUL"),
    "too long": (_row("9.000009", ket_qua_xu_ly="a" * 5_000_000), f"at most {LONGEST:,}"),
    "no text": ({**_row("9.000009"), "ket_qua_xu_ly": 5}, "ket_qua_xu_ly: is int, not text"),
    "no address": (_row("9.000009", detail_url="javascript:x"), "source.url"),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_faulty_record_is_named_with_its_line_and_left_out(
    any_engine: Engine, tmp_path: Path, broken: str
) -> None:
    row, told = BROKEN[broken]
    path = _write(tmp_path / "all.jsonl", _row(), row, _row("9.000002", "Đăng ký thả cá"))
    report, faults = _import(any_engine, path)
    assert report.new == ["9.000001", "9.000002"]
    assert len(faults) == 1
    assert faults[0].startswith(f"{path}:2: ")
    assert told in faults[0]


def test_a_formula_in_a_list_is_named_and_left_out(any_engine: Engine, tmp_path: Path) -> None:
    report, faults = _import(
        any_engine, _list(tmp_path, ["9.000001", "=HYPERLINK(A1)"], ["9.000003", "Cấp thẻ câu"])
    )
    assert report.new == ["9.000003"]
    assert ":3: " in faults[0]
    assert "is a formula" in faults[0]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: path.with_name("none.jsonl"), "is not there"),
        (lambda path: _cut_short(path), "breaks off after line"),
        (lambda path: path.rename(path.with_suffix(".xlsx")), "is not an xlsx file"),
    ],
    ids=["missing", "truncated", "no xlsx"],
)
def test_a_file_that_cannot_be_read_to_its_end_leaves_the_database_as_it_was(
    any_engine: Engine, tmp_path: Path, make: Callable[[Path], Path], told: str
) -> None:
    rows = [
        _row(f"9.{number:06}", f"Thủ tục số {number}", ket_qua_xu_ly=str(number) * 99)
        for number in range(900)
    ]
    path = make(_write(tmp_path / "all.jsonl.xz", *rows))
    with pytest.raises(PortalFileError, match=told):
        _import(any_engine, path)
    assert _count(any_engine) == 0


def _cut_short(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:-200])
    return path


def test_what_was_imported_is_found_beside_what_is_written_by_hand(
    any_engine: Engine, tmp_path: Path, cache: Path
) -> None:
    _import(any_engine, _write(tmp_path / "all.jsonl", _row()))
    library = open_library(engine=any_engine, cache=cache)
    assert library.find_procedures("xin phep tha dieu o dau")[0].key == "9.000001"
    assert library.catalogue.procedures.origins("9.000001")["steps"] == "imported"
    again = open_library(engine=any_engine, cache=cache)
    assert again.find_procedures("xin phép thả diều") == library.find_procedures("xin phép thả diều")


def test_written_facts_win_and_imported_ones_fill_what_is_not_stated(
    any_engine: Engine, tmp_path: Path, library: Library, cache: Path
) -> None:
    row = _row("1.001193", "Thủ tục đăng ký khai sinh", yeu_cau_dieu_kien="- Cha mẹ có mặt.")
    _import(any_engine, _write(tmp_path / "all.jsonl", row))
    written = library.catalogue.procedures["1.001193"]
    merged = open_library(engine=any_engine, cache=cache).catalogue.procedures
    assert written.conditions is None
    assert merged["1.001193"].conditions == ("Cha mẹ có mặt.",)
    assert merged["1.001193"].results == written.results
    origins = merged.origins("1.001193")
    assert (origins["conditions"], origins["results"]) == ("imported", "written")


def test_a_change_reaches_a_running_assistant(any_engine: Engine, tmp_path: Path, cache: Path) -> None:
    shelf = Shelf(lambda _: open_library(engine=any_engine, cache=cache), lambda: stamp(any_engine))
    assert shelf.library().catalogue.procedures.get("9.000001") is None
    _import(any_engine, _write(tmp_path / "all.jsonl", _row()))
    shelf.look()
    assert shelf.library().catalogue.procedures["9.000001"].name == "Xin phép thả diều"


def _shelf(engine: Engine, folder: Path, cache: Path) -> tuple[Shelf, Callable[[], object]]:
    """Load a folder; give the shelf of what is published, and the way to load the folder again."""
    published = open_content(engine, folder, AUGUST)
    return (
        Shelf(
            lambda before: open_library(published.on(AUGUST), cache=cache, at_once=True, before=before),
            lambda: published.stamp(AUGUST),
        ),
        lambda: load_folder(engine, published, folder, AUGUST),
    )


def test_changed_files_are_taken_over_and_faulty_ones_are_not(
    engine: Engine, tmp_path: Path, cache: Path
) -> None:
    folder = tmp_path / "content"
    shutil.copytree(CONTENT, folder)
    shelf, load = _shelf(engine, folder, cache)
    file = folder / "procedures" / "1.001193.yml"
    whole = file.read_text(encoding="utf-8")
    file.write_text(whole.replace("Ghi việc sinh của trẻ", "Ghi tên của trẻ"), encoding="utf-8")
    load()
    shelf.look()
    assert shelf.library().catalogue.procedures["1.001193"].summary.startswith("Ghi tên")
    file.write_text("code: [", encoding="utf-8")
    with pytest.raises(ContentError):
        load()
    shelf.look()
    assert shelf.library().catalogue.procedures["1.001193"].summary.startswith("Ghi tên")
    file.write_text(whole.replace("Ghi việc sinh của trẻ", "Ghi việc sinh của bé"), encoding="utf-8")
    load()
    shelf.look()
    assert shelf.library().catalogue.procedures["1.001193"].summary.startswith("Ghi việc")


def test_changed_questions_are_learned_beside_the_answering(engine: Engine, tmp_path: Path) -> None:
    folder, cache = tmp_path / "content", tmp_path / "cache"
    shutil.copytree(CONTENT, folder)
    for file in (folder / "questions").iterdir():
        if file.stem not in ("1.001193", "1.000894", "1.004194"):
            file.unlink()
    shelf, load = _shelf(engine, folder, cache)
    asked = "bé nhà em chào đời rồi thì ra phường ghi danh"
    before = shelf.library().find_procedures(asked)
    file = folder / "questions" / "1.001193.yml"
    file.write_text(
        file.read_text(encoding="utf-8") + "- bé chào đời thì ra phường ghi danh\n", encoding="utf-8"
    )
    load()
    shelf.look()
    assert shelf.library().find_procedures(asked) == before  # still what was learned before
    shelf.wait()
    hits = shelf.library().find_procedures(asked)
    assert hits[0].key == "1.001193" and hits[0].score > before[0].score


def _import_july_and_august(engine: Engine, folder: Path) -> None:
    """Import a procedure, and in August its change: one step in place of two."""
    _import(engine, _write(folder / "july.jsonl", _row()))
    changed = _row(trinh_tu_thuc_hien="Bước 1: Gọi điện.")
    _import(engine, _write(folder / "august.jsonl", changed), AUGUST)


def test_an_older_day_is_answered_from_the_revision_that_held_then(
    any_engine: Engine, tmp_path: Path, cache: Path
) -> None:
    _import_july_and_august(any_engine, tmp_path)
    procedures = open_library(engine=any_engine, cache=cache).catalogue.procedures
    before, after = procedures.on("9.000001", date(2026, 7, 31)), procedures.on("9.000001", AUGUST)
    assert before and before.valid_to == date(2026, 7, 31) and before.steps and len(before.steps) == 2
    assert after and after.valid_to is None and after.steps and len(after.steps) == 1
    assert procedures.on("9.000001", date(2026, 6, 30)) is None
    assert procedures.on("9.999999", AUGUST) is None


def test_a_file_seen_before_what_is_imported_already_is_refused(any_engine: Engine, tmp_path: Path) -> None:
    _import(any_engine, _write(tmp_path / "august.jsonl", _row()), AUGUST)
    with pytest.raises(
        PortalFileError, match="was seen on 2026-07-01, but what the portal showed on 2026-08-01"
    ):
        _import(any_engine, _write(tmp_path / "july.jsonl", _row("9.000002", "Thả cá")))
    assert _count(any_engine) == 1


def test_facts_are_traced_to_the_revision_that_held_on_the_day(
    any_engine: Engine, tmp_path: Path, cache: Path
) -> None:
    _import_july_and_august(any_engine, tmp_path)
    library = open_library(engine=any_engine, cache=cache)
    new, old = revisions_of(any_engine, "9.000001")
    for day, revision in ((date(2026, 7, 31), old), (AUGUST, new)):
        lines = explain_procedure(library, any_engine, "9.000001", day)
        (steps,) = [line for line in lines if line.startswith("steps:")]
        assert f"imported, revision {revision.id}, from {revision.valid_from}" in steps
        assert ("Gọi điện" in steps) == (revision is new)
