"""Telegram's server and the browser, for every test of a channel."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright
from pydantic import SecretStr

from bot.settings import Settings
from tests.bot.chat_page import API, field
from tests.servers.telegram_api import TOKEN, TelegramApi

QUIET = "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync"


expect.set_options(timeout=20_000)  # what takes five seconds on an idle machine takes longer on a busy one


@pytest.fixture
def api() -> Iterator[TelegramApi]:
    """A Bot API server of our own, with no update yet."""
    with TelegramApi() as server:
        yield server


@pytest.fixture
def settings(api: TelegramApi) -> Settings:
    """The settings of the channel, before that server."""
    return Settings(_env_file=None, telegram_token=SecretStr(TOKEN), telegram_api=api.url)


@pytest.fixture(scope="module")  # while it is open, its event loop runs in the thread of the tests
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    path = shutil.which("chromium")
    assert path, "These tests need a browser: install Debian's package chromium."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET.split())
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser, served: str) -> Iterator[BrowserContext]:
    """A telephone's view of the application, with nothing stored yet."""
    context = browser.new_context(base_url=served, viewport={"width": 390, "height": 844})
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """The chat page, opened; at the end, no script of it failed or was forbidden."""
    page, faults = context.new_page(), []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if "Content Security" in said.text else None)
    page.goto("/")
    expect(field(page)).to_be_visible()
    yield page
    assert faults == []


@pytest.fixture
def posts(page: Page) -> list[Request]:
    """Every message that the page sends, arrived or not."""
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request) if request.url.endswith(API) else None)
    return sent
