"""Single sign-on before a real OpenID provider: who gets in, and what is told when it goes wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from html import escape, unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
import requests
from fastapi import FastAPI
from playwright.sync_api import Browser, expect
from pydantic import SecretStr, ValidationError
from sqlalchemy import Engine, select

from bot.desk.sign_in_pages import sign_in_routes
from bot.desk.single_sign_on_pages import CALLBACK, single_sign_on_routes
from bot.hotline.accounts import add_staff, find_staff, remove_staff, set_subject
from bot.hotline.openid import Client, Provider, begin
from bot.hotline.second_factor import begin_second_factor, confirm_second_factor
from bot.hotline.sign_in import TRIES, SignInRefused
from bot.hotline.single_sign_on import admit, confirm_code
from bot.hotline.staff import StaffAudit, StaffError
from bot.hotline.staff_sessions import USUAL, who
from bot.settings import Settings
from bot.start import StartError, check_single_sign_on
from knowledge.database import migrate, now, open_database, transaction
from tests.bench import servers
from tests.conftest import free_port, serve_app
from tests.servers import openid
from tests.servers.openid import CLIENT_ID, CLIENT_SECRET, OpenIdProvider

PASSWORD = "mot hai ba bon nam"  # noqa: S105 - of made-up accounts
ISSUER = "https://dang-nhap.example"


@pytest.fixture
def provider() -> Iterator[OpenIdProvider]:
    """The authority's provider, at which Lan signs in."""
    made = OpenIdProvider()
    with openid.serving(made):
        yield made


@pytest.fixture
def desk(engine: Engine, provider: OpenIdProvider) -> Iterator[str]:
    """The desk's pages for signing in, with Lan (hotline) linked to the provider."""
    staff_id = add(engine, "lan")
    link(engine, staff_id, f"{provider.url} lan-01")
    with pages(engine, provider.url) as url:
        yield url


def pages(engine: Engine, issuer: str) -> AbstractContextManager[str]:
    app = FastAPI()
    sign_in_routes(app, engine, USUAL, is_secure=False, has_sso=True)
    port = free_port()
    client = Client(issuer, CLIENT_ID, CLIENT_SECRET, f"http://127.0.0.1:{port}{CALLBACK}")
    single_sign_on_routes(app, engine, USUAL, Provider(client), is_secure=False)
    return serve_app(app, port)


def add(engine: Engine, login: str, role: str = "hotline") -> int:
    with transaction(engine) as session:
        return add_staff(session, login, login.title(), role, PASSWORD).id


def link(engine: Engine, staff_id: int, subject: str | None) -> None:
    with transaction(engine) as session:
        set_subject(session, staff_id, subject)


def factor(engine: Engine, staff_id: int) -> pyotp.TOTP:
    before = now() - timedelta(days=1)
    with transaction(engine) as session:
        secret, _ = begin_second_factor(session, staff_id)
        confirm_second_factor(session, staff_id, secret, pyotp.TOTP(secret).at(before), at=before)
    return pyotp.TOTP(secret)


def told(engine: Engine) -> list[str]:
    with transaction(engine) as session:
        return list(session.scalars(select(StaffAudit.what).order_by(StaffAudit.id)))


def sign_in(browser: requests.Session, desk: str) -> requests.Response:
    return browser.get(f"{desk}/desk/sso", timeout=30)


def sentence(reply: requests.Response) -> str:
    (alert,) = re.findall(r'role="alert">([^<]+)<', reply.text)
    assert "Traceback" not in reply.text
    return alert


def test_whoever_is_linked_gets_in(desk: str, engine: Engine) -> None:
    with requests.Session() as browser:
        assert "/desk/sso" in browser.get(f"{desk}/desk/sign-in", timeout=30).text
        done = sign_in(browser, desk)
        assert done.status_code == 200 and 'content="0; url=/desk/"' in done.text
        (kept,) = [each for each in done.headers["set-cookie"].split(", ") if each.startswith("desk=")]
        assert "httponly" in kept.casefold() and "samesite=lax" in kept.casefold()
        signed = who(engine, browser.cookies["desk"])
        assert signed is not None and signed.login == "lan"
        assert "desk_sso" not in browser.cookies
    assert told(engine)[-1] == "signed_in_sso"


