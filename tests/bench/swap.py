"""``python -m tests.bench.swap``: changing the model of the NLU server while clients ask it all the time.

Two copies of the trained model take turns. A request counts to a change when it was under way between the
moment the change was asked for and the moment it was answered.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import requests
import typer

from nlu import training
from nlu.bench.load import percentile
from nlu.bench.machine import describe_machine, seconds_of_others
from nlu.bench.processes import Command, Server, free_port, running
from nlu.client import NluClient
from nlu.contract import ROOT
from tests.bench.quality import read_questions

QUIET = 5.0  # seconds of asking before the first change


@dataclass
class Asked:
    """What clients saw: when each request began and ended, and how many failed."""

    spans: list[tuple[float, float]] = field(default_factory=list)
    failures: int = 0

    def milliseconds(self, start: float, end: float) -> list[float]:
        """Give how long the requests took that were under way between two moments."""
        return [(done - begun) * 1000 for begun, done in self.spans if begun < end and done > start]


def swap(
    clients: Annotated[int, typer.Option(min=1, help="clients that ask all the time")] = 2,
    swaps: Annotated[int, typer.Option(min=2, help="changes of the model")] = 20,
) -> None:
    """Measure with one and with two processes, and print JSON."""
    model = training.train()
    found = {
        "machine": describe_machine(),
        "clients": clients,
        "swaps": swaps,
        "workers": {str(workers): _measure(model, workers, clients, swaps) for workers in (1, 2)},
    }
    print(json.dumps(found, indent=2))


def _measure(model: Path, workers: int, clients: int, swaps: int) -> dict[str, Any]:
    with TemporaryDirectory(prefix="swap-") as name:
        models = [Path(shutil.copy(model, Path(name, f"{letter}.tar.gz"))) for letter in "ab"]
        with _serving(models[0], workers, Path(name)) as server, _asking(server.url, clients) as asked:
            others, begun = seconds_of_others(), time.monotonic()
            threading.Event().wait(QUIET)
            quiet = (begun, time.monotonic())
            changes, memory = [], [server.memory()]
            for number in range(swaps):
                started = time.monotonic()
                NluClient(server.url).activate(models[(number + 1) % 2])
                changes.append((started, time.monotonic()))
                memory.append(server.memory())
            others = (seconds_of_others() - others) / (time.monotonic() - begun)
    return _figures(asked, quiet, changes) | {
        "memory_mb": {str(n): round(memory[n]) for n in sorted({0, 1, 2, swaps // 2, swaps})},
        "cores_of_others": round(max(0.0, others), 2),
    }


def _figures(asked: Asked, quiet: tuple[float, float], changes: list[tuple[float, float]]) -> dict[str, Any]:
    before = asked.milliseconds(*quiet)
    during = [one for change in changes for one in asked.milliseconds(*change)]
    seconds = [end - start for start, end in changes]
    return {
        "seconds_to_serving": {"p50": round(percentile(seconds, 50), 2), "most": round(max(seconds), 2)},
        "requests": {"before": len(before), "during": len(during), "failed": asked.failures},
        "p50_ms": {"before": round(percentile(before, 50), 2), "during": round(percentile(during, 50), 2)},
        "p99_ms": {"before": round(percentile(before, 99), 2), "during": round(percentile(during, 99), 2)},
        "most_ms": {"before": round(max(before), 2), "during": round(max(during), 2)},
    }


@contextmanager
def _serving(model: Path, workers: int, folder: Path) -> Iterator[Server]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    words = [sys.executable, "-m", "nlu", "serve", "--port", str(port), "--model", str(model)]
    environment = {**os.environ, "NLU_WORKERS": str(workers)}
    with running(
        Command(words, ROOT, environment, folder / "server.log"), url, NluClient(url).is_ready
    ) as server:
        yield server


@contextmanager
def _asking(url: str, clients: int) -> Iterator[Asked]:
    """Have clients ask all the time, each over one kept connection, while the block runs."""
    texts = [question["text"] for question in read_questions()]
    asked, stop, numbers = Asked(), threading.Event(), count()

    def ask() -> None:
        with requests.Session() as session:
            session.trust_env = False
            while not stop.is_set():
                number = next(numbers)
                body = {"text": f"{texts[number % len(texts)]} {number:b}".translate({48: ".", 49: "?"})}
                begun = time.monotonic()
                try:
                    session.post(f"{url}/model/parse", json=body, timeout=60).raise_for_status()
                except requests.RequestException:
                    asked.failures += 1
                asked.spans.append((begun, time.monotonic()))

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield asked
    finally:
        stop.set()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    typer.run(swap)
