"""The workbench in real browsers: an editor drafts, a lawyer approves, the citizen is told on the day."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import requests
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine, select

from bot.hotline.staff import StaffAudit
from knowledge.database import reading, transaction
from knowledge.dossiers import HERE
from knowledge.editing.drafts import approve as approve_now
from knowledge.editing.drafts import draft, save, submit
from knowledge.editing.published import Published
from knowledge.editing.revisions import ContentRevision, holding_of, open_revision
from tests.bot.hotline.test_desk import enter
from tests.conftest import ROOT

CODE = "2.000815"  # certified copies: a fee of its own
COMING = datetime.now(HERE).date() + timedelta(days=40)


def record(page: Page, key: str, kind: str = "procedure") -> None:
    """Open a record."""
    page.goto(f"/desk/content/record?kind={kind}&key={key}")
    expect(page.get_by_role("tab", name="Lịch sử")).to_be_visible()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def begin(page: Page, key: str, kind: str = "procedure") -> None:
    """Begin to change a record."""
    record(page, key, kind)
    press(page, "Sửa")
    expect(page.get_by_role("button", name="Gửi duyệt")).to_be_visible()


def hand_in(page: Page, why: str, publish_on: str = "") -> None:
    """Hand a draft in for review."""
    press(page, "Gửi duyệt")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Sửa gì, theo văn bản nào").fill(why)
    if publish_on:
        dialog.get_by_label("Đăng từ ngày").fill(publish_on)
    dialog.get_by_role("button", name="Gửi duyệt").click()


def approve(page: Page, title: str) -> None:
    """Approve what waits under a title."""
    page.goto("/desk/content/review")
    card = page.locator(".q-card").filter(has_text=title)
    card.get_by_role("button", name="Duyệt", exact=True).click()
    expect(page.get_by_text("Đã duyệt. Người dân sẽ thấy")).to_be_visible()


def ask(database: Engine, nlu_url: str, text: str, day: str) -> Any:
    """Ask the assistant as on a day."""
    done = subprocess.run(
        [sys.executable, "-m", "bot", "ask", text, "--json"],
        cwd=ROOT, text=True, capture_output=True, timeout=120, check=True,
        env={
            "PATH": os.environ["PATH"], "HOME": "/", "NLU_URL": nlu_url, "ASSISTANT_TODAY": day,
            "DATABASE_URL": database.url.render_as_string(),
        },
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])["messages"][0]["text"]


def test_a_changed_fee_is_told_on_its_day_and_not_before(
    editor: Page, lawyer: Page, database: Engine, nlu_url: str
) -> None:
    begin(editor, CODE)
    editor.get_by_role("button", name=re.compile("1 · Trực tiếp")).press("Enter")
    editor.get_by_role("button", name=re.compile(r"1 · .* 2\.000 đ")).press("Enter")
    amount = editor.get_by_label("Mức thu (đồng)").first
    expect(amount).to_have_value("2000")
    amount.fill("mười lăm nghìn")
    hand_in(editor, "Tăng phí theo Nghị quyết 12/2026/NQ-HĐND", COMING.isoformat())
    expect(editor.get_by_text("đã gửi duyệt")).to_be_visible()
    approve(lawyer, "Nghị quyết 12/2026")
    question = "phí chứng thực bản sao từ bản chính bao nhiêu"
    assert "15.000 đ" not in ask(database, nlu_url, question, (COMING - timedelta(days=1)).isoformat())
    assert "15.000 đ" in ask(database, nlu_url, question, COMING.isoformat())
    with reading(database) as session:
        deeds = set(session.scalars(select(StaffAudit.what).where(StaffAudit.what.startswith("content_"))))
    assert deeds == {"content_drafted", "content_submitted", "content_approved"}


def test_the_author_is_not_offered_to_approve(editor: Page) -> None:
    begin(editor, "1.000894")
    editor.get_by_label("Thủ tục này để làm gì").fill("Ghi việc kết hôn.")
    hand_in(editor, "Viết lại cho dễ hiểu hơn")
    expect(editor.get_by_text("đã gửi duyệt")).to_be_visible()
    editor.goto("/desk/content/review")
    card = editor.locator(".q-card").filter(has_text="Viết lại cho dễ hiểu hơn")
    expect(card.get_by_text("phải do đồng nghiệp khác duyệt")).to_be_visible()
    expect(card.get_by_role("button", name="Duyệt", exact=True)).to_have_count(0)


def test_a_reviewer_gives_back_with_a_remark(editor: Page, lawyer: Page) -> None:
    begin(editor, "1.004884")
    editor.get_by_label("Thủ tục này để làm gì").fill("Khai sinh lại.")
    hand_in(editor, "Rút gọn câu mô tả thủ tục")
    expect(editor.get_by_text("đã gửi duyệt")).to_be_visible()
    lawyer.goto("/desk/content/review")
    card = lawyer.locator(".q-card").filter(has_text="Rút gọn câu mô tả thủ tục")
    card.get_by_role("button", name="Trả lại để sửa").click()
    dialog = lawyer.get_by_role("dialog")
    dialog.get_by_label("Cần sửa gì").fill("Thiếu điều kiện mất sổ gốc")
    dialog.get_by_role("button", name="Trả lại để sửa").click()
    expect(card).to_have_count(0)
    record(editor, "1.004884")
    expect(editor.get_by_text("Người duyệt nhắn: Thiếu điều kiện mất sổ gốc")).to_be_visible()


def test_two_editors_of_one_record_lose_nothing(editor: Page, lawyer: Page, database: Engine) -> None:
    begin(editor, "1.004772")
    record(lawyer, "1.004772")
    editor.get_by_label("Cơ quan giải quyết").fill("UBND cấp xã, của biên tập")
    press(editor, "Lưu")
    expect(editor.get_by_text("Đã lưu.", exact=True)).to_be_visible()
    lawyer.get_by_label("Nộp ở đâu").fill("Ở xã, của luật sư")
    lawyer.get_by_label("Cơ quan giải quyết").fill("UBND cấp xã, của luật sư")
    press(lawyer, "Lưu")
    dialog = lawyer.get_by_role("dialog")
    expect(dialog.get_by_text("Của đồng nghiệp: UBND cấp xã, của biên tập")).to_be_visible()
    dialog.get_by_text("Của đồng nghiệp:").click()
    dialog.get_by_role("button", name="Giữ như đã chọn").click()
    expect(lawyer.get_by_text("Đã lưu.", exact=True)).to_be_visible()
    with reading(database) as session:
        row = session.scalar(select(ContentRevision).where(ContentRevision.open_for == "procedure/1.004772"))
        assert row
        assert (row.data["agency"], row.data["where"]) == ("UBND cấp xã, của biên tập", "Ở xã, của luật sư")


def test_what_is_typed_is_seen_as_each_channel_shows_it(editor: Page) -> None:
    begin(editor, "1.001193")
    evil = "Ghi việc sinh <script>window.broken = 1</script> **đậm**"
    editor.get_by_label("Thủ tục này để làm gì").fill(evil)
    editor.get_by_role("tab", name="Xem trước").click()
    for channel, box in (("Trang web", "web"), ("Telegram", "telegram"), ("Zalo", "zalo")):
        editor.get_by_role("button", name=channel).click()
        expect(editor.locator(f".preview-{box}").first).to_contain_text("<script>window.broken = 1</script>")
    assert editor.evaluate("window.broken") is None
    editor.get_by_label("Trả lời vào ngày").fill("2020-04-01")
    expect(editor.locator(".preview-zalo").first).not_to_contain_text("Ghi việc sinh")


def test_a_fault_is_told_where_the_draft_is_handed_in(editor: Page) -> None:
    begin(editor, "1.001022")
    editor.get_by_label("Cách gọi của người dân").fill("nhận cha mẹ con")
    hand_in(editor, "Bớt các cách gọi trùng nhau")
    alert = editor.get_by_role("dialog").get_by_role("alert")
    expect(alert).to_have_text(
        "Thủ tục 1.001022 – Cách gọi của người dân – cần ít nhất 3 cách gọi của người dân"
    )


def test_one_finds_by_words_without_accents_and_by_marks(editor: Page) -> None:
    editor.goto("/desk/content")
    editor.get_by_label("Tìm theo tên").fill("chung thuc ban sao")
    expect(editor.get_by_role("link", name=re.compile("Chứng thực bản sao"))).to_have_count(1)
    editor.get_by_label("Tìm theo tên").fill("khong co thu tuc nay")
    expect(editor.get_by_text("0 mục")).to_be_visible()


def test_the_older_revision_can_be_compared_and_brought_back(editor: Page, lawyer: Page) -> None:
    begin(editor, "2.000635")
    before = editor.get_by_label("Thủ tục này để làm gì").input_value()
    editor.get_by_label("Thủ tục này để làm gì").fill("Một câu sai.")
    hand_in(editor, "Sửa câu mô tả thủ tục")
    expect(editor.get_by_text("đã gửi duyệt")).to_be_visible()
    approve(lawyer, "Sửa câu mô tả thủ tục")
    record(editor, "2.000635")
    editor.get_by_role("tab", name="Lịch sử").click()
    editor.get_by_role("button", name="So sánh").first.click()
    dialog = editor.get_by_role("dialog")
    expect(dialog.get_by_text("Một câu sai.")).to_be_visible()
    expect(dialog.get_by_text(before)).to_be_visible()
    dialog.get_by_role("button", name="Đóng").click()
    press(editor, "Quay lại bản này")
    editor.get_by_role("dialog").get_by_role("button", name="Gửi duyệt").click()
    expect(editor.get_by_text("đã gửi duyệt")).to_be_visible()
    approve(lawyer, "Quay lại nội dung của bản")
    record(editor, "2.000635")
    expect(editor.get_by_label("Thủ tục này để làm gì")).to_have_value(before)


@pytest.mark.parametrize(
    "path", ["/content", "/desk/content/review", "/desk/content/record?kind=topic&key=x"]
)
def test_strangers_are_asked_to_sign_in(content_url: str, path: str) -> None:
    assert "/desk/sign-in?to=" in requests.get(content_url + path, timeout=10).url


def test_hotline_staff_are_told_whom_to_ask(browser: Browser, content_url: str) -> None:
    context = browser.new_context(base_url=content_url)
    page = context.new_page()
    page.goto("/desk/")
    enter(page, "lan")
    expect(page.get_by_text("Chọn một câu hỏi")).to_be_visible()
    page.goto("/content")
    expect(page.get_by_text("Tài khoản này không sửa nội dung")).to_be_visible()
    context.close()


def test_an_unknown_kind_is_told(editor: Page) -> None:
    editor.goto("/desk/content/record?kind=recipe&key=pho")
    expect(editor.get_by_text("Không có loại bản ghi này")).to_be_visible()


def test_the_pages_fit_a_small_phone(lawyer: Page) -> None:
    for path in ("/content", "/desk/content/record?kind=procedure&key=1.001193", "/desk/content/review"):
        lawyer.goto(path)
        expect(lawyer.get_by_role("link", name="Nội dung")).to_be_visible()
        assert lawyer.evaluate("document.documentElement.scrollWidth") <= 390, path


def _tariffs_from(editor: Page, folder: Path) -> Path:
    """Download the tariffs as a file."""
    editor.goto("/content")
    press(editor, "Bảng Excel")
    dialog = editor.get_by_role("dialog")
    dialog.get_by_label("Bảng", exact=True).click()
    editor.get_by_role("option", name="Cước bưu chính").click()
    with editor.expect_download() as download:
        dialog.get_by_role("button", name="Tải bảng đang dùng về").click()
    path = folder / "cuoc.xlsx"
    download.value.save_as(path)
    return path


def _changed(path: Path, value: Any) -> None:
    """Put another amount into the first tariff."""
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    titles = [cell.value for cell in sheet[1]]
    column = next(
        place for place, title in enumerate(titles, 1) if "Giá" in str(title) or "tiền" in str(title)
    )
    sheet.cell(2, column).value = value
    book.save(path)


def test_a_table_goes_out_as_xlsx_and_comes_back_for_review(
    editor: Page, lawyer: Page, database: Engine, tmp_path: Path
) -> None:
    path = _tariffs_from(editor, tmp_path)
    dialog = editor.get_by_role("dialog")
    _changed(path, "=12000+1")
    dialog.locator("input[type=file]").set_input_files(path)
    expect(dialog.get_by_text("Chỗ cần sửa trong tệp: 1")).to_be_visible()
    expect(dialog.get_by_role("button", name="Gửi duyệt")).to_have_count(0)
    _changed(path, "mười ba nghìn")
    dialog.locator("input[type=file]").set_input_files(path)
    expect(dialog.get_by_text("Sẽ thay đổi: 1")).to_be_visible()
    dialog.get_by_label("Sửa gì, theo văn bản nào").fill("Giá mới của Bưu điện tỉnh")
    dialog.get_by_role("button", name="Gửi duyệt 1 bản ghi").click()
    expect(editor.get_by_text("Đã gửi duyệt 1 bản ghi.")).to_be_visible()
    approve(lawyer, "Giá mới của Bưu điện tỉnh")
    with reading(database) as session:
        held = holding_of(session, ("table", "tariffs"), datetime.now(HERE).date())
    assert held and held.data[0]["amount"] == 13_000


def _where(page: Page, key: str, where: str) -> None:
    """Begin to change where a procedure's papers are handed in."""
    begin(page, key)
    page.get_by_label("Nộp ở đâu").fill(where)


