"""The Bot API's HTTP: a call's form in, its JSON out."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs

from tests.servers.telegram_refusal import Refused


def http_handler(token: str, answer: Callable[[str, dict[str, Any]], Any]) -> type[BaseHTTPRequestHandler]:
    """Build the handler of a bot's calls; ``answer`` takes a method and its parameters, may raise Refused."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else a reply of two writes waits 40 ms for an acknowledgement

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            given, method = self.path.removeprefix("/bot").split("/", 1)
            try:
                if given != token:
                    raise Refused(401, "Unauthorized")
                params = {name: _value(name, values[0]) for name, values in parse_qs(body, True).items()}
                self._say(200, {"ok": True, "result": answer(method, params)})
            except Refused as refused:
                later = {"parameters": {"retry_after": refused.retry_after}} if refused.retry_after else {}
                if refused.migrated_to:
                    later = {"parameters": {"migrate_to_chat_id": refused.migrated_to}}
                error = {"ok": False, "error_code": refused.status, "description": refused.description}
                self._say(refused.status, error | later)

        def _say(self, status: int, answer: dict[str, Any]) -> None:
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(ConnectionError):  # whoever polled has gone
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def _value(name: str, text: str) -> Any:
    """Read a form field: what is not text is JSON."""
    plain = ("text", "callback_query_id", "url", "secret_token", "action", "parse_mode", "name")
    return text if name in plain else json.loads(text)
