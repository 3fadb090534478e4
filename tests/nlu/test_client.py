"""The client understands through the real Rasa server, and says so when the server is down or slow."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from nlu.client import NluClient, NluUnavailable
from tests.conftest import free_port


def test_a_sentence_is_understood_with_intent_confidence_and_entities(nlu_url: str) -> None:
    reading = NluClient(nlu_url).understand("đăng ký kết hôn cần những giấy tờ gì")
    assert reading.intent == "ask_documents"
    assert 0.5 < reading.confidence <= 1
    assert "đăng ký kết hôn" in [entity.text for entity in reading.all("procedure")]
    assert reading.alternatives and reading.alternatives[0][0] != "ask_documents"


def test_a_sentence_without_accents_is_understood_alike(nlu_url: str) -> None:
    assert NluClient(nlu_url).understand("lam ho chieu het bao nhieu tien").intent == "ask_fee"


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "x" * 2000,
        "привет как дела",
        "مرحبا",
        "'; DROP TABLE turns; --",
        "<script>alert(1)</script>",
        "🎉 ok",
    ],
)
def test_strange_text_is_read_without_failing(nlu_url: str, text: str) -> None:
    reading = NluClient(nlu_url).understand(text)
    assert reading.intent


def test_a_server_that_is_down_is_unavailable() -> None:
    client = NluClient(f"http://127.0.0.1:{free_port()}")
    assert not client.is_ready()
    with pytest.raises(NluUnavailable, match="NLU server http://127"):
        client.understand("chào")


class _Server(ThreadingHTTPServer):
    """A server that answers only when it is let go, or answers nonsense."""

    daemon_threads = True

    def __init__(self, reply: bytes | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.reply = reply
        self.let_go = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        if self.server.reply is None:
            self.server.let_go.wait(30)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.reply or b"{}")

    def log_message(self, *_: object) -> None:
        """Keep the test's output quiet."""


@pytest.fixture
def strange_server(request: pytest.FixtureRequest) -> Iterator[str]:
    server = _Server(request.param)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.let_go.set()
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("strange_server", [None], indirect=True)
def test_a_server_that_is_slow_is_unavailable_after_the_time_limit(strange_server: str) -> None:
    with pytest.raises(NluUnavailable, match="timed out"):
        NluClient(strange_server, time_limit=0.2).understand("chào")


@pytest.mark.parametrize("strange_server", [b"not json", b"[]", b'{"intent": null}'], indirect=True)
def test_a_server_that_answers_nonsense_is_unavailable(strange_server: str) -> None:
    with pytest.raises(NluUnavailable):
        NluClient(strange_server).understand("chào")
