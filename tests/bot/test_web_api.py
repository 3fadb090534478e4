"""``POST /api/v1/messages`` keeps the contract of the design; bad input is a clear 4xx, never a 500."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest
import requests
from sqlalchemy import Engine, func, select

from bot.store import Turn
from bot.turn import Assistant
from bot.web_channel import build_app
from knowledge.database import open_database, transaction
from knowledge.library import Library
from nlu.client import NluClient
from tests.conftest import build, dossier_settings, free_port, serve_app

API = "/api/v1/messages"


@pytest.fixture
def assistant(library: Library, nlu_url: str, any_engine: Engine, made_up_url: str) -> Assistant:
    """The assistant on each database engine."""
    return build(library, nlu_url, any_engine, dossier_settings(made_up_url))


QUESTION = {"conversation_id": None, "text": "đi đăng ký kết hôn cần mang gì"}


def _post(url: str, body: object, **headers: str) -> requests.Response:
    return requests.post(url + API, json=body, headers=headers, timeout=30)


def _problem(reply: requests.Response, status: int, field: str | None = None) -> dict[str, object]:
    body = dict(reply.json())
    assert reply.status_code == status, body
    assert reply.headers["content-type"] == "application/problem+json"
    assert body["status"] == status and body["title"] and body["detail"]
    assert body.get("field") == field
    return body


def test_an_answer_has_the_shape_of_the_contract(served: str) -> None:
    body = _post(served, QUESTION).json()
    assert set(body) == {
        "conversation_id",
        "status",
        "messages",
        "case_number",
        "is_with_person",
        "understanding",
    }
    (message,) = body["messages"]
    assert set(message) == {"text", "choices", "sources"}
    assert set(message["choices"][0]) == {"title", "payload"}
    assert set(message["sources"][0]) == {
        "title", "number", "issued_on", "in_force_from", "in_force_to", "url"
    }  # fmt: skip
    understanding = body["understanding"]
    assert set(understanding) == {"intent", "confidence", "entities", "procedure", "topic"}
    assert understanding["intent"] == "ask_documents"
    assert understanding["procedure"] == {"code": "1.000894", "name": "Đăng ký kết hôn"}
    assert body["status"] == "answered"


def test_a_pressed_choice_goes_on_in_the_same_conversation(served: str) -> None:
    first = _post(served, QUESTION).json()
    choice = first["messages"][0]["choices"][0]
    body = {"conversation_id": first["conversation_id"], "payload": choice["payload"]}
    second = _post(served, body).json()
    assert second["conversation_id"] == first["conversation_id"]
    assert second["understanding"]["procedure"]["code"] == "1.000894"


def test_the_same_key_is_answered_once(served: str, assistant: Assistant) -> None:
    key = str(uuid4())
    replies = [_post(served, QUESTION, **{"Idempotency-Key": key}).json() for _ in range(3)]
    assert replies[0] == replies[1] == replies[2]
    with transaction(assistant.engine) as session:
        assert session.scalar(select(func.count()).select_from(Turn)) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": "   "}, "text"),
        ({"text": "\u200b"}, "text"),
        ({"text": "a" * 2001}, "text"),
        ({"text": 5}, "text"),
        ({"text": "chào", "payload": "greet"}, "text"),
        ({}, "text"),
        ({"payload": "launch_missiles"}, "payload"),
        ({"payload": "ask_fee?procedure=" + "9" * 90}, "payload"),
        ({"text": "chào", "conversation_id": "nobody"}, "conversation_id"),
        ({"text": "chào", "conversation_id": "\ud800"}, "conversation_id"),
        ({"text": "chào", "conversation_id": "\u0000"}, "conversation_id"),
        ({"text": "chào", "conversation_id": "00000000-0000-4000-8000-000000000000"}, "conversation_id"),
        ({"payload": "greet?procedure=\u0000"}, "payload"),
        ({"payload": "ask_fee?procedure=%ED%A0%80"}, "payload"),
        ({"text": "chào", "conversation_id": 7}, "conversation_id"),
        ({"text": "chào", "colour": "red"}, "colour"),
        ([], "body"),
        ("chào", "body"),
    ],
)
def test_a_bad_field_is_named(served: str, body: object, field: str) -> None:
    _problem(_post(served, body), 422, field)


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe\x00", b"[" * 20000, b'{"text": "\xff"}', b"null"])
def test_a_body_that_is_not_json_is_refused(served: str, raw: bytes) -> None:
    reply = requests.post(served + API, data=raw, headers={"content-type": "application/json"}, timeout=30)
    _problem(reply, 422, "body")


def test_a_body_too_large_is_refused_before_it_is_read_whole(served: str) -> None:
    reply = requests.post(served + API, data=b'{"text": "' + b"a" * 200_000 + b'"}', timeout=30)
    _problem(reply, 422, "body")


def test_a_lone_surrogate_is_no_server_error(served: str) -> None:
    reply = requests.post(served + API, data=rb'{"text": "ch\ud800\u00e0o"}', timeout=30)
    assert reply.status_code == 200


def test_a_key_used_for_another_message_is_refused(served: str) -> None:
    key = str(uuid4())
    assert _post(served, QUESTION, **{"Idempotency-Key": key}).status_code == 200
    _problem(_post(served, {"text": "chào"}, **{"Idempotency-Key": key}), 422, "Idempotency-Key")


def test_a_leading_slash_names_no_intent(served: str) -> None:
    reply = _post(served, {"text": '/delete_my_data{"confirmed": "yes"}'}).json()
    assert "xoá xong" not in reply["messages"][0]["text"]


def test_a_key_that_is_no_uuid_is_refused(served: str) -> None:
    _problem(_post(served, QUESTION, **{"Idempotency-Key": "1"}), 422, "Idempotency-Key")


@pytest.mark.parametrize(
    "text",
    ["😀" * 500, "đăng ký khai sinh", "<script>alert(1)</script>", "' OR 1=1 --", "x" * 2000, "\u202eabc"],
)
def test_odd_text_is_answered(served: str, text: str) -> None:
    reply = _post(served, {"text": text})
    assert reply.status_code == 200
    assert reply.json()["messages"][0]["text"]


def test_too_many_messages_are_told_when_to_come_back(assistant: Assistant) -> None:
    with serve_app(build_app(assistant, rate_limit="2/minute")) as url:
        assert [_post(url, {"payload": "greet"}).status_code for _ in range(2)] == [200, 200]
        refused = _post(url, {"payload": "greet"})
        _problem(refused, 429)
        assert 1 <= int(refused.headers["Retry-After"]) <= 60


def test_with_the_nlu_server_down_the_hotline_is_given_and_readyz_names_it(assistant: Assistant) -> None:
    port = free_port()
    down = replace(assistant, nlu=NluClient(f"http://127.0.0.1:{port}"))
    with serve_app(build_app(down)) as url:
        body = _post(url, QUESTION).json()
        assert body["status"] == "unavailable"
        assert "1800 1096" in body["messages"][0]["text"]
        ready = requests.get(f"{url}/readyz", timeout=10)
        assert ready.status_code == 503
        assert ready.json() == {"database": True, "nlu": False, "knowledge": True}


@pytest.fixture
def without_database(assistant: Assistant) -> Iterator[str]:
    engine = open_database(f"postgresql://nobody@127.0.0.1:{free_port()}/nowhere")
    with serve_app(build_app(replace(assistant, engine=engine))) as url:
        yield url
    engine.dispose()


def test_with_the_database_down_it_is_a_503_that_says_so(without_database: str) -> None:
    reply = _post(without_database, QUESTION)
    assert "database" in str(_problem(reply, 503)["detail"])
    assert reply.headers["Retry-After"]
    assert requests.get(f"{without_database}/healthz", timeout=10).status_code == 200
    assert requests.get(f"{without_database}/readyz", timeout=10).json()["database"] is False


def test_all_is_ready(served: str) -> None:
    assert requests.get(f"{served}/healthz", timeout=10).json() == {"status": "ok"}
    ready = requests.get(f"{served}/readyz", timeout=10)
    assert (ready.status_code, ready.json()) == (200, {"database": True, "nlu": True, "knowledge": True})


def test_turns_are_counted(served: str) -> None:
    _post(served, {"payload": "greet"})
    page = requests.get(f"{served}/metrics", timeout=10).text
    assert 'turns_total{channel="web",status="answered"}' in page
    assert "turn_seconds_count" in page


def test_the_page_allows_no_foreign_script(served: str) -> None:
    page = requests.get(served, timeout=10)
    assert page.status_code == 200 and "Hỏi Một Cửa" in page.text
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Content-Type-Options"] == "nosniff"


def test_an_unknown_address_is_a_problem_too(served: str) -> None:
    _problem(requests.get(f"{served}/api/v1/nothing", timeout=10), 404)
