"""The page of staff in a real browser: who may see it, and what an admin does there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from sqlalchemy import Engine, select

from actions.wording import sentences
from bot.desk.staff_showing import deeds
from bot.hotline.accounts import add_staff, find_staff, remove_staff, set_role, set_telegram
from bot.hotline.cases import Case, claim
from bot.hotline.passwords import check_password, make_password
from bot.hotline.staff import Staff, StaffAudit, StaffError, audit
from knowledge.database import migrate, open_database, transaction
from tests.bench import servers
from tests.bot.hotline.test_desk import ask, enter

ROOT = Path(__file__).parents[3]
PASSWORD = "mot hai ba bon nam"  # noqa: S105 - of made-up accounts
PEOPLE = (
    ("admin", "Quản trị", "admin"),
    ("lan", "Nguyễn Lan", "hotline"),
    ("sep", "Trưởng nhóm", "lead"),
    ("bien", "Biên tập", "content"),
)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The program's database."""
    folder = tmp_path_factory.mktemp("staff-database")
    engine = open_database(f"sqlite:///{folder / 'staff.db'}")
    migrate(engine)
    with transaction(engine) as session:
        for login, name, role in PEOPLE:
            add_staff(session, login, name, role, PASSWORD)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def desk_url(nlu_url: str, database: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The whole program with four members of staff."""
    url = database.url.render_as_string()
    with servers.assistant(tmp_path_factory.mktemp("staff"), nlu_url, url, ASSISTANT_TODAY="") as server:
        yield server.url


@pytest.fixture(scope="module")
def open_page(browser: Browser, desk_url: str) -> Iterator[Any]:
    """Open a page in a browser of its own; no script of it may fail."""
    contexts, faults = [], []

    def opened(width: int = 1200) -> Page:
        context = browser.new_context(base_url=desk_url, viewport={"width": width, "height": 844})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if "Content Security" in said.text else None)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []


def signed_in(page: Page, login: str, has_factor: bool = False) -> Page:
    """Sign somebody in, and set up their second factor where it must be."""
    page.goto("/desk/")
    enter(page, login)
    if has_factor:
        code = pyotp.TOTP(page.locator("code").inner_text()).now()
        page.get_by_label("Mã 6 số").fill(code)
        page.get_by_role("button", name="Xong").click()
    return page


@pytest.fixture(scope="module")
def admin(open_page: Any) -> Page:
    """The admin's browser."""
    page: Page = signed_in(open_page(), "admin", has_factor=True)
    expect(page.get_by_text("Chọn một câu hỏi")).to_be_visible()
    return page


@pytest.fixture
def staff(admin: Page) -> Page:
    """The page of staff, opened by the admin."""
    admin.goto("/desk/staff")
    expect(row(admin, "admin")).to_be_visible()
    return admin


def row(page: Page, login: str) -> Locator:
    return page.get_by_role("group", name=login, exact=True)


def choose(page: Page, login: str, what: str) -> Locator:
    """Open one of the dialogs of an account; give it."""
    row(page, login).get_by_role("button", name="Sửa").click()
    page.get_by_role("dialog").get_by_role("button", name=what).click()
    dialog = page.get_by_role("dialog").filter(has_text=f"{what}: ")
    expect(dialog).to_be_visible()
    return dialog


def save(dialog: Locator, name: str = "Lưu") -> None:
    dialog.get_by_role("button", name=name, exact=True).click()


def saved(dialog: Locator, name: str = "Lưu") -> None:
    save(dialog, name)
    expect(dialog).to_have_count(0)


def member(engine: Engine, login: str) -> Staff:
    with transaction(engine) as session:
        return find_staff(session, login)


@pytest.mark.parametrize(("login", "has_factor"), [("lan", False), ("bien", False), ("sep", True)])
def test_only_admins_see_the_page(open_page: Any, login: str, has_factor: bool) -> None:
    page = signed_in(open_page(), login, has_factor)
    expect(page.get_by_role("button", name="Đăng nhập")).to_have_count(0)
    page.goto("/desk/staff")
    expect(page.get_by_text("Trang này dành cho quản trị viên")).to_be_visible()
    expect(page.get_by_role("button", name="Thêm nhân viên")).to_have_count(0)
    expect(page.get_by_text("Quản trị", exact=True)).to_have_count(0)


def test_strangers_are_asked_to_sign_in(open_page: Any) -> None:
    page = open_page()
    page.goto("/desk/staff")
    expect(page.get_by_label("Mật khẩu")).to_be_visible()


def test_a_member_of_staff_is_added_and_gets_in(staff: Page, open_page: Any, database: Engine) -> None:
    staff.get_by_role("button", name="Thêm nhân viên").click()
    dialog = staff.get_by_role("dialog")
    dialog.get_by_label("Họ tên").fill("Lê Hoa")
    dialog.get_by_label("Tên đăng nhập").fill("lan")
    dialog.get_by_label("Mật khẩu").fill("ngắn")
    save(dialog)
    expect(staff.get_by_text("Tên đăng nhập lan đã có người dùng")).to_be_visible()
    dialog.get_by_label("Tên đăng nhập").fill("hoa")
    save(dialog)
    expect(staff.get_by_text("Mật khẩu cần ít nhất 12 ký tự")).to_be_visible()
    dialog.get_by_role("button", name="Tạo mật khẩu").click()
    expect(dialog.get_by_label("Mật khẩu")).to_have_value(re.compile(r"^(\w{4}-){3}\w{4}$"))
    password = dialog.get_by_label("Mật khẩu").input_value()
    saved(dialog)
    expect(row(staff, "hoa")).to_contain_text("Trực tổng đài")
    expect(row(staff, "hoa")).to_contain_text("Chưa vào lần nào")
    page = open_page()
    page.goto("/desk/")
    enter(page, "hoa", password)
    expect(page.get_by_text("Chọn một câu hỏi")).to_be_visible()
    assert last_deeds(database, "added") == [("Quản trị", "hoa")]


def last_deeds(engine: Engine, what: str) -> list[tuple[str, str]]:
    with transaction(engine) as session:
        wanted = select(Staff.name, StaffAudit.about).join(Staff, Staff.id == StaffAudit.staff_id)
        return [(name, about or "") for name, about in session.execute(wanted.where(StaffAudit.what == what))]


def test_role_password_and_telegram_are_changed(staff: Page, database: Engine) -> None:
    kept = member(database, "bien").password_hash
    dialog = choose(staff, "bien", "Đổi vai trò")
    dialog.get_by_role("combobox", name="Vai trò").click()
    staff.get_by_role("option", name="Trưởng nhóm").click()
    saved(dialog)
    expect(row(staff, "bien")).to_contain_text("Trưởng nhóm")
    dialog = choose(staff, "bien", "Đặt mật khẩu mới")
    dialog.get_by_role("button", name="Tạo mật khẩu").click()
    expect(dialog.get_by_label("Mật khẩu")).not_to_have_value("")
    saved(dialog)
    assert member(database, "bien").password_hash != kept
    dialog = choose(staff, "bien", "Gắn Telegram")
    dialog.get_by_label("Số định danh Telegram").fill("@bien")
    save(dialog)
    expect(staff.get_by_text("Số Telegram chỉ gồm chữ số")).to_be_visible()
    dialog.get_by_label("Số định danh Telegram").fill("123 456")
    saved(dialog)
    expect(row(staff, "bien")).to_contain_text("Đã gắn Telegram")
    assert member(database, "bien").telegram_id == 123456
    dialog = choose(staff, "bien", "Gắn Telegram")
    dialog.get_by_label("Số định danh Telegram").fill("")
    saved(dialog)
    expect(row(staff, "bien")).to_contain_text("Chưa gắn Telegram")


def test_the_authoritys_account_is_linked(staff: Page, database: Engine) -> None:
    dialog = choose(staff, "bien", "Gắn tài khoản cơ quan")
    dialog.get_by_label("Mã tài khoản cơ quan").fill("bien")
    save(dialog)
    expect(staff.get_by_text("anh/chị chép nguyên dòng mã")).to_be_visible()
    dialog.get_by_label("Mã tài khoản cơ quan").fill("https://dang-nhap.example bien")
    saved(dialog)
    expect(row(staff, "bien")).to_contain_text("Đã gắn tài khoản cơ quan")
    assert member(database, "bien").subject == "https://dang-nhap.example bien"


def test_a_lost_phones_second_factor_is_reset(staff: Page, open_page: Any, database: Engine) -> None:
    with transaction(database) as session:
        add_staff(session, "tung", "Đỗ Tùng", "lead", PASSWORD)
    signed_in(open_page(), "tung", has_factor=True).get_by_text("Chọn một câu hỏi").wait_for()
    staff.reload()
    expect(row(staff, "tung")).to_contain_text("Có mã 6 số")
    saved(choose(staff, "tung", "Xoá mã 6 số"), "Xoá mã 6 số")
    expect(row(staff, "tung")).to_contain_text("Chưa có mã 6 số")
    assert member(database, "tung").totp_secret is None


def test_whoever_is_removed_gives_their_cases_back(staff: Page, desk_url: str, database: Engine) -> None:
    with transaction(database) as session:
        staff_id = add_staff(session, "nga", "Phạm Nga", "hotline", PASSWORD).id
    ask(desk_url, "cho tôi gặp nhân viên về tách thửa")
    with transaction(database) as session:
        case_id = session.scalars(select(Case.id).order_by(Case.id.desc())).first()
        assert case_id and claim(session, case_id, staff_id)
    staff.reload()
    dialog = choose(staff, "nga", "Xoá tài khoản")
    expect(dialog).to_contain_text("trở về hàng chờ")
    dialog.get_by_role("button", name="Thôi").click()
    expect(dialog).to_have_count(0)
    assert member(database, "nga").removed_at is None
    saved(choose(staff, "nga", "Xoá tài khoản"), "Xoá tài khoản")
    expect(row(staff, "nga")).to_have_count(0)
    with transaction(database) as session:
        case = session.get_one(Case, case_id)
        assert (case.owner_id, case.state) == (None, "waiting")
    with pytest.raises(StaffError):
        member(database, "nga")


def test_the_last_admin_stays(staff: Page) -> None:
    dialog = choose(staff, "admin", "Xoá tài khoản")
    save(dialog, "Xoá tài khoản")
    expect(staff.get_by_text("quản trị viên cuối cùng")).to_be_visible()
    dialog.get_by_role("button", name="Thôi").click()
    expect(row(staff, "admin")).to_be_visible()


def test_what_was_done_is_told_in_words(staff: Page) -> None:
    staff.get_by_role("tab", name="Nhật ký").click()
    panel = staff.get_by_role("tabpanel")
    expect(panel.get_by_text("thêm tài khoản").first).to_be_visible()
    expect(panel.get_by_text("đăng nhập").first).to_be_visible()
    expect(panel.get_by_text(re.compile("[a-z]_[a-z]"))).to_have_count(0)


def test_nothing_is_wider_than_a_telephone(open_page: Any, admin: Page) -> None:
    page = open_page(390)
    page.context.add_cookies(admin.context.cookies())  # the same session
    page.goto("/desk/staff")
    expect(row(page, "admin")).to_be_visible()
    for tab in ("Nhật ký", "Nhân viên"):
        page.get_by_role("tab", name=tab).click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_whoever_is_an_admin_no_more_can_do_nothing(open_page: Any, database: Engine) -> None:
    with transaction(database) as session:
        staff_id = add_staff(session, "phu", "Quản trị phụ", "admin", PASSWORD).id
    page = signed_in(open_page(), "phu", has_factor=True)
    page.get_by_text("Chọn một câu hỏi").wait_for()
    page.goto("/desk/staff")
    dialog = choose(page, "lan", "Gắn Telegram")
    dialog.get_by_label("Số định danh Telegram").fill("777")
    with transaction(database) as session:
        set_role(session, staff_id, "lead")
    save(dialog)
    expect(page.get_by_label("Mật khẩu")).to_be_visible()
    assert member(database, "lan").telegram_id is None


def test_what_somebody_else_changed_meanwhile_is_told(staff: Page, database: Engine) -> None:
    with transaction(database) as session:
        staff_id = add_staff(session, "tam", "Tâm", "hotline", PASSWORD).id
    staff.reload()
    dialog = choose(staff, "tam", "Đổi vai trò")
    with transaction(database) as session:
        remove_staff(session, staff_id)
    save(dialog)
    expect(staff.get_by_text("Tài khoản này không còn nữa")).to_be_visible()


def test_each_deed_has_its_words(engine: Engine) -> None:
    written = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "bot").rglob("*.py"))
    noted = set(re.findall(r"""\baudit\(\s*[\w.]+,\s*[\w.]+,\s*"(\w+)\"""", written))
    assert noted >= {"added", "signed_in_sso", "read_conversation"}
    assert [what for what in noted if f"accounts.did_{what}" not in sentences()] == []


def test_a_line_says_who_and_about_what(engine: Engine) -> None:
    with transaction(engine) as session:
        lan = add_staff(session, "lan", "Lan", "hotline", PASSWORD).id
        set_role(session, lan, "lead", by=lan)
        set_telegram(session, lan, 7, by=lan)
        audit(session, lan, "read_conversation", "case 12")
        audit(session, None, "locked", "network")
        audit(session, None, "of_later", "x")
        told = [(deed.who, deed.what, deed.about) for deed in deeds(session)]
    assert told == [
        ("Dòng lệnh", "of_later", "x"),
        ("Không rõ ai", "bị khoá vì đăng nhập sai nhiều lần", "một địa chỉ mạng"),
        ("Lan", "xem cuộc trò chuyện", "câu hỏi số 12"),
        ("Lan", "gắn hoặc bỏ Telegram", "lan"),
        ("Lan", "đổi vai trò", "lan (Trưởng nhóm)"),
        ("Dòng lệnh", "thêm tài khoản", "lan"),
    ]


def test_a_password_that_is_made_is_good_enough() -> None:
    made = {make_password() for _ in range(100)}
    assert len(made) == 100
    for password in made:
        check_password("lan", password)
