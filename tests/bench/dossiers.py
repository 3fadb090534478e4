"""``python -m tests.bench.dossiers``: look-ups of dossiers measured through the whole assistant, on loopback.

Every server runs as a process of its own. Figures are of one run on one machine; what counts is how they
stand to each other.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Annotated, Any

import httpx
import typer
from scipy.stats import mannwhitneyu
from sqlalchemy import insert

from bot.store import Conversation, FollowedDossier
from bot.watched import WatchedDossier, next_look, signs
from bot.watching import Watcher
from knowledge.catalogue_files import load_catalogue
from knowledge.database import now, transaction
from knowledge.dossiers import HERE, deadline
from nlu.bench.processes import Server
from tests.bench import servers
from tests.bench.quality import read_questions
from tests.bot.watch_run import Clock
from tests.conftest import ROOT, TODAY, build, dossier_settings, opened_database
from tests.knowledge.test_dossier_desk import guess_in_two_processes
from tests.servers import one_stop
from tests.servers.one_stop import OneStop

MESSAGES = "/api/v1/messages"
OPEN = {
    f"LOOK_UPS_{name}": "10000000/hour" for name in ("PER_PERSON", "PER_NETWORK", "PER_CHANNEL", "OVERALL")
}
FOLLOWED = 100_000
SAMPLE = 2_000  # of them that are really looked at
DAY = 16 * 3600  # seconds in which dossiers are looked at
# How far from their day followed dossiers are, in calendar days before it, and which share of them.
MIX = ((25, 0.45), (12, 0.25), (5, 0.15), (1, 0.10), (-2, 0.05))

Percentiles = dict[str, float]


@contextmanager
def made_up(*arguments: str) -> Iterator[str]:
    """Serve made-up dossiers in a process of its own; give its address."""
    command = [sys.executable, "-m", "tests.servers.one_stop", "--today", TODAY.isoformat(), *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def _sources(url: str) -> dict[str, str]:
    settings = dossier_settings(url)
    return {
        "NATIONAL_API_URL": url,
        "NATIONAL_API_DSTCODE": settings.national_api_dstcode,
        "NATIONAL_API_UNIT": settings.national_api_unit,
        "NATIONAL_API_USERNAME": settings.national_api_username,
        "NATIONAL_API_PASSWORD": settings.national_api_password.get_secret_value(),
        **OPEN,
    }


def _percentiles(seconds: list[float]) -> Percentiles:
    cuts = statistics.quantiles(seconds, n=100)
    return {
        "p50_ms": round(cuts[49] * 1000, 1),
        "p95_ms": round(cuts[94] * 1000, 1),
        "p99_ms": round(cuts[98] * 1000, 1),
    }


async def _ask(client: httpx.AsyncClient, text: str) -> tuple[float, dict[str, Any]]:
    started = time.perf_counter()
    reply = await client.post(MESSAGES, json={"conversation_id": None, "text": text})
    seconds = time.perf_counter() - started
    assert reply.status_code == 200, reply.text
    return seconds, reply.json()


def _client(server: Server) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=600, keepalive_expiry=2)
    return httpx.AsyncClient(base_url=server.url, limits=limits, timeout=120, trust_env=False)


def look_up_time(nlu: str, database: str, folder: Path, turns: int = 300) -> dict[str, Any]:
    """Measure one client's look-ups, and the source alone; the difference is our own."""
    codes = list(OneStop(TODAY).dossiers)

    async def run(server: Server, source: str) -> tuple[list[float], list[float]]:
        async with _client(server) as client, httpx.AsyncClient(trust_env=False) as direct:
            who = {"username": one_stop.USERNAME, "password": one_stop.PASSWORD}
            headers = {"dstcode": one_stop.DSTCODE}
            session = (await direct.post(f"{source}/auth", json=who, headers=headers)).json()["session"]
            turns_took, source_took = [], []
            for number in range(turns + 20):
                code = codes[number % len(codes)]
                seconds, body = await _ask(client, f"hồ sơ {code} tới đâu rồi")
                assert body["status"] == "answered", body
                asked = {
                    "session": session,
                    "madonvi": one_stop.UNIT,
                    "service": "TraCuuHoSo",
                    "MaHoSo": code,
                }
                started = time.perf_counter()
                await direct.post(f"{source}/endpoint", json=asked | {"MaHoSo": code}, headers=headers)
                source_took.append(time.perf_counter() - started)
                turns_took.append(seconds)
            return turns_took[20:], source_took[20:]

    with (
        made_up() as url,
        servers.assistant(folder, nlu, database, **_sources(url), DOSSIER_FRESH_SECONDS="0") as server,
    ):
        took, source = asyncio.run(run(server, url))
    return {
        "turn": _percentiles(took),
        "source": _percentiles(source),
        "own_p50_ms": round((statistics.median(took) - statistics.median(source)) * 1000, 1),
    }


