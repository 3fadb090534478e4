"""Training a model in the background from what is published, and measuring it against the one that serves."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from queue import Empty, Queue
from tempfile import TemporaryDirectory, TemporaryFile
from threading import Thread
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.request import Known
from actions.wording import say
from bot.workbench.corrections import Differences, misunderstood
from bot.workbench.models import ModelTraining, keep_model, running
from bot.workbench.telling import read_fault, told_fault
from knowledge.catalogue_files import load_catalogue
from knowledge.database import now, transaction
from knowledge.editing.exporting import export_folder
from knowledge.editing.published import Published
from knowledge.editing.revisions import EditRefused, take_turns
from knowledge.records import Correction
from nlu.bench.reading import read
from nlu.client import NluClient, NluUnavailable, read_parse
from nlu.contract import ROOT, leave_out_faulty
from nlu.training import MODELS, attended

log = structlog.get_logger()
SIGN_EVERY = 10.0  # seconds between signs of life
OF_TRAINING = 0.8  # the share of the whole that training takes
OF_MEASURING = 0.95  # and measuring; asking corrected questions again is the rest
ANSWERED = "corrected answers"
WORSE = 1  # the gate's exit code for a model that is worse


class TrainingFailed(Exception):
    """A training or measurement that did not succeed; says the last lines it printed."""


class Trainer:
    """Trains one model at a time; ``root`` is the folder whose data and pipeline are used.

    What it starts ends with this process, however that ends.
    """

    def __init__(
        self, published: Published, nlu: NluClient, known: Known, models: Path = MODELS, root: Path = ROOT
    ) -> None:
        """Take what is published, and what is known on the day whose content is learned."""
        self._published, self._nlu, self._known, self._models, self._root = (
            published,
            nlu,
            known,
            models,
            root,
        )

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
        content, questions = folder / "content", folder / "questions.jsonl"
        state = self._published.on(self._known.today)
        export_folder(state, content)
        left_out = leave_out_faulty(self._root, content)
        corrections = list(load_catalogue(state, lenient=True).corrections.values())
        asked = [{"question": each.question, "intent": each.intent} for each in corrections if _is_read(each)]
        questions.write_text("".join(json.dumps(each) + "\n" for each in asked), encoding="utf-8")
        where = ["--content", str(content), "--models", str(self._models), "--root", str(self._root)]
        made = Path(self._listen(number, ["train", *where], 0.0, OF_TRAINING)["model"])
        serving = self._serving()
        gate = ["gate", str(made), "--questions", str(questions), "--against", str(serving)]
        report = self._listen(number, gate, OF_TRAINING, OF_MEASURING) if serving else None
        if serving and report and (found := [each for each in corrections if not _is_read(each)]):
            self._note(number, progress=OF_MEASURING, doing=say("content.asking_again"))
            report = with_answers(report, found, *(self._asked(one, found) for one in (serving, made)))
        with transaction(self._published.engine) as session:
            if serving:
                keep_model(session, serving, None, None)  # so that one can go back to it
            model = keep_model(session, made, staff, report)
        told = (
            "\n".join(told_fault(read_fault(each.removeprefix(f"{content}/")), {}) for each in left_out)
            or None
        )
        self._note(number, state="done", progress=1.0, model_id=model.id, trouble=told)

    def _asked(self, model: Path, corrections: list[Correction]) -> list[Differences]:
        """Ask corrected questions of a model; give for each what comes otherwise than expected."""
        texts = [each.question for each in corrections]
        parses = dict(zip(texts, read(model, texts, lambda _: None), strict=True))
        return [
            misunderstood(self._known, lambda text: read_parse(text, parses[text]), each)
            for each in corrections
        ]

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
                attended([sys.executable, "-m", "nlu", *arguments, "--json"]),
                cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
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


def _is_read(correction: Correction) -> bool:
    """Tell whether a correction is about what a sentence is read as, and not about what is found."""
    return not (correction.procedure or correction.topic)


def with_answers(
    report: dict[str, Any],
    corrections: Sequence[Correction],
    before: Sequence[Differences],
    after: Sequence[Differences],
) -> dict[str, Any]:
    """Add to a gate's report which corrected questions are answered rightly; each that is lost is worse."""
    changed: dict[bool, list[dict[str, str]]] = {True: [], False: []}
    for correction, old, new in zip(corrections, before, after, strict=True):
        if bool(old) != bool(new):
            expected, got = next(iter((old or new).values()))
            told = (got or "", expected) if old else (expected, got or "")
            changed[not new].append({
                "text": correction.question, "expected": expected, "before": told[0], "after": told[1],
                "from": "corrected",
            })  # fmt: skip
    figures = {
        side: {**report[side]["figures"], ANSWERED: sum(not each for each in of_side) / len(of_side)}
        for side, of_side in (("against", before), ("model", after))
    }
    lost = {"figure": ANSWERED, "newly_wrong": len(changed[False]), "newly_right": len(changed[True])}
    return {
        **report,
        **{side: {**report[side], "figures": of_side} for side, of_side in figures.items()},
        "newly_right": [*report["newly_right"], *changed[True]],
        "newly_wrong": [*report["newly_wrong"], *changed[False]],
        "is_worse": report["is_worse"] or bool(changed[False]),
        "reasons": [*report["reasons"], *([lost] if changed[False] else [])],
    }


def _read_all(process: subprocess.Popen[str], lines: Queue[str | None]) -> None:
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    for line in process.stdout:
        lines.put(line)
    lines.put(None)


def last_training(session: Session) -> ModelTraining | None:
    """Give the newest training."""
    return session.scalar(select(ModelTraining).order_by(ModelTraining.id.desc()).limit(1))
