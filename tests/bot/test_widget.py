"""The widget inside pages of other sites, hostile ones too, in a real browser."""

from __future__ import annotations

import gzip
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from bot.turn import Assistant
from bot.web_channel import build_app
from tests.bot.chat_page import API, MARRIAGE, answers, ask, field, said
from tests.bot.conftest import QUIET
from tests.conftest import free_port, serve_app

PAGES = Path(__file__).with_name("host_pages")
HOSTILE = sorted(path.stem for path in PAGES.glob("*.html"))
MOST = 15_000  # bytes that the widget loads in all, compressed
PORTAL = "https://dichvucong.gov.vn"
POLICY = (
    "default-src 'none'; script-src {origin}; connect-src {origin}; style-src 'none'; base-uri 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


@pytest.fixture
def site_port() -> int:
    """Where the other site will listen."""
    return free_port()


@pytest.fixture
def served(assistant: Assistant, site_port: int) -> Iterator[str]:
    """The address of the web application, which lists the other site."""
    sites = (f"http://127.0.0.1:{site_port}",)
    with serve_app(build_app(assistant, rate_limit="10000/minute", sites=sites)) as url:
        yield url


@pytest.fixture
def site(served: str, site_port: int) -> Iterator[str]:
    """Another site with hostile pages that carry the widget's line."""
    with serve_app(site_app(served), site_port) as url:
        yield url


def site_app(served: str) -> FastAPI:
    """Make a site of the pages in ``host_pages``."""
    app = FastAPI()

    @app.get("/{name}")
    def page(name: str) -> HTMLResponse:
        text = (PAGES / f"{name}.html").read_text(encoding="utf-8").replace("WIDGET", f"{served}/widget.js")
        headers = {"Content-Security-Policy": POLICY.format(origin=served)} if name == "policy" else {}
        return HTMLResponse(text, headers=headers)

    return app


@pytest.fixture
def visit(browser: Browser, site: str) -> Iterator[Any]:
    """Open a page of the other site; no script of it fails and no policy is broken."""
    yield from visiting(browser, site)


def visiting(browser: Browser, site: str) -> Iterator[Any]:
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def visited(name: str, **options: Any) -> Page:
        context = browser.new_context(base_url=site, **{"viewport": {"width": 390, "height": 844}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda told: faults.append(told.text) if told.type == "error" else None)
        page.goto(f"/{name}")
        return page

    yield visited
    for context in contexts:
        context.close()
    assert faults == []


def launcher(page: Page) -> Locator:
    return page.get_by_role("button", name="Hỏi Một Cửa", exact=True)


def portal(page: Page) -> Locator:
    return page.get_by_role("link", name="Cổng Dịch vụ công quốc gia")


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Hỏi Một Cửa")


@pytest.mark.parametrize("name", HOSTILE)
def test_in_a_hostile_page_a_question_is_answered_and_the_focus_comes_back(visit: Any, name: str) -> None:
    page = visit(name)
    expect(portal(page)).to_have_attribute("href", PORTAL)
    launcher(page).focus()
    page.keyboard.press("Enter")
    expect(dialog(page)).to_be_visible()
    expect(field(page)).to_be_focused()
    page.keyboard.type("đăng ký kết hôn cần mang gì")
    page.keyboard.press("Enter")
    expect(said(page)).to_have_text([MARRIAGE])
    expect(answers(page).locator("strong").first).to_have_text("Đăng ký kết hôn")
    expect(page.get_by_role("button", name="Đóng")).to_be_in_viewport(ratio=1)
    answers(page).get_by_text(re.compile(r"^Nguồn \(\d+\)$")).click()
    expect(answers(page).locator("details a").first).to_be_visible()
    choice = answers(page).locator(".choices button").first
    title = choice.inner_text()
    choice.click()
    expect(answers(page)).to_have_count(2)
    expect(said(page)).to_have_text([MARRIAGE, title])
    page.keyboard.press("Escape")
    expect(dialog(page)).to_be_hidden()
    expect(launcher(page)).to_be_focused()


@pytest.mark.parametrize("name", HOSTILE)
def test_the_conversation_is_remembered_for_the_site(visit: Any, name: str) -> None:
    page = visit(name)
    launcher(page).click()
    first = ask(page, MARRIAGE)
    shown = page.locator("#log").inner_text()
    page.reload()
    launcher(page).click()
    expect(page.locator("#log")).to_have_text(shown, use_inner_text=True)
    assert ask(page, "chào bạn")["conversation_id"] == first["conversation_id"]


def test_what_was_said_a_month_ago_is_forgotten(visit: Any) -> None:
    page = visit("policy")
    launcher(page).click()
    ask(page, MARRIAGE)
    page.clock.install()
    page.clock.set_fixed_time("2099-01-01")
    page.reload()
    launcher(page).click()
    expect(field(page)).to_be_focused()
    expect(said(page)).to_have_count(0)


def test_it_works_where_storage_is_refused(visit: Any, browser: Browser, site: str) -> None:
    context = browser.new_context(base_url=site)
    refuse = "() => { throw new DOMException('refused', 'SecurityError') }"
    context.add_init_script(f"Object.defineProperty(window, 'localStorage', {{ get: {refuse} }})")
    page = context.new_page()
    page.goto("/policy")
    launcher(page).click()
    first = ask(page, "chào bạn")
    assert ask(page, MARRIAGE)["conversation_id"] == first["conversation_id"]
    context.close()


def test_the_keyboard_stays_in_the_dialog_and_the_page_behind_hears_nothing_of_it(visit: Any) -> None:
    page = visit("styles")
    page.evaluate(
        "document.addEventListener('keydown', (e) => (window.heard = (window.heard ?? '') + e.key))"
    )
    launcher(page).click()
    expect(field(page)).to_be_focused()
    page.keyboard.type("xin")
    names = []
    for _ in range(12):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.localName"))
    assert set(names) <= {"hoi-mot-cua", "body"}  # body: the browser's own bar had its turn
    assert "hoi-mot-cua" in names
    assert page.evaluate("window.heard ?? ''").replace("Tab", "") == ""


def test_a_screen_reader_is_told_what_each_part_is(visit: Any) -> None:
    page = visit("policy")
    expect(page.get_by_role("region", name="Hỏi đáp dịch vụ công")).to_be_visible()
    expect(launcher(page)).to_have_attribute("aria-haspopup", "dialog")
    launcher(page).click()
    expect(page.get_by_role("log", name="Cuộc trò chuyện")).to_have_attribute("aria-live", "polite")
    expect(field(page)).to_have_accessible_description(re.compile("Đừng gửi số căn cước, ảnh giấy tờ"))
    for name in ("Gửi", "Cuộc trò chuyện mới", "Đóng"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_visible()
    boxes = [item.bounding_box() for item in dialog(page).locator("button, textarea, summary").all()]
    assert len(boxes) > 6
    assert [box for box in boxes if not box or round(box["height"]) < 44 or round(box["width"]) < 44] == []
    page.get_by_role("button", name="Đóng").click()
    expect(launcher(page)).to_be_focused()


def test_text_of_double_size_fits_a_phone(browser: Browser, site: str) -> None:
    large = [*QUIET.split(), "--blink-settings=defaultFontSize=32,defaultFixedFontSize=26"]
    reader = browser.browser_type.launch(executable_path=shutil.which("chromium"), args=large)
    for name in HOSTILE:
        page = reader.new_page(base_url=site, viewport={"width": 390, "height": 844})
        page.goto(f"/{name}")
        launcher(page).click()
        ask(page, MARRIAGE)
        page.locator("summary").click()
        size = page.locator(".bubble").first.evaluate("(at) => getComputedStyle(at).fontSize")
        assert size == "32px"
        for part in ("dialog", ".scroller", ".composer"):
            assert page.locator(part).evaluate("(at) => at.scrollWidth - at.clientWidth") <= 0, part
        assert page.locator(".scroller").evaluate("(at) => at.clientHeight") > 200
        for button in ("Gửi", "Đóng", "Cuộc trò chuyện mới"):
            expect(page.get_by_role("button", name=button, exact=True)).to_be_in_viewport(ratio=1)
    reader.close()


def test_a_site_that_is_not_listed_gets_the_link_alone_and_its_makers_are_told(
    browser: Browser, assistant: Assistant
) -> None:
    with serve_app(build_app(assistant)) as served, serve_app(site_app(served)) as site:
        page, told = browser.new_page(base_url=site), []
        page.on("console", lambda said: told.append(said.text))
        page.goto("/policy")
        expect(portal(page)).to_have_attribute("href", PORTAL)
        expect(launcher(page)).to_have_count(0)
        assert any("WIDGET_ORIGINS" in text and site in text for text in told)
        page.close()


def test_a_site_whose_policy_forbids_asking_is_led_to_the_chat_page(browser: Browser, served: str) -> None:
    app = FastAPI()

    @app.get("/")
    def page() -> HTMLResponse:
        policy = {"Content-Security-Policy": f"default-src 'none'; script-src {served}/widget.js"}
        return HTMLResponse(
            f'<script src="{served}/widget.js" data-province="vinh-phuc"></script>', 200, policy
        )

    with serve_app(app) as site:
        visited = browser.new_page()
        visited.goto(site)
        launcher(visited).click()
        link = visited.get_by_role("link", name="Mở trang Hỏi Một Cửa")
        expect(link).to_have_attribute("href", f"{served}/")
        expect(link).to_be_focused()
        visited.close()


def test_the_line_given_twice_makes_one_launcher(visit: Any, served: str) -> None:
    page = visit("scripts")
    expect(launcher(page)).to_have_count(1)
    page.evaluate(
        "(src) => new Promise((done) => document.head.append(Object.assign(document.createElement('script'), "
        "{ src, onload: done })))",
        f"{served}/widget.js",
    )
    expect(page.locator("hoi-mot-cua")).to_have_count(1)


def test_all_that_it_loads_is_small(visit: Any, served: str) -> None:
    page = visit("policy")
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    page.reload()
    launcher(page).click()
    ask(page, MARRIAGE)
    files = [url for url in loaded if url.startswith(served) and API not in url]
    assert len(files) >= 3
    bodies = [page.request.get(url).body() for url in files]
    assert sum(len(gzip.compress(body, 9)) for body in bodies) <= MOST
    assert all(
        page.request.get(url).headers.get("content-encoding") == "gzip" for url in files if ".js" in url
    )


def test_the_demonstration_shows_it_in_a_page_of_news(browser: Browser, served: str) -> None:
    page = browser.new_page(base_url=served, viewport={"width": 390, "height": 844})
    page.goto("/demo")
    expect(page.get_by_role("complementary", name="Về trang này")).to_contain_text("Trang minh hoạ")
    launcher(page).click()
    ask(page, MARRIAGE)
    assert page.evaluate("document.scrollingElement.scrollWidth - innerWidth") <= 0
    page.close()
