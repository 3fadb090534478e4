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
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import Engine, text

from bot.hotline.duty import Hotline
from bot.hotline.hours import OpeningHours, read_hours
from bot.turn import Assistant
from bot.web_channel import build_app
from knowledge.database import migrate, open_database
from knowledge.dossiers import DossierSettings, open_desk
from knowledge.library import Library, open_library
from nlu.bench.processes import free_port
from nlu.client import NluClient
from tests.servers import one_stop as one_stop_server
from tests.servers.one_stop import OneStop

ROOT = Path(__file__).parents[1]
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


def dossier_settings(url: str, **more: Any) -> DossierSettings:
    """The settings that ask the one-stop server at this address by both of its APIs."""
    return DossierSettings(
        _env_file=None,
        national_api_url=url,
        national_api_dstcode=one_stop_server.DSTCODE,
        national_api_unit=one_stop_server.UNIT,
        national_api_username=one_stop_server.USERNAME,
        national_api_password=SecretStr(one_stop_server.PASSWORD),
        one_stop_api_url=url,
        one_stop_token_url=f"{url}/token",
        one_stop_client_id=one_stop_server.CLIENT_ID,
        one_stop_client_secret=SecretStr(one_stop_server.CLIENT_SECRET),
        **more,
    )


@pytest.fixture(scope="session")
def made_up_url() -> Iterator[str]:
    """The address of a one-stop server whose dossiers stay as they are on 22/11/2026."""
    with one_stop_server.serving(OneStop(TODAY)) as url:
        yield url


@pytest.fixture
def one_stop() -> Iterator[OneStop]:
    """A one-stop server of the test's own, to change and to break."""
    server = OneStop(TODAY)
    with one_stop_server.serving(server) as server.url:
        yield server


@pytest.fixture
def assistant(library: Library, nlu_url: str, engine: Engine, made_up_url: str) -> Assistant:
    """The whole assistant of Vĩnh Phúc on 22/11/2026, before a one-stop server."""
    return build(library, nlu_url, engine, dossier_settings(made_up_url))


def build(library: Library, nlu_url: str, engine: Engine, settings: DossierSettings) -> Assistant:
    """Put an assistant together around a database and the sources of dossiers."""
    province = library.catalogue.province("vinh-phuc")
    desk = open_desk(settings, engine, lambda: library.catalogue.status_names)
    hours = OpeningHours(read_hours("07:30-11:30,13:30-17:00"), library.catalogue.working_days("vinh-phuc"))
    hotline = Hotline(hours, "vinh-phuc")
    return Assistant(lambda: library, NluClient(nlu_url), engine, province, lambda: TODAY, desk, hotline)


@contextmanager
def serve_app(app: FastAPI, port: int | None = None) -> Iterator[str]:
    """Serve an application over real HTTP; give its address."""
    port = port or free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, timeout_graceful_shutdown=1))
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
