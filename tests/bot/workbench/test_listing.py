"""The list: words without accents, and what needs attention."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from bot.turn import Assistant
from bot.workbench.alphabet import in_alphabet
from bot.workbench.listing import Listing, Mark, Row, Wanted
from bot.workbench.preview import preview
from knowledge.content_files import CONTENT
from knowledge.database import reading, transaction
from knowledge.editing.drafts import approve, begin_anew, draft, save, submit, take_away
from knowledge.editing.loading import load_folder
from knowledge.editing.published import Published
from knowledge.editing.records import Key
from knowledge.editing.revisions import revisions_of_record
from tests.knowledge.test_national_import import _import, _row, _write

TODAY = date(2026, 11, 29)
BIRTH: Key = ("procedure", "1.001193")


@pytest.fixture
def published(any_engine: Engine) -> Published:
    published = Published(any_engine)
    load_folder(any_engine, published, CONTENT, TODAY)
    return published


@pytest.fixture
def listing(any_engine: Engine, published: Published) -> Listing:
    return Listing(any_engine, published)


def _keys(listing: Listing, **wanted: str) -> list[Key]:
    return [row.key for row in listing.find(Wanted(**wanted), TODAY).rows]  # type: ignore[arg-type]


def test_records_are_found_by_words_code_field_and_source(listing: Listing) -> None:
    assert _keys(listing, words="KHAI SINH", kind="procedure", field="Hộ tịch")[0][0] == "procedure"
    assert BIRTH in _keys(listing, words="1.001193")
    assert ("official_text", "2138/UBND-HCC1") in _keys(listing, words="2138")
    assert ("province", "vinh-phuc") in _keys(listing, source="2138/UBND-HCC1")
    assert _keys(listing, words="khong co gi nhu vay") == []


def test_what_needs_attention_is_told_apart(any_engine: Engine, listing: Listing, tmp_path: Path) -> None:
    def marked(mark: Mark) -> list[Key]:
        return [row.key for row in listing.find(Wanted(mark=mark, words="1.001193"), TODAY).rows]

    assert marked("unverified") and not marked("expiring") and not marked("open")
    published = Published(any_engine)
    with transaction(any_engine) as session:
        row = draft(session, BIRTH, 1, TODAY)
        save(session, row.id, row.version, row.data, {**row.data, "valid_to": "2026-12-20"}, 1)
    assert BIRTH in marked("open")
    with transaction(any_engine) as session:
        (row,) = submit(session, published, [row.id], 1, "hết hiệu lực cuối năm", None, TODAY)
        approve(session, published, {row.id: row.version}, 2, TODAY)
    assert BIRTH in marked("expiring") and BIRTH not in marked("unverified")
    assert {row.key: row.state for row in listing.find(Wanted(words="1.001193"), TODAY).rows}[
        BIRTH
    ] == "published"
    doubtful = _row(trinh_tu_thuc_hien="")
    _import(any_engine, _write(tmp_path / "all.jsonl", doubtful))
    found = listing.find(Wanted(words="xin phep tha dieu"), TODAY).rows
    assert [(each.key[1], each.state) for each in found] == [("9.000001", "imported")]


def test_a_new_record_that_waits_for_its_day_is_listed_with_that_day(
    any_engine: Engine, listing: Listing
) -> None:
    key: Key = ("official_text", "99/2026/NQ-HĐND")
    comes = TODAY + timedelta(days=10)
    assert _rows(listing, "99/2026") == []
    with transaction(any_engine) as session:
        text = {"title": "Nghị quyết về phí", "issued_on": "2026-11-20"}
        row = draft(session, key, 1, TODAY, text)
        submit(session, Published(any_engine), [row.id], 1, "thêm nghị quyết về phí", comes, TODAY)
    assert [row.state for row in _rows(listing, "99/2026")] == ["in_review"]
    with transaction(any_engine) as session:
        approve(session, Published(any_engine), {row.id: row.version}, 2, TODAY)
    assert [(row.key, row.title, row.state, row.begins) for row in _rows(listing, "99/2026")] == [
        (key, "Nghị quyết về phí", "coming", comes)
    ]
    assert key in [row.key for row in listing.find(Wanted(mark="open"), TODAY).rows]
    assert _rows(listing, "99/2026", comes)[0].state == "published"


def test_what_is_out_of_use_is_listed_and_found_again(any_engine: Engine, listing: Listing) -> None:
    def retired() -> list[tuple[Key, str]]:
        return [(row.key, row.title) for row in listing.find(Wanted(mark="retired"), TODAY).rows]

    key: Key = ("topic", "mot-phan")
    title = next(row.title for row in listing.find(Wanted(kind="topic"), TODAY).rows if row.key == key)
    assert retired() == []
    _decide(any_engine, take_away, key)
    assert retired() == [(key, title)]
    assert [row.state for row in _rows(listing, title) if row.key == key] == ["retired"]
    assert key not in [row.key for row in listing.find(Wanted(mark="unverified"), TODAY).rows]
    with reading(any_engine) as session:
        last = next(row.id for row in revisions_of_record(session, key) if row.data)
    _decide(any_engine, lambda session, _key, me, day: begin_anew(session, last, me, day), key)
    assert retired() == [] and [row.state for row in _rows(listing, title) if row.key == key] == ["published"]


def _decide(engine: Engine, begin: Any, key: Key) -> None:
    """Draft a change by one, approved by another."""
    with transaction(engine) as session:
        row = begin(session, key, 1, TODAY)
        submit(session, Published(engine), [row.id], 1, "đổi theo quyết định mới", None, TODAY)
        approve(session, Published(engine), {row.id: row.version}, 2, TODAY)


def _rows(listing: Listing, words: str, day: date = TODAY) -> list[Row]:
    return listing.find(Wanted(words=words), day).rows


def test_records_stand_in_alphabetical_order_within_their_kind(any_engine: Engine, listing: Listing) -> None:
    with transaction(any_engine) as session:  # also one that nobody has published yet
        draft(session, ("procedure", "9.000009"), 1, TODAY, {"code": "9.000009", "name": "Đăng ký ô"})
    found = listing.find(Wanted(kind="procedure"), TODAY).rows
    titles = [row.title for row in found]
    assert "Đăng ký ô" in titles and titles == sorted(titles, key=in_alphabet) != sorted(titles)
    assert (fields := listing.fields(TODAY)) == sorted(fields, key=in_alphabet)


def test_what_comes_later_is_seen_on_its_day_before_it_is_published(
    assistant: Assistant, any_engine: Engine, published: Published
) -> None:
    data = published.on(TODAY).open("procedures/1.001193.yml").data
    changed = {**data, "where": "Trung tâm mới"}

    def told(day: date, instead: object) -> str:
        shown = preview(assistant, published, BIRTH, {BIRTH: instead} if instead else {}, day, TODAY)
        return "\n".join(given.text for _, given in shown.answers)

    assert "Trung tâm mới" not in told(TODAY, None) and "Trung tâm mới" in told(TODAY, changed)
    assert "Trung tâm mới" not in told(date(2020, 4, 1), changed)  # nothing was known of it then


def test_a_faulty_draft_tells_its_faults_in_place_of_answers(
    assistant: Assistant, published: Published
) -> None:
    data = published.on(TODAY).open("procedures/1.001193.yml").data
    shown = preview(assistant, published, BIRTH, {BIRTH: {**data, "aliases": []}}, TODAY, TODAY)
    assert shown.answers == () and [fault.field for fault in shown.faults] == ["aliases"]


def test_an_urgent_notice_is_previewed_on_its_day(assistant: Assistant, published: Published) -> None:
    notice = {
        "id": "bao", "text": "Nghỉ vì bão.", "starts": "2026-12-01T15:00", "ends": "2026-12-01T20:00",
        "province": "lai-chau",
    }  # fmt: skip
    key: Key = ("table", "notices")

    def told(day: date) -> list[str]:
        shown = preview(assistant, published, key, {key: [notice]}, day, TODAY)
        return [given.blocks[0] for _, given in shown.answers]

    assert "Nghỉ vì bão." in told(date(2026, 12, 1))[0]
    assert told(date(2026, 12, 1) + timedelta(days=1)) == []


def test_a_pack_is_previewed_as_its_own_province(assistant: Assistant, published: Published) -> None:
    shown = preview(assistant, published, ("province", "tra-vinh"), {}, TODAY, TODAY)
    assert "Vĩnh Long" in "".join(given.text for _, given in shown.answers)


def test_a_table_nobody_filled_in_is_listed_and_an_odd_date_harms_nothing(
    any_engine: Engine, listing: Listing
) -> None:
    key: Key = ("table", "notices")
    assert [(row.key, row.state) for row in listing.find(Wanted(words="thong bao khan"), TODAY).rows] == [
        (key, "missing")
    ]
    with transaction(any_engine) as session:
        draft(session, key, 1, TODAY, [{"id": "bao", "text": "x", "starts": "", "ends": "20261-12-01"}])
    assert next(row.state for row in listing.find(Wanted(words="thong bao khan"), TODAY).rows) == "draft"


def test_a_preview_leaves_what_citizens_are_answered_with_alone(
    assistant: Assistant, published: Published
) -> None:
    before = assistant.library.find_topics(None, "vinh-phuc", "khai báo y tế")
    topic = {
        "id": "chua-dang", "intent": "ask_covid_rule", "title": "Khai báo y tế mới",
        "aliases": ["khai báo y tế", "tờ khai y tế mới", "khai y tế"],
        "rules": [{"valid_from": "2026-11-01", "text": "x", "sources": ["2138/UBND-HCC1"]}],
    }  # fmt: skip
    key: Key = ("topic", "chua-dang")
    assert preview(assistant, published, key, {key: topic}, TODAY, TODAY).answers
    assert assistant.library.find_topics(None, "vinh-phuc", "khai báo y tế") == before
