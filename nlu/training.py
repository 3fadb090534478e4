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
from collections.abc import Iterator
from pathlib import Path

from nlu.contract import CONTENT, ROOT, find_added_faults
from nlu.data_files import DataFileError
from nlu.examples import added_files, as_rasa_data, read_added
from nlu.names import names_to_learn, read_names
from nlu.progress import Say, follow, shown
from nlu.workplace import Workplace, workplace

MODELS = Path(os.environ.get("NLU_MODELS", ROOT / "models"))
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
ONLY_SERVING = frozenset({"loading.py", "server.py", "serving.py", "workers.py"})  # of nlu/components
PORT = 5005


class RasaError(Exception):
    """A Rasa command that did not succeed."""


def rasa_python() -> Path:
    """Find the interpreter of Rasa's environment; raises RasaError."""
    python = Path(os.environ.get("RASA_PYTHON", ROOT / ".venv-rasa" / "bin" / "python"))
    if not python.exists():
        raise RasaError(f"Rasa's environment is missing ({python}): run 'make setup', or set RASA_PYTHON")
    return python


def model_path(root: Path = ROOT, content: Path | None = None, models: Path = MODELS) -> Path:
    """Give the path of the model for the present data and content, whether it is trained or not."""
    content = content or root / CONTENT
    digest = hashlib.sha256(_lookup(content).encode())
    for name, file in _made_from(root, content):
        digest.update(name.encode() + b"\0" + file.read_bytes())
    return models / f"nlu-{digest.hexdigest()[:16]}.tar.gz"


def _made_from(root: Path, content: Path) -> Iterator[tuple[str, Path]]:
    """Yield the name and path of each file that a model is made from."""
    for pattern in MADE_FROM:
        for file in sorted(root.glob(pattern)):
            if file.name not in ONLY_SERVING:
                yield file.relative_to(root).as_posix(), file
    for file in added_files(content):
        yield file.relative_to(content).as_posix(), file


def train(
    content: Path | None = None, models: Path = MODELS, say: Say | None = None, root: Path = ROOT
) -> Path:
    """Train the model of a content folder (else the project's own) unless it is there; give its path.

    ``say`` is told how far it is (0..1) and what it does; without it that is shown on the standard error. It
    may be killed at any time: a model gets its name when it is whole. Raises DataFileError, with a line for
    each fault of the content's sentences, and RasaError.
    """
    content = content or root / CONTENT
    model = model_path(root, content, models)
    if model.exists():
        return model
    if faults := find_added_faults(root, content):
        raise DataFileError("\n".join(faults))
    with workplace(models) as place, shown("Huấn luyện mô hình hiểu câu hỏi", say) as tell:
        write_data(place.folder / "data", root, content)
        _train(place, root, tell)
        place.publish(place.folder / "model.tar.gz", model)
    return model


def _train(place: Workplace, root: Path, tell: Say) -> None:
    """Run Rasa's training with its output in a file, and tell what it does."""
    log = place.folder / "train.log"
    command = attended([
        str(rasa_python()), "-m", "rasa", "train", "nlu", "--config", str(root / "config.yml"),
        "--nlu", str(place.folder / "data"), "--out", str(place.folder), "--fixed-model-name", "model",
    ])  # fmt: skip
    with log.open("wb") as output, subprocess.Popen(  # noqa: S603  (our own command)
        command, cwd=ROOT, env={**environment(), "TMPDIR": str(place.temporary)}, pass_fds=(place.lock,),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        assert process.stdout is not None  # noqa: S101  (asked for)
        for line in process.stdout:
            output.write(line)
            follow(line.decode("utf-8", "replace"), tell)
    if process.returncode:
        last = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
        raise RasaError(f"rasa train failed (exit {process.returncode}); its output is in {log}:\n{last}")


def server_command(model: Path, port: int) -> list[str]:
    """Give the command of the NLU server on loopback."""
    return [str(rasa_python()), "-m", "nlu.components.server", str(model), "--port", str(port)]


def attended(command: list[str]) -> list[str]:
    """Let a module of Rasa's environment end with whoever starts it and keeps its standard input open."""
    python, _, module, *arguments = command
    return [python, "-m", "nlu.attended", module, *arguments]


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


def _lookup(content: Path) -> str:
    """Write the procedures' names of the knowledge as a lookup table.

    So names without a sentence are learnt too.
    """
    names = names_to_learn(read_names(content))
    lines = [
        'version: "3.1"',
        "nlu:",
        "  - lookup: procedure",
        "    examples: |",
        *(f"      - {name}" for name in names),
    ]
    return "\n".join(lines) + "\n"


def write_data(folder: Path, root: Path = ROOT, content: Path | None = None) -> None:
    """Put the data files, the procedures' names of the knowledge and its own sentences side by side."""
    content = content or root / CONTENT
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(root / "nlu/data", folder)
    (folder / "names.yml").write_text(_lookup(content), encoding="utf-8")
    if added := read_added(content):
        (folder / "added.yml").write_text(as_rasa_data(added), encoding="utf-8")
