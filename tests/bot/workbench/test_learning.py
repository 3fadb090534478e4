"""Unanswered questions become knowledge, as drafts that another approves."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from bot.hotline.accounts import add_staff
from bot.store import Conversation, Turn, UnresolvedQuestion
from bot.workbench.lessons import (
    Teacher,
    begin_again,
    count_apart,
    decided_corrections,
    lesson_of,
    teach_example,
    teach_name,
    teach_question,
    teach_topic,
    waiting_apart,
    with_corrections,
)
from bot.workbench.telling import told_refusal
from bot.workbench.unanswered import Asked, Groupings, SettledQuestion, grouped, settle, unanswered
from knowledge.catalogue_files import load_catalogue
from knowledge.content_files import CONTENT
from knowledge.database import now, reading, transaction
from knowledge.editing.drafts import approve, draft, drop, give_back, unschedule
from knowledge.editing.exporting import export_folder
from knowledge.editing.loading import load_folder
from knowledge.editing.published import Published
from knowledge.editing.revisions import ContentRevision, EditRefused, waiting
from knowledge.library import Library
from nlu.data_files import read_folder
from tests.bot.workbench.test_workbench import press
from tests.conftest import ROOT, opened_database, wait_until

TODAY = date(2026, 11, 29)
ODD = "xin tờ giấy mở mắt cho cháu"
HELD_OUT = next(each for each in read_folder(ROOT / "tests/held_out") if each.intent == "ask_fee").text


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with the content: loading takes longer than all else here."""
    folder = tmp_path_factory.mktemp("loaded")
    with opened_database("sqlite", folder) as engine:
        load_folder(engine, Published(engine), CONTENT, TODAY)
    return folder / "test.db"


@pytest.fixture
def engine(loaded: Path, tmp_path: Path) -> Iterator[Engine]:
    shutil.copy(loaded, tmp_path / "test.db")
    with opened_database("sqlite", tmp_path) as engine:
        yield engine


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A database with the content, and one conversation."""
    with transaction(engine) as session:
        add_staff(session, "bien", "Biên tập", "content", "mot hai ba bon nam")
        session.add(Conversation(id="c", channel="web"))
        session.flush()
        yield session


@pytest.fixture
def by(engine: Engine) -> Teacher:
    return Teacher(Published(engine), 1, TODAY)


def _asked(
    session: Session, text: str, status: str, confidence: float, choices: tuple[str, ...] = ()
) -> Turn:
    reply = {"messages": [{"text": "x", "choices": list(choices)}]}
    turn = Turn(conversation_id="c", text=text, status=status, confidence=confidence, reply=reply)
    session.add(turn)
    session.flush()
    return turn


def test_what_was_not_understood_is_gathered_once_a_wording_without_numbers(session: Session) -> None:
    for text in ("xin giấy lạ", "Xin giấy lạ?", "xin giay la"):
        _asked(session, text, "asked_back", 0.9)
    _asked(session, "gọi tôi 0912345678 về giấy lạ", "not_found", 0.4)
    turn = _asked(session, "câu đã ghi lại", "handed_over", 0.2)
    session.add(UnresolvedQuestion(conversation_id="c", turn_id=turn.id, text="câu đã ghi lại", reason="x"))
    _asked(session, "hỏi rõ, có lựa chọn", "asked_back", 0.9, ("Lệ phí",))
    _asked(session, "trả lời mà chưa chắc", "answered", 0.5)
    _asked(session, "đã trả lời", "answered", 0.8)
    session.flush()
    found = {each.text: each.times for each in unanswered(session)}
    assert found["xin giấy lạ"] == 3 and found["câu đã ghi lại"] == 1
    assert len(found) == 4 and not any("0912345678" in text for text in found)
    assert found["trả lời mà chưa chắc"] == 1


def test_whoever_asks_is_not_named(session: Session) -> None:
    _asked(session, "cháu là Nguyễn Văn An, xin giấy lạ", "not_found", 0.4)
    assert [each.text for each in unanswered(session)] == ["cháu là [đã ẩn], xin giấy lạ"]


def test_what_became_of_a_question_is_kept_and_it_is_not_shown_again(session: Session) -> None:
    _asked(session, "xin giấy lạ", "asked_back", 0.9)
    with pytest.raises(EditRefused):
        settle(session, ["xin giấy lạ"], "dismissed", " ", 1)
    settle(session, ["xin giấy lạ"], "dismissed", "không phải thủ tục", 1)
    _asked(session, "XIN GIẤY LẠ", "asked_back", 0.9)
    assert unanswered(session) == []
    assert session.scalars(select(SettledQuestion.why)).all() == ["không phải thủ tục"]


def test_groups_are_told_by_size_and_the_newest_first(library: Library) -> None:
    at = now()
    texts = ["làm giấy khai sinh cho con", "lam giay khai sinh cho con minh", "đổi bằng lái xe hết hạn"]
    groups = grouped([Asked(text, 2, at) for text in texts], library.search_words)
    assert [each.times for each in groups] == [4, 2]
    assert {each.text for each in groups[0].asked} == set(texts[:2])
    assert grouped([], library.search_words) == []


def test_questions_are_grouped_anew_only_when_others_were_asked(library: Library) -> None:
    at, groupings = now(), Groupings()
    asked = [
        Asked(text, 1, at) for text in ("làm giấy khai sinh", "làm khai sinh cho con", "đổi bằng lái xe")
    ]
    first = groupings.groups(asked, library.search_words)
    began = monotonic()
    fewer = groupings.groups([replace(asked[0], times=5), asked[2]], library.search_words)
    assert monotonic() - began < 0.1  # a process takes a second to start
    assert [(each.label, each.times) for each in fewer] == [(asked[0].text, 5), (asked[2].text, 1)]
    more = groupings.groups([*asked, Asked("thuế đất nông nghiệp", 9, at)], library.search_words)
    assert more[0].times == 9 and len(more) == len(first) + 1


def test_a_grouping_that_is_killed_is_told(library: Library) -> None:
    asked = [Asked("làm giấy khai sinh", 1, now())]
    told: list[BaseException] = []

    def group() -> None:
        try:
            Groupings().groups(asked, library.search_words)
        except BrokenProcessPool as error:
            told.append(error)

    thread = Thread(target=group)
    thread.start()
    wait_until(lambda: bool(_grouping(os.getpid())), "the grouping's start")
    os.kill(_grouping(os.getpid())[0], signal.SIGKILL)
    thread.join(30)
    assert told


def _grouping(parent: int) -> list[int]:
    """Find the processes that group questions for another."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (entry / "cmdline").read_bytes()
            is_its = int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == parent
            if is_its and b"spawn_main" in words:
                found.append(int(entry.name))
    return found


