"""The chat page keeps its conversation: through reloads, until it is erased or begun anew."""

from __future__ import annotations

import requests
from playwright.sync_api import BrowserContext, Page, Request, expect

from bot.turn import Assistant
from tests.bot.chat_page import API, MARRIAGE, answers, ask, content, field, key, said, turns, write


def test_a_reload_shows_the_conversation_again_and_goes_on_with_it(page: Page, posts: list[Request]) -> None:
    first = ask(page, MARRIAGE)
    field(page).fill("còn lệ phí thì")
    shown = page.locator("#log").inner_text()
    page.reload()
    expect(page.locator("#log")).to_have_text(shown, use_inner_text=True)
    expect(field(page)).to_have_value("còn lệ phí thì")
    ask(page, "chào bạn")
    assert content(posts[-1])["conversation_id"] == first["conversation_id"]


def test_a_message_that_waits_survives_a_reload(
    page: Page, assistant: Assistant, posts: list[Request]
) -> None:
    page.route(f"**{API}", lambda route: route.abort())
    write(page, "chào bạn")
    expect(page.get_by_text("Chưa gửi được, đang thử lại…")).to_be_visible()
    page.unroute(f"**{API}")
    page.reload()
    expect(answers(page)).to_have_count(1)
    expect(said(page)).to_have_text(["chào bạn"])
    assert len({key(sent) for sent in posts}) == 1
    assert turns(assistant) == 1


def test_an_erased_conversation_is_begun_anew_and_the_message_sent_again(
    page: Page, served: str, posts: list[Request]
) -> None:
    known = ask(page, "chào bạn")["conversation_id"]
    erase = {"conversation_id": known, "payload": "delete_my_data?confirmed=yes"}
    assert requests.post(served + API, json=erase, timeout=10).json()["conversation_id"] != known
    write(page, MARRIAGE)
    expect(answers(page)).to_have_count(2)
    expect(page.get_by_text("Máy không còn nhớ phần trò chuyện phía trên.")).to_be_visible()
    assert [content(sent)["conversation_id"] for sent in posts] == [None, known, None]


def test_erasing_ones_data_empties_the_page_too(page: Page) -> None:
    ask(page, MARRIAGE)
    ask(page, "xoá dữ liệu của tôi")
    answers(page).get_by_role("button", name="Xoá hết").click()
    expect(said(page)).to_have_text(["Xoá hết"])
    expect(answers(page)).to_have_count(1)
    assert MARRIAGE not in page.evaluate("JSON.stringify(sessionStorage)")


def test_a_new_conversation_is_begun_only_when_the_citizen_agrees(page: Page, posts: list[Request]) -> None:
    ask(page, "chào bạn")
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Cuộc trò chuyện mới").click()
    expect(answers(page)).to_have_count(1)
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Cuộc trò chuyện mới").click()
    expect(answers(page)).to_have_count(0)
    ask(page, MARRIAGE)
    assert content(posts[-1])["conversation_id"] is None


def test_the_page_works_where_the_browser_refuses_storage(context: BrowserContext) -> None:
    refuse = "() => { throw new DOMException('refused', 'SecurityError') }"
    context.add_init_script(f"Object.defineProperty(window, 'sessionStorage', {{ get: {refuse} }})")
    page = context.new_page()
    page.goto("/")
    first = ask(page, "chào bạn")
    assert ask(page, MARRIAGE)["conversation_id"] == first["conversation_id"]