def beside_slow_look_ups(
    nlu: str,
    database: str,
    folder: Path,
    *,
    look_ups: int = 500,
    rate: float = 8,
    seconds: float = 60,
    within: float = 5,
) -> dict[str, Any]:
    """Measure procedure questions at a steady rate, alone and beside look-ups of which 500 wait at once."""
    questions = [each["text"] for each in read_questions()]
    codes = list(OneStop(TODAY).dossiers)

    async def steady(server: Server, rng: random.Random, every: float = 1 / rate) -> list[float]:
        async with _client(server) as client:
            waiting = []
            began = time.perf_counter()
            for number in range(int(seconds / every)):
                await asyncio.sleep(max(0.0, began + number * every - time.perf_counter()))
                waiting.append(asyncio.create_task(_ask(client, rng.choice(questions))))
            return [took for took, _ in await asyncio.gather(*waiting)]

    with (
        made_up("--slow", "2") as url,
        servers.assistant(folder, nlu, database, **_sources(url), DOSSIER_FRESH_SECONDS="0") as server,
    ):
        asyncio.run(steady(server, random.Random(1), every=0.5))  # noqa: S311 - it still learns
        alone = asyncio.run(steady(server, random.Random(2)))  # noqa: S311
        command = [
            sys.executable,
            "-m",
            "tests.bench.dossiers",
            "load",
            server.url,
            str(look_ups),
            str(seconds),
            str(within),
        ]
        with subprocess.Popen(
            command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as load:
            assert load.stdout and load.stdin
            load.stdout.readline()
            load.stdin.write(json.dumps(codes) + "\n")
            load.stdin.flush()
            beside = asyncio.run(steady(server, random.Random(2)))  # noqa: S311
            told = json.loads(load.stdout.readline())
    rise = _percentiles(beside)["p99_ms"] / _percentiles(alone)["p99_ms"] - 1
    return {"alone": _percentiles(alone), "beside": _percentiles(beside), "p99_rise": round(rise, 3), **told}


async def _load(url: str, look_ups: int, seconds: float, within: float, codes: list[str]) -> dict[str, Any]:
    """Send the look-ups within a few seconds, faster than they are answered; give how long they took."""
    limits, most = httpx.Limits(max_connections=look_ups), 0
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=120, trust_env=False) as client:
        await asyncio.sleep(seconds / 8)
        asked: list[asyncio.Task[tuple[float, dict[str, Any]]]] = []
        for number in range(look_ups):
            asked.append(asyncio.create_task(_ask(client, f"hồ sơ {codes[number % len(codes)]} tới đâu")))
            most = max(most, sum(not task.done() for task in asked))
            await asyncio.sleep(within / look_ups)
        answers = await asyncio.gather(*asked)
    statuses = [body["status"] for _, body in answers]
    return {
        "look_ups": look_ups,
        "sent_within_s": within,
        "most_at_once": most,
        "answered": statuses.count("answered"),
        "look_up": _percentiles([took for took, _ in answers]),
    }


def indistinguishable(nlu: str, database: str, folder: Path, pairs: int = 2_000) -> dict[str, Any]:
    """Time wrong codes and wrong proofs, mixed, and ask Mann and Whitney whether they differ."""
    rng = random.Random(7)  # noqa: S311
    known = list(OneStop(TODAY).dossiers)
    days, numbers = zip(*(code.rsplit("-", 1) for code in known), strict=True)
    # The same days and numbers in other pairs, so that the digits themselves take no other time to read.
    wrong = [f"{day}-{number}" for day, number in zip(days, numbers[7:] + numbers[:7], strict=True)]
    assert not set(wrong) & set(known)
    asked = [
        (kind, f"hồ sơ {codes[number % len(codes)]}, 4 số cuối {rng.randrange(10_000):04d}")
        for number in range(pairs)
        for kind, codes in (("code", wrong), ("proof", known))
    ]
    rng.shuffle(asked)

    async def run(server: Server) -> dict[str, list[float]]:
        took: dict[str, list[float]] = {"code": [], "proof": []}
        waiting = asyncio.Semaphore(8)
        async with _client(server) as client:

            async def one(kind: str, text: str) -> None:
                async with waiting:
                    seconds, body = await _ask(client, text)
                if "không khớp" in body["messages"][0]["text"]:  # one in two thousand is right by chance
                    took[kind].append(seconds)

            await asyncio.gather(*(one(kind, text) for kind, text in asked))
        return took

    with made_up() as url, servers.assistant(folder, nlu, database, **_sources(url)) as server:
        took = asyncio.run(run(server))
    return {
        "pairs": min(map(len, took.values())),
        "wrong_code": _percentiles(took["code"]),
        "wrong_proof": _percentiles(took["proof"]),
        "mann_whitney_p": round(float(mannwhitneyu(took["code"], took["proof"]).pvalue), 4),
    }


