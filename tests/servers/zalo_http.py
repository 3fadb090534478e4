"""What Zalo's two servers of the tests share: JSON over real HTTP, and waiting for what has come."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

DEADLINE = 30.0  # seconds a test waits before it fails


class ZaloServer:
    """A server whose state is guarded by one condition; ``answer`` gives a call's status and JSON."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, told = server.answer(self.path, self.headers, body)
                written = json.dumps(told).encode()
                with suppress(ConnectionError):  # whoever asked has gone
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(written)))
                    self.end_headers()
                    self.wfile.write(written)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        """Answer one call."""
        raise NotImplementedError

    def wait_until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait for a condition; fails at the deadline."""
        with self.changed:
            deadline = time.monotonic() + DEADLINE
            while not holds():
                assert time.monotonic() < deadline, f"waited in vain for {what}"
                self.changed.wait(0.05)