def test_a_name_is_drafted_with_the_case_that_proves_it(session: Session, by: Teacher) -> None:
    rows = teach_name(session, by, "1.001193", [ODD])
    assert [(row.kind, row.state) for row in rows] == [
        ("procedure", "in_review"),
        ("correction", "in_review"),
    ]
    assert rows[0].data["aliases"][-1] == ODD
    assert rows[1].data == {"question": ODD, "procedure": "1.001193"}
    with pytest.raises(EditRefused) as refused:
        teach_name(session, by, "1.001193", ["tên khác nữa"])
    assert refused.value.reason == "in_review"


def test_a_lesson_joins_an_open_draft_and_is_handed_in_with_it(session: Session, by: Teacher) -> None:
    begun, _ = teach_name(session, by, "1.001193", [ODD])
    give_back(session, begun.id, 2, "chưa rõ nghĩa")
    rows = teach_name(session, by, "1.001193", ["tên khác nữa"])
    assert [(row.kind, row.state) for row in rows] == [("procedure", "draft"), ("correction", "draft")]
    assert rows[0].id == begun.id and rows[0].data["aliases"][-2:] == [ODD, "tên khác nữa"]


def test_a_lesson_and_its_corrections_go_together(session: Session, by: Teacher) -> None:
    row, correction = teach_name(session, by, "1.001193", [ODD])
    assert with_corrections(session, [row.id]) == [row.id, correction.id]
    assert with_corrections(session, [correction.id, row.id]) == [correction.id, row.id]
    *aliases, _ = row.data["aliases"]
    row.data = {**row.data, "aliases": [*aliases, "tên gọn hơn"]}  # worded otherwise in the form
    assert with_corrections(session, [row.id]) == [row.id, correction.id]
    correction.data = {**correction.data, "procedure": "1.000894"}  # no longer what the name says
    assert with_corrections(session, [row.id]) == [row.id]


