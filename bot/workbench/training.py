"""Training a model in the background from what is published, and measuring it against the one that serves."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from queue import Empty, Queue
from tempfile import TemporaryDirectory, TemporaryFile
from threading import Thread
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.workbench.models import ModelTraining, keep_model
from knowledge.catalogue_files import load_catalogue
from knowledge.database import now, transaction
from knowledge.editing.exporting import export_folder
from knowledge.editing.published import Published
from knowledge.editing.revisions import EditRefused, take_turns
from nlu.client import NluClient, NluUnavailable
from nlu.contract import ROOT
from nlu.training import MODELS

log = structlog.get_logger()
SIGN_EVERY = 10.0  # seconds between signs of life
DEAD_AFTER = timedelta(seconds=90)  # without a sign
OF_TRAINING = 0.8  # the share of the whole that training takes; measuring is the rest
WORSE = 1  # the gate's exit code for a model that is worse


class TrainingFailed(Exception):
    """A training or measurement that did not succeed; says the last lines it printed."""


class Trainer:
    """Trains one model at a time; ``root`` is the folder whose data and pipeline are used."""

    def __init__(
        self, published: Published, nlu: NluClient, day: date, models: Path = MODELS, root: Path = ROOT
    ) -> None:
        self._published, self._nlu, self._day, self._models, self._root = published, nlu, day, models, root

    def begin(self, session: Session, staff: int) -> int:
        """Note a training that ``run`` is to do; raises EditRefused while another one goes on."""
        take_turns(session)
        if running(session):
            raise EditRefused("training", "a training goes on; wait for its end")
        training = ModelTraining(staff_id=staff)
        session.add(training)
        session.flush()
        return training.id

    def start(self, number: int, staff: int) -> Thread:
        """Do a training beside everything else."""
        thread = Thread(target=self.run, args=(number, staff), daemon=True)
        thread.start()
        return thread

    def run(self, number: int, staff: int) -> None:
        """Train and measure; whatever fails is kept for whoever asked, and changes nothing that serves."""
        try:
            with TemporaryDirectory(prefix="training-") as name:
                self._train(number, staff, Path(name))
        except Exception as error:
            log.warning("training_failed", error=str(error))
            self._note(number, state="failed", trouble=str(error)[-2000:])

    def _train(self, number: int, staff: int, folder: Path) -> None:
        state = self._published.on(self._day)
        export_folder(state, folder / "content")
        corrections = load_catalogue(state, lenient=True).corrections.values()
        asked = [{"question": each.question, "intent": each.intent} for each in corrections if each.intent]
        questions = folder / "questions.jsonl"
        questions.write_text("".join(json.dumps(each) + "\n" for each in asked), encoding="utf-8")
        where = [
            "--content",
            str(folder / "content"),
            "--models",
            str(self._models),
            "--root",
            str(self._root),
        ]
        made = Path(self._listen(number, ["train", *where], 0.0, OF_TRAINING)["model"])
        serving = self._serving()
        gate = ["gate", str(made), "--questions", str(questions), "--against", str(serving)]
        report = self._listen(number, gate, OF_TRAINING, 1.0) if serving else None
        with transaction(self._published.engine) as session:
            if serving:
                keep_model(session, serving, None, None)  # so that one can go back to it
            model = keep_model(session, made, staff, report)
        self._note(number, state="done", progress=1.0, model_id=model.id)

    def _serving(self) -> Path | None:
        """Give the file of the model that serves, if it is on this machine."""
        try:
            path = self._models / self._nlu.model()
        except NluUnavailable:
            return None
        return path if path.is_file() else None

    def _listen(self, number: int, arguments: list[str], begin: float, end: float) -> dict[str, Any]:
        """Run a command of the NLU, note how far it is, and give its last line."""
        last: dict[str, Any] = {}
        with (
            TemporaryFile("w+", encoding="utf-8") as errors,
            subprocess.Popen(  # noqa: S603  (our own command)
                [sys.executable, "-m", "nlu", *arguments, "--json"],
                cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True,
            ) as process,
        ):  # fmt: skip
            lines: Queue[str | None] = Queue()
            Thread(target=_read_all, args=(process, lines), daemon=True).start()
            while (line := self._next(number, lines)) is not None:
                last = json.loads(line)
                if "progress" in last:
                    share = begin + (end - begin) * last["progress"]
                    self._note(number, progress=share, doing=last["doing"][:200])
            if process.wait() not in (0, *([WORSE] if arguments[0] == "gate" else [])):
                errors.seek(0)
                told = "\n".join(errors.read().splitlines()[-20:])
                raise TrainingFailed(told or f"nlu {arguments[0]} was stopped")
        return last

    def _next(self, number: int, lines: Queue[str | None]) -> str | None:
        """Wait for the next line, giving signs of life."""
        while True:
            try:
                return lines.get(timeout=SIGN_EVERY)
            except Empty:
                self._note(number)

    def _note(self, number: int, **values: Any) -> None:
        with transaction(self._published.engine) as session:
            training = session.get_one(ModelTraining, number)
            for name, value in {**values, "seen_at": now()}.items():
                setattr(training, name, value)


def _read_all(process: subprocess.Popen[str], lines: Queue[str | None]) -> None:
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    for line in process.stdout:
        lines.put(line)
    lines.put(None)


def running(session: Session) -> ModelTraining | None:
    """Give the training that goes on, if it has given a sign of life lately."""
    alive = ModelTraining.seen_at > now() - DEAD_AFTER
    wanted = select(ModelTraining).where(ModelTraining.state == "running", alive)
    return session.scalar(wanted.order_by(ModelTraining.id.desc()).limit(1))


def last_training(session: Session) -> ModelTraining | None:
    """Give the newest training."""
    return session.scalar(select(ModelTraining).order_by(ModelTraining.id.desc()).limit(1))
