"""The real parts every test uses: a trained model served by Rasa, a database, the assistant, the app."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy import Engine, text

from bot.turn import Assistant
from bot.web_channel import build_app
from knowledge.database import migrate, open_database
from knowledge.library import Library, open_library
from nlu.bench.processes import free_port
from nlu.client import NluClient

TODAY = date(2026, 11, 22)
PORTAL_RECORDS = Path(__file__).parents[2] / "shared/data/national-procedures.jsonl.xz"
PATIENCE = 120.0  # seconds to wait for a server to come up
Serve = Callable[[FastAPI], AbstractContextManager[str]]


def pytest_configure() -> None:
    """In CI nothing may be left out: a real PostgreSQL is asked for."""
    if os.environ.get("CI") and not os.environ.get("TEST_DATABASE_URL"):
        raise pytest.UsageError("CI needs TEST_DATABASE_URL, the address of an empty PostgreSQL database")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test is a failed run; pytest's summary (-ra) says which and why."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def wait_until(is_so: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    """Wait for a condition with a deadline; fail with what was waited for."""
    deadline = time.monotonic() + patience
    pause = threading.Event()
    while not is_so():
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not happen within {patience:.0f} s")
        pause.wait(0.05)


@contextmanager
def nlu_server(log: Path) -> Iterator[str]:
    """Serve the trained model with Rasa; give its address."""
    port = free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "nlu", "serve", "--port", str(port)],
            stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            client = NluClient(f"http://127.0.0.1:{port}")
            wait_until(lambda: client.is_ready() or process.poll() is not None, "the NLU server's start", 300)
            assert process.poll() is None, log.read_text(errors="replace")[-2000:]
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(20)


@pytest.fixture(scope="session")
def nlu_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The real model behind the real Rasa server."""
    if given := os.environ.get("TEST_NLU_URL"):
        yield given
        return
    with nlu_server(tmp_path_factory.mktemp("nlu") / "rasa.log") as url:
        yield url


def pytest_report_header() -> str:
    """Say whether the portal's real records are read by the tests."""
    return f"portal records: {PORTAL_RECORDS}" + ("" if PORTAL_RECORDS.exists() else " (not there)")


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tests keep what was learned and indexed."""
    return tmp_path_factory.mktemp("cache") / "search"


@pytest.fixture(scope="session")
def library() -> Library:
    """All of the project's knowledge."""
    return open_library()


def _database_urls() -> list[str]:
    given = os.environ.get("TEST_DATABASE_URL")
    return ["sqlite", *([given] if given else [])]


@contextmanager
def opened_database(url: str, folder: Path) -> Iterator[Engine]:
    """Open an empty, migrated database: a new SQLite file, or the given PostgreSQL emptied."""
    engine = open_database(f"sqlite:///{folder / 'test.db'}" if url == "sqlite" else url)
    if url != "sqlite":
        with engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    migrate(engine)
    try:
        yield engine
    finally:
        engine.dispose()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An empty SQLite database."""
    with opened_database("sqlite", tmp_path) as opened:
        yield opened


@pytest.fixture(params=_database_urls(), ids=lambda url: str(url).partition(":")[0])
def any_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database of each engine: SQLite, and PostgreSQL when TEST_DATABASE_URL names one."""
    with opened_database(request.param, tmp_path) as opened:
        yield opened


@pytest.fixture
def assistant(library: Library, nlu_url: str, engine: Engine) -> Assistant:
    """The whole assistant of Vĩnh Phúc on 22/11/2026."""
    province = library.catalogue.province("vinh-phuc")
    return Assistant(lambda: library, NluClient(nlu_url), engine, province, lambda: TODAY)


@contextmanager
def serve_app(app: FastAPI) -> Iterator[str]:
    """Serve an application over real HTTP; give its address."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started or not thread.is_alive(), "the web server's start")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def served(assistant: Assistant) -> Iterator[str]:
    """The address of the whole web application."""
    with serve_app(build_app(assistant, rate_limit="10000/minute")) as url:
        yield url
