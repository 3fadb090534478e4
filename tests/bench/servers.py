"""The servers and trainings that are measured: the assistant, our NLU server, stock rasa."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import yaml

from nlu import training
from nlu.bench.load import measure
from nlu.bench.processes import Command, Server, run, running
from nlu.client import NluClient
from nlu.contract import ROOT
from tests.conftest import TODAY, free_port

STOCK = Path(__file__).with_name("stock.yml")
DEFAULT_EPOCHS = 300
_EPOCH_DONE = re.compile(r" (\d+)/\d+ \[(?:(\d+):)?(\d+):(\d+)<")
Loads = Sequence[tuple[int, int]]  # clients and turns of each


@contextmanager
def our_nlu(folder: Path) -> Iterator[Server]:
    """Serve our model as ``make run`` does."""
    port = free_port()
    words = [sys.executable, "-m", "nlu", "serve", "--port", str(port)]
    command = Command(words, ROOT, dict(os.environ), folder / "nlu.log")
    with _rasa(command, port) as server:
        yield server


@contextmanager
def stock_rasa(folder: Path, model: Path) -> Iterator[Server]:
    """Serve a model with stock ``rasa run``, from a folder without any code of ours."""
    port = free_port()
    words = training.stock_command(model, port)
    with _rasa(Command(words, folder, training.environment(), folder / "stock.log"), port) as server:
        yield server


@contextmanager
def _rasa(command: Command, port: int) -> Iterator[Server]:
    url = f"http://127.0.0.1:{port}"
    with running(command, url, NluClient(url).is_ready) as server:
        yield server


@contextmanager
def assistant(folder: Path, nlu_url: str, database_url: str, **settings: str) -> Iterator[Server]:
    """Serve the assistant from an empty folder, so that no ``.env`` of this checkout is read.

    What it learns beside its first answers, half a minute after the content changed, may be waited for.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ},
        "PYTHONPATH": str(ROOT),
        "PORT": str(port),
        "NLU_URL": nlu_url,
        "DATABASE_URL": database_url,
        "RATE_LIMIT": "1000000/minute",
        "ASSISTANT_TODAY": TODAY.isoformat(),
        **settings,
    }
    command = Command([sys.executable, "-m", "bot", "serve"], folder, environment, folder / "bot.log")
    with requests.Session() as session:
        session.trust_env = False
        with running(command, url, lambda: _is_ready(session, url)) as server:
            yield server


def _is_ready(session: requests.Session, url: str) -> bool:
    try:
        return session.get(f"{url}/readyz", timeout=5).status_code == 200
    except requests.RequestException:
        return False


def measure_server(server: Server, path: str, texts: Sequence[str], loads: Loads) -> dict[str, Any]:
    """Measure a server under each load, and its memory after them."""
    return {
        "ready_seconds": round(server.seconds_to_ready, 2),
        "loads": [measure(f"{server.url}{path}", texts, clients, turns) for clients, turns in loads],
        "memory_mb": round(server.memory(), 1),
    }


def train_ours(folder: Path) -> float:
    """Train our pipeline from nothing, apart from the project's models and cache; give the seconds."""
    return round(_train(folder, ROOT / "config.yml", ROOT, "ours"), 1)


def train_stock(folder: Path) -> dict[str, Any]:
    """Train the stock pipeline on the same sentences; give the seconds, also for the default epochs."""
    shutil.copy(STOCK, folder)  # rasa may write into a configuration
    seconds = _train(folder, folder / STOCK.name, folder, "stock")
    epochs = _epochs()
    each = _seconds_per_epoch(folder / "stock-training.log")
    return {
        "training_seconds": round(seconds, 1),
        "epochs": epochs,
        "default_epochs": DEFAULT_EPOCHS,
        "training_seconds_at_default_epochs": each and round(seconds + (DEFAULT_EPOCHS - epochs) * each),
    }


def _train(folder: Path, config: Path, cwd: Path, name: str) -> float:
    data = folder / "data"
    training.write_data(data)  # the very files that our own training reads
    words = [
        str(training.rasa_python()), "-m", "rasa", "train", "nlu", "--config", str(config),
        "--nlu", str(data), "--out", str(folder), "--fixed-model-name", name,
    ]  # fmt: skip
    environment = {**training.environment(), "RASA_CACHE_DIRECTORY": str(folder / f"{name}-cache")}
    return run(Command(words, cwd, environment, folder / f"{name}-training.log"))


def _epochs() -> int:
    pipeline = yaml.safe_load(STOCK.read_text(encoding="utf-8"))["pipeline"]
    return int(next(part["epochs"] for part in pipeline if "epochs" in part))


def _seconds_per_epoch(log: Path) -> float | None:
    """Read from DIET's progress lines how long the last epoch took: the first also builds the graph."""
    ended = {0: 0}
    for found in _EPOCH_DONE.findall(log.read_text(encoding="utf-8", errors="replace")):
        epoch, hours, minutes, seconds = (int(part or 0) for part in found)
        ended[epoch] = hours * 3600 + minutes * 60 + seconds
    last = max(ended)
    return float(ended[last] - ended[last - 1]) if last and last - 1 in ended else None