def test_whoever_asked_for_a_page_comes_to_it(desk: str, engine: Engine) -> None:
    page = "/content/record?kind=procedure&key=1.001193"
    with requests.Session() as browser:
        asked = browser.get(f"{desk}/desk/sign-in", params={"to": page}, timeout=30)
        (way,) = re.findall(r'href="(/desk/sso[^"]*)"', asked.text)
        done = browser.get(desk + unescape(way), timeout=30)
        assert f'content="0; url=/desk{escape(page)}"' in done.text
        assert "desk_sso_to" not in browser.cookies
    with transaction(engine) as session:
        staff_id = find_staff(session, "lan").id
    totp = factor(engine, staff_id)
    with requests.Session() as browser:
        form = browser.get(desk + unescape(way), timeout=30)
        fields = dict(re.findall(r'name="(ticket|to)" value="([^"]*)"', form.text))
        sent = {"ticket": fields["ticket"], "to": unescape(fields["to"]), "code": totp.now()}
        led = browser.post(f"{desk}/desk/sso/code", data=sent, timeout=30, allow_redirects=False)
        assert led.headers["location"] == f"/desk{page}"


@pytest.mark.parametrize("to", ["https://elsewhere.example/", "//elsewhere.example", '"><script>', ""])
def test_single_sign_on_leads_to_no_other_site(desk: str, to: str) -> None:
    with requests.Session() as browser:
        done = browser.get(f"{desk}/desk/sso", params={"to": to}, timeout=30)
        (target,) = re.findall(r'content="0; url=([^"]*)"', done.text)
        assert target.startswith("/desk/") and "<script" not in done.text