def _handed_in(page: Page) -> None:
    expect(page.get_by_text("đã gửi duyệt")).to_be_visible()


def test_one_field_is_scheduled_twice_and_the_reviewer_sees_what_each_changes(
    editor: Page, lawyer: Page
) -> None:
    key, later = "1.001022", COMING + timedelta(days=31)
    record(editor, key)
    press(editor, "Bỏ bản nháp")
    editor.get_by_role("dialog").get_by_role("button", name="Bỏ bản nháp").click()
    _where(editor, key, "Trung tâm thứ nhất")
    hand_in(editor, "Chuyển nơi nộp lần thứ nhất", COMING.isoformat())
    _handed_in(editor)
    approve(lawyer, "Chuyển nơi nộp lần thứ nhất")
    _where(editor, key, "Trung tâm thứ hai")
    hand_in(editor, "Chuyển nơi nộp lần thứ hai", later.isoformat())
    dialog = editor.get_by_role("dialog").filter(has_text="Của anh/chị")
    expect(dialog.get_by_text("Của đồng nghiệp: Trung tâm thứ nhất")).to_be_visible()
    dialog.get_by_role("button", name="Giữ như đã chọn").click()
    _handed_in(editor)
    lawyer.goto("/desk/content/review")
    card = lawyer.locator(".q-card").filter(has_text="Chuyển nơi nộp lần thứ hai")
    for words in ("Trước", "Sau", "Trung tâm thứ nhất", "Trung tâm thứ hai"):
        expect(card.get_by_text(words, exact=True).filter(visible=True)).to_have_count(1)
    approve(lawyer, "Chuyển nơi nộp lần thứ hai")


