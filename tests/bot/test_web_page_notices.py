"""The banner of the web page: what holds now, closed for good by whoever has read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from bot.turn import Assistant
from bot.web_channel import build_app
from knowledge.library import Library
from knowledge.records import Notice
from tests.conftest import TODAY, serve_app

ALL_DAY = {"starts": datetime(2026, 11, 22), "ends": datetime(2026, 11, 23)}
NOTICES = (
    Notice(id="bao", title="Nghỉ vì bão", text="Một cửa **nghỉ** hôm nay.", link="https://x.gov.vn/bao",
           **ALL_DAY),
    Notice(id="gio", text="Đổi giờ <b>làm việc</b>.", urgent=False, province="vinh-phuc", **ALL_DAY),
    Notice(id="noi-khac", text="Ở tỉnh khác.", province="lai-chau", **ALL_DAY),
    Notice(id="het", text="Đã hết.", starts=datetime(2026, 11, 1), ends=datetime(2026, 11, 2)),
)  # fmt: skip


@pytest.fixture
def url(assistant: Assistant, library: Library) -> Iterator[str]:
    known = library.with_records(replace(library.catalogue, notices=NOTICES))
    assert assistant.today() == TODAY
    with serve_app(build_app(replace(assistant, shelf=lambda: known))) as served:
        yield served


def _shown(page: Page) -> list[str]:
    return page.locator(".notice").evaluate_all("all => all.map((each) => each.dataset.notice)")


def test_what_holds_now_in_the_province_is_told(url: str) -> None:
    assert requests.get(f"{url}/api/v1/notices", timeout=30).json() == {
        "notices": [
            {
                "id": "bao", "title": "Nghỉ vì bão", "text": "Một cửa **nghỉ** hôm nay.",
                "link": "https://x.gov.vn/bao",
            },
            {"id": "gio", "title": None, "text": "Đổi giờ <b>làm việc</b>.", "link": None},
        ]
    }  # fmt: skip


def test_a_closed_notice_stays_closed_and_the_others_stay(browser: Browser, url: str) -> None:
    context = browser.new_context(base_url=url, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto("/")
    banner = page.get_by_role("region", name="Thông báo")
    expect(banner).to_contain_text("Một cửa nghỉ hôm nay.")
    expect(banner).to_contain_text("Đổi giờ <b>làm việc</b>.")  # text stays text
    assert _shown(page) == ["bao", "gio"]
    expect(banner.get_by_role("link", name="Xem thêm")).to_have_attribute("href", "https://x.gov.vn/bao")
    page.get_by_role("button", name="Đóng thông báo: Nghỉ vì bão").click()
    assert _shown(page) == ["gio"]
    page.reload()
    expect(banner).to_contain_text("Đổi giờ")
    assert _shown(page) == ["gio"]
    page.get_by_role("button", name="Đóng thông báo").click()
    expect(banner).to_be_hidden()
    context.close()
