"""The pages of the workbench: who is let in, and who sees nothing more."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pyotp
import pytest
import requests
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import Engine

from bot.hotline.accounts import add_staff, find_staff, set_role
from knowledge.database import transaction
from knowledge.dossiers import HERE
from tests.bot.hotline.test_desk import enter
from tests.bot.workbench.conftest import PASSWORD, Open
from tests.bot.workbench.test_workbench import approve, begin, hand_in, press, record

BIRTH = "/desk/content/record?kind=procedure&key=1.001193"


def _heard(page: Page) -> list[str]:
    """Note what the server tells the page from its next opening on."""
    told: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda said: told.append(str(said))))
    return told


def test_who_may_not_any_more_is_told_nothing_more(signed_in: Open, database: Engine) -> None:
    with transaction(database) as session:
        add_staff(session, "sap-di", "Người sắp đi", "content", PASSWORD)
    pages = {name: signed_in("sap-di") for name in ("list", "preview", "history", "sheet")}
    told = [_heard(page) for page in pages.values()]
    for name, page in pages.items():
        page.goto("/desk/content" if name in ("list", "sheet") else BIRTH)
    pages["history"].get_by_role("tab", name="Lịch sử").click()
    compare = pages["history"].get_by_role("button", name="So sánh").first
    expect(compare).to_be_visible()
    pages["sheet"].get_by_role("button", name="Bảng Excel").click()
    get = pages["sheet"].get_by_role("button", name="Tải bảng đang dùng về")
    expect(get).to_be_visible()
    with transaction(database) as session:
        set_role(session, find_staff(session, "sap-di").id, "hotline")
    for each in told:
        each.clear()
    pages["list"].get_by_label("Tìm theo tên").fill("khai sinh")
    pages["preview"].get_by_role("tab", name="Xem trước").click()
    compare.click()
    get.click()
    for page in pages.values():
        expect(page.get_by_label("Mật khẩu")).to_be_visible()
    for secret in ("Trích lục", "Giấy", "So bản", "xlsx"):
        assert secret not in "".join(map(str, told))


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/content", "Sửa nội dung"),
        ("/desk/content/review", "Sửa nội dung"),
        ("/desk/staff", "Nhân viên"),
        ("/desk/", "Trực tổng đài"),
    ],
)
def test_the_sign_in_page_says_where_it_leads(content_url: str, path: str, title: str) -> None:
    shown = requests.get(content_url + path, timeout=10)
    assert f"<h1>{title}</h1>" in shown.text and f"<title>Đăng nhập · {title}</title>" in shown.text


def test_who_signs_in_comes_back_to_the_page(signed_in: Open, database: Engine, content_url: str) -> None:
    with transaction(database) as session:
        add_staff(session, "truong", "Trưởng nhóm", "lead", PASSWORD)
    context = signed_in("bien").context.browser.new_context(base_url=content_url)  # type: ignore[union-attr]
    page = context.new_page()
    page.goto(BIRTH)
    enter(page, "truong")
    expect(page.get_by_role("heading", name="Cài bước xác nhận thứ hai")).to_be_visible()
    secret = page.locator("code").inner_text()
    page.get_by_label("Mã 6 số").fill("000000")
    page.get_by_role("button", name="Xong").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.locator("code")).to_have_text(secret)  # the phone has it by now
    page.get_by_label("Mã 6 số").fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="Xong").click()
    expect(page.get_by_role("tab", name="Lịch sử")).to_be_visible()
    assert page.url == content_url + BIRTH
    context.close()


@pytest.mark.parametrize("to", ["https://xau.example/", "//xau.example/", "\\\\xau.example", "x"])
def test_signing_in_leads_to_no_other_site(content_url: str, to: str) -> None:
    with requests.Session() as session:
        reply = session.post(
            f"{content_url}/desk/sign-in", params={"to": to}, data={"login": "lan", "password": PASSWORD},
            timeout=30, allow_redirects=False,
        )  # fmt: skip
    assert reply.status_code == 303 and reply.headers["location"].startswith("/desk/")


def test_what_is_out_of_use_is_found_and_brought_back(editor: Page, lawyer: Page) -> None:
    def badge() -> Locator:
        return editor.get_by_role("link", name=re.compile("mot-phan")).locator(".q-badge")

    record(editor, "mot-phan", "topic")
    title = editor.locator(".text-xl").inner_text()
    press(editor, "Ngừng dùng")
    editor.get_by_role("dialog").get_by_role("button", name="Thôi").click()
    press(editor, "Ngừng dùng")  # nothing was begun
    editor.get_by_role("dialog").get_by_role("button", name="Có").click()
    expect(editor.get_by_text("Bản nháp này đề nghị ngừng dùng")).to_be_visible()
    expect(editor.locator(".text-xl")).to_have_text(title)
    _hand_in_opened(editor, "Bỏ theo quyết định mới của tỉnh")
    approve(lawyer, "Bỏ theo quyết định mới của tỉnh")
    editor.goto("/desk/content")
    editor.get_by_label("Cần chú ý").click()
    editor.get_by_role("option", name="Đã ngừng dùng").click()
    expect(badge()).to_have_text("Đã ngừng dùng")
    editor.get_by_role("link", name=re.compile("mot-phan")).click()
    expect(editor.get_by_text("đã ngừng dùng từ")).to_be_visible()
    expect(editor.locator(".text-xl")).to_have_text(title)
    expect(editor.get_by_role("button", name="Ngừng dùng")).to_have_count(0)
    press(editor, "Dùng lại")
    hand_in(editor, "Dùng lại theo quyết định mới")
    expect(editor.get_by_text("đã gửi duyệt")).to_be_visible()
    approve(lawyer, "Dùng lại theo quyết định mới")
    record(editor, "mot-phan", "topic")
    expect(editor.get_by_role("button", name="Ngừng dùng")).to_be_visible()


def _hand_in_opened(page: Page, why: str) -> None:
    """Hand a draft in whose dialog stands open."""
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Sửa gì, theo văn bản nào").fill(why)
    dialog.get_by_role("button", name="Gửi duyệt").click()
    expect(page.get_by_text("đã gửi duyệt")).to_be_visible()


def test_a_new_record_that_waits_for_its_day_is_read_before_it(
    editor: Page, lawyer: Page, database: Engine
) -> None:
    number, comes = "77/2026/NQ-HĐND", datetime.now(HERE).date() + timedelta(days=30)
    begin(editor, number, "official_text")
    editor.get_by_label("Tên", exact=False).first.fill("Nghị quyết sắp có hiệu lực")
    hand_in(editor, "Thêm nghị quyết sắp có hiệu lực", comes.isoformat())
    expect(editor.get_by_text("đã gửi duyệt")).to_be_visible()
    approve(lawyer, "Thêm nghị quyết sắp có hiệu lực")
    editor.goto("/desk/content")
    editor.get_by_label("Tìm theo tên").fill("77/2026")
    line = editor.get_by_role("link", name="77/2026")
    expect(line.locator(".q-badge")).to_have_text(f"Có hiệu lực từ {comes:%d/%m/%Y}")
    line.click()
    expect(editor.locator(".text-xl")).to_have_text("Nghị quyết sắp có hiệu lực")
    press(editor, "Sửa")
    expect(editor.get_by_label("Tên", exact=False).first).to_have_value("Nghị quyết sắp có hiệu lực")
    press(editor, "Bỏ bản nháp")
    editor.get_by_role("dialog").get_by_role("button", name="Bỏ bản nháp").click()
    expect(editor.get_by_role("button", name="Sửa", exact=True)).to_be_visible()


def test_the_way_back_leads_to_what_was_searched(editor: Page) -> None:
    editor.goto("/desk/content")
    editor.get_by_label("Loại").click()
    editor.get_by_role("option", name="Thủ tục", exact=True).click()
    editor.get_by_label("Tìm theo tên").fill("ket hon")
    expect(editor.get_by_role("link", name="Cấp bản sao từ sổ gốc")).to_have_count(0)
    told = editor.get_by_role("status").inner_text()
    editor.get_by_role("link", name="1.000894").click()
    expect(editor.get_by_role("tab", name="Lịch sử")).to_be_visible()
    editor.go_back()
    expect(editor.get_by_label("Tìm theo tên")).to_have_value("ket hon")
    expect(editor.get_by_role("status")).to_have_text(told)
    editor.goto("/desk/content?kind=khong-co&mark=x")
    expect(editor.get_by_label("Tìm theo tên")).to_have_value("")


@pytest.mark.parametrize("name", ["Thêm mới", "Bảng Excel"])
def test_closed_dialogs_do_not_pile_up(editor: Page, name: str) -> None:
    editor.goto("/desk/content")
    expect(editor.get_by_role("button", name=name)).to_be_visible()
    counts = []
    for _ in range(3):
        press(editor, name)
        dialog = editor.get_by_role("dialog")
        dialog.get_by_role("button", name=re.compile("^(Thôi|Đóng)$")).click()
        expect(dialog).to_have_count(0)
        counts.append(editor.evaluate("document.querySelectorAll('#app *').length"))
    assert counts[0] == counts[1] == counts[2]


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/desk/khong-co", 404, "Không có trang này"),
        ("/desk/content/khong-co", 404, "Không có trang này"),
        ("/desk/content/record", 200, "Không có loại bản ghi này"),
        ("/desk/content/record?kind=table&key=khong-co", 200, "Không có loại bản ghi này"),
    ],
)
def test_a_page_that_is_not_there_is_told_in_vietnamese(
    editor: Page, path: str, status: int, words: str
) -> None:
    reply = editor.goto(path)
    assert reply and reply.status == status
    expect(editor.get_by_text(words)).to_be_visible()


def test_hints_leave_the_buttons_of_a_phone_free(lawyer: Page) -> None:
    lawyer.goto("/desk/content")
    press(lawyer, "Thêm mới")
    dialog = lawyer.get_by_role("dialog")
    hint = dialog.get_by_text("Thủ tục: mã quốc gia").bounding_box()
    go = dialog.get_by_role("button", name="Bắt đầu").bounding_box()
    assert hint and go and hint["y"] + hint["height"] <= go["y"]