def test_todays_correction_of_a_scheduled_field_asks_what_stands_on_that_day(
    editor: Page, lawyer: Page, database: Engine
) -> None:
    key = "1.001022"
    _where(editor, key, "Nơi của hôm nay")
    hand_in(editor, "Sửa nơi nộp của hôm nay")
    first = editor.get_by_role("dialog").filter(has_text="Của anh/chị")
    expect(first.get_by_text(re.compile("bản hẹn ngày .* cũng sửa đúng chỗ này"))).to_be_visible()
    first.get_by_text("Của đồng nghiệp: Trung tâm thứ nhất").click()
    first.get_by_role("button", name="Giữ như đã chọn").click()
    _handed_in(editor)
    lawyer.goto("/desk/content/review")
    expect(lawyer.locator(".q-card").get_by_text(re.compile("thay vào bản đã hẹn"))).to_be_visible()
    approve(lawyer, "Sửa nơi nộp của hôm nay")
    today = datetime.now(HERE).date()
    with reading(database) as session:
        days = (today, COMING, COMING + timedelta(days=31))
        held = [holding_of(session, ("procedure", key), day) for day in days]
        told = [each.data["where"] for each in held if each]
    assert told == ["Nơi của hôm nay", "Trung tâm thứ nhất", "Trung tâm thứ hai"]


