"""axe-core finds nothing to mend on any page that citizens or staff see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from bot.hotline.accounts import add_staff
from knowledge.database import migrate, open_database, transaction
from tests.bench import servers
from tests.bot.chat_page import MARRIAGE, ask, field
from tests.bot.hotline.test_desk import ask as ask_api
from tests.bot.hotline.test_desk import enter, row
from tests.bot.test_widget import launcher

PASSWORD = "mot hai ba bon nam"  # noqa: S105 - of made-up accounts
PEOPLE = (("lan", "Nguyễn Lan", "hotline"), ("admin", "Quản trị", "admin"), ("bien", "Biên tập", "content"))
RECORD = "/desk/content/record?kind=procedure&key=2.000815"
LOOKS = (
    {"color_scheme": "light"},
    {"color_scheme": "dark"},
    {"contrast": "more"},
    {"forced_colors": "active"},
)


@pytest.fixture(scope="module")
def url(nlu_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The whole program with a member of staff of each kind."""
    folder = tmp_path_factory.mktemp("axe")
    database = f"sqlite:///{folder / 'axe.db'}"
    engine = open_database(database)
    migrate(engine)
    with transaction(engine) as session:
        for login, name, role in PEOPLE:
            add_staff(session, login, name, role, PASSWORD)
    engine.dispose()
    with servers.assistant(folder, nlu_url, database, ASSISTANT_TODAY="") as server:
        yield server.url


@pytest.fixture
def opened(browser: Browser, url: str) -> Iterator[Any]:
    """Open a page in a browser of its own, signed in where a login is given."""
    contexts = []

    def opened(path: str, login: str = "", **options: Any) -> Page:
        context = browser.new_context(base_url=url, reduced_motion="reduce", **options)
        contexts.append(context)
        page = context.new_page()
        page.goto(path)
        if login:
            enter(page, login)
        return page

    yield opened
    for context in contexts:
        context.close()


def violations(page: Page) -> list[str]:
    """List what axe-core finds, each with its rule and the element."""
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: "-".join(*look.items()))
def test_the_chat_page(opened: Any, look: dict[str, str]) -> None:
    page = opened("/", **look)
    expect(field(page)).to_be_visible()
    assert violations(page) == []
    ask(page, "chào bạn")
    ask(page, MARRIAGE)
    page.locator("summary").click()
    assert violations(page) == []


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: "-".join(*look.items()))
def test_the_widget_closed_open_and_with_an_answer(opened: Any, look: dict[str, str]) -> None:
    page = opened("/demo", **look)
    expect(page.get_by_role("link", name="Cổng Dịch vụ công quốc gia")).to_be_visible()
    assert violations(page) == []
    launcher(page).click()
    expect(field(page)).to_be_focused()
    assert violations(page) == []
    ask(page, "chào bạn")
    ask(page, MARRIAGE)
    page.locator("summary").click()
    assert violations(page) == []


def test_a_checklist_and_signing_in(opened: Any) -> None:
    for path in ("/checklist/1.000894?case=thuong&channel=direct", "/desk/sign-in"):
        assert violations(opened(path)) == [], path


def test_the_desk(opened: Any, url: str) -> None:
    ask_api(url, "cho tôi gặp nhân viên về hộ khẩu")
    page = opened("/desk/", "lan")
    expect(row(page, "hộ khẩu")).to_be_visible()
    assert violations(page) == []
    row(page, "hộ khẩu").click()
    page.get_by_role("button", name="Nhận", exact=True).click()
    expect(page.get_by_role("button", name="Gửi", exact=True)).to_be_enabled()
    assert violations(page) == []


def test_the_page_of_staff(opened: Any) -> None:
    page = opened("/desk/", "admin")
    assert violations(page) == []
    page.get_by_label("Mã 6 số").fill(pyotp.TOTP(page.locator("code").inner_text()).now())
    page.get_by_role("button", name="Xong").click()
    page.goto("/desk/staff")
    expect(page.get_by_text("Nguyễn Lan").first).to_be_visible()
    assert violations(page) == []


def test_the_content_pages(opened: Any) -> None:
    page = opened("/content", "bien")
    expect(page.get_by_role("link", name="Nội dung")).to_be_visible()
    assert violations(page) == []
    for part in ("review", "learn", "models"):
        page.goto(f"/desk/content/{part}")
        expect(page.get_by_role("link", name="Nội dung")).to_be_visible()
        assert violations(page) == [], part


def test_a_record_in_the_workbench(opened: Any) -> None:
    page = opened("/content", "bien")
    page.goto(RECORD)
    page.get_by_role("button", name="Sửa", exact=True).click()
    expect(page.get_by_role("button", name="Gửi duyệt")).to_be_visible()
    assert violations(page) == []
    for name in ("Xem trước", "Lịch sử"):
        page.goto(RECORD)
        tab = page.get_by_role("tab", name=name)
        tab.click()
        expect(tab).to_have_attribute("aria-selected", "true")
        assert violations(page) == [], name


def test_where_an_announcement_goes(opened: Any) -> None:
    page = opened("/content", "bien")
    page.goto("/desk/content/record?kind=table&key=notices")
    page.get_by_role("button", name="Sửa", exact=True).click()
    page.get_by_role("button", name="Thêm mục").click()
    page.get_by_label("Mã", exact=True).fill("bao-so-9")
    page.get_by_label("Thông báo", exact=True).fill("Một cửa nghỉ chiều nay.")
    page.get_by_label("Bắt đầu").fill("2026-11-22T00:00")
    page.get_by_label("Kết thúc").fill("2026-11-23T00:00")
    assert violations(page) == []
    page.get_by_role("tab", name="Gửi đi").click()
    expect(page.get_by_role("button", name="Chép: Tin SMS")).to_be_visible()
    assert violations(page) == []
