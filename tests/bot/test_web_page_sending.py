"""The chat page writes and sends: no message is lost, doubled or out of order."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, Request, Route, expect

from bot.turn import Assistant
from tests.bot.chat_page import API, MARRIAGE, answers, ask, content, field, key, said, turns, write


def freeze(page: Page) -> None:
    """Stop the page's clock, so that none of its pauses ends by itself."""
    page.clock.install()
    page.clock.pause_at("2099-01-01")


def test_enter_sends_shift_enter_breaks_the_line_and_the_field_keeps_the_focus(page: Page) -> None:
    field(page).focus()
    page.keyboard.type("chào")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("bạn")
    expect(field(page)).to_have_value("chào\nbạn")
    page.keyboard.press("Enter")
    expect(said(page)).to_have_text(["chào\nbạn"], use_inner_text=True)
    expect(answers(page)).to_have_count(1)
    expect(field(page)).to_be_focused()
    expect(field(page)).to_have_value("")


def test_enter_that_ends_a_syllable_being_composed_does_not_send(page: Page, posts: list[Request]) -> None:
    field(page).fill("chao")
    field(page).dispatch_event("keydown", {"key": "Enter", "isComposing": True, "bubbles": True})
    expect(field(page)).to_have_value("chao")
    ask(page, "chào bạn")
    assert [content(sent)["text"] for sent in posts] == ["chào bạn"]


def test_the_field_counts_near_its_end_and_takes_no_more_than_the_server(page: Page) -> None:
    expect(page.locator("#counter")).to_be_empty()
    field(page).fill("a" * 1999)
    field(page).press_sequentially("bcd")
    expect(page.locator("#counter")).to_have_text("2000/2000 ký tự")
    expect(page.locator("#announcer")).to_have_text("Tối đa 2000 ký tự.")
    assert field(page).input_value().endswith("ab")


def test_a_message_that_is_not_accepted_says_why_and_comes_back_into_the_field(page: Page) -> None:
    write(page, "\u200b\u200b")  # seen by nobody, so the server finds no letter in it
    expect(page.locator("#log .state")).to_contain_text("Tin nhắn không có chữ nào")
    expect(field(page)).to_have_value("\u200b\u200b")
    field(page).fill("")
    ask(page, "chào bạn")


def test_messages_written_without_network_are_each_sent_once_and_in_order(
    page: Page, context: BrowserContext, assistant: Assistant
) -> None:
    context.set_offline(True)
    write(page, "chào bạn")
    expect(page.get_by_text("Chưa gửi được, đang thử lại…")).to_be_visible()
    write(page, MARRIAGE)
    expect(page.get_by_text("Đang chờ gửi…")).to_be_visible()
    context.set_offline(False)
    expect(answers(page)).to_have_count(2)
    spoken = ["Hỏi Một Cửa", "Anh/chị", "Hỏi Một Cửa", "Anh/chị", "Hỏi Một Cửa"]
    expect(page.locator("#log .speaker")).to_have_text(spoken)
    expect(said(page)).to_have_text(["chào bạn", MARRIAGE])
    expect(answers(page).last).to_contain_text("Đăng ký kết hôn")
    expect(page.locator("#log .state").filter(has_text=re.compile("."))).to_have_count(0)
    assert turns(assistant) == 2


def test_the_return_of_the_network_ends_the_pause_at_once(page: Page, context: BrowserContext) -> None:
    freeze(page)
    context.set_offline(True)
    write(page, "chào bạn")
    expect(page.get_by_text("Chưa gửi được, đang thử lại…")).to_be_visible()
    context.set_offline(False)
    expect(answers(page)).to_have_count(1)


def test_a_lost_answer_is_asked_for_again_with_the_same_key(
    page: Page, assistant: Assistant, posts: list[Request]
) -> None:
    def lose(route: Route) -> None:
        route.fetch()  # it reached the server
        route.abort()

    page.route(f"**{API}", lose, times=1)
    write(page, "chào bạn")
    expect(answers(page)).to_have_count(1)
    assert len(posts) == 2
    assert key(posts[0]) == key(posts[1])
    assert turns(assistant) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_left_alone_for_as_long_as_it_asks(
    page: Page, posts: list[Request], status: int
) -> None:
    freeze(page)
    busy = {"content_type": "application/problem+json", "body": '{"detail": "…"}'}
    page.route(
        f"**{API}",
        lambda route: route.fulfill(status=status, headers={"Retry-After": "30"}, **busy),
        times=1,
    )
    write(page, "chào bạn")
    expect(page.get_by_text("sẽ tự gửi lại sau 30 giây")).to_be_visible()
    page.evaluate("window.dispatchEvent(new Event('online'))")
    page.clock.fast_forward(25_000)
    page.evaluate("() => fetch('/healthz')")  # a message sent by now would have been seen before this
    assert len(posts) == 1
    page.clock.fast_forward(5_000)
    expect(answers(page)).to_have_count(1)
    assert key(posts[0]) == key(posts[1])


def test_a_server_that_keeps_failing_gives_the_message_back(page: Page, posts: list[Request]) -> None:
    freeze(page)
    page.route(f"**{API}", lambda route: route.fulfill(status=500, body="Internal Server Error"))
    write(page, "chào bạn")
    for failures in range(1, 5):
        expect(page.get_by_text("Chưa gửi được, đang thử lại…")).to_be_visible()
        with page.expect_response(f"**{API}"):
            page.evaluate("window.dispatchEvent(new Event('online'))")
        assert len(posts) == failures + 1
    expect(page.get_by_text("Máy chủ đang trục trặc.")).to_be_visible()
    expect(field(page)).to_have_value("chào bạn")


def test_a_slow_answer_is_announced_as_pending(page: Page) -> None:
    held: list[Route] = []
    page.route(f"**{API}", lambda route: held.append(route))
    write(page, "chào bạn")
    expect(page.get_by_role("status").filter(has_text="Đang trả lời…")).to_be_visible()
    held[0].continue_()
    expect(answers(page)).to_have_count(1)
    expect(page.locator("#pending")).to_be_hidden()