def test_what_is_scheduled_is_taken_back_by_another_than_its_author(editor: Page, lawyer: Page) -> None:
    for page, count in ((editor, 0), (lawyer, 2)):
        record(page, "1.001022")
        page.get_by_role("tab", name="Lịch sử").click()
        expect(page.get_by_role("button", name="So sánh").first).to_be_visible()
        expect(page.get_by_role("button", name="Bỏ hẹn")).to_have_count(count)
    lawyer.get_by_role("button", name="Bỏ hẹn").first.click()
    lawyer.get_by_role("dialog").get_by_role("button", name="Có", exact=True).click()
    expect(lawyer.get_by_role("button", name="Bỏ hẹn")).to_have_count(1)


def test_a_reviewer_looks_again_at_what_changed_since_the_page_was_drawn(editor: Page, lawyer: Page) -> None:
    key = "1.000656"
    _where(editor, key, "Nơi nộp lúc đầu")
    hand_in(editor, "Đổi nơi nộp khi khai tử")
    _handed_in(editor)
    lawyer.goto("/desk/content/review")
    card = lawyer.locator(".q-card").filter(has_text="Đổi nơi nộp khi khai tử")
    expect(card.get_by_text("Nơi nộp lúc đầu")).to_be_visible()
    press(editor, "Rút về sửa")
    expect(editor.get_by_role("button", name="Gửi duyệt")).to_be_visible()
    editor.get_by_label("Nộp ở đâu").fill("Nơi nộp sửa lại")
    hand_in(editor, "Đổi nơi nộp khi khai tử")
    _handed_in(editor)
    card.get_by_role("button", name="Duyệt", exact=True).click()
    expect(lawyer.get_by_role("alert").get_by_text("Bản này đã đổi sau khi anh/chị mở trang")).to_be_visible()
    expect(card.get_by_text("Nơi nộp sửa lại")).to_be_visible()
    approve(lawyer, "Đổi nơi nộp khi khai tử")


