"""The citizens' chat page in a real browser, before the real application."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
import requests
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Locator,
    Page,
    Request,
    Route,
    expect,
    sync_playwright,
)
from sqlalchemy import func, select

from bot.store import Turn, transaction
from bot.turn import Assistant

API = "/api/v1/messages"
QUIET = "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync"
MARRIAGE = "đăng ký kết hôn cần mang gì"
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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    assert path, "These tests need a browser: install Debian's package chromium."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET.split())
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser, served: str) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=served, viewport={"width": 390, "height": 844})
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
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


def field(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Câu hỏi của anh/chị")


def answers(page: Page) -> Locator:
    return page.locator("#log .answer:not(#welcome)")


def said(page: Page) -> Locator:
    return page.locator("#log .message .words")


def write(page: Page, text: str) -> None:
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


def turns(assistant: Assistant) -> int:
    """Count the turns that the server has stored."""
    with transaction(assistant.engine) as session:
        return session.scalar(select(func.count()).select_from(Turn)) or 0


def freeze(page: Page) -> None:
    """Stop the page's clock, so that none of its pauses ends by itself."""
    page.clock.install()
    page.clock.pause_at("2099-01-01")


def key(sent: Request) -> str:
    return sent.headers["idempotency-key"]


def content(sent: Request) -> dict[str, Any]:
    body: dict[str, Any] = sent.post_data_json or {}
    return body


def write_date(iso: str) -> str:
    day = date.fromisoformat(iso)
    return f"{day.day}/{day.month}/{day.year}"


def answer_with(page: Page, **message: Any) -> None:
    """Let the real server answer, and put other words into its answer's mouth."""

    def change(route: Route) -> None:
        response = route.fetch()
        body = response.json()
        body["messages"] = [{"text": "", "choices": [], "sources": [], **message}]
        route.fulfill(response=response, json=body)

    page.route(f"**{API}", change)


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


def test_a_message_that_is_not_accepted_says_why_and_comes_back_into_the_field(page: Page) -> None:
    write(page, "\u200b\u200b")  # seen by nobody, so the server finds no letter in it
    expect(page.locator("#log .state")).to_contain_text("Tin nhắn không có chữ nào")
    expect(field(page)).to_have_value("\u200b\u200b")
    field(page).fill("")
    ask(page, "chào bạn")


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


@pytest.mark.parametrize("width", [320, 1280])
def test_nothing_scrolls_sideways(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 640})
    ask(page, MARRIAGE)
    ask(page, "https://example.vn/" + "a" * 300)
    for summary in page.locator("summary").all():
        summary.click()
    assert page.evaluate("document.scrollingElement.scrollWidth - innerWidth") <= 0


def test_an_answer_is_shown_from_the_question_on(page: Page) -> None:
    ask(page, "chào bạn")
    ask(page, MARRIAGE)
    expect(said(page).last).to_be_in_viewport(ratio=1)
    expect(answers(page).get_by_text("Đăng ký kết hôn", exact=True)).to_be_in_viewport()


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


def test_an_example_question_is_asked_by_pressing_it(page: Page) -> None:
    page.get_by_role("button", name="Đăng ký kết hôn cần mang gì?").click()
    expect(answers(page).locator("strong").first).to_have_text("Đăng ký kết hôn")


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


def test_without_scripts_the_page_says_what_to_do(browser: Browser, served: str) -> None:
    context = browser.new_context(base_url=served, java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    words = page.locator("noscript p")  # found by its place: playwright's text search passes noscript over
    expect(words).to_be_visible()
    expect(words).to_contain_text("bật JavaScript trong trình duyệt rồi tải lại trang")
    expect(page.locator("form")).to_be_hidden()
    context.close()
