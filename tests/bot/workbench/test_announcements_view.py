"""A notice's page tells to how many it goes, gives its SMS and its script, and keeps its report fresh."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import requests
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, update

from bot.announcements import A_WHILE, Announcement
from bot.outbox import OutboxMessage
from bot.store import Conversation
from knowledge.database import now, reading, transaction
from knowledge.dossiers import HERE
from knowledge.editing.drafts import draft
from knowledge.editing.revisions import holding_of
from tests.bot.workbench.test_workbench import approve, begin, hand_in, press
from tests.conftest import wait_until


def _figure(page: Page, name: str, count: str) -> None:
    expect(
        page.get_by_role("status").get_by_text(re.compile(f"^{name}$")).locator("xpath=..")
    ).to_contain_text(count)


def test_an_urgent_notice_is_written_approved_and_said_and_withdrawn(
    editor: Page, lawyer: Page, content_url: str, database: Engine
) -> None:
    today = datetime.now(HERE).date()
    begin(editor, "notices", "table")
    press(editor, "Thêm mục")
    editor.get_by_label("Mã", exact=True).fill("bao-so-10")
    editor.get_by_label("Thông báo", exact=True).fill("Một cửa nghỉ vì bão số 10.")
    editor.get_by_label("Bắt đầu").fill(f"{today}T00:00")
    editor.get_by_label("Kết thúc").fill(f"{today + timedelta(days=1)}T23:59")
    editor.get_by_label("Tỉnh").fill("Vĩnh Phúc")
    editor.get_by_role("option", name="Vĩnh Phúc").click()
    editor.get_by_label("Gửi cho ai").fill("khai sinh")
    expect(editor.get_by_role("option", name="Người đã hỏi: Đăng ký khai sinh", exact=True)).to_be_visible()
    editor.get_by_label("Gửi cho ai").fill("mọi")
    editor.get_by_role("option", name="Mọi người", exact=True).click()
    hand_in(editor, "Nghỉ vì bão số 10 theo công điện.")
    expect(editor.get_by_text("đã gửi duyệt")).to_be_visible()
    approve(lawyer, "Thông báo khẩn")
    with reading(database) as session:
        held = holding_of(session, ("table", "notices"), today)
    assert held and held.data[-1]["audience"] == "all"
    words = "Một cửa nghỉ vì bão số 10."
    wait_until(lambda: words in _said(content_url), "the notice above an answer", 20)
    begin(lawyer, "notices", "table")
    press(lawyer, "Bỏ bản nháp")
    lawyer.get_by_role("dialog").get_by_role("button", name="Bỏ").click()
    expect(lawyer.get_by_role("button", name="Sửa", exact=True)).to_be_visible()
    begin(editor, "notices", "table")
    editor.get_by_role("button", name="Mở rộng").last.click()
    press(editor, "Xoá mục này")
    hand_in(editor, "Bão đã tan, một cửa mở lại.")
    expect(editor.get_by_text("đã gửi duyệt")).to_be_visible()
    approve(lawyer, "Thông báo khẩn")
    wait_until(lambda: words not in _said(content_url), "the end of the notice", 20)


def _said(url: str) -> str:
    body = {"conversation_id": None, "text": "cảm ơn"}
    found = requests.post(f"{url}/api/v1/messages", json=body, timeout=60)
    return " ".join(str(each["text"]) for each in found.json()["messages"])


def test_a_notice_shows_where_it_goes_and_what_became_of_it(editor: Page, database: Engine) -> None:
    today = datetime.now(HERE).date()
    notice = {
        "id": "bao", "title": "Bão số 9", "text": "Một cửa nghỉ lúc 13h.", "audience": "all",
        "starts": f"{today + timedelta(days=1)}T07:00", "ends": f"{today + timedelta(days=1)}T17:00",
    }  # fmt: skip
    with transaction(database) as session:
        draft(session, ("table", "notices"), 1, today, [notice])
    editor.goto("/desk/content/record?kind=table&key=notices")
    editor.get_by_role("tab", name="Gửi đi").click()
    expect(editor.get_by_text("Bao so 9. Mot cua nghi luc 13h.")).to_be_visible()
    expect(editor.get_by_text("Bão số chín. Một cửa nghỉ lúc mười ba giờ.").first).to_be_visible()
    expect(editor.get_by_role("button", name="Chép: Tin SMS")).to_be_visible()
    expect(editor.get_by_text(re.compile("gửi tới 0 người"))).to_be_visible()
    with transaction(database) as session:
        at = now()
        person = Conversation(channel="telegram", address="1")
        closed = at - A_WHILE  # the served program leaves it alone
        queued = Announcement(id="bao", queued_at=at, ends_at=at, closed_at=closed, count=1, left_out=2)
        session.add_all([person, queued])
        session.flush()
        session.add(
            OutboxMessage(
                key="announcement:bao:1", channel="telegram", address="1", conversation_id=person.id,
                message={}, state="waiting", announcement="bao",
            )
        )  # fmt: skip
    _figure(editor, "Đang chờ", "1")
    _figure(editor, "Không nhận", "2")
    with transaction(database) as session:
        session.execute(update(OutboxMessage).values(state="blocked"))
    _figure(editor, "Đang chờ", "0")
    _figure(editor, "Đã chặn bot", "1")
