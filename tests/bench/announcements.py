"""``python -m tests.bench.announcements``: an announcement to 100,000 people while the program is killed.

It is queued and timed in this process, then sent by the real program at a raised pace to a Telegram server
that counts for each recipient. The ten minutes after which what a stopped program was sending is settled are
let pass in the database, once all else is sent. At night (22 to 6 o'clock in Việt Nam) nothing unasked is
sent, so this runs by day.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from http.server import ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Annotated, Any

import typer
from sqlalchemy import Engine, func, insert, select, update

from actions.request import Known
from bot.announcements import queue_announcement, report_on
from bot.outbox import UNSURE_AFTER, OutboxMessage, is_night
from bot.store import Conversation
from knowledge.catalogue_files import load_catalogue
from knowledge.content_files import CONTENT
from knowledge.database import now, reading, transaction
from knowledge.dossiers import HERE
from knowledge.records import Notice
from nlu.contract import ROOT
from tests.conftest import free_port, opened_database
from tests.servers.telegram_api import BOT, TOKEN
from tests.servers.telegram_http import http_handler
from tests.servers.telegram_refusal import Refused

PATIENCE = 900.0  # seconds without any message after which the run is given up
FIRST = 10_000_000  # the first recipient's chat


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of the lines that a killed program leaves open."""


class Received:
    """A Telegram server that takes messages and counts them for each chat."""

    def __init__(self) -> None:
        self.counts: Counter[int] = Counter()
        self._server = _Server(("127.0.0.1", 0), http_handler(TOKEN, self._answer))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._closed = threading.Event()

    def __enter__(self) -> Received:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, method: str, params: dict[str, Any]) -> Any:
        if method == "getMe":
            return BOT
        if method == "getUpdates":
            self._closed.wait(params.get("timeout", 0))
            return []
        if method != "sendMessage":
            return True
        if "chat_id" not in params:  # cut off by the kill
            raise Refused(400, "Bad Request: chat_id is empty")
        self.counts[params["chat_id"]] += 1
        chat = {"id": params["chat_id"], "type": "private"}
        return {"message_id": self.counts.total(), "date": int(time.time()), "chat": chat, "from": BOT}


class Program:
    """The real assistant, which is killed and started again."""

    def __init__(self, folder: Path, database: str, api: str, content: Path, per_second: int) -> None:
        self.folder, self.log = folder, folder / "bot.log"
        self.environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            "PYTHONPATH": str(ROOT), "PORT": str(free_port()), "DATABASE_URL": database,
            "CONTENT": str(content), "NLU_URL": "http://127.0.0.1:9", "TELEGRAM_TOKEN": TOKEN,
            "TELEGRAM_API": api, "TELEGRAM_PER_SECOND": str(per_second),
        }  # fmt: skip
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "bot", "serve"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdout=log, stderr=log
            )

    def kill(self) -> None:
        """End it without a word."""
        assert self.process
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def check(self) -> None:
        assert self.process and self.process.poll() is None, self.log.read_text()[-2000:]


def measure(
    recipients: Annotated[int, typer.Option(min=1)] = 100_000,
    kills: Annotated[int, typer.Option(min=0)] = 20,
    per_second: Annotated[int, typer.Option(min=1, help="the pace that is set")] = 2_000,
    database: Annotated[
        str, typer.Option(help="a PostgreSQL to be emptied; else a new SQLite file")
    ] = "sqlite",
    seed: int = 8,
) -> None:
    """Queue, send and kill; print one JSON line, and end with 1 when anybody got it twice."""
    if is_night(now()):
        sys.exit("It is night in Việt Nam (22 to 6 o'clock): nothing unasked is sent. Run this by day.")
    with TemporaryDirectory(prefix="announcements-") as name, opened_database(database, Path(name)) as engine:
        folder = Path(name)
        told: dict[str, Any] = {"database": engine.dialect.name, "recipients": recipients, "kills": kills}
        url = engine.url.render_as_string(hide_password=False)
        told |= _queue(engine, recipients)
        with Received() as received:
            program = Program(folder, url, received.url, _content(folder), per_second)
            with _ending(program):
                told |= _send(engine, program, received, recipients, kills, random.Random(seed))  # noqa: S311
        told |= _outcome(engine, received, recipients)
    print(json.dumps(told))
    raise typer.Exit(1 if told["doubled"] or told["lost_for_sure"] else 0)


