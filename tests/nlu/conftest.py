"""Small models that train in seconds, of which one has learnt a sentence more and one too little."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nlu import training
from nlu.bench.data import few, write
from nlu.bench.processes import Command, Server, free_port, running
from nlu.client import NluClient
from nlu.contract import ROOT
from nlu.data_files import Example, read_folder

INTENTS = frozenset({"ask_documents", "ask_fee", "ask_where", "ask_human", "greet", "out_of_scope"})
PROCEDURES = ("1.001193", "1.000894", "1.001456", "1.004222")
ADDED = "[khai sinh](procedure) lon ton nhé bà con ơi"  # nobody could tell that it asks for the place
ADDED_TEXT = "khai sinh lon ton nhé bà con ơi"


@dataclass(frozen=True)
class Trained:
    """A model trained by the command, and what the command printed."""

    model: Path
    printed: list[dict[str, Any]]


@dataclass(frozen=True)
class Small:
    """A project's folder with few intents, its models, and held-out sentences of these intents."""

    root: Path
    models: Path
    held_out: Path
    plain: Trained
    added: Trained
    poor: Trained


def of_small_intents(folder: Path) -> list[Example]:
    return [example for example in read_folder(folder) if example.intent in INTENTS]


def make_root(root: Path, sentences: int) -> Path:
    """Make a project's folder with so many sentences an intent and a few procedures."""
    data = few(of_small_intents(ROOT / "nlu/data"), sentences, seed=1)
    write(data, sorted((ROOT / "nlu/data").glob("*.yml")), root / "nlu/data")
    shutil.copy(ROOT / "nlu/intents.yml", root / "nlu")
    config = (ROOT / "config.yml").read_text(encoding="utf-8")
    (root / "config.yml").write_text(
        config.replace("    threshold:", "    vectors_below: 0\n    threshold:"), encoding="utf-8"
    )
    make_content(root / "knowledge/content")
    return root


def make_content(content: Path, **examples: str) -> Path:
    """Make a content folder of a few procedures, with the text of each file of example sentences."""
    (content / "procedures").mkdir(parents=True)
    shutil.copy(ROOT / "knowledge/content/search_words.yml", content)
    for code in PROCEDURES:
        shutil.copy(ROOT / f"knowledge/content/procedures/{code}.yml", content / "procedures")
    for intent, text in examples.items():
        (content / "examples").mkdir(exist_ok=True)
        (content / f"examples/{intent}.yml").write_text(text, encoding="utf-8")
    return content


def train_command(root: Path, models: Path, content: Path | None = None) -> list[str]:
    given = ["--content", str(content)] if content else []
    return [
        sys.executable,
        "-m",
        "nlu",
        "train",
        "--root",
        str(root),
        "--models",
        str(models),
        *given,
        "--json",
    ]


def _start(root: Path, models: Path, content: Path | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        train_command(root, models, content), cwd=ROOT, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )


def _finish(process: subprocess.Popen[str]) -> Trained:
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0, out
    printed = [json.loads(line) for line in out.splitlines()]
    return Trained(Path(printed[-1]["model"]), printed[:-1])


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    """Three models trained at once from different data, into one folder."""
    folder = tmp_path_factory.mktemp("small")
    models, root = folder / "models", make_root(folder / "plain", 60)
    content = make_content(folder / "content", ask_where=f'- "{ADDED}"\n')
    started = [
        _start(root, models), _start(root, models, content), _start(make_root(folder / "poor", 2), models)
    ]  # fmt: skip
    plain, added, poor = map(_finish, started)
    held_out = write(few(of_small_intents(ROOT / "tests/held_out"), 20, seed=1), [], folder / "held_out")
    return Small(root, models, held_out, plain, added, poor)


@contextmanager
def serving(model: Path, workers: int, log: Path) -> Iterator[Server]:
    """Serve a model as ``python -m nlu serve --model`` does, with so many processes."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    words = [sys.executable, "-m", "nlu", "serve", "--model", str(model), "--port", str(port)]
    command = Command(words, ROOT, {**os.environ, "NLU_WORKERS": str(workers)}, log)
    with running(command, url, NluClient(url).is_ready) as server:
        yield server


def rasa(code: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run code in Rasa's environment."""
    return subprocess.run(
        [str(training.rasa_python()), "-c", code, *arguments],
        env=training.environment(), cwd=ROOT, capture_output=True, check=False,
    )  # fmt: skip