def test_a_scheduled_lesson_is_taken_back_with_its_correction(session: Session, by: Teacher) -> None:
    rows = teach_name(session, by, "1.001193", [ODD])
    for row in rows:
        row.publish_on = TODAY + timedelta(days=9)
    approve(session, by.published, {row.id: row.version for row in rows}, 2, TODAY)
    lesson, correction = rows
    assert decided_corrections(session, lesson.id) == [correction.id]
    for number in (lesson.id, correction.id):
        unschedule(session, by.published, number, 3, TODAY)
    assert {row.state for row in rows} == {"dropped"}


def test_a_correction_takes_the_lesson_with_it_that_it_was_drafted_for(session: Session, by: Teacher) -> None:
    lesson, correction = teach_name(session, by, "1.001193", [ODD])
    other, alone = teach_example(session, by, "ask_fee", ["câu mẫu lạ hoắc tù tì"])
    assert lesson_of(session, correction.id) == lesson_of(session, lesson.id) == lesson.id
    assert lesson_of(session, alone.id) == other.id
    drop(session, other.id)
    assert lesson_of(session, alone.id) == alone.id


def test_what_is_no_lesson_goes_alone(session: Session, by: Teacher) -> None:
    table = draft(session, ("table", "notices"), 1, TODAY, [])
    assert lesson_of(session, table.id) == table.id
    lesson, correction = teach_name(session, by, "1.001193", [ODD])
    assert waiting_apart(session) == {lesson.id: [correction.id]} and count_apart(session) == 1


def test_a_dropped_lesson_comes_again_with_its_correction(session: Session, by: Teacher) -> None:
    dropped = teach_name(session, by, "1.001193", [ODD])
    for row in dropped:
        drop(session, row.id)
    again = begin_again(session, dropped[0].id, 2, TODAY)
    assert [(row.record, row.data) for row in again] == [(row.record, row.data) for row in dropped]
    assert with_corrections(session, [again[0].id]) == [row.id for row in again]
    drop(session, again[0].id)  # its correction stays open
    assert [row.kind for row in begin_again(session, again[0].id, 2, TODAY)] == ["procedure"]


@pytest.mark.parametrize("ends", ["dropped", "given back"])
def test_a_question_comes_back_when_its_lesson_does_not_go_on(
    session: Session, by: Teacher, ends: str
) -> None:
    _asked(session, ODD, "not_found", 0.2)
    row, _ = teach_name(session, by, "1.001193", [ODD])
    session.flush()
    assert unanswered(session) == []
    for number in with_corrections(session, [row.id]):
        drop(session, number) if ends == "dropped" else give_back(session, number, 2, "chưa rõ")
    session.flush()
    assert [each.text for each in unanswered(session)] == [ODD]


def test_a_question_stays_away_once_its_lesson_is_approved(session: Session, by: Teacher) -> None:
    _asked(session, ODD, "not_found", 0.2)
    seen = {row.id: row.version for row in teach_name(session, by, "1.001193", [ODD])}
    approve(session, by.published, seen, 2, TODAY)
    session.flush()
    assert unanswered(session) == []


@pytest.mark.parametrize("written", [HELD_OUT, "không [có ngoặc"])
def test_what_may_not_be_learnt_from_is_refused_where_it_is_taught(
    session: Session, by: Teacher, written: str
) -> None:
    with pytest.raises(EditRefused) as refused:
        teach_example(session, by, "ask_fee", ["câu mẫu lạ hoắc tù tì", written])
    assert refused.value.reason == "faulty"
    (fault,) = refused.value.facts["faults"]
    assert fault.path.as_posix() == "examples/ask_fee.yml"
    told = told_refusal(refused.value)
    assert "ask_fee – mục 2 – " in told and not re.search("held-out|entity", told)


def test_what_is_known_already_is_not_added_twice(session: Session, by: Teacher) -> None:
    row, *_ = teach_question(session, by, "1.001193", "Đăng ký khai sinh", ["lam giay khai sinh", ODD])
    before = load_catalogue(CONTENT).questions["1.001193"]
    assert len(row.data) <= len(before) + 2 and row.data[-1] == ODD


def test_an_imported_procedure_has_no_record_to_add_a_name_to(session: Session, by: Teacher) -> None:
    with pytest.raises(EditRefused) as refused:
        teach_name(session, by, "9.999999", [ODD])
    assert refused.value.reason == "no_own_record"
    with pytest.raises(EditRefused) as refused:
        teach_name(session, by, "1.001193", [])
    assert refused.value.reason == "no_texts"


