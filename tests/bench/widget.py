"""``python -m tests.bench.widget``: the widget on a slow telephone network, in Chromium."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from playwright.sync_api import Page, sync_playwright

from tests.bench import servers
from tests.bot.chat_page import MARRIAGE, ask
from tests.bot.conftest import QUIET
from tests.bot.test_widget import launcher
from tests.conftest import free_port, serve_app

TIMES = 10
SLOW_3G = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
SLOWER = 4  # times, of the processor: a cheap telephone
MOST = 100.0  # milliseconds in the middle of the visits, from loaded script to answered click
# Loaded is when the `load` event comes; the launcher answers when a click makes it busy.
WATCH = """() => { window.times = {}; document.addEventListener('load', (event) => {
  if (event.target.localName !== 'script') return;
  times.loaded = performance.now();
  const answers = () => {
    const button = document.querySelector('hoi-mot-cua')?.shadowRoot.querySelector('button');
    if (!button?.getClientRects().length) return requestAnimationFrame(answers);
    button.click();
    times.busy = button.getAttribute('aria-busy');
    requestAnimationFrame(() => (times.answered = performance.now()));
  };
  answers();
}, true); }"""


def main(
    picture: Annotated[Path | None, typer.Option(help="where to put a picture of the demonstration")] = None,
) -> None:
    """Measure, print the figures as JSON, and fail where the launcher is too slow."""
    with site() as (address, served), sync_playwright() as playwright:
        path = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=QUIET.split())
        if picture:
            take(browser.new_page(viewport={"width": 1100, "height": 720}), served, picture)
        visits = [
            visit(browser.new_page(viewport={"width": 390, "height": 844}), address) for _ in range(TIMES)
        ]
        browser.close()
    told = {
        name: {"median": round(median(each), 1), "most": round(max(each), 1)}
        for name, each in columns(visits)
    }
    print("widget", json.dumps(told), flush=True)
    raise typer.Exit(0 if told["interactive_ms"]["median"] <= MOST else 1)


def take(page: Page, served: str, picture: Path) -> None:
    """Take a picture of the demonstration with an answer."""
    page.goto(f"{served}/demo")
    page.emulate_media(reduced_motion="reduce")
    launcher(page).click()
    ask(page, MARRIAGE)
    page.screenshot(path=picture)
    page.close()


def columns(visits: list[dict[str, float]]) -> Iterator[tuple[str, list[float]]]:
    """Give each figure with its values."""
    for name in visits[0]:
        yield name, [visit[name] for visit in visits]


@contextmanager
def site() -> Iterator[tuple[str, str]]:
    """Serve another site whose page carries the widget, and the assistant."""
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    with TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        with servers.our_nlu(folder) as nlu:
            database = f"sqlite:///{folder / 'bench.db'}"
            with (
                servers.assistant(folder, nlu.url, database, WIDGET_ORIGINS=origin) as server,
                serve_app(page_with(server.url), port),
            ):
                yield origin, server.url


def page_with(url: str) -> FastAPI:
    """Make a site of one page with the widget's line."""
    app = FastAPI()
    line = f'<script src="{url}/widget.js" data-province="vinh-phuc" async></script>'

    @app.get("/")
    def page() -> HTMLResponse:
        return HTMLResponse(f'<!doctype html><html lang="vi"><title>Tin</title>{line}<h1>Tin</h1></html>')

    return app


def visit(page: Page, address: str) -> dict[str, float]:
    """Open the page on the slow network; the first click of its life is the script's."""
    slow = page.context.new_cdp_session(page)
    slow.send("Network.enable")
    slow.send("Network.emulateNetworkConditions", SLOW_3G)
    slow.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.add_init_script(f"({WATCH})()")
    page.goto(address)
    page.wait_for_function("times.answered", timeout=120_000)
    times: dict[str, Any] = page.evaluate("times")
    assert times["busy"] == "true", "the click was not answered"
    page.locator("dialog[open] textarea").wait_for(timeout=120_000)
    opened = page.evaluate("performance.now()")
    page.close()
    return {
        "interactive_ms": times["answered"] - times["loaded"],
        "script_loaded_ms": times["loaded"],
        "dialog_after_click_ms": opened - times["answered"],
    }


if __name__ == "__main__":
    typer.run(main)
