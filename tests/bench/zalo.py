"""How soon the webhook of a Zalo Official Account is answered while answers are produced.

The real program runs in a process of its own, Zalo's server of the tests in another; events come at a fixed
rate, whether or not those before them were answered.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import time
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

import typer
import yaml

from knowledge.database import now
from nlu.contract import ROOT
from tests.bench import servers
from tests.conftest import opened_database
from tests.servers import zalo_oa as server
from tests.servers.zalo_oa import ZaloOaServer, sign

CITIZENS = 500
KEPT_OPEN = 2.0  # seconds that a line is kept without use; the server closes it after five
MOST_MS = 50.0  # what 99 of 100 events may take


def serve(pipe: Connection) -> None:
    """Be Zalo until the other side says so; then tell how many messages were taken."""
    with ZaloOaServer(now, is_quiet_at_night=False) as zalo:
        zalo.last_wrote = dict.fromkeys(map(_citizen, range(CITIZENS)), now())
        pipe.send(zalo.url)
        while pipe.recv():
            pipe.send(len(zalo.messages))


def _citizen(number: int) -> str:
    return f"25125236254{number:06}"


def _questions() -> list[str]:
    held_out = sorted((ROOT / "tests/held_out").glob("*.yml"))
    lines = [
        line for path in held_out for line in _examples(yaml.safe_load(path.read_text(encoding="utf-8")))
    ]
    return lines[:1000]


def _examples(value: Any) -> list[str]:
    if isinstance(value, str):
        return [line.lstrip("- ").strip() for line in value.splitlines() if "[" not in line and line.strip()]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [line for each in inner for line in _examples(each) if " " in line]


def _request(webhook: SplitResult, number: int, text: str) -> bytes:
    """Write an event as it goes over the line."""
    stamp = str(int(time.time() * 1000))
    event = {
        "app_id": server.APP_ID, "event_name": "user_send_text", "timestamp": stamp,
        "sender": {"id": _citizen(number % CITIZENS)},
        "message": {"msg_id": f"bench-{stamp}-{number}", "text": text},
    }  # fmt: skip
    body = json.dumps(event, ensure_ascii=False).encode()
    head = (
        f"POST {webhook.path} HTTP/1.1",
        f"Host: {webhook.netloc}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        f"X-ZEvent-Signature: mac={sign(body, stamp)}",
    )
    return "\r\n".join((*head, "", "")).encode() + body


async def load(url: str, rate: int, seconds: int) -> list[float]:
    """Send events at a rate over lines that stay open; give the milliseconds each took.

    Written to the socket by hand: an HTTP library takes a core for itself at this rate, and its own delays
    would be measured.
    """
    webhook, texts, took = urlsplit(url), _questions(), list[float]()
    requests = [_request(webhook, number, texts[number % len(texts)]) for number in range(rate * seconds)]
    idle: list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def one(request: bytes) -> None:
        since = time.perf_counter()
        while idle and idle[0][0] < since - KEPT_OPEN:
            idle.pop(0)[2].close()
        if idle:
            _, reader, writer = idle.pop()
        else:
            reader, writer = await asyncio.open_connection(webhook.hostname, webhook.port)
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        took.append(1000 * (time.perf_counter() - since))
        assert head.startswith(b"HTTP/1.1 200 ") and b"content-length: 0\r\n" in head, head
        idle.append((time.perf_counter(), reader, writer))

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number, request in enumerate(requests):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            group.create_task(one(request))
    for *_, writer in idle:
        writer.close()
    return sorted(took)


def main(
    rate: Annotated[int, typer.Option(min=1, help="events a second")] = 100,
    seconds: Annotated[int, typer.Option(min=1, help="how long")] = 20,
    nlu_url: Annotated[str, typer.Option(help="an NLU server that runs already; empty: one of its own")] = "",
    database: Annotated[
        str, typer.Option(help="a PostgreSQL to be emptied; else a new SQLite file")
    ] = "sqlite",
) -> None:
    """Measure, and print the figures as JSON; fails when the webhook is slower than it may be."""
    pipe, theirs = multiprocessing.Pipe()
    zalo = multiprocessing.get_context("fork").Process(target=serve, args=(theirs,), daemon=True)
    zalo.start()
    url = pipe.recv()
    settings = {
        "ZALO_OA_APP_ID": server.APP_ID, "ZALO_OA_SECRET_KEY": server.SECRET_KEY,
        "ZALO_APP_SECRET": server.APP_SECRET, "ZALO_OA_REFRESH_TOKEN": server.SEED,
        "ZALO_API": url, "ZALO_OAUTH": url,
    }  # fmt: skip
    with TemporaryDirectory(prefix="bench-") as name, opened_database(database, Path(name)) as engine:
        folder, address = Path(name), engine.url.render_as_string(hide_password=False)
        if nlu_url:
            took = _measure(folder, nlu_url, address, settings, rate, seconds)
        else:
            with servers.our_nlu(folder) as nlu:
                took = _measure(folder, nlu.url, address, settings, rate, seconds)
    pipe.send(True)
    sent = pipe.recv()
    pipe.send(False)
    zalo.join(10)
    at = {f"p{share}": round(took[int(share / 100 * (len(took) - 1))], 1) for share in (50, 95, 99)}
    print(
        json.dumps({"events": len(took), "per_second": rate, **at, "longest": round(took[-1]), "sent": sent})
    )
    raise typer.Exit(0 if at["p99"] <= MOST_MS and sent else 1)


def _measure(
    folder: Path, nlu_url: str, database: str, settings: dict[str, str], rate: int, seconds: int
) -> list[float]:
    with servers.assistant(folder, nlu_url, database, **settings) as program:
        program.wait_until_idle()
        webhook = f"{program.url}/zalo/oa/webhook"
        asyncio.run(load(webhook, 10, 2))  # what is loaded at first use
        return asyncio.run(load(webhook, rate, seconds))


if __name__ == "__main__":
    typer.run(main)
