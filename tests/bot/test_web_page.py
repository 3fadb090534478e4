"""The citizens' chat page in a real browser: answers, their sources and choices."""

from __future__ import annotations

import re
from datetime import date

from playwright.sync_api import Page, Request, expect

from tests.bot.chat_page import MARRIAGE, answer_with, answers, ask, content, said


def write_date(iso: str) -> str:
    day = date.fromisoformat(iso)
    return f"{day.day}/{day.month}/{day.year}"


def test_a_question_gets_an_answer_with_a_folded_source(page: Page) -> None:
    source = ask(page, MARRIAGE)["messages"][0]["sources"][0]
    expect(said(page)).to_have_text([MARRIAGE])
    expect(answers(page).locator("strong").first).to_have_text("Đăng ký kết hôn")
    link = answers(page).locator("details a").first
    expect(link).to_be_hidden()
    answers(page).get_by_text(re.compile(r"^Nguồn \(\d+\)$")).click()
    expect(link).to_be_visible()
    expect(link).to_contain_text(source["title"])
    assert [link.get_attribute(name) for name in ("href", "target", "rel")] == [
        source["url"], "_blank", "noopener"
    ]  # fmt: skip


def test_a_source_shows_its_number_and_its_day_of_issue(page: Page) -> None:
    sources = ask(page, "Nhận kết quả qua bưu điện")["messages"][0]["sources"]
    dated = next(source for source in sources if source["issued_on"])
    shown = answers(page).locator("details li").filter(has_text=dated["number"])
    expect(shown).to_contain_text(f"Ban hành {write_date(dated['issued_on'])}")


def test_a_source_shows_from_when_to_when_it_was_in_force(page: Page) -> None:
    days = {"issued_on": "2020-03-27", "in_force_from": "2020-03-28", "in_force_to": "2020-04-15"}
    answer_with(page, text="Có.", sources=[{"title": "Chỉ thị", "number": None, "url": None, **days}])
    ask(page, "chào bạn")
    expect(answers(page).locator("details li")).to_have_text(
        "Chỉ thịBan hành 27/3/2020 · hiệu lực từ 28/3/2020 đến 15/4/2020"
    )


def test_a_choice_is_a_button_that_works_by_keyboard(page: Page, posts: list[Request]) -> None:
    choice = ask(page, "chào bạn")["messages"][0]["choices"][0]
    button = answers(page).get_by_role("button", name=choice["title"])
    button.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")  # a second press must not ask again
    expect(answers(page)).to_have_count(2)
    expect(said(page)).to_have_text(["chào bạn", choice["title"]])
    assert [content(sent).get("payload") for sent in posts] == [None, choice["payload"]]
    expect(button).to_be_focused()


def test_old_choices_are_read_but_not_pressed_once_a_newer_answer_is_there(page: Page) -> None:
    ask(page, "chào bạn")
    ask(page, MARRIAGE)
    old, new = (answers(page).nth(place).locator(".choices button").first for place in (0, 1))
    expect(old).to_be_disabled()
    expect(old).to_be_visible()
    expect(new).to_be_enabled()


def test_an_example_question_is_asked_by_pressing_it(page: Page) -> None:
    page.get_by_role("button", name="Đăng ký kết hôn cần mang gì?").click()
    expect(answers(page).locator("strong").first).to_have_text("Đăng ký kết hôn")


def test_an_answer_in_markdown_becomes_elements_and_its_html_stays_text(page: Page) -> None:
    text = (
        "**Đậm** và _nghiêng_, `mã`, snake_case_name\n- một:\n  - hai\n- ba\n\n1. đầu\n2. sau\n\n"
        "[web](https://example.vn/a_b_c) [xấu](javascript:alert(1))\n\n<script>window.hacked = 1</script>"
    )
    answer_with(page, text=text)
    ask(page, "chào bạn")
    bubble = answers(page).locator(".bubble")
    for name, inside in {"strong": "Đậm", "em": "nghiêng", "code": "mã", "ul ul > li": "hai"}.items():
        expect(bubble.locator(name)).to_have_text(inside)
    expect(bubble.locator("> ul > li")).to_have_text([re.compile("một:"), "ba"])
    expect(bubble.locator("ol > li")).to_have_text(["đầu", "sau"])
    assert [link.get_attribute("href") for link in bubble.locator("a").all()] == ["https://example.vn/a_b_c"]
    for left in ("snake_case_name", "[xấu](javascript:alert(1))", "<script>window.hacked = 1</script>"):
        expect(bubble).to_contain_text(left)
    assert page.evaluate("window.hacked") is None


def test_what_a_citizen_writes_is_shown_as_text(page: Page) -> None:
    ask(page, "<img src=x onerror=alert(1)> **chào**")
    expect(said(page)).to_have_text(["<img src=x onerror=alert(1)> **chào**"])


def test_an_answer_is_shown_from_the_question_on(page: Page) -> None:
    ask(page, "chào bạn")
    ask(page, MARRIAGE)
    expect(said(page).last).to_be_in_viewport(ratio=1)
    expect(answers(page).get_by_text("Đăng ký kết hôn", exact=True)).to_be_in_viewport()
