"""Training, serving and testing the model with Rasa's own commands, in Rasa's own environment.

A model is named after everything it was made from, so that it is trained once and found again.

RasaError
└── a Rasa command failed, or its environment is missing; says where its output stands
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console

from nlu.contract import ROOT
from nlu.names import names_to_learn, read_names

MODELS = ROOT / "models"
CACHE = ROOT / ".cache" / "nlu"
MADE_FROM = (
    "config.yml",
    "nlu/requirements.txt",
    "nlu/text.py",
    "nlu/typing_keys.py",
    "nlu/short_forms.yml",
    "nlu/components/*.py",
    "nlu/data/*.yml",
)
PORT = 5005


class RasaError(Exception):
    """A Rasa command that did not succeed."""


def rasa_python() -> Path:
    """Find the interpreter of Rasa's environment; raises RasaError."""
    python = Path(os.environ.get("RASA_PYTHON", ROOT / ".venv-rasa" / "bin" / "python"))
    if not python.exists():
        raise RasaError(f"Rasa's environment is missing ({python}): run 'make setup', or set RASA_PYTHON")
    return python


def model_path(root: Path = ROOT) -> Path:
    """Give the path of the model for the present data, whether it is trained or not."""
    digest = hashlib.sha256(_lookup(root).encode())
    for pattern in MADE_FROM:
        for file in sorted(root.glob(pattern)):
            digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes())
    return MODELS / f"nlu-{digest.hexdigest()[:16]}.tar.gz"


def train() -> Path:
    """Train the model unless it is there already; give its path. Raises RasaError."""
    model = model_path()
    if model.exists():
        return model
    data = CACHE / "data"
    write_data(data)
    _run(
        ["train", "nlu", "--config", "config.yml", "--nlu", str(data), "--out", str(MODELS),
         "--fixed-model-name", model.name.removesuffix(".tar.gz")],
        "Huấn luyện mô hình hiểu câu hỏi",
    )  # fmt: skip
    return model


def server_command(model: Path, port: int) -> list[str]:
    """Give the command of the NLU server on loopback."""
    return [str(rasa_python()), "-m", "nlu.components.server", str(model), "--port", str(port)]


def stock_command(model: Path, port: int) -> list[str]:
    """Give the command of Rasa's own server on loopback, which serves any pipeline."""
    return [
        str(rasa_python()), "-m", "rasa", "run", "--enable-api", "-i", "127.0.0.1", "-p", str(port),
        "--model", str(model),
    ]  # fmt: skip


def environment() -> dict[str, str]:
    """Give Rasa's process what it needs and nothing else: no credentials, no database address."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "OMP_NUM_THREADS": "1",
        "RASA_TELEMETRY_ENABLED": "false",
        "RASA_MAX_CACHE_SIZE": "0",  # it would not notice a change in the modules that our components use
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONWARNINGS": "ignore",
        "NLU_WORKERS": os.environ.get("NLU_WORKERS", "1"),
    }


def _lookup(root: Path = ROOT) -> str:
    """Write the procedures' names of the knowledge as a lookup table.

    So names without a sentence are learnt too.
    """
    names = names_to_learn(read_names(root / "knowledge/content"))
    lines = [
        'version: "3.1"',
        "nlu:",
        "  - lookup: procedure",
        "    examples: |",
        *(f"      - {name}" for name in names),
    ]
    return "\n".join(lines) + "\n"


def write_data(folder: Path) -> None:
    """Put the data files and the procedures' names of the knowledge side by side."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "nlu/data", folder)
    (folder / "names.yml").write_text(_lookup(), encoding="utf-8")


def _run(arguments: list[str], what: str) -> None:
    """Run a Rasa command with its output in a file; show that it goes on."""
    CACHE.mkdir(parents=True, exist_ok=True)
    log = CACHE / f"{arguments[0]}.log"
    started = time.monotonic()
    console = Console(stderr=True)
    with log.open("wb") as output, console.status(f"{what} …"):
        if not sys.stderr.isatty():
            print(f"{what} … ({log.relative_to(ROOT)})", file=sys.stderr, flush=True)
        done = subprocess.run(  # noqa: S603  (our own command)
            [str(rasa_python()), "-m", "rasa", *arguments],
            cwd=ROOT, env=environment(), stdout=output, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
    if done.returncode:
        last = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
        raise RasaError(
            f"rasa {arguments[0]} failed (exit {done.returncode}); its output is in {log}:\n{last}"
        )
    print(f"{what}: xong sau {time.monotonic() - started:.0f} giây", file=sys.stderr, flush=True)
