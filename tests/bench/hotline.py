"""``python -m tests.bench.hotline``: claims at the same instant, how soon each side sees the other, kills."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from sqlalchemy import Engine

from bot.hotline import cases
from knowledge.database import transaction
from tests.bench import servers
from tests.bench.hotline_live import live
from tests.bot.hotline.kill_run import kills
from tests.bot.hotline.test_cases import case, staff
from tests.conftest import opened_database

STAFF = 50


def claims(engine: Engine, rounds: int) -> dict[str, Any]:
    """Let fifty claim one case at the same instant, with a new case each time; count who won."""
    people = staff(engine, *(f"s{number}" for number in range(STAFF)))
    began, start = time.monotonic(), threading.Barrier(STAFF)

    def claim(person: int, number: int) -> bool:
        start.wait()
        with transaction(engine) as session:
            return cases.claim(session, number, person)

    with ThreadPoolExecutor(STAFF) as pool:
        numbers = (case(engine, str(round_)) for round_ in range(rounds))
        winners = [sum(pool.map(claim, people, [number] * STAFF)) for number in numbers]
    return {
        "rounds": rounds,
        "staff": STAFF,
        "one_winner": winners.count(1),
        "none": winners.count(0),
        "more": sum(each > 1 for each in winners),
        "seconds": round(time.monotonic() - began),
    }


def main(
    only: Annotated[str, typer.Option(help="claims, live or kills; empty: all")] = "",
    rounds: Annotated[int, typer.Option(min=1, help="how often fifty claim one case")] = 1000,
    killed: Annotated[int, typer.Option(min=1, help="how often the program is killed")] = 100,
    messages: Annotated[int, typer.Option(min=1, help="messages and replies that are timed")] = 200,
    database: Annotated[
        str, typer.Option(help="sqlite, or the address of an empty PostgreSQL database")
    ] = "sqlite",
) -> None:
    """Measure, and print the figures as JSON; fails unless one wins each claim and kills do no harm."""
    is_right = True
    with TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        if only in ("", "claims"):
            with opened_database(database, folder) as engine:
                told = claims(engine, rounds)
            print("claims", json.dumps(told), flush=True)
            is_right = told["one_winner"] == rounds
        if only in ("", "live"):
            address = f"sqlite:///{folder / 'live.db'}" if database == "sqlite" else database
            with servers.our_nlu(folder) as nlu:
                print("live", json.dumps(live(nlu.url, folder, address, messages)), flush=True)
        if only in ("", "kills"):
            (folder / "kills").mkdir()
            address = f"sqlite:///{folder / 'kills' / 'kills.db'}" if database == "sqlite" else database
            with servers.our_nlu(folder) as nlu:
                outcome = kills(folder / "kills", nlu.url, address, killed)
            print("kills", json.dumps(outcome.as_json(), ensure_ascii=False), flush=True)
            is_right = is_right and not (outcome.lost or outcome.doubled)
    raise typer.Exit(0 if is_right else 1)


if __name__ == "__main__":
    typer.run(main)
