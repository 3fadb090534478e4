"""The desk in real browsers, served by the real program: signing in, claiming, answering, closing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pyotp
import pytest
import requests
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from actions.wording import say
from bot.hotline.accounts import add_staff, find_staff, remove_staff
from bot.hotline.proposals import Proposal
from bot.zalo_tokens import ZaloToken
from knowledge.database import migrate, now, open_database, transaction
from tests.bench import servers

PASSWORD = "mot hai ba bon nam"  # noqa: S105 - of made-up accounts
PEOPLE = (
    ("lan", "Nguyễn Lan", "hotline"),
    ("minh", "Trần Minh", "hotline"),
    ("admin", "Quản trị", "admin"),
    ("bien", "Biên tập", "content"),
)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of the program's database."""
    return f"sqlite:///{tmp_path_factory.mktemp('desk-database') / 'desk.db'}"


@pytest.fixture(scope="module")
def desk_url(nlu_url: str, database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The whole program with four members of staff."""
    folder = tmp_path_factory.mktemp("desk")
    engine = open_database(database)
    migrate(engine)
    with transaction(engine) as session:
        for login, name, role in PEOPLE:
            add_staff(session, login, name, role, PASSWORD)
    engine.dispose()
    with servers.assistant(folder, nlu_url, database, ASSISTANT_TODAY="") as server:
        yield server.url


def ask(url: str, text: str, conversation: str | None = None) -> dict[str, Any]:
    reply = requests.post(
        f"{url}/api/v1/messages", json={"conversation_id": conversation, "text": text}, timeout=30
    )
    assert reply.status_code == 200, reply.text
    body: dict[str, Any] = reply.json()
    return body


def words(body: dict[str, Any]) -> list[str]:
    return [message["text"] for message in body["messages"]]


@pytest.fixture
def sign_in(browser: Browser, desk_url: str) -> Iterator[Any]:
    """Sign somebody in, in a browser of their own; no script of the page may fail."""
    contexts, faults = [], []

    def signed_in(login: str, width: int = 1200) -> Page:
        context = browser.new_context(base_url=desk_url, viewport={"width": width, "height": 844})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if "Content Security" in said.text else None)
        page.goto("/desk/")
        enter(page, login)
        return page

    yield signed_in
    for context in contexts:
        context.close()
    assert faults == []


def enter(page: Page, login: str, password: str = PASSWORD, code: str = "") -> None:
    page.get_by_label("Tên đăng nhập").fill(login)
    page.get_by_label("Mật khẩu").fill(password)
    page.get_by_label("Mã 6 số").fill(code)
    page.get_by_role("button", name="Đăng nhập").click()


def row(page: Page, text: str) -> Any:
    return page.get_by_role("button").filter(has_text=text)


def test_staff_see_that_zalo_takes_the_tokens_no_more(database: str, sign_in: Any) -> None:
    engine = open_database(database)
    with transaction(engine) as session:
        known = {"app_id": "7", "seed": "s", "refresh_token": "r", "refreshed_at": now(), "refused_at": now()}
        session.add(ZaloToken(**known))
    expect(sign_in("lan").get_by_role("alert").get_by_text("tin gửi qua Zalo đang phải chờ")).to_be_visible()
    with transaction(engine) as session:
        session.delete(session.get_one(ZaloToken, "7"))
    engine.dispose()


def test_two_members_of_staff_and_one_citizen(desk_url: str, sign_in: Any) -> None:
    lan, minh = sign_in("lan"), sign_in("minh", width=390)
    expect(lan.get_by_text("Chọn một câu hỏi")).to_be_visible()
    asked = ask(desk_url, "đi đăng ký kết hôn cần mang gì")
    conversation = asked["conversation_id"]
    ask(desk_url, "cho tôi gặp nhân viên <b>gấp</b>", conversation)
    row(lan, "gấp").click()  # both see it without a reload
    row(minh, "gấp").click()
    lan.get_by_role("button", name="Nhận", exact=True).click()
    expect(lan.get_by_text("đang trả lời · Nguyễn Lan")).to_be_visible()
    expect(minh.get_by_text("đang trả lời · Nguyễn Lan")).to_be_visible()
    expect(minh.get_by_role("button", name="Gửi", exact=True)).to_be_disabled()

    heard = ask(desk_url, "<img src=x onerror=alert(1)> tôi ở Tam Đảo", conversation)
    assert heard["is_with_person"]
    expect(lan.get_by_text("<img src=x onerror=alert(1)> tôi ở Tam Đảo")).to_be_visible()
    expect(lan.get_by_text("cho tôi gặp nhân viên <b>gấp</b>", exact=True)).to_be_visible()
    field = lan.get_by_label(re.compile("^Trả lời"))
    field.fill("Chào anh/chị, **mình nghe** ạ.")
    field.press("Control+Enter")
    expect(lan.get_by_text("Chào anh/chị, mình nghe ạ.")).to_be_visible()
    expect(field).to_have_value("")
    expect(minh.get_by_text("Chào anh/chị, mình nghe ạ.")).to_be_visible()
    assert words(ask(desk_url, "dạ", conversation)) == ["Chào anh/chị, **mình nghe** ạ."]

    minh.get_by_role("button", name="Nhận thay").click()
    expect(minh.get_by_text("Nguyễn Lan đang giữ câu hỏi này")).to_be_visible()
    minh.get_by_role("dialog").get_by_role("button", name="Nhận thay").click()
    expect(lan.get_by_text("đang trả lời · Trần Minh")).to_be_visible()
    minh.get_by_label('Mở rộng "Đóng"').click()
    minh.get_by_text("Đã trả lời xong").click()
    expect(lan.get_by_text("Trần Minh đóng: Đã trả lời xong")).to_be_visible()
    after = ask(desk_url, "làm hộ chiếu bao nhiêu tiền", conversation)
    assert after["status"] == "answered"
    assert "giúp được" in words(after)[0]
    lan.get_by_role("button", name=re.compile("Đã đóng")).click()
    expect(row(lan, "gấp")).to_be_visible()


def test_the_chat_page_hears_the_person_without_asking(browser: Browser, desk_url: str, sign_in: Any) -> None:
    lan = sign_in("lan")
    context = browser.new_context(base_url=desk_url, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto("/")
    write(page, "cho tôi gặp nhân viên về hộ khẩu")
    row(lan, "hộ khẩu").click()
    lan.get_by_role("button", name="Nhận", exact=True).click()
    expect(page.get_by_text("Nhân viên đã nhận câu hỏi của anh/chị")).to_be_visible()
    reply(lan, "Anh/chị ở xã nào ạ?")
    expect(page.get_by_text("Anh/chị ở xã nào ạ?")).to_be_visible()
    expect(page.get_by_role("heading", name="Nhân viên", exact=True)).to_be_attached()
    expect(lan.get_by_text("Hiện khi người dân mở lại")).to_have_count(0)  # the page has said it shows it
    page.reload()
    expect(page.get_by_text("Anh/chị ở xã nào ạ?")).to_have_count(1)
    reply(lan, "Mình vẫn đợi ạ.")
    expect(page.get_by_text("Mình vẫn đợi ạ.")).to_be_visible()
    write(page, "xã Tam Dương em ạ")
    expect(lan.get_by_text("xã Tam Dương em ạ")).to_be_visible()
    expect(page.get_by_text("Mình vẫn đợi ạ.")).to_have_count(1)
    lan.get_by_label('Mở rộng "Đóng"').click()
    lan.get_by_text("Đã trả lời xong").click()
    page.get_by_role("button", name="Có", exact=True).click()
    expect(page.get_by_text("Cảm ơn anh/chị đã cho biết")).to_be_visible()
    expect(lan.get_by_text("Người dân chấm: có ích? Có")).to_be_visible()
    write(page, "làm hộ chiếu bao nhiêu tiền")
    expect(page.locator(".answer").last).to_contain_text(re.compile("hộ chiếu", re.IGNORECASE))
    context.close()


def test_the_widget_hears_the_person_while_it_is_open(browser: Browser, desk_url: str, sign_in: Any) -> None:
    lan = sign_in("lan")
    context = browser.new_context(base_url=desk_url, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto("/demo")
    launcher = page.get_by_role("button", name="Hỏi Một Cửa", exact=True)
    launcher.click()
    write(page, "cho tôi gặp nhân viên về sổ hộ nghèo")
    row(lan, "hộ nghèo").click()
    lan.get_by_role("button", name="Nhận", exact=True).click()
    expect(page.get_by_text("Nhân viên đã nhận câu hỏi của anh/chị")).to_be_visible()
    page.keyboard.press("Escape")
    reply(lan, "Anh/chị ở xã nào ạ?")
    expect(
        lan.get_by_text("Hiện khi người dân mở lại")
    ).to_be_visible()  # nobody sees what a closed one hears
    launcher.click()
    expect(page.get_by_text("Anh/chị ở xã nào ạ?")).to_be_visible()
    expect(lan.get_by_text("Hiện khi người dân mở lại")).to_have_count(0)
    context.close()


def test_a_page_that_was_cut_off_hears_all_that_was_said_meanwhile(
    browser: Browser, desk_url: str, sign_in: Any
) -> None:
    lan = sign_in("lan")
    context = browser.new_context(base_url=desk_url, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto("/")
    write(page, "cho tôi gặp nhân viên về lý lịch tư pháp")
    expect(
        page.get_by_text("Câu hỏi của anh/chị đã được ghi").or_(page.get_by_text("Số của anh/chị"))
    ).to_be_visible()
    page.goto("about:blank")  # the tab sleeps
    row(lan, "lý lịch").click()
    lan.get_by_role("button", name="Nhận", exact=True).click()
    expect(lan.get_by_text("đang trả lời · Nguyễn Lan")).to_be_visible()
    reply(lan, "Phiếu số 1 hay số 2 ạ?")
    expect(lan.get_by_text("đã trả lời · Nguyễn Lan")).to_be_visible()
    lan.get_by_label('Mở rộng "Đóng"').click()
    lan.get_by_text("Đã trả lời xong").click()
    expect(lan.get_by_text("Nguyễn Lan đóng: Đã trả lời xong")).to_be_visible()
    page.goto("/")
    for told in ("Nhân viên đã nhận", "Phiếu số 1 hay số 2 ạ?", "có giúp được anh/chị không"):
        expect(page.get_by_text(told)).to_have_count(1)
    expect(lan.get_by_text("Hiện khi người dân mở lại")).to_have_count(0)
    context.close()


def test_whoever_is_removed_sees_no_more(desk_url: str, database: str, sign_in: Any) -> None:
    engine = open_database(database)
    with transaction(engine) as session:
        add_staff(session, "hoa", "Lê Hoa", "hotline", PASSWORD)
    page = sign_in("hoa")
    expect(page.get_by_text("Chọn một câu hỏi")).to_be_visible()
    with transaction(engine) as session:
        remove_staff(session, find_staff(session, "hoa").id)
    engine.dispose()
    ask(desk_url, "cho tôi gặp nhân viên về thẻ thương binh")
    expect(page.get_by_label("Mật khẩu")).to_be_visible()


def test_a_case_is_handed_to_a_colleague(desk_url: str, sign_in: Any) -> None:
    lan, minh = sign_in("lan"), sign_in("minh")
    ask(desk_url, "cho tôi gặp nhân viên về giấy phép xây nhà")
    row(lan, "xây nhà").click()
    lan.get_by_role("button", name="Nhận", exact=True).click()
    lan.get_by_label('Mở rộng "Chuyển"').click()
    lan.get_by_role("listitem").filter(has_text="Trần Minh").click()
    expect(lan.get_by_text("Nguyễn Lan chuyển cho Trần Minh")).to_be_visible()
    minh.get_by_role("button", name=re.compile("Của tôi")).click()
    row(minh, "xây nhà").click()
    reply(minh, "Chào anh/chị")
    expect(minh.get_by_text("đã trả lời · Trần Minh")).to_be_visible()


def write(page: Page, text: str) -> None:
    page.get_by_role("textbox", name="Câu hỏi của anh/chị").fill(text)
    page.get_by_role("button", name="Gửi").click()


def reply(page: Page, text: str) -> None:
    expect(page.get_by_role("button", name="Gửi", exact=True)).to_be_enabled()  # the case is one's own by now
    page.get_by_label(re.compile("^Trả lời")).fill(text)
    page.get_by_role("button", name="Gửi", exact=True).click()


def test_a_stream_of_no_conversation_is_refused(desk_url: str) -> None:
    for path in ("00000000-0000-4000-8000-000000000000/events", "x/events", "x/heard"):
        address = f"{desk_url}/api/v1/conversations/{path}"
        refused = (requests.post if path.endswith("heard") else requests.get)(address, timeout=30)
        assert refused.status_code == 422


def test_a_reply_too_long_stays_in_the_field(desk_url: str, sign_in: Any) -> None:
    ask(desk_url, "cho tôi gặp nhân viên về tách thửa")
    page = sign_in("lan")
    row(page, "tách thửa").click()
    page.get_by_role("button", name="Nhận", exact=True).click()
    field = page.get_by_label(re.compile("^Trả lời"))
    expect(page.get_by_role("button", name="Gửi", exact=True)).to_be_enabled()
    field.fill("a" * 10_000)
    page.get_by_role("button", name="Gửi", exact=True).click()
    expect(page.get_by_text("Tin dài 10000 ký tự")).to_be_visible()
    expect(field).to_have_value("a" * 10_000)
    field.fill("chỉ đồng nghiệp xem")
    page.get_by_role("button", name="Ghi chú nội bộ").click()
    expect(page.get_by_text("Ghi chú").first).to_be_visible()
    expect(field).to_have_value("")


def test_an_admin_sets_up_the_second_factor_first(sign_in: Any) -> None:
    page = sign_in("admin")
    expect(page.get_by_role("heading", name="Cài bước xác nhận thứ hai")).to_be_visible()
    page.goto("/desk/")
    expect(page.get_by_role("heading", name="Cài bước xác nhận thứ hai")).to_be_visible()
    page.get_by_label("Mã 6 số").fill("000000")
    page.get_by_role("button", name="Xong").click()
    expect(page.get_by_role("alert")).to_contain_text("Mã chưa đúng")
    secret = page.locator("code").inner_text()
    page.get_by_label("Mã 6 số").fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="Xong").click()
    expect(page.get_by_text("Chọn một câu hỏi")).to_be_visible()


def test_whoever_does_not_answer_citizens_sees_no_case(sign_in: Any) -> None:
    page = sign_in("bien")
    expect(page.get_by_label("Tìm theo tên, cách gọi hoặc mã")).to_be_visible()
    assert page.url.endswith("/desk/content")


def test_a_wrong_password_is_told_and_signing_out_ends_the_session(sign_in: Any) -> None:
    page = sign_in("lan")
    page.get_by_role("button", name="Thoát").click()
    expect(page.get_by_role("heading", name="Trực tổng đài")).to_be_visible()
    page.goto("/desk/")
    expect(page.get_by_label("Mật khẩu")).to_be_visible()
    enter(page, "lan", "sai hoan toan nhe")
    expect(page.get_by_role("alert")).to_be_visible()


def test_forms_of_other_sites_and_without_their_token_are_refused(desk_url: str) -> None:
    with requests.Session() as session:
        form = {"login": "lan", "password": PASSWORD}
        strange = {"Origin": "https://xau.example"}
        assert (
            session.post(f"{desk_url}/desk/sign-in", data=form, headers=strange, timeout=30).status_code
            == 403
        )
        own = {"Origin": desk_url}
        signed = session.post(
            f"{desk_url}/desk/sign-in", data=form, headers=own, timeout=30, allow_redirects=False
        )
        assert signed.status_code == 303
        cookie = signed.headers["set-cookie"].casefold()
        assert "httponly" in cookie and "samesite=lax" in cookie
        for csrf in ("", "0" * 64):
            refused = session.post(f"{desk_url}/desk/sign-out", data={"csrf": csrf}, headers=own, timeout=30)
            assert refused.status_code in (403, 422)
        still = session.get(f"{desk_url}/desk/", timeout=30, allow_redirects=False)
        assert still.status_code == 200


def test_the_desk_is_not_shown_to_strangers(desk_url: str) -> None:
    for path in ("/desk/", "/desk"):
        shown = requests.get(f"{desk_url}{path}", timeout=30, cookies={"desk": "x" * 43})
        assert shown.url.endswith("/desk/sign-in")


def test_canned_replies_sources_and_a_proposal(desk_url: str, database: str, sign_in: Any) -> None:
    lan = sign_in("lan")
    asked = ask(desk_url, "đăng ký khai sinh cần giấy tờ gì")
    conversation = asked["conversation_id"]
    ask(desk_url, "cho tôi gặp nhân viên về giấy khai sinh cho cháu", conversation)
    row(lan, "cho cháu").click()
    lan.get_by_role("button", name="Nhận", exact=True).click()
    expect(lan.get_by_text("đang trả lời · Nguyễn Lan")).to_be_visible()
    expect(lan.get_by_text("Máy hiểu: Giấy tờ cần có")).to_be_visible()
    field = lan.get_by_label(re.compile("^Trả lời"))
    field.press_sequentially("/ma ho")
    expect(lan.get_by_role("group", name="Câu soạn sẵn").get_by_text("Hỏi mã hồ sơ")).to_be_visible()
    field.press("Enter")
    expect(field).to_have_value(re.compile("^Anh/chị cho mình xin mã hồ sơ"))
    field.fill("/dang kiem tra")
    lan.get_by_role("group", name="Câu soạn sẵn").get_by_text("Đang kiểm tra hồ sơ", exact=True).click()
    expect(field).to_have_value(re.compile(r"\[mã hồ sơ\]"))
    lan.get_by_role("button", name="Gửi", exact=True).click()
    expect(lan.get_by_text("còn chỗ trống [mã hồ sơ]")).to_be_visible()

    field.fill("Anh/chị nộp tại xã nơi cư trú ạ.")
    lan.get_by_role("button", name="Kèm nguồn").click()
    lan.get_by_label("Tìm thủ tục, văn bản").fill("đăng ký khai sinh")
    expect(lan.get_by_role("checkbox").nth(1)).to_be_visible()
    lan.get_by_role("checkbox").first.click()
    lan.get_by_role("button", name="Xong", exact=True).click()
    expect(lan.locator(".q-chip")).to_have_count(1)
    lan.get_by_role("button", name="Gửi", exact=True).click()
    expect(field).to_have_value("")
    expect(lan.locator(".q-chip")).to_have_count(0)
    [told] = [each for each in ask(desk_url, "dạ", conversation)["messages"] if each["by"] == "person"]
    assert told["sources"][0]["url"].startswith("https://")

    lan.get_by_role("button", name="Đề nghị vào kho").click()
    lan.get_by_label("Người dân hỏi").fill("Đăng ký khai sinh cho cháu ở đâu?")
    lan.get_by_role("dialog").get_by_role("button", name="Đề nghị vào kho").click()
    expect(lan.get_by_text("Đã gửi đề nghị cho nhóm nội dung")).to_be_visible()
    engine = open_database(database)
    with transaction(engine) as session:
        proposal = session.scalars(select(Proposal)).one()
        assert proposal.question == "Đăng ký khai sinh cho cháu ở đâu?"
        assert proposal.answer == "Anh/chị nộp tại xã nơi cư trú ạ."
        assert proposal.sources == told["sources"]
    engine.dispose()


def test_each_side_sees_the_other_typing(browser: Browser, desk_url: str, sign_in: Any) -> None:
    lan = sign_in("lan")
    context = browser.new_context(base_url=desk_url, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto("/")
    write(page, "cho tôi gặp nhân viên về đất vườn")
    row(lan, "đất vườn").click()
    lan.get_by_role("button", name="Nhận", exact=True).click()
    expect(page.get_by_text("Nhân viên đã nhận")).to_be_visible()
    page.get_by_role("textbox", name="Câu hỏi của anh/chị").press_sequentially("em hỏi")
    expect(lan.get_by_text("Người dân đang gõ…")).to_be_visible()
    lan.get_by_label(re.compile("^Trả lời")).press_sequentially("Vâng")
    expect(page.get_by_text("Nhân viên đang gõ…")).to_be_visible()
    lan.get_by_role("button", name="Gửi", exact=True).click()
    expect(page.get_by_text("Vâng", exact=True)).to_be_visible()
    expect(page.get_by_text("Nhân viên đang gõ…")).to_have_count(0)
    context.close()


def test_staff_step_into_a_conversation_with_the_machine_by_keys_alone(desk_url: str, sign_in: Any) -> None:
    lan = sign_in("lan")
    conversation = ask(desk_url, "làm hộ chiếu cho bé bao nhiêu tiền")["conversation_id"]
    expect(lan.get_by_text("Chọn một câu hỏi")).to_be_visible()
    lan.keyboard.press("Alt+5")
    expect(row(lan, "hộ chiếu cho bé")).to_be_visible()
    lan.keyboard.press("Alt+ArrowDown")
    expect(lan.get_by_text("Máy hiểu: Lệ phí")).to_be_visible()
    lan.keyboard.press("Alt+n")
    expect(lan.get_by_text("đang trả lời · Nguyễn Lan")).to_be_visible()
    lan.keyboard.press("Alt+r")
    expect(lan.get_by_label(re.compile("^Trả lời"))).to_be_focused()
    lan.keyboard.type("Chào anh/chị, mình giúp ạ.")
    lan.keyboard.press("Control+Enter")
    expect(lan.get_by_text("đã trả lời · Nguyễn Lan")).to_be_visible()
    heard = ask(desk_url, "dạ vâng", conversation)
    assert words(heard) == [say("hotline.claimed"), "Chào anh/chị, mình giúp ạ."]
    assert heard["is_with_person"]
    lan.keyboard.press("Alt+c")
    lan.get_by_text("Trùng câu hỏi").click()
    expect(lan.get_by_text("Nguyễn Lan đóng: Trùng câu hỏi")).to_be_visible()


def test_an_address_with_a_number_opens_the_case(desk_url: str, sign_in: Any) -> None:
    lan = sign_in("lan")
    number = ask(desk_url, "cho tôi gặp nhân viên về phù hiệu xe")["case_number"]
    lan.goto(f"/desk/?number={number}")
    expect(lan.get_by_text(f"Số {number} · đang chờ")).to_be_visible()
    lan.goto("/desk/?number=99999")
    expect(lan.get_by_text("Câu hỏi số 99999 không có")).to_be_visible()


def test_whoever_is_away_says_why_to_colleagues(desk_url: str, sign_in: Any) -> None:
    lan, minh = sign_in("lan"), sign_in("minh")
    lan.get_by_label("Trạng thái trực").click()
    lan.get_by_role("option", name="Tạm vắng").click()
    lan.get_by_label("Vắng vì việc gì").fill("họp giao ban")
    lan.get_by_role("button", name="Tạm vắng").click()
    ask(desk_url, "cho tôi gặp nhân viên về giấy phép lái xe")
    row(minh, "lái xe").click()
    minh.get_by_role("button", name="Nhận", exact=True).click()
    expect(minh.get_by_text("đang trả lời · Trần Minh")).to_be_visible()
    minh.get_by_label('Mở rộng "Chuyển"').click()
    expect(minh.get_by_text("Nguyễn Lan (Tạm vắng: họp giao ban)")).to_be_visible()


def test_a_page_hears_of_a_person_who_stepped_in_when_it_is_looked_at(
    browser: Browser, desk_url: str, sign_in: Any
) -> None:
    lan = sign_in("lan")
    context = browser.new_context(base_url=desk_url, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto("/")
    write(page, "làm hộ chiếu cho ông nội bao nhiêu tiền")
    expect(page.locator(".answer").last).to_contain_text(re.compile("hộ chiếu", re.IGNORECASE))
    lan.keyboard.press("Alt+5")
    row(lan, "ông nội").click()
    lan.get_by_role("button", name="Vào trả lời").dblclick()
    expect(lan.get_by_text("đang trả lời · Nguyễn Lan")).to_be_visible()
    expect(lan.get_by_text("đang giữ câu hỏi")).to_have_count(0)
    reply(lan, "/khong co")
    expect(lan.get_by_text("chưa gửi. Anh/chị chọn một câu")).to_be_visible()
    reply(lan, "Dòng một\n<img src=x>![a](x) **đậm**")
    page.reload()
    expect(page.get_by_text("Nhân viên đã nhận")).to_be_visible()
    expect(lan.get_by_text("<img src=x>![a](x) đậm")).to_be_visible()
    expect(lan.get_by_role("log").locator("img")).to_have_count(0)
    context.close()


def test_new_words_in_another_case_of_ones_own_are_called_out(desk_url: str, sign_in: Any) -> None:
    lan = sign_in("lan")
    first = ask(desk_url, "cho tôi gặp nhân viên về bằng lái tàu")["conversation_id"]
    row(lan, "lái tàu").click()
    lan.get_by_role("button", name="Nhận", exact=True).click()
    expect(lan.get_by_text("đang trả lời · Nguyễn Lan")).to_be_visible()
    reply(lan, "Chào anh/chị")
    expect(lan.get_by_text("đã trả lời · Nguyễn Lan")).to_be_visible()
    expect(row(lan, "lái tàu").get_by_text("chờ trả lời")).to_have_count(0)
    ask(desk_url, "cho tôi gặp nhân viên về thuyền thúng")
    lan.get_by_role("button", name=re.compile("^Chờ")).click()
    row(lan, "thuyền thúng").click()
    expect(lan.get_by_text("đang chờ · chưa ai nhận")).to_be_visible()
    ask(desk_url, "tàu nhỏ thôi ạ", first)
    expect(lan.get_by_text("Người dân vừa nhắn thêm")).to_be_visible()
    lan.get_by_role("button", name=re.compile("Của tôi")).click()
    expect(row(lan, "lái tàu").get_by_text("chờ trả lời")).to_be_visible()