def test_an_example_is_published_for_the_next_training(engine: Engine, by: Teacher, tmp_path: Path) -> None:
    with transaction(engine) as session:
        add_staff(session, "bien", "Biên tập", "content", "mot hai ba bon nam")
        seen = {row.id: row.version for row in teach_example(session, by, "ask_fee", [ODD])}
    with transaction(engine) as session:
        approve(session, by.published, seen, 2, TODAY)
    export_folder(by.published.on(TODAY), tmp_path / "content")
    assert ODD in (tmp_path / "content/examples/ask_fee.yml").read_text(encoding="utf-8")
    (correction,) = load_catalogue(tmp_path / "content").corrections.values()
    assert (correction.question, correction.intent) == (ODD, "ask_fee")
    checked = subprocess.run(
        [sys.executable, "-m", "nlu", "check", "--content", str(tmp_path / "content")],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr


def test_a_topic_is_begun_and_not_handed_in(session: Session, by: Teacher) -> None:
    row, correction = teach_topic(
        session, by, "giay-la", "Giấy lạ", [ODD], "Câu trả lời.", ["2138/UBND-HCC1"]
    )
    assert row.state == "draft" and row.data["rules"][0]["text"] == "Câu trả lời."
    assert (correction.state, correction.data) == ("draft", {"question": ODD, "topic": "giay-la"})
    assert with_corrections(session, [row.id]) == [row.id, correction.id] and waiting(session) == []
    with pytest.raises(EditRefused) as refused:
        teach_topic(session, by, "giay-la", "Giấy lạ", ["câu khác"])
    assert refused.value.reason == "there"


def test_what_is_out_of_use_may_be_taught_anew(session: Session, by: Teacher) -> None:
    rows = teach_topic(session, by, "giay-la", "Giấy lạ", [ODD])
    for row in rows:
        row.state, row.open_for, row.data, row.publish_on = "approved", None, None, TODAY
    session.flush()
    again = teach_topic(session, by, "giay-la", "Giấy lạ", [ODD])
    assert [row.data["id"] if row.kind == "topic" else row.data["topic"] for row in again] == ["giay-la"] * 2


def _say(url: str, text: str) -> dict[str, Any]:
    found = requests.post(f"{url}/api/v1/messages", json={"conversation_id": None, "text": text}, timeout=60)
    return dict(found.json())


def _understood(url: str) -> str | None:
    """Ask again in other words; give the procedure that is answered with."""
    given = _say(url, "em muốn xin tờ giấy mở mắt cho cháu")["understanding"]["procedure"]
    return given["code"] if given else None


def test_a_group_becomes_a_name_and_the_next_question_is_answered(
    editor: Page, lawyer: Page, content_url: str, database: Engine
) -> None:
    for text in ("cho hỏi thủ tục xin tờ giấy mở mắt cho cháu", "thu tuc xin to giay mo mat cho chau"):
        assert _say(content_url, text)["status"] == "asked_back"
    editor.goto("/desk/content/learn")
    group = editor.get_by_role("button", name="giấy mở mắt")
    expect(group).to_be_visible(timeout=60_000)
    group.press("Enter")
    press(editor, "Thêm làm cách gọi")
    dialog = editor.get_by_role("dialog")
    box = dialog.get_by_label("Của thủ tục nào")
    box.fill("1.001193")
    editor.get_by_role("option", name="1.001193").click()
    dialog.get_by_role("button", name="Đồng ý").click()
    expect(editor.get_by_text("Đã gửi duyệt. Người khác duyệt")).to_be_visible()
    lawyer.goto("/desk/content/review")
    waiting = lawyer.locator(".q-card").filter(has_text="giấy mở mắt")
    expect(waiting).to_have_count(1)
    expect(waiting.get_by_text("Duyệt cùng: từ nay «")).to_be_visible()
    waiting.get_by_role("button", name="Duyệt", exact=True).click()
    expect(lawyer.get_by_text("Đã duyệt. Người dân sẽ thấy")).to_be_visible()
    expect(waiting).to_have_count(0)
    wait_until(lambda: _understood(content_url) == "1.001193", "the new name's answer", 20)
    with reading(database) as session:
        assert session.scalars(select(SettledQuestion.how)).all() == ["alias"]
        approved = select(ContentRevision.kind).where(ContentRevision.reviewer == 2)
        assert sorted(session.scalars(approved)) == ["correction", "procedure"]
