"""What is typed in a form is never lost: while a saving runs, on reload, beside a colleague's changes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unicodedata import normalize

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from bot.hotline.staff import Staff
from knowledge.database import reading, transaction
from knowledge.editing.drafts import save
from knowledge.editing.revisions import open_revision
from tests.bot.workbench.test_workbench import begin, press
from tests.conftest import wait_until

SUMMARY, WHERE, AGENCY = "Thủ tục này để làm gì", "Nộp ở đâu", "Cơ quan giải quyết"


def kept(database: Engine, code: str) -> dict[str, Any]:
    """Give the data of a procedure's open draft."""
    with reading(database) as session:
        row = open_revision(session, ("procedure", code))
        assert row
        return dict(row.data)


@contextmanager
def writing(database: Engine) -> Iterator[Session]:
    """Hold the database, so that every saving of the program waits until the end."""
    with transaction(database) as session:
        session.connection()
        yield session


def as_colleague(session: Session, code: str, **changed: str) -> None:
    """Save a draft as the lawyer, without looking at what the editor types."""
    row = open_revision(session, ("procedure", code))
    lawyer = session.scalar(select(Staff.id).where(Staff.login == "luat"))
    assert row and lawyer
    save(session, row.id, row.version, row.data, {**row.data, **changed}, lawyer)


def test_letters_typed_decomposed_are_not_taken_for_a_colleagues_change(
    editor: Page, database: Engine
) -> None:
    begin(editor, "1.001193")
    said = "Ghi nhận việc sinh của trẻ."
    editor.get_by_label(SUMMARY).fill(normalize("NFD", said) + " ")
    press(editor, "Lưu")
    expect(editor.get_by_text("Đã lưu.", exact=True)).to_be_visible()
    expect(editor.get_by_text("Đồng nghiệp vừa sửa")).to_have_count(0)
    assert kept(database, "1.001193")["summary"] == said


def test_what_is_typed_while_a_saving_runs_stays_beside_a_colleagues_change(
    editor: Page, database: Engine
) -> None:
    code = "1.001766"
    begin(editor, code)
    with writing(database) as session:
        editor.get_by_label(WHERE).fill("Ở xã, gõ trước khi lưu")
        press(editor, "Lưu")
        editor.get_by_label(AGENCY).fill("UBND xã, gõ trong lúc lưu")
        as_colleague(session, code, summary="Của đồng nghiệp.")
    editor.get_by_label(AGENCY).blur()
    expect(editor.get_by_text("Mình đã gộp cả hai")).to_be_visible()
    expect(editor.get_by_label(AGENCY)).to_have_value("UBND xã, gõ trong lúc lưu")
    expect(editor.get_by_label(SUMMARY)).to_have_value("Của đồng nghiệp.")
    wait_until(lambda: kept(database, code)["agency"] == "UBND xã, gõ trong lúc lưu", "the next saving", 20)
    row = kept(database, code)
    assert (row["where"], row["summary"]) == ("Ở xã, gõ trước khi lưu", "Của đồng nghiệp.")


def test_the_same_field_typed_on_while_a_colleague_changed_it_is_asked_about(
    editor: Page, database: Engine
) -> None:
    code = "1.004837"
    begin(editor, code)
    with writing(database) as session:
        editor.get_by_label(WHERE).fill("Ở xã")
        press(editor, "Lưu")
        editor.get_by_label(AGENCY).fill("UBND xã, của biên tập")
        as_colleague(session, code, agency="UBND xã, của luật sư")
    editor.get_by_label(AGENCY).blur()
    dialog = editor.get_by_role("dialog")
    expect(dialog.get_by_text("Của đồng nghiệp: UBND xã, của luật sư")).to_be_visible()
    dialog.get_by_role("button", name="Giữ như đã chọn").click()
    wait_until(
        lambda: kept(database, code)["agency"] == "UBND xã, của biên tập", "the chosen text's saving", 20
    )
    assert kept(database, code)["where"] == "Ở xã"


def test_nothing_is_drawn_anew_under_the_hands_of_who_types(editor: Page, database: Engine) -> None:
    code = "1.004746"
    begin(editor, code)
    with writing(database) as session:
        as_colleague(session, code, agency="UBND xã, của luật sư", summary="Của đồng nghiệp.")
    editor.get_by_label(WHERE).fill("Ở xã, của biên tập")
    box = editor.get_by_label(AGENCY)
    box.focus()
    wait_until(lambda: kept(database, code)["where"] == "Ở xã, của biên tập", "saving on leaving", 20)
    box.press_sequentially(" gõ tiếp", delay=50)
    expect(box).to_be_focused()
    expect(box).to_have_value(re.compile("gõ tiếp$"))
    press(editor, "Lưu")
    dialog = editor.get_by_role("dialog")
    expect(dialog.get_by_text("Của đồng nghiệp: UBND xã, của luật sư")).to_be_visible()
    dialog.get_by_role("button", name="Giữ như đã chọn").click()
    wait_until(lambda: kept(database, code)["agency"].endswith("gõ tiếp"), "the chosen text's saving", 20)
    expect(editor.get_by_label(SUMMARY)).to_have_value("Của đồng nghiệp.")


def test_save_pressed_during_a_saving_is_no_quarrel_with_oneself(editor: Page, database: Engine) -> None:
    code = "1.000894"
    begin(editor, code)
    with writing(database):
        editor.get_by_label(WHERE).fill("Một")
        press(editor, "Lưu")
        editor.get_by_label(WHERE).fill("Hai")
        press(editor, "Lưu")
        editor.get_by_label(WHERE).fill("Ba")
        press(editor, "Lưu")
    wait_until(lambda: kept(database, code)["where"] == "Ba", "the newest text's saving", 20)
    expect(editor.get_by_text("Đã lưu.", exact=True).first).to_be_visible()
    expect(editor.get_by_role("dialog")).to_have_count(0)
    expect(editor.get_by_text("Đồng nghiệp vừa sửa")).to_have_count(0)


def test_leaving_a_field_saves_it(editor: Page, database: Engine) -> None:
    code = "1.004884"
    begin(editor, code)
    for said in ("Một", "Hai", "Ba"):  # each sooner than the next saving by the clock
        editor.get_by_label(WHERE).fill(said)
        editor.get_by_label(WHERE).blur()
        wait_until(lambda said=said: kept(database, code)["where"] == said, "saving on leaving", 1.5)


@pytest.mark.parametrize("number", range(3))
def test_a_reload_right_after_typing_loses_nothing(editor: Page, database: Engine, number: int) -> None:
    code, said = "2.000635", f"Gõ rồi tải lại ngay {number}"
    begin(editor, code) if number == 0 else None
    box = editor.get_by_label(WHERE)
    box.focus()
    box.fill(said)
    editor.reload()
    expect(editor.get_by_label(WHERE)).to_have_value(said)
    assert kept(database, code)["where"] == said


def test_a_closed_window_loses_nothing(signed_in: Any, database: Engine) -> None:
    code, page = "2.000806", signed_in("bien")
    begin(page, code)
    page.get_by_label(WHERE).fill("Gõ rồi đóng")
    page.close()
    wait_until(lambda: kept(database, code)["where"] == "Gõ rồi đóng", "saving what a closed window had", 20)


def test_a_lost_connection_is_told_in_vietnamese(editor: Page) -> None:
    editor.goto("/content")
    expect(editor.locator("#popup")).to_have_text("Mất kết nối. Đang kết nối lại…")