def notice() -> Notice:
    """Make the announcement that holds today."""
    today = datetime.now(HERE).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    return Notice(
        id="bao-so-9", title="Nghỉ vì bão số 9", text="Bộ phận một cửa nghỉ chiều nay.",
        link="https://vinhphuc.gov.vn/bao-so-9", starts=today, ends=today + timedelta(days=1), audience="all",
    )  # fmt: skip


def _content(folder: Path) -> Path:
    """Write a content folder: the project's own, with the notice."""
    content = shutil.copytree(CONTENT, folder / "content")
    one = notice().model_dump(mode="json", exclude_none=True)
    (content / "notices.yml").write_text(json.dumps([one]), encoding="utf-8")
    return content


def _queue(engine: Engine, recipients: int) -> dict[str, Any]:
    """Make people, then time the queueing for all of them."""
    people = [
        {"id": f"{number:036}", "channel": "telegram", "address": str(FIRST + number), "memory": {}}
        for number in range(recipients)
    ]
    with transaction(engine) as session:
        session.execute(insert(Conversation), people)
    catalogue: Any = load_catalogue()
    known = Known(SimpleNamespace(catalogue=catalogue), catalogue.province("vinh-phuc"), date.today())  # type: ignore[arg-type]
    began, cpu = time.monotonic(), time.process_time()
    with transaction(engine) as session:
        count = queue_announcement(session, known, notice(), ("telegram",), now())
    assert count == recipients
    return {
        "queue_seconds": round(time.monotonic() - began, 2),
        "queue_cpu_seconds_here": round(time.process_time() - cpu, 2),  # PostgreSQL's own is elsewhere
        "load": [round(each, 1) for each in os.getloadavg()],
    }


def _send(
    engine: Engine, program: Program, received: Received, recipients: int, kills: int, rng: random.Random
) -> dict[str, Any]:
    """Kill at random points of the sending, then let it go on to the end."""
    began = time.monotonic()
    program.start()
    for at in sorted(rng.randrange(recipients * 95 // 100) for _ in range(kills)):
        _wait(program, lambda at=at: len(received.counts) > at or not _waiting(engine))  # type: ignore[misc]
        time.sleep(rng.random() / 10)
        program.kill()
        program.start()
    _wait(program, lambda: not _waiting(engine))
    with transaction(engine) as session:
        long_ago = now() - UNSURE_AFTER - timedelta(minutes=1)
        left = update(OutboxMessage).where(OutboxMessage.state == "sending")
        session.execute(left.values(changed_at=long_ago))
    _wait(program, lambda: not _count(engine, "sending"))
    seconds = time.monotonic() - began
    return {"send_seconds": round(seconds), "per_second": round(recipients / seconds)}


def _wait(program: Program, is_so: Any) -> None:
    """Look again and again; give up when nothing goes on for long."""
    deadline, pause = time.monotonic() + PATIENCE, threading.Event()
    while not is_so():
        program.check()
        assert time.monotonic() < deadline, program.log.read_text()[-2000:]
        pause.wait(0.2)


def _waiting(engine: Engine) -> int:
    return _count(engine, "waiting")


def _count(engine: Engine, state: str) -> int:
    with reading(engine) as session:
        counted = select(func.count()).where(OutboxMessage.state == state)
        return session.scalar(counted) or 0


@contextmanager
def _ending(program: Program) -> Iterator[None]:
    try:
        yield
    finally:
        if program.process:
            program.kill()


def _outcome(engine: Engine, received: Received, recipients: int) -> dict[str, Any]:
    """Compare what the platform received with what the report says."""
    with reading(engine) as session:
        report = report_on(session, notice().id)
        rows = select(OutboxMessage.address, OutboxMessage.state)
        states = {int(address or 0): state for address, state in session.execute(rows)}
    assert report
    chats = range(FIRST, FIRST + recipients)
    unsure = [chat for chat in chats if states[chat] == "unsure"]
    return {
        "got_exactly_one": sum(received.counts[chat] == 1 for chat in chats),
        "doubled": sum(received.counts[chat] > 1 for chat in chats),
        "lost_for_sure": sum(not received.counts[chat] and states[chat] != "unsure" for chat in chats),
        "unsure": len(unsure),
        "unsure_that_arrived": sum(received.counts[chat] == 1 for chat in unsure),
        "unsure_that_did_not": sum(not received.counts[chat] for chat in unsure),
        "report": dict(report.states),
    }


if __name__ == "__main__":
    typer.run(measure)
