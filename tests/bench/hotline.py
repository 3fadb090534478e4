"""``python -m tests.bench.hotline``: claims of one case by many at the same instant, again and again."""

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
    rounds: Annotated[int, typer.Option(min=1, help="how often fifty claim one case")] = 1000,
    database: Annotated[
        str, typer.Option(help="sqlite, or the address of an empty PostgreSQL database")
    ] = "sqlite",
) -> None:
    """Measure, and print the figures as JSON; fails unless exactly one wins each time."""
    with TemporaryDirectory(prefix="bench-") as folder, opened_database(database, Path(folder)) as engine:
        told = claims(engine, rounds)
    print("claims", json.dumps(told), flush=True)
    raise typer.Exit(0 if told["one_winner"] == rounds else 1)


if __name__ == "__main__":
    typer.run(main)
