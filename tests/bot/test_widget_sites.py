"""Which sites' pages may ask: exactly those of WIDGET_ORIGINS, our own, and programs that are no page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from pydantic import ValidationError

from bot.settings import Settings
from bot.turn import Assistant
from bot.web_channel import build_app
from bot.widget import PANEL, join
from tests.conftest import serve_app

API = "/api/v1/messages"
LISTED, OTHER = "https://bao.example.vn", "https://la.example.vn"
HELLO = {"conversation_id": None, "text": "chào bạn"}
SOMEBODY = "00000000-0000-4000-8000-000000000000"
PATHS = (API, *(f"/api/v1/conversations/{SOMEBODY}/{what}" for what in ("heard?number=1", "typing")))
NOT_LISTED = (
    "https://bao.example.vn.la.vn",
    "http://bao.example.vn",
    "https://bao.example.vn:444",
    "null",
    OTHER,
)


@pytest.fixture
def served(assistant: Assistant) -> Iterator[str]:
    """The address of the web application, which lists one site."""
    with serve_app(build_app(assistant, rate_limit="10000/minute", sites=(LISTED,))) as url:
        yield url


def test_a_listed_site_may_ask_and_read_the_answer(served: str) -> None:
    reply = requests.post(served + API, json=HELLO, headers={"Origin": LISTED}, timeout=30)
    assert reply.status_code == 200
    assert reply.headers["access-control-allow-origin"] == LISTED
    assert reply.headers["access-control-expose-headers"] == "Retry-After"
    assert "Origin" in reply.headers["vary"]
    assert "access-control-allow-credentials" not in reply.headers


@pytest.mark.parametrize("path", PATHS)
def test_a_listed_site_may_send_a_key_by_which_a_message_is_known(served: str, path: str) -> None:
    wish = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,idempotency-key",
    }
    reply = requests.options(served + path, headers={"Origin": LISTED, **wish}, timeout=30)
    assert reply.status_code == 200
    assert reply.headers["access-control-allow-origin"] == LISTED
    assert "Idempotency-Key" in reply.headers["access-control-allow-headers"]


def test_a_listed_site_may_hear_what_a_person_says(served: str) -> None:
    known = requests.post(served + API, json=HELLO, timeout=30).json()["conversation_id"]
    address = f"{served}/api/v1/conversations/{known}/events"
    with requests.get(address, headers={"Origin": LISTED}, stream=True, timeout=30) as reply:
        assert reply.headers["access-control-allow-origin"] == LISTED
        assert reply.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize("origin", NOT_LISTED)
def test_a_site_that_is_not_listed_is_refused_and_told_what_to_set(served: str, origin: str) -> None:
    for path in PATHS:
        for method in ("POST", "OPTIONS"):
            reply = requests.request(
                method, served + path, json=HELLO, headers={"Origin": origin}, timeout=30
            )
            assert reply.status_code == 403
            assert "access-control-allow-origin" not in reply.headers
            assert "WIDGET_ORIGINS" in reply.json()["detail"]
            assert "Origin" in reply.headers["vary"]


def test_our_own_pages_and_programs_may_ask_as_before(served: str) -> None:
    for headers in ({}, {"Origin": served}, {"Origin": OTHER, "Sec-Fetch-Site": "same-origin"}):
        assert requests.post(served + API, json=HELLO, headers=headers, timeout=30).status_code == 200


def test_the_launcher_is_told_the_portal_and_why_a_site_may_not_ask(served: str) -> None:
    def ask(province: str, origin: str) -> requests.Response:
        address = f"{served}/api/v1/widget?province={province}"
        return requests.get(address, headers={"Origin": origin}, timeout=30)

    portal = {"name": "Cổng Dịch vụ công quốc gia", "url": "https://dichvucong.gov.vn"}
    listed, other = ask("vinh-phuc", LISTED), ask("vinh-phuc", OTHER)
    assert listed.json() == {"portal": portal, "trouble": None}
    assert listed.headers["access-control-allow-origin"] == LISTED
    assert other.headers["access-control-allow-origin"] == "*"
    assert other.json()["portal"] == portal
    assert "WIDGET_ORIGINS" in other.json()["trouble"]
    for province in ("lai-chau", "atlantis", ""):
        told = ask(province, LISTED).json()
        assert told["portal"] == portal
        assert f'"{province}"' in told["trouble"] and 'data-province="vinh-phuc"' in told["trouble"]


def test_what_is_not_the_widgets_is_shared_with_no_site(served: str) -> None:
    for path in ("/", "/desk/", "/content", "/chat.js", "/metrics"):
        reply = requests.get(served + path, headers={"Origin": LISTED}, timeout=30, allow_redirects=False)
        assert "access-control-allow-origin" not in reply.headers, path


def test_the_panel_comes_in_one_piece_with_what_it_imports(served: str) -> None:
    text = requests.get(f"{served}/{PANEL}", timeout=30).text
    assert text == join(PANEL, [])
    assert "import " not in text.replace("import.meta", "")
    assert all(
        f"class {name} " in text for name in ("Talk", "Log", "Outbox", "Conversation", "Live", "Composer")
    )


def test_sites_are_written_as_browsers_write_them() -> None:
    given = " https://Bao.example.vn/ ,http://localhost:8000,"
    settings = Settings(_env_file=None, widget_origins=given)
    assert settings.sites() == ("https://bao.example.vn", "http://localhost:8000")
    assert Settings(_env_file=None).sites() == ()


@pytest.mark.parametrize(
    "given", ["*", "bao.example.vn", "https://bao.vn/tin", "https://*.vn", "https://a.vn https://b.vn"]
)
def test_what_is_no_sites_address_is_named(given: str) -> None:
    with pytest.raises(ValidationError, match=r"write https://name\.vn"):
        Settings(_env_file=None, widget_origins=given)