def test_a_new_record_is_reviewed_field_by_field_and_counted_at_once(editor: Page, lawyer: Page) -> None:
    lawyer.goto("/desk/content")
    expect(lawyer.get_by_role("link", name="Nội dung")).to_be_visible()
    before = lawyer.get_by_role("link", name=re.compile("^Chờ duyệt")).inner_text()
    record(editor, "5/2026/TT-THU", "official_text")
    press(editor, "Sửa")
    editor.get_by_label("Tên văn bản").fill("Thông tư thử việc xem lại")
    hand_in(editor, "Thêm thông tư mới ban hành")
    _handed_in(editor)
    expect(lawyer.get_by_role("link", name=re.compile("^Chờ duyệt"))).not_to_have_text(before)
    lawyer.goto("/desk/content/review")
    card = lawyer.locator(".q-card").filter(has_text="Thêm thông tư mới ban hành")
    expect(card.get_by_text("Tên văn bản")).to_be_visible()
    expect(card.get_by_text("Thông tư thử việc xem lại").last).to_be_visible()
    card.get_by_role("button", name="Trả lại để sửa").click()
    lawyer.get_by_role("dialog").get_by_label("Cần sửa gì").fill("Chưa có ngày ban hành")
    lawyer.get_by_role("dialog").get_by_role("button", name="Trả lại để sửa").click()
    expect(card).to_have_count(0)