def watching(folder: Path) -> dict[str, Any]:
    """Follow a hundred thousand dossiers, look at some of them, and reckon the share of one core in a day."""
    catalogue: Any = SimpleNamespace(catalogue=load_catalogue())
    clock = Clock()
    with made_up() as url, opened_database("sqlite", folder) as engine:
        settings = dossier_settings(url, dossier_fresh_seconds=0).model_copy(
            update={"one_stop_api_url": None}
        )
        assistant = build(catalogue, "http://127.0.0.1:9", engine, settings)
        known = list(OneStop(TODAY).dossiers.values())
        states = [assistant.desk.find(each.code).state for each in known]
        dossiers = [state.dossier for state in states if state]
        _fill(engine, dossiers, clock.at)
        watcher = Watcher(assistant, batch=10, clock=clock)
        watcher.round()
        began, looked = time.process_time(), 0
        while looked < SAMPLE:
            looked += watcher.round()
        each = (time.process_time() - began) / looked
    looks = _looks_a_day(dossiers[3], catalogue.catalogue)
    share = FOLLOWED * looks * each / DAY
    return {
        "followed": FOLLOWED,
        "cpu_ms_a_look": round(each * 1000, 2),
        "looks_a_day": round(looks, 2),
        "share_of_one_core": round(share, 4),
    }


def _fill(engine: Any, dossiers: list[Any], at: datetime) -> None:
    """Follow dossiers, of which so many are due now; the others later. A code stands for many like it."""
    with transaction(engine) as session:
        session.add(Conversation(id="c", channel="telegram", address="1"))
        session.flush()
        rows = [
            {
                "code": dossiers[n].code if n < len(dossiers) else f"H62.12-261101-{n:06d}",
                "next_at": at - timedelta(hours=1) if n < len(dossiers) else at + timedelta(hours=n % 24),
                "seen": signs(dossiers[n % len(dossiers)]),
                "changes": 0,
                "failures": 0,
            }
            for n in range(FOLLOWED)
        ]
        session.execute(insert(WatchedDossier), rows)
        followed = [{"conversation_id": "c", "code": row["code"], "since": now()} for row in rows]
        session.execute(insert(FollowedDossier), followed)


def _looks_a_day(dossier: Any, catalogue: Any) -> float:
    """Give how often a dossier is looked at in a day, over the mix of how far they are from their day."""
    calendar = catalogue.working_days("vinh-phuc")
    looks = 0.0
    for days, share in MIX:
        moment = datetime(TODAY.year, TODAY.month, TODAY.day, 16, 30, tzinfo=HERE) + timedelta(days=days)
        standing = deadline(dossier.model_copy(update={"appointed": moment, "status": 4}), TODAY, calendar)
        times = []
        for _ in range(200):
            at = datetime(2026, 11, 22, 6, 0, tzinfo=HERE)
            end, count = at + timedelta(days=1), 0
            while (at := next_look(at, standing, 4)) < end:
                count += 1
            times.append(count)
        looks += share * statistics.mean(times)
    return looks


def guesses(folder: Path, number: int = 10_000) -> dict[str, Any]:
    """Guess ten thousand codes from two processes; any detail, or one look-up too many, raises."""
    began = time.monotonic()
    with opened_database("sqlite", folder) as engine:
        guess_in_two_processes(engine, number)
    return {"guesses": number, "details": 0, "let_through": 100, "seconds": round(time.monotonic() - began)}


app = typer.Typer(add_completion=False, invoke_without_command=True)


@app.callback()
def bench(
    context: typer.Context,
    only: Annotated[str, typer.Option(help="time, slow, pairs, watch or guesses; all when empty")] = "",
    database: Annotated[
        str, typer.Option(help="sqlite, or the address of an empty PostgreSQL database")
    ] = "sqlite",
) -> None:
    """Measure, and print each figure as JSON."""
    if context.invoked_subcommand:
        return
    with TemporaryDirectory(prefix="bench-") as name, servers.our_nlu(Path(name)) as nlu:
        for number, (what, measure) in enumerate(_measures(nlu.url, database).items()):
            if only in ("", what):
                folder = Path(name) / str(number)
                folder.mkdir()
                print(what, json.dumps(measure(folder), ensure_ascii=False), flush=True)


def _measures(nlu: str, database: str) -> dict[str, Any]:
    def url(folder: Path) -> str:
        return f"sqlite:///{folder / 'bench.db'}" if database == "sqlite" else database

    return {
        "time": lambda folder: look_up_time(nlu, url(folder), folder),
        "slow": lambda folder: beside_slow_look_ups(nlu, url(folder), folder),
        "pairs": lambda folder: indistinguishable(nlu, url(folder), folder),
        "watch": watching,
        "guesses": guesses,
    }


@app.command()
def load(url: str, look_ups: int, seconds: float, within: float) -> None:
    """Send look-ups when told the codes (used by the bench itself)."""
    print("ready", flush=True)
    codes = json.loads(sys.stdin.readline())
    print(json.dumps(asyncio.run(_load(url, look_ups, seconds, within, codes))), flush=True)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    app()
