"""A program with an editor, a lawyer and a lead, whose content is the project's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine

from bot.hotline.accounts import add_staff
from knowledge.database import migrate, open_database, transaction
from tests.bench import servers
from tests.bot.hotline.test_desk import enter

PASSWORD = "mot hai ba bon nam"  # noqa: S105 - of made-up accounts
PEOPLE = (("bien", "Biên tập", "content"), ("luat", "Luật sư", "content"), ("lan", "Nguyễn Lan", "hotline"))
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The program's database."""
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('content-database') / 'content.db'}")
    migrate(engine)
    with transaction(engine) as session:
        for login, name, role in PEOPLE:
            add_staff(session, login, name, role, PASSWORD)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def content_url(nlu_url: str, database: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The whole program."""
    url = database.url.render_as_string()
    folder: Path = tmp_path_factory.mktemp("content")
    with servers.assistant(folder, nlu_url, url, ASSISTANT_TODAY="") as server:
        yield server.url


@pytest.fixture(scope="module")
def signed_in(browser: Browser, content_url: str) -> Iterator[Open]:
    """Open the workbench in a browser of one's own; no script of it may fail."""
    contexts, faults = [], []

    def opened(login: str, width: int = 1200) -> Page:
        context = browser.new_context(base_url=content_url, viewport={"width": width, "height": 844})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if "Content Security" in said.text else None)
        page.goto("/content")
        enter(page, login)
        expect(page.get_by_role("link", name="Nội dung")).to_be_visible()
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture(scope="module")
def editor(signed_in: Open) -> Page:
    return signed_in("bien")


@pytest.fixture(scope="module")
def lawyer(signed_in: Open) -> Page:
    return signed_in("luat", 390)
