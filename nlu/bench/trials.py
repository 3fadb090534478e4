"""Trials: a pipeline trained on some sentences reads others, in Rasa's environment."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nlu import training
from nlu.contract import ROOT

PIPELINES = {
    "ours": ROOT / "config.yml",
    "Bürokratt": Path(__file__).parent / "pipelines/buerokratt.yml",
    "Rasa's default": Path(__file__).parent / "pipelines/rasa_default.yml",
}


@dataclass(frozen=True)
class Trial:
    """What to train on and what to read; ``name`` tells it from the other trials of a run."""

    name: str
    data: Path
    texts: Sequence[str]


class TooLong(Exception):
    """A pipeline took more time than it was given."""


def run(pipeline: str, trials: Sequence[Trial], folder: Path, minutes: float) -> list[dict[str, Any]]:
    """Run trials one after the other in one process; give what each read. Raises RasaError and TooLong."""
    work = folder / _file_name(pipeline)
    work.mkdir(parents=True, exist_ok=True)
    config = work / "config.yml"
    shutil.copy(PIPELINES[pipeline], config)  # rasa may write into it
    jobs: list[dict[str, Any]] = [
        {"config": str(config), "data": str(trial.data), "folder": str(work / _file_name(trial.name)),
         "texts": list(trial.texts), "out": str(work / f"{_file_name(trial.name)}.json")}
        for trial in trials
    ]  # fmt: skip
    (work / "jobs.json").write_text(json.dumps(jobs, ensure_ascii=False), encoding="utf-8")
    _call(work, minutes)
    return [json.loads(Path(job["out"]).read_text(encoding="utf-8")) for job in jobs]


def _call(work: Path, minutes: float) -> None:
    log = work / "rasa.log"
    with log.open("wb") as output:
        try:
            done = subprocess.run(  # noqa: S603  (our own command)
                [str(training.rasa_python()), "-m", "nlu.bench.trial", str(work / "jobs.json")],
                cwd=ROOT, env=training.environment(), stdout=output, stderr=subprocess.STDOUT, check=False,
                timeout=minutes * 60,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise TooLong(f"took more than {minutes:.0f} minutes") from error
    if done.returncode:
        last = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
        raise training.RasaError(f"a trial failed (exit {done.returncode}); its output is in {log}:\n{last}")


def model_of(pipeline: str, trial: str, folder: Path) -> Path:
    """Give the model that a trial has trained."""
    return folder / _file_name(pipeline) / _file_name(trial) / "model.tar.gz"


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in name).lower()
