"""The checklist of papers: its own address, one A4 sheet, a QR code back to it, its date and sources."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from bot.inbox import Message
from bot.turn import Assistant
from bot.web_channel import build_app
from knowledge.library import Library
from knowledge.merging import Procedures
from knowledge.records import Fee
from tests.conftest import serve_app

MARRIAGE = "/checklist/1.000894?case=thuong"


@pytest.fixture
def sheet(browser: Browser, served: str) -> Iterator[Page]:
    """A telephone's view of the page to come; at the end, no script of it failed or was forbidden."""
    page, faults = browser.new_page(base_url=served, viewport={"width": 390, "height": 844}), []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if "Content Security" in said.text else None)
    yield page
    page.close()
    assert faults == []


def test_the_papers_of_one_case_and_way_are_shown_with_date_and_source(sheet: Page) -> None:
    sheet.goto(f"{MARRIAGE}&channel=direct")
    expect(sheet.get_by_role("heading", name="Đăng ký kết hôn")).to_be_visible()
    expect(sheet.get_by_role("checkbox")).to_have_count(3)
    text = sheet.inner_text("main")
    assert "Lập ngày 22/11/2026. Theo Cổng Dịch vụ công quốc gia, tháng 7/2026." in text
    assert "163/QĐ-BTP" in text and "https://dichvucong.gov.vn/thu-tuc-hanh-chinh/" in text
    assert "điền ngay trên Cổng" not in text  # that form is for filing online
    expect(sheet.get_by_alt_text("Mã QR dẫn đến trang này")).to_be_visible()
    assert sheet.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_page_prints_on_a_single_sheet_of_a4(sheet: Page) -> None:
    sheet.goto(f"{MARRIAGE}&channel=direct")
    printed = sheet.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
    assert re.search(rb"/MediaBox\s*\[0 0 59[45][.\d]* 84[12]", printed)


def test_the_print_button_works_and_is_not_printed(sheet: Page) -> None:
    sheet.add_init_script("window.print = () => { window.printed = true; }")
    sheet.goto(MARRIAGE)
    sheet.get_by_role("button", name="In danh sách này").click()
    assert sheet.evaluate("window.printed")
    sheet.emulate_media(media="print")
    expect(sheet.get_by_role("button")).to_have_count(0)


def test_the_chat_links_to_the_page_of_the_case_and_way_that_were_chosen(
    assistant: Assistant, tmp_path: Path
) -> None:
    with serve_app(build_app(assistant)) as url:
        here = replace(assistant, address=url)
        first = here.reply(Message("console", "đăng ký kết hôn cần giấy tờ gì"))
        choices = {one["title"]: one["payload"] for one in first.messages[0]["choices"]}
        chosen = Message(
            "console",
            payload=choices["Khi gửi qua bưu chính"],
            conversation_id=first.body["conversation_id"],
        )
        text = here.reply(chosen).messages[0]["text"]
        assert "Mẫu điện tử" not in text
        (link,) = re.findall(r"\((http\S+/checklist/\S+)\)", text)
        assert link == f"{url}/checklist/1.000894?case=thuong&channel=postal"
        page = requests.get(link, timeout=30)
        assert page.status_code == 200 and "Gửi qua bưu chính" in page.text


@pytest.mark.parametrize(
    "path",
    [
        "/checklist/9.999999",
        "/checklist/%3Cscript%3E",
        "/checklist/1.000894?case=khong-co",
        "/checklist/1.000894?channel=pigeon",
    ],
)
def test_an_unknown_list_is_said_not_to_be_there(served: str, path: str) -> None:
    reply = requests.get(served + path, timeout=30)
    assert reply.status_code == 404
    assert "Chưa có danh sách giấy tờ này" in reply.json()["detail"]


def test_no_list_is_given_for_a_day_that_no_record_covers(assistant: Assistant) -> None:
    in_spring = replace(assistant, today=lambda: date(2020, 4, 1))
    with serve_app(build_app(in_spring)) as url:
        assert requests.get(f"{url}{MARRIAGE}", timeout=30).status_code == 404


def test_the_page_names_the_decision_on_a_fee_that_is_newer_than_the_portal(
    assistant: Assistant, library: Library
) -> None:
    record = library.catalogue.procedures["1.000894"]
    fee = Fee(amount=10_000, basis="12/2026/NQ-HĐND", valid_from=date(2026, 11, 1))
    ways = [way.model_copy(update={"fees": (fee,)}) for way in record.channels or ()]
    changed = record.model_copy(update={"channels": tuple(ways)})
    records = Procedures({**library.catalogue.procedures, record.code: changed})
    told = library.with_records(replace(library.catalogue, procedures=records))
    with serve_app(build_app(replace(assistant, shelf=lambda: told))) as url:
        text = requests.get(f"{url}{MARRIAGE}", timeout=30).text
    assert "10.000 đ (theo Nghị quyết 12/2026/NQ-HĐND, từ 1/11/2026)" in text
    assert "Phần còn lại theo Cổng Dịch vụ công quốc gia, tháng 7/2026." in text
    assert text.index("Nguồn: Nghị quyết, 12/2026/NQ-HĐND") < text.index("Nguồn: Cổng Dịch vụ công quốc gia")
