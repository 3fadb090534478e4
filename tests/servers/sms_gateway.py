"""An SMS gateway for tests: real HTTP, a bearer token, 160 characters of the GSM alphabet."""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "sms-token"  # noqa: S105 - opens nothing
LONGEST = 160
_GSM = re.compile(r"[\n !\"#$%&'()*+,\-./0-9:;<=>?@A-Za-z_]*")


class SmsGatewayServer:
    """The server; ``refuse_next`` gives the next message's status, with a pause that is asked for."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self._refusals: list[tuple[int, int | None]] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/send"

    def __enter__(self) -> SmsGatewayServer:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def refuse_next(self, status: int, retry_after: int | None = None) -> None:
        """Refuse the next message."""
        self._refusals.append((status, retry_after))

    def take(self, authorization: str | None, body: bytes) -> tuple[int, int | None]:
        """Take a message; give the status, and the seconds to wait."""
        with self._lock:
            if self._refusals:
                return self._refusals.pop(0)
            if authorization != f"Bearer {TOKEN}":
                return 401, None
            message: dict[str, Any] = json.loads(body)
            phone, text = message["to"], message["content"]["text"]
            if not re.fullmatch(r"\+84\d{9}", phone) or len(text) > LONGEST or not _GSM.fullmatch(text):
                return 422, None
            self.sent.append((phone, text))
            return 200, None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, wait = server.take(self.headers.get("Authorization"), body)
                self.send_response(status)
                if wait is not None:
                    self.send_header("Retry-After", str(wait))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler
