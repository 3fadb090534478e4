"""Drafting as editors do: new records, fees and what they rest on, drafts given back or dropped."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from knowledge.database import reading
from knowledge.editing.revisions import open_revision
from tests.bot.workbench.test_saving import kept
from tests.bot.workbench.test_workbench import begin, hand_in, press, record
from tests.conftest import wait_until

CHECKED = 30_000  # milliseconds for checking the whole content, on a busy machine
COPIES = "2.000635"  # copies of civil status papers: the same fee in three ways of filing


def open_fee(page: Page, channel: str, fee: str) -> None:
    """Unfold a way of filing, then one of its fees."""
    page.get_by_role("button", name=re.compile(rf"\d · {channel}")).press("Enter")
    page.get_by_role("button", name=re.compile(fee)).first.press("Enter")


def begin_new(page: Page, kind: str, key: str) -> None:
    """Ask for a new record."""
    page.goto("/content")
    press(page, "Thêm mới")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Loại").click()
    page.get_by_role("option", name=kind, exact=True).click()
    dialog.get_by_label("Mã").fill(key)
    dialog.get_by_role("button", name="Bắt đầu").click()


def test_a_new_record_needs_its_key_and_opens_ready_to_be_written(editor: Page, database: Engine) -> None:
    begin_new(editor, "Chủ đề", "")
    expect(editor.get_by_role("dialog").get_by_text("Chưa ghi mã.")).to_be_visible()
    begin_new(editor, "Chủ đề", "tra-loi-thu")
    editor.get_by_label("Tên chủ đề").fill("Trả lời thử")
    editor.get_by_label("Tên chủ đề").blur()

    def title() -> Any:
        with reading(database) as session:
            row = open_revision(session, ("topic", "tra-loi-thu"))
        return row and row.data["title"]

    wait_until(lambda: title() == "Trả lời thử", "the new record's saving", 20)
    begin_new(editor, "Chủ đề", "tra-loi-thu")  # one that is there is opened as it is
    expect(editor.get_by_label("Tên chủ đề")).to_have_value("Trả lời thử")


def test_what_an_amount_is_paid_for_goes_into_its_own_field(editor: Page, database: Engine) -> None:
    begin(editor, COPIES)
    open_fee(editor, "Trực tiếp", "8.000 đ")
    amount, what = editor.get_by_label("Mức thu (đồng)").first, editor.get_by_label("Thu cho").first
    what.fill("")
    amount.fill("")
    expect(editor.get_by_text("Chưa ghi số tiền.")).to_be_visible()
    amount.press_sequentially("10.000đ/bản")
    expect(what).to_have_value("bản")
    expect(editor.get_by_text("Các cách nộp còn ghi mức cũ 8.000 đ")).to_be_visible()
    what.fill("mỗi trang")
    amount.fill("12.000đ/tờ")
    expect(editor.get_by_text("Sau mức thu ghi «tờ»")).to_be_visible()
    what.fill("mỗi tờ")
    expect(editor.get_by_text("Sau mức thu ghi «tờ»")).to_have_count(0)
    what.blur()

    def fee() -> Any:
        return kept(database, COPIES)["channels"][0]["fees"][0]

    wait_until(lambda: (fee()["amount"], fee()["what"]) == (12_000, "mỗi tờ"), "the amount's saving", 20)


def test_what_a_fee_rests_on_is_chosen_from_the_texts_there_are(editor: Page, database: Engine) -> None:
    record(editor, COPIES)
    open_fee(editor, "Trực tiếp", "1 · mỗi tờ")
    box = editor.get_by_label("Căn cứ (không bắt buộc)", exact=True).first
    box.press_sequentially("Báo chí")
    expect(
        editor.get_by_text("Không tìm thấy. Anh/chị thử")
    ).to_be_visible()  # what is no numbered text sets no fee
    box.fill("")
    box.press_sequentially("2138")
    editor.get_by_role("option", name="2138/UBND-HCC1").click()

    def basis() -> Any:
        return kept(database, COPIES)["channels"][0]["fees"][0].get("basis")

    wait_until(lambda: basis() == "2138/UBND-HCC1", "the chosen text's saving", 20)


def test_a_section_is_reached_from_the_list_at_the_top(editor: Page) -> None:
    record(editor, COPIES)
    editor.get_by_role("navigation", name="Tới mục").get_by_role("link", name="Căn cứ pháp lý").click()
    expect(editor.get_by_text("Các văn bản quy định thủ tục này.")).to_be_in_viewport()


def test_a_draft_that_was_given_back_says_so_until_it_is_handed_in_again(
    editor: Page, lawyer: Page, database: Engine
) -> None:
    code = "2.000806"
    begin(editor, code)
    editor.get_by_label("Thủ tục này để làm gì").fill("Ghi việc kết hôn có yếu tố nước ngoài.")
    hand_in(editor, "Viết lại cho dễ hiểu")
    expect(editor.get_by_text("đã gửi duyệt")).to_be_visible(timeout=CHECKED)
    lawyer.goto("/desk/content/review")
    _give_back(lawyer, "Viết lại cho dễ hiểu", "Thiếu nơi nộp")
    record(editor, code)
    expect(editor.get_by_text("Được trả lại. Người duyệt nhắn: Thiếu nơi nộp")).to_be_visible()
    editor.goto("/content")
    editor.get_by_label("Tìm theo tên").fill(code)
    expect(editor.locator(".q-badge").get_by_text("Được trả lại")).to_be_visible()
    record(editor, code)
    hand_in(editor, "Viết lại, đã thêm nơi nộp")
    expect(editor.get_by_text("đã gửi duyệt")).to_be_visible(timeout=CHECKED)
    expect(editor.get_by_text("Thiếu nơi nộp")).to_have_count(0)
    lawyer.goto("/desk/content/review")
    _give_back(lawyer, "đã thêm nơi nộp", "Nơi nộp chưa đúng")
    record(editor, code)
    press(editor, "Bỏ bản nháp")
    editor.get_by_role("dialog").get_by_role("button", name="Bỏ bản nháp").click()
    editor.get_by_role("tab", name="Lịch sử").click()
    expect(editor.get_by_text("Người duyệt nhắn: Nơi nộp chưa đúng", exact=True)).to_be_visible()


def _give_back(lawyer: Page, why: str, remark: str) -> None:
    card = lawyer.locator(".q-card").filter(has_text=why)
    card.get_by_role("button", name="Trả lại để sửa").click()
    dialog = lawyer.get_by_role("dialog")
    dialog.get_by_label("Cần sửa gì").fill(remark)
    dialog.get_by_role("button", name="Trả lại để sửa").click()
    expect(card).to_have_count(0)


def test_a_fault_names_the_way_of_filing(editor: Page) -> None:
    code = "1.004884"
    begin(editor, code)
    editor.get_by_role("button", name=re.compile("1 · Trực tiếp")).press("Enter")
    limit = editor.get_by_label("Thời hạn giải quyết", exact=True).first
    limit.fill("")
    hand_in(editor, "Bỏ thời hạn giải quyết cũ")
    told = editor.get_by_role("dialog").get_by_role("alert")
    expect(told).to_contain_text("Cách nộp › Trực tiếp › Thời hạn giải quyết – chưa điền", timeout=CHECKED)


def test_a_shared_draft_is_dropped_with_open_eyes_and_can_be_done_again(
    editor: Page, lawyer: Page, database: Engine
) -> None:
    code = "1.004772"
    begin(editor, code)
    editor.get_by_label("Nộp ở đâu").fill("Ở xã, của biên tập")
    press(editor, "Lưu")
    expect(editor.get_by_text("Đã lưu.", exact=True)).to_be_visible()
    record(lawyer, code)
    press(lawyer, "Bỏ bản nháp")
    dialog = lawyer.get_by_role("dialog")
    expect(dialog).to_contain_text("Bản nháp này có phần Biên tập viết.")
    dialog.get_by_role("button", name="Giữ lại").click()
    expect(dialog).to_have_count(0)
    press(lawyer, "Bỏ bản nháp")
    lawyer.get_by_role("dialog").get_by_role("button", name="Bỏ bản nháp").click()
    expect(lawyer.get_by_role("button", name="Sửa", exact=True)).to_be_visible()
    lawyer.get_by_role("tab", name="Lịch sử").click()
    press(lawyer, "Làm lại từ bản này")
    expect(lawyer.get_by_role("button", name="Gửi duyệt")).to_be_visible()
    assert kept(database, code)["where"] == "Ở xã, của biên tập"


def test_what_is_added_to_a_list_is_called_by_its_own_name(editor: Page) -> None:
    record(editor, COPIES)
    for name in ("Thêm trường hợp", "Thêm cách nộp", "Thêm văn bản"):
        expect(editor.get_by_role("button", name=name, exact=True)).to_be_visible()