def test_what_is_sent_to_the_provider_keeps_its_secrets(desk: str) -> None:
    sent = requests.get(f"{desk}/desk/sso", timeout=30, allow_redirects=False)
    cookie = sent.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/desk/sso" in cookie
    asked = parse_qs(urlsplit(sent.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    kept = sent.cookies["desk_sso"]
    assert all(kept not in value and kept.partition(".")[2] not in value for (value,) in asked.values())
    assert len({asked[name][0] for name in ("state", "nonce", "code_challenge")}) == 3


def test_a_provider_that_wants_the_secret_in_the_form_gets_it_there(
    desk: str, provider: OpenIdProvider
) -> None:
    provider.is_post = True
    with requests.Session() as browser:
        assert sign_in(browser, desk).status_code == 200
        assert browser.cookies["desk"]


@pytest.mark.parametrize("fault", ["error", "malformed", "other_issuer", "plain_token_endpoint"])
def test_a_provider_that_is_down_is_told(desk: str, provider: OpenIdProvider, fault: str) -> None:
    provider.faults.add(fault)
    with requests.Session() as browser:
        reply = sign_in(browser, desk)
        assert reply.status_code == 502
        assert "chưa trả lời" in sentence(reply)
        assert not browser.cookies


def test_a_provider_that_is_not_there_is_told(engine: Engine) -> None:
    with pages(engine, f"http://127.0.0.1:{free_port()}") as url:
        reply = requests.get(f"{url}/desk/sso", timeout=30)
    assert reply.status_code == 502 and "chưa trả lời" in sentence(reply)


def test_a_provider_that_breaks_off_is_told(desk: str, provider: OpenIdProvider) -> None:
    provider.faults.add("token_error")
    with requests.Session() as browser:
        reply = sign_in(browser, desk)
        assert reply.status_code == 502 and "chưa trả lời" in sentence(reply)
        assert not browser.cookies


@pytest.mark.parametrize(
    "fault",
    ["bad_signature", "unsigned", "other_iss", "other_aud", "expired", "other_nonce", "no_nonce", "denied"],
)
def test_a_proof_that_does_not_hold_is_refused(
    desk: str, engine: Engine, provider: OpenIdProvider, fault: str
) -> None:
    provider.faults.add(fault)
    with requests.Session() as browser:
        reply = sign_in(browser, desk)
        assert reply.status_code == 401
        assert "chưa hoàn tất" in sentence(reply)
        assert not browser.cookies
    assert "signed_in_sso" not in told(engine)


def test_a_callback_is_good_once_and_only_in_the_browser_that_began(
    desk: str, provider: OpenIdProvider
) -> None:
    with requests.Session() as browser, requests.Session() as other:
        began = browser.get(f"{desk}/desk/sso", timeout=30, allow_redirects=False)
        kept = browser.cookies["desk_sso"]
        callback = requests.get(began.headers["location"], timeout=30, allow_redirects=False).headers[
            "location"
        ]
        other.get(f"{desk}/desk/sso", timeout=30, allow_redirects=False)
        assert other.get(callback, timeout=30).status_code == 401  # another's state
        assert requests.get(callback, timeout=30).status_code == 401  # none
        assert browser.get(callback, timeout=30).status_code == 200
        assert browser.get(callback, timeout=30).status_code == 401
        again = requests.get(callback, timeout=30, cookies={"desk_sso": kept})  # the code was used
        assert again.status_code == 401 and "chưa hoàn tất" in sentence(again)
        assert "desk" not in other.cookies


def test_a_sign_in_that_took_too_long_is_refused(desk: str, provider: OpenIdProvider) -> None:
    client = Client(provider.url, CLIENT_ID, CLIENT_SECRET, f"{desk}{CALLBACK}")
    for old in (begin(now() - timedelta(minutes=11)), "x", "", "²." + "a" * 43):
        asked = Provider(client).address(old)
        callback = requests.get(asked, timeout=30, allow_redirects=False).headers["location"]
        late = requests.get(callback, timeout=30, headers={"Cookie": f"desk_sso={old}".encode()})
        assert late.status_code == 401


def test_nobody_linked_is_told_what_to_give_the_admin(
    desk: str, engine: Engine, provider: OpenIdProvider
) -> None:
    provider.sub = "<b>minh</b>"
    with requests.Session() as browser:
        reply = sign_in(browser, desk)
        assert reply.status_code == 401
        assert "chưa gắn" in sentence(reply)
        assert f"{provider.url} &lt;b&gt;minh&lt;/b&gt;" in reply.text
        assert not browser.cookies
    assert told(engine)[-1] == "sign_in_failed"


def test_whoever_left_is_refused(desk: str, engine: Engine) -> None:
    with transaction(engine) as session:
        remove_staff(session, find_staff(session, "lan").id)
    with requests.Session() as browser:
        assert sign_in(browser, desk).status_code == 401


def test_the_second_factor_is_still_asked_for(desk: str, engine: Engine) -> None:
    with transaction(engine) as session:
        staff_id = find_staff(session, "lan").id
    totp = factor(engine, staff_id)
    with requests.Session() as browser:
        asked = sign_in(browser, desk)
        (ticket,) = re.findall(r'name="ticket" value="([^"]+)"', asked.text)
        assert "desk" not in browser.cookies and who(engine, ticket) is None
        form, address = {"ticket": ticket, "code": "000000"}, f"{desk}/desk/sso/code"
        assert browser.post(address, data=form, timeout=30).status_code == 401
        strange = {"Origin": "https://xau.example"}
        assert browser.post(address, data=form, headers=strange, timeout=30).status_code == 403
        form["code"] = totp.now()
        done = browser.post(address, data=form, timeout=30, allow_redirects=False)
        assert done.status_code == 303 and who(engine, browser.cookies["desk"]) is not None
        assert browser.post(address, data=form, timeout=30).status_code == 401  # used up
    assert told(engine)[-2:] == ["sign_in_failed", "signed_in_sso"]


def test_guessing_the_second_factor_locks_the_account(any_engine: Engine) -> None:
    at, staff_id = now(), add(any_engine, "sep", "admin")
    totp = factor(any_engine, staff_id)
    link(any_engine, staff_id, f"{ISSUER} sep")
    admitted = admit(any_engine, f"{ISSUER} sep", None, at=at)
    assert admitted is not None and admitted.needs_code
    for _ in range(TRIES):
        with pytest.raises(SignInRefused):
            confirm_code(any_engine, admitted.token, "000000", None, at=at)
    with pytest.raises(SignInRefused):
        confirm_code(any_engine, admitted.token, totp.at(at), None, at=at)
    assert told(any_engine)[-2:] == ["sign_in_failed", "locked"]


def test_what_waits_for_the_second_factor_ends(any_engine: Engine) -> None:
    at, staff_id = now(), add(any_engine, "sep", "admin")
    totp = factor(any_engine, staff_id)
    link(any_engine, staff_id, f"{ISSUER} sep")
    admitted = admit(any_engine, f"{ISSUER} sep", None, at=at)
    later = at + timedelta(minutes=6)
    assert admitted is not None
    with pytest.raises(SignInRefused):
        confirm_code(any_engine, admitted.token, totp.at(later), None, at=later)
    assert confirm_code(any_engine, admitted.token, totp.at(at), None, at=at)
    admitted = admit(any_engine, f"{ISSUER} sep", None, at=at)
    link(any_engine, staff_id, None)  # whoever is unlinked gets no further
    assert admitted is not None
    later = at + timedelta(minutes=1)
    with pytest.raises(SignInRefused):
        confirm_code(any_engine, admitted.token, totp.at(later), None, at=later)


def test_an_admin_without_a_second_factor_sets_one_up_first(any_engine: Engine) -> None:
    link(any_engine, add(any_engine, "sep", "admin"), f"{ISSUER} sep")
    admitted = admit(any_engine, f"{ISSUER} sep", None)
    assert admitted is not None and not admitted.needs_code
    signed = who(any_engine, admitted.token)
    assert signed is not None and signed.needs_second_factor


def test_a_subject_is_one_persons_own(any_engine: Engine) -> None:
    lan, minh = add(any_engine, "lan"), add(any_engine, "minh")
    link(any_engine, lan, f"  {ISSUER} a b ")
    admitted = admit(any_engine, f"{ISSUER} a b", None)
    with pytest.raises(StaffError, match="belongs to somebody else"):
        link(any_engine, minh, f"{ISSUER} a b")
    for wrong in (
        "",
        "lan",
        f"{ISSUER}",
        f"{ISSUER} ",
        "http://x.example lan",
        f"{ISSUER} a\x00b",
        "https:// a",
    ):
        with pytest.raises(StaffError, match="no subject"):
            link(any_engine, minh, wrong)
    with pytest.raises(StaffError, match="no subject"):
        link(any_engine, minh, f"{ISSUER} {'x' * 255}")
    assert admitted is not None and who(any_engine, admitted.token)
    link(any_engine, lan, None)
    assert who(any_engine, admitted.token) is None
    assert admit(any_engine, f"{ISSUER} a b", None) is None
    assert admit(any_engine, f"{ISSUER} a\x00b", None) is None


ALL = {"oidc_issuer": ISSUER, "oidc_client_id": "x", "oidc_client_secret": SecretStr("y")}


def test_settings_are_all_three_or_none() -> None:
    check_single_sign_on(Settings(_env_file=None))
    check_single_sign_on(Settings(_env_file=None, **ALL))  # type: ignore[arg-type]
    for name in ALL:
        some = Settings(_env_file=None, **{each: ALL[each] for each in ALL if each != name})  # type: ignore[arg-type]
        with pytest.raises(StartError, match=f"{name.upper()} not set"):
            check_single_sign_on(some)


@pytest.mark.parametrize("issuer", ["http://dang-nhap.example", "dang-nhap.example", "https://", "http://[x"])
def test_the_issuer_must_be_out_of_reach_of_listeners(issuer: str) -> None:
    with pytest.raises(ValidationError, match="https://"):
        Settings(_env_file=None, oidc_issuer=issuer)
    assert Settings(_env_file=None, oidc_issuer="http://localhost:9000/realms/x").oidc_issuer


def test_the_whole_round_in_a_browser(nlu_url: str, tmp_path: Path, browser: Browser) -> None:
    database, provider = f"sqlite:///{tmp_path / 'desk.db'}", OpenIdProvider()
    engine = open_database(database)
    migrate(engine)
    staff_id = add(engine, "lan")
    with openid.serving(provider, "localhost") as issuer:  # another site than 127.0.0.1
        sso = {"OIDC_ISSUER": issuer, "OIDC_CLIENT_ID": CLIENT_ID, "OIDC_CLIENT_SECRET": CLIENT_SECRET}
        with servers.assistant(tmp_path, nlu_url, database, **sso) as server:
            context = browser.new_context(base_url=server.url, viewport={"width": 390, "height": 844})
            page = context.new_page()
            page.goto("/desk/")
            page.get_by_role("link", name="Đăng nhập bằng tài khoản cơ quan").click()
            expect(page.get_by_role("alert")).to_contain_text("chưa gắn với bàn trực")
            link(engine, staff_id, page.locator("code").inner_text())
            page.get_by_role("link", name="Về trang đăng nhập").click()
            page.get_by_role("link", name="Đăng nhập bằng tài khoản cơ quan").click()
            expect(page.get_by_text("Không có câu hỏi")).to_be_visible()
            page.get_by_role("button", name="Thoát").click()
            totp = factor(engine, staff_id)
            page.get_by_role("link", name="Đăng nhập bằng tài khoản cơ quan").click()
            page.get_by_label("Mã 6 số").fill(totp.now())
            page.get_by_role("button", name="Đăng nhập").click()
            expect(page.get_by_text("Không có câu hỏi")).to_be_visible()
            context.close()
    engine.dispose()
