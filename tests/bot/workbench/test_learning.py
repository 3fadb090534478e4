"""Unanswered questions become knowledge, as drafts that another approves."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from bot.hotline.accounts import add_staff
from bot.store import Conversation, Turn, UnresolvedQuestion
from bot.workbench.lessons import Teacher, teach_example, teach_name, teach_question, teach_topic
from bot.workbench.unanswered import Asked, SettledQuestion, grouped, settle, unanswered
from knowledge.catalogue_files import load_catalogue
from knowledge.content_files import CONTENT
from knowledge.database import now, reading, transaction
from knowledge.editing.drafts import approve
from knowledge.editing.exporting import export_folder
from knowledge.editing.loading import load_folder
from knowledge.editing.published import Published
from knowledge.editing.revisions import EditRefused
from knowledge.library import Library
from tests.bot.workbench.test_workbench import press
from tests.conftest import ROOT, wait_until

TODAY = date(2026, 11, 29)
ODD = "xin tờ giấy mở mắt cho cháu"


@pytest.fixture
def session(engine: Engine) -> Session:
    """A database with the content, and one conversation."""
    load_folder(engine, Published(engine), CONTENT, TODAY)
    with transaction(engine) as session:
        add_staff(session, "bien", "Biên tập", "content", "mot hai ba bon nam")
        session.add(Conversation(id="c", channel="web"))
        session.flush()
        yield session  # type: ignore[misc]


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
    _asked(session, "đã trả lời", "answered", 0.3)
    session.flush()
    found = {each.text: each.times for each in unanswered(session)}
    assert found["xin giấy lạ"] == 3 and found["câu đã ghi lại"] == 1
    assert len(found) == 3 and not any("0912345678" in text for text in found)


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
    assert refused.value.reason == "is_open"


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
    load_folder(engine, Published(engine), CONTENT, TODAY)
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
    row = teach_topic(session, by, "giay-la", "Giấy lạ", [ODD], "Câu trả lời.", ["2138/UBND-HCC1"])
    assert row.state == "draft" and row.data["rules"][0]["text"] == "Câu trả lời."
    with pytest.raises(EditRefused) as refused:
        teach_topic(session, by, "giay-la", "Giấy lạ", ["câu khác"])
    assert refused.value.reason == "there"


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
    expect(editor.get_by_text("Đã ghi nhận.")).to_be_visible()
    lawyer.goto("/desk/content/review")
    waiting = lawyer.locator(".q-card").filter(has_text="giấy mở mắt")
    expect(waiting).to_have_count(2)
    for box in waiting.get_by_label("Chọn để duyệt cùng nhau").all():
        box.click()
    press(lawyer, "Duyệt các bản đã chọn")
    expect(lawyer.get_by_text("Đã duyệt. Người dân sẽ thấy")).to_be_visible()
    expect(waiting).to_have_count(0)
    wait_until(lambda: _understood(content_url) == "1.001193", "the new name's answer", 20)
    with reading(database) as session:
        assert session.scalars(select(SettledQuestion.how)).all() == ["alias"]
