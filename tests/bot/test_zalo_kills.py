"""The whole program is killed between storing a Zalo message and answering it: it is answered once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from knowledge.database import migrate, now, open_database
from tests.bench import servers
from tests.bot.watch_run import queued
from tests.bot.zalo_run import LAN
from tests.servers import zalo_oa as server
from tests.servers.zalo_oa import ZaloOaServer


@contextmanager
def stuck_nlu(asked: threading.Event) -> Iterator[str]:
    """Serve an NLU server that is ready and never says what it understood."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"model_file": "stuck.tar.gz"}')

        def do_POST(self) -> None:
            asked.set()
            over.wait()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    stuck = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stuck.daemon_threads = True
    threading.Thread(target=stuck.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{stuck.server_port}"
    finally:
        over.set()
        stuck.shutdown()
        stuck.server_close()


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_a_message_that_was_stored_and_not_answered_is_answered_once_after_the_restart(
    tmp_path: Path, nlu_url: str, ending: signal.Signals
) -> None:
    database, asked = f"sqlite:///{tmp_path / 'zalo.db'}", threading.Event()
    with ZaloOaServer(now, is_quiet_at_night=False) as zalo:
        settings = {
            "ZALO_OA_APP_ID": server.APP_ID, "ZALO_OA_SECRET_KEY": server.SECRET_KEY,
            "ZALO_APP_SECRET": server.APP_SECRET, "ZALO_OA_REFRESH_TOKEN": server.SEED,
            "ZALO_API": zalo.url, "ZALO_OAUTH": zalo.url,
        }  # fmt: skip
        with (
            stuck_nlu(asked) as url,
            servers.assistant(tmp_path, url, database, **settings) as program,
        ):
            zalo.webhook = f"{program.url}/zalo/oa/webhook"
            event = zalo.says(LAN, "cảm ơn bạn nhiều")
            assert event.statuses == [200]
            assert asked.wait(30)
            os.killpg(program.process.pid, ending)
            program.process.wait(30)
        with servers.assistant(tmp_path, nlu_url, database, **settings) as program:
            zalo.webhook = f"{program.url}/zalo/oa/webhook"
            zalo.wait_for_message(LAN)
            assert zalo.deliver(event) == 200
            zalo.says(LAN, "tạm biệt")
            zalo.wait_for_message(LAN, 2)
        engine = open_database(database)
        migrate(engine)
        assert [each.state for each in queued(engine)] == ["sent", "sent"]
        assert len(zalo.received(LAN)) == 2
