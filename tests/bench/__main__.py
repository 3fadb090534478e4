"""``python -m tests.bench``: speed, memory and quality in one run, beside stock rasa, on loopback.

Ours and stock rasa are measured one after the other on the same machine, data and questions, with one
process each; nothing else of the bench runs meanwhile.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Annotated, Any

import typer

from nlu import training
from nlu.bench.machine import describe_machine
from nlu.bench.processes import ProcessFailed, Server
from nlu.contract import ROOT
from tests.bench import report, servers
from tests.bench.finding import measure_finding
from tests.bench.quality import measure_whole_path, read_questions
from tests.conftest import opened_database

STORED = ROOT / "results" / "bench.json"
STARTED = time.monotonic()


def bench(
    turns: Annotated[int, typer.Option(min=1, help="turns of one client; 16 clients take four times as many")]
    = 400,
) -> None:  # fmt: skip
    """Measure everything, print the tables and store results/bench.json."""
    signal.signal(signal.SIGTERM, _stop)
    loads = ((1, turns), (16, 4 * turns))
    with TemporaryDirectory(prefix="bench-") as name:
        measured_at, machine = datetime.now(UTC).isoformat(timespec="seconds"), describe_machine()
        results = {"measured_at": measured_at, "machine": machine, **_measure(Path(name), loads)}
    results["ratios"] = report.ratios(results["nlu"]["ours"], results["nlu"]["stock"])
    results["seconds"] = round(time.monotonic() - STARTED)
    report.store(results, STORED)
    report.show(results)
    _progress(f"stored in {STORED.relative_to(ROOT)}")
    raise typer.Exit(1 if _failures(results) else 0)


def _measure(folder: Path, loads: servers.Loads) -> dict[str, Any]:
    texts = [question["text"] for question in read_questions()]
    training.train()
    _progress("our NLU server: start and /model/parse")
    with servers.our_nlu(folder) as nlu:
        ours = servers.measure_server(nlu, "/model/parse", texts, loads)
        turns = _measure_assistant(folder, nlu, texts, loads)
        _progress("quality of the whole path")
        quality: dict[str, Any] = {"whole_path": measure_whole_path(nlu.url, folder)}
        _progress("finding one of all procedures")
        finding = measure_finding(nlu.url, folder)
    _progress("training of our pipeline")
    ours["training_seconds"] = servers.train_ours(folder)
    stock = _measure_stock(folder, texts, loads)
    return {
        "assistant": turns, "nlu": {"ours": ours, "stock": stock}, "quality": quality, "finding": finding,
    }  # fmt: skip


def _measure_assistant(
    folder: Path, nlu: Server, texts: list[str], loads: servers.Loads
) -> dict[str, dict[str, Any]]:
    """Measure whole turns on SQLite and, where TEST_DATABASE_URL names one, on PostgreSQL."""
    found = {"sqlite": _turns(folder, nlu, f"sqlite:///{folder / 'bench.db'}", texts, loads)}
    if url := os.environ.get("TEST_DATABASE_URL"):
        with opened_database(url, folder):  # emptied, as for the tests
            found["postgresql"] = _turns(folder, nlu, url, texts, loads)
    return found


def _turns(
    folder: Path, nlu: Server, database_url: str, texts: list[str], loads: servers.Loads
) -> dict[str, Any]:
    _progress(f"the assistant on {database_url.partition(':')[0]}: start and whole turns")
    with servers.assistant(folder, nlu.url, database_url) as server:
        return servers.measure_server(server, "/api/v1/messages", texts, loads)


def _measure_stock(folder: Path, texts: list[str], loads: servers.Loads) -> dict[str, Any]:
    _progress("stock rasa: training")
    trained = servers.train_stock(folder)
    _progress("stock rasa: start and /model/parse")
    with servers.stock_rasa(folder, folder / "stock.tar.gz") as server:
        return trained | servers.measure_server(server, "/model/parse", texts, loads)


def _failures(results: dict[str, Any]) -> int:
    measured = (*results["assistant"].values(), *results["nlu"].values())
    return sum(load["failed"] for server in measured for load in server["loads"])


def _progress(what: str) -> None:
    print(f"[{time.monotonic() - STARTED:4.0f} s] {what}", file=sys.stderr, flush=True)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Run; what can be foreseen to go wrong is told in one message."""
    try:
        typer.run(bench)
    except (ProcessFailed, training.RasaError) as error:
        print(str(error), file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
