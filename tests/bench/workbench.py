"""``python -m tests.bench.workbench``: 3,000 procedures of ten revisions each, listed, opened, corrected."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import requests
import typer
from sqlalchemy import Engine, insert

from bot.desk.sign_in_pages import COOKIE
from bot.hotline.accounts import add_staff
from bot.hotline.sign_in import sign_in
from bot.hotline.staff_sessions import Lifetime
from bot.workbench.listing import Listing, Mark, Wanted
from knowledge.content_files import CONTENT, read_yaml
from knowledge.database import now, transaction
from knowledge.dossiers import HERE
from knowledge.editing.drafts import approve, draft, save, submit
from knowledge.editing.loading import load_folder
from knowledge.editing.published import Published
from knowledge.editing.revisions import ContentRevision, plain
from tests.bench import servers
from tests.conftest import opened_database

RECORDS, REVISIONS = 3_000, 10
TIMES = 200
PASSWORD = "mot hai ba bon nam"  # noqa: S105 - of a made-up account
ANSWERED = {"payload": "ask_where?procedure=1.001193", "conversation_id": None}


def main(
    database: Annotated[
        str, typer.Option(help="sqlite, or the address of an empty PostgreSQL database")
    ] = "sqlite",
) -> None:
    """Measure, and print the figures as JSON."""
    with TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        with opened_database(database, folder) as engine:
            today = datetime.now(HERE).date()
            fill(engine, today)
            print("lists", json.dumps(lists(engine, today)), flush=True)
            address = engine.url.render_as_string(hide_password=False)
            with servers.our_nlu(folder) as nlu:
                print("pages", json.dumps(pages(folder, nlu.url, address, engine)), flush=True)
                print("published", json.dumps(published(folder, nlu.url, address, engine, today)), flush=True)


def fill(engine: Engine, today: date) -> None:
    """Publish the project's content, and procedures like its own with ten revisions each."""
    load_folder(engine, Published(engine), CONTENT, today)
    rng = random.Random(7)  # noqa: S311 - of a bench
    models = [plain(read_yaml(path).data) for path in sorted((CONTENT / "procedures").glob("*.yml"))]
    moment = now()
    with transaction(engine) as session:
        for number in range(RECORDS):
            model, code = rng.choice(models), f"9.{number:06d}"
            rows = [
                {
                    "kind": "procedure", "key": code, "state": "approved", "authors": [1], "reviewer": 2,
                    "version": 1, "why": "x", "publish_on": today - timedelta(days=REVISIONS - each),
                    "created_at": moment, "changed_at": moment,
                    "decided_at": moment - timedelta(seconds=RECORDS * REVISIONS - number * REVISIONS - each),
                    "data": {
                        **model, "code": code, "name": f"{model['name']} loại {number}", "near": [],
                        "short_name": f"Thủ tục {number}", "summary": f"Bản {each}. {model['summary']}",
                    },
                }
                for each in range(REVISIONS)
            ]  # fmt: skip
            session.execute(insert(ContentRevision), rows)


def lists(engine: Engine, today: date) -> dict[str, Any]:
    """Time searches and filters of the list, some of them after a draft was saved."""
    listing = Listing(engine, Published(engine))
    began = time.perf_counter()
    listing.find(Wanted(), today)
    first = time.perf_counter() - began
    rng = random.Random(8)  # noqa: S311
    words = ["khai sinh", "dat dai", "Thủ tục 12", "kết hôn", "giay phep", "9.0001"]
    marks: list[Mark] = ["any", "open", "expiring", "unverified"]
    found = [
        _timed(lambda: listing.find(Wanted(words=rng.choice(words), mark=rng.choice(marks)), today))
        for _ in range(TIMES)
    ]
    return {"records": RECORDS, "revisions": REVISIONS, "first_ms": round(first * 1000), **_figures(found)}


def pages(folder: Path, nlu_url: str, address: str, engine: Engine) -> dict[str, Any]:
    """Time whole pages as the server gives them: the list, and single records."""
    with transaction(engine) as session:
        add_staff(session, "bien", "Biên tập", "content", PASSWORD)
    token = sign_in(engine, "bien", PASSWORD, None, None, Lifetime(12, 60))
    with (
        servers.assistant(folder, nlu_url, address, ASSISTANT_TODAY="") as server,
        requests.Session() as session,
    ):
        session.cookies.set(COOKIE, token)
        server.wait_until_idle()

        def get(path: str) -> None:
            found = session.get(f"{server.url}{path}", timeout=60)
            assert found.status_code == 200 and "sign-in" not in found.url, found.url

        get("/desk/content")
        rng = random.Random(9)  # noqa: S311
        record = "/desk/content/record?kind=procedure&key=9.{:06d}"
        return {
            "list": _figures([_timed(lambda: get("/desk/content")) for _ in range(50)]),
            "record": _figures(
                [_timed(lambda: get(record.format(rng.randrange(RECORDS)))) for _ in range(TIMES)]
            ),
        }


def published(folder: Path, nlu_url: str, address: str, engine: Engine, today: date) -> dict[str, Any]:
    """Time from an approval to the first new answer of each of two replicas."""
    seconds = []
    (folder / "a").mkdir()
    (folder / "b").mkdir()
    with (
        servers.assistant(folder / "a", nlu_url, address, ASSISTANT_TODAY="") as one,
        servers.assistant(folder / "b", nlu_url, address, ASSISTANT_TODAY="") as other,
    ):
        for server in (one, other):
            server.wait_until_idle()
        for number in range(5):
            where = f"Nơi nộp mới số {number}"
            began = _publish(engine, where, today)
            for server in (one, other):
                while where not in _answer(server.url):
                    assert time.perf_counter() - began < 60
                seconds.append(time.perf_counter() - began)
    return {"corrections": 5, "replicas": 2, **_figures(seconds)}


def _publish(engine: Engine, where: str, today: date) -> float:
    held = Published(engine)
    with transaction(engine) as session:
        row = draft(session, ("procedure", "1.001193"), 1, today)
        save(session, row.id, row.version, row.data, {**row.data, "where": where}, 1)
        submit(session, held, [row.id], 1, "sửa nơi nộp hồ sơ", None, today)
    with transaction(engine) as session:
        approve(session, held, {row.id: row.version}, 2, today)
    return time.perf_counter()


def _answer(url: str) -> str:
    found = requests.post(f"{url}/api/v1/messages", json=ANSWERED, timeout=30)
    return str(found.json()["messages"][0]["text"])


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _figures(seconds: list[float]) -> dict[str, Any]:
    ordered = sorted(seconds)
    return {
        "times": len(ordered),
        "p50_ms": round(ordered[len(ordered) // 2] * 1000),
        "p95_ms": round(ordered[int(len(ordered) * 0.95)] * 1000),
        "longest_ms": round(ordered[-1] * 1000),
    }


if __name__ == "__main__":
    typer.run(main)