def test_a_sheet_takes_over_what_was_published_since_it_was_put_up(
    editor: Page, lawyer: Page, database: Engine, tmp_path: Path
) -> None:
    path = _tariffs_from(editor, tmp_path)
    _changed(path, "14.000 đồng")
    dialog = editor.get_by_role("dialog")
    dialog.locator("input[type=file]").set_input_files(path)
    expect(dialog.get_by_text("Sẽ thay đổi: 1")).to_be_visible()
    today = datetime.now(HERE).date()
    with transaction(database) as session:  # a colleague's change of two tariffs, approved meanwhile
        row = draft(session, ("table", "tariffs"), 3, today)
        first, second, *others = row.data
        changed = [{**first, "amount": 15_000}, {**second, "amount": 77_000}, *others]
        save(session, row.id, row.version, row.data, changed, 3)
        submit(session, Published(database), [row.id], 3, "giá của đồng nghiệp", None, today)
        approve_now(session, Published(database), {row.id: row.version}, 2, today)
    dialog.get_by_label("Sửa gì, theo văn bản nào").fill("Giá mới theo bảng đã đưa lên")
    dialog.get_by_role("button", name="Gửi duyệt 1 bản ghi").click()
    choice = editor.get_by_role("dialog").filter(has_text="Của anh/chị")
    expect(choice.get_by_text(re.compile(r"Của đồng nghiệp:.*15\.000 đ", re.DOTALL))).to_be_visible()
    choice.get_by_role("button", name="Giữ như đã chọn").click()
    expect(editor.get_by_text("Đã gửi duyệt 1 bản ghi.")).to_be_visible()
    with reading(database) as session:
        opened = open_revision(session, ("table", "tariffs"))
    assert opened and [each["amount"] for each in opened.data[:2]] == [14_000, 77_000]
    _changed(path, "16.000 đồng")
    editor.goto("/content")
    press(editor, "Bảng Excel")
    dialog = editor.get_by_role("dialog")
    dialog.get_by_label("Bảng", exact=True).click()
    editor.get_by_role("option", name="Cước bưu chính").click()
    dialog.locator("input[type=file]").set_input_files(path)
    expect(dialog.get_by_text("đã có bản duyệt mới sau khi bảng này được tải về")).to_be_visible()
    expect(dialog.get_by_role("button", name="Gửi duyệt")).to_have_count(0)


def test_of_very_many_changes_those_that_are_shown_are_approved_together(
    lawyer: Page, database: Engine
) -> None:
    today, keys = datetime.now(HERE).date(), [f"{number}/2026/TT-THU" for number in range(10, 70)]
    with transaction(database) as session:
        records = [("official_text", key) for key in keys]
        rows = [draft(session, key, 1, today, {"title": f"Thông tư thử {key[1]}"}) for key in records]
        numbers = [row.id for row in rows]
        submit(session, Published(database), numbers, 1, "sáu mươi văn bản một lúc", None, today)
    lawyer.goto("/desk/content/review")
    more = lawyer.get_by_text(re.compile(r"Còn \d+ bản ghi nữa"))
    expect(more).to_be_visible()
    press(lawyer, "Chọn tất cả")
    expect(lawyer.get_by_role("checkbox", checked=True).first).to_be_visible()
    press(lawyer, "Duyệt các bản đã chọn")
    expect(more).to_have_count(0)
    with reading(database) as session:
        held = [holding_of(session, key, today) for key in records]
    assert 0 < sum(each is not None for each in held) < len(keys)
