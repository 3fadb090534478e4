"""The chat page is within everybody's reach: any screen, any eye, any hand, no scripts."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.bot.chat_page import MARRIAGE, ask, field

# Every text's contrast with the colour painted behind it, worked out as WCAG 2 says.
POOR_CONTRAST = """() => {
  const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => rgb.slice(0, 3).map((c) => c / 255)
    .map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (at) => { const rgb = parse(getComputedStyle(at).backgroundColor);
    return rgb[3] === 0 ? behind(at.parentElement) : rgb; };
  const hasText = (at) => [...at.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
  const ratio = (at) => { const colour = parse(getComputedStyle(at).color);
    const [less, more] = [light(colour), light(behind(at))].sort((x, y) => x - y);
    return (more + 0.05) / (less + 0.05); };
  return [...document.body.querySelectorAll('*')].filter((at) => hasText(at) && at.checkVisibility())
    .filter((at) => ratio(at) < 4.5).map((at) => at.textContent);
}"""


@pytest.mark.parametrize("width", [320, 1280])
def test_nothing_scrolls_sideways(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 640})
    ask(page, MARRIAGE)
    ask(page, "https://example.vn/" + "a" * 300)
    for summary in page.locator("summary").all():
        summary.click()
    assert page.evaluate("document.scrollingElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_background(page: Page, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    ask(page, "chào bạn")
    ask(page, MARRIAGE)
    page.locator("summary").click()
    assert page.evaluate(POOR_CONTRAST) == []


def test_everything_to_press_is_large_enough_for_a_thumb(page: Page) -> None:
    ask(page, MARRIAGE)
    boxes = [item.bounding_box() for item in page.locator("button, textarea, summary").all()]
    assert len(boxes) > 8
    assert [box for box in boxes if not box or box["height"] < 44 or box["width"] < 44] == []


def test_a_screen_reader_finds_the_conversation_the_field_and_the_way_there(page: Page) -> None:
    log = page.get_by_role("log", name="Cuộc trò chuyện")
    expect(log).to_have_attribute("aria-live", "polite")
    expect(page.locator("html")).to_have_attribute("lang", "vi")
    expect(field(page)).to_have_accessible_description(re.compile("Đừng gửi số căn cước, ảnh giấy tờ"))
    for name in ("Gửi", "Cuộc trò chuyện mới"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Tới ô nhập câu hỏi")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(field(page)).to_be_focused()


def test_without_scripts_the_page_says_what_to_do(browser: Browser, served: str) -> None:
    context = browser.new_context(base_url=served, java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    words = page.locator("noscript p")  # found by its place: playwright's text search passes noscript over
    expect(words).to_be_visible()
    expect(words).to_contain_text("bật JavaScript trong trình duyệt rồi tải lại trang")
    expect(page.locator("form")).to_be_hidden()
    context.close()
