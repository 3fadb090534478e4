"""The citizens' chat page as tests use it: what it shows, what is asked there, what it sends."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, Page, Request, Route, expect
from sqlalchemy import func, select

from bot.store import Turn
from bot.turn import Assistant
from knowledge.database import transaction

API = "/api/v1/messages"
MARRIAGE = "đăng ký kết hôn cần mang gì"


def field(page: Page) -> Locator:
    """Find the field that the question is written into."""
    return page.get_by_role("textbox", name="Câu hỏi của anh/chị")


def answers(page: Page) -> Locator:
    """Find the answers to what was asked, without the welcome."""
    return page.locator("#log .answer:not(#welcome)")


def said(page: Page) -> Locator:
    """Find what the citizen said."""
    return page.locator("#log .message .words")


def write(page: Page, text: str) -> None:
    """Write into the field and send."""
    field(page).fill(text)
    field(page).press("Enter")


def ask(page: Page, text: str) -> dict[str, Any]:
    """Ask, wait until the answer is shown, and give the server's reply."""
    before = answers(page).count()
    with page.expect_response(f"**{API}") as response:
        write(page, text)
    expect(answers(page)).to_have_count(before + 1)
    body: dict[str, Any] = response.value.json()
    return body


def answer_with(page: Page, **message: Any) -> None:
    """Let the real server answer, and put other words into its answer's mouth."""

    def change(route: Route) -> None:
        response = route.fetch()
        body = response.json()
        body["messages"] = [{"text": "", "choices": [], "sources": [], **message}]
        route.fulfill(response=response, json=body)

    page.route(f"**{API}", change)


def key(sent: Request) -> str:
    """Give the key by which the server knows a message that comes again."""
    return sent.headers["idempotency-key"]


def content(sent: Request) -> dict[str, Any]:
    """Give what a sent message holds."""
    body: dict[str, Any] = sent.post_data_json or {}
    return body


def turns(assistant: Assistant) -> int:
    """Count the turns that the server has stored."""
    with transaction(assistant.engine) as session:
        return session.scalar(select(func.count()).select_from(Turn)) or 0
