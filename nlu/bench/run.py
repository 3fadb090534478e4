"""The measurement: every question asked of every pipeline, on the same sentences, in one run.

Each part's figures are stored as soon as they are there, so that a run that is cut short loses nothing.
"""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from nlu import training
from nlu.bench import scores, trials
from nlu.bench.data import DataSet, by_intent, few, split, write
from nlu.bench.load import measure
from nlu.bench.machine import describe_machine
from nlu.bench.noise import NOISES
from nlu.bench.processes import Command, ProcessFailed, Server, free_port, running
from nlu.client import NluClient
from nlu.contract import ROOT

FEW = (3, 5, 10, 25)  # sentences an intent
LOADS = ((1, 1000), (8, 2000))  # clients and parses
Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What to measure: pipelines, folds, repeats, samples of few sentences, and a part's most minutes.

    ``most`` is how many sentences of an intent are learnt from; all when None.
    """

    pipelines: tuple[str, ...] = tuple(trials.PIPELINES)
    folds: int = 4
    repeats: int = 1
    samples: int = 2
    minutes: float = 30.0
    most: int | None = None


def run(data: DataSet, plan: Plan, results: Path, say: Say) -> dict[str, Any]:
    """Measure everything and keep it in ``results/report.json``; raises RasaError."""
    work = results / "work"
    if plan.most:
        data = replace(data, train=few(data.train, plan.most, seed=0))
    found: dict[str, Any] = {
        "measured_on": date.today().isoformat(),
        "machine": describe_machine(),
        "data": {"name": data.name, "training": len(data.train), "held_out": len(data.held_out),
                 "intents": len({example.intent for example in data.train})},
        "pipelines": {name: {} for name in plan.pipelines},
    }  # fmt: skip
    parts: dict[str, Callable[[str], Any]] = {
        "held_out": lambda name: _held_out(name, data, plan, work),
        "speed": lambda name: _speed(name, data, work),
        "few": lambda name: _few(name, data, plan, work),
        "cross_validation": lambda name: _cross_validation(name, data, plan, work),
    }
    for name in plan.pipelines:
        for part, measured in parts.items():
            if part == "cross_validation" and name != "ours":
                continue
            say(f"{name}: {part.replace('_', ' ')} …")
            found["pipelines"][name][part] = _bounded(lambda: measured(name))  # noqa: B023  (called at once)
            _store(found, results)
    return found


def _bounded(measured: Callable[[], Any]) -> Any:
    try:
        return measured()
    except (trials.TooLong, ProcessFailed) as error:
        return {"not_measured": str(error)}


def _store(found: dict[str, Any], results: Path) -> None:
    results.mkdir(parents=True, exist_ok=True)
    text = json.dumps(found, ensure_ascii=False, indent=1)
    (results / "report.json").write_text(text + "\n", encoding="utf-8")


def _held_out(name: str, data: DataSet, plan: Plan, work: Path) -> dict[str, Any]:
    """Train on everything; read the held-out sentences as they are and under each noise."""
    examples = data.held_out
    clean = [example.text for example in examples]
    asked = [message.text for message in data.questions]
    texts = clean + [noise(text) for noise in NOISES.values() for text in clean]
    folder = write(data.train, data.extra, work / "data" / "all")
    (done,) = trials.run(name, [trials.Trial("all", folder, texts + asked)], work, plan.minutes)
    parses = [done["parses"][start : start + len(clean)] for start in range(0, len(texts), len(clean))]
    told = [scores.best(parse) for parse in parses[0]]
    right = [name == example.intent for (name, _), example in zip(told, examples, strict=True)]
    confused = scores.confusions(examples, parses[0])
    return {
        "training_seconds": done["training_seconds"],
        "clean": scores.intent_scores(examples, parses[0]),
        "noise": {kind: scores.intent_scores(examples, of_kind)
                  for kind, of_kind in zip(NOISES, parses[1:], strict=True)},
        "entities": scores.span_f1(examples, parses[0]),
        "entities_without_accents": scores.span_f1(examples, parses[1]),
        "out_of_scope": scores.out_of_scope_scores(examples, parses[0]),
        "questions": scores.question_scores(data.questions, done["parses"][len(texts) :]),
        "calibration": scores.calibration([confidence for _, confidence in told], right),
        "confusions": [[*pair, count] for pair, count in sorted(confused.items())],
    }  # fmt: skip


def _few(name: str, data: DataSet, plan: Plan, work: Path) -> dict[str, float]:
    """Train on a few sentences of each intent; give the accuracy on the held-out sentences of each number."""
    texts = [example.text for example in data.held_out]
    most = max(map(len, by_intent(data.train).values()))
    sizes = [count for count in FEW if count < most] or [most]
    asked = [(count, seed) for count in sizes for seed in range(plan.samples)]
    made = []
    for count, seed in asked:
        folder = write(few(data.train, count, seed), data.extra, work / "data" / f"few-{count}-{seed}")
        made.append(trials.Trial(f"few {count} {seed}", folder, texts))
    done = trials.run(name, made, work, plan.minutes)
    accuracies = [scores.intent_scores(data.held_out, one["parses"])["accuracy"] for one in done]
    return {
        str(count): statistics.mean(
            a for a, (size, _) in zip(accuracies, asked, strict=True) if size == count
        )
        for count in sizes
    }


def _cross_validation(name: str, data: DataSet, plan: Plan, work: Path) -> dict[str, Any]:
    """Train on all folds but one and read that one, for each fold, repeated with other folds."""
    parts = [part for seed in range(plan.repeats) for part in split(data.train, plan.folds, seed)]
    asked = [
        trials.Trial(f"fold {number}", write(rest, data.extra, work / "data" / f"fold-{number}"),
                     [example.text for example in fold])
        for number, (rest, fold) in enumerate(parts)
    ]  # fmt: skip
    done = trials.run(name, asked, work, plan.minutes * 2)
    told = [scores.intent_scores(fold, one["parses"]) for (_, fold), one in zip(parts, done, strict=True)]
    spans = [scores.span_f1(fold, one["parses"])["f1"] for (_, fold), one in zip(parts, done, strict=True)]
    figures = {key: [one[key] for one in told] for key in ("accuracy", "macro_f1", "calibration_error")}
    return {
        "folds": plan.folds,
        "repeats": plan.repeats,
        **{key: {"mean": statistics.mean(values), "deviation": statistics.pstdev(values)}
           for key, values in {**figures, "entity_f1": spans}.items()},
    }  # fmt: skip


def _speed(name: str, data: DataSet, work: Path) -> dict[str, Any]:
    """Serve the model trained on everything; measure parses over HTTP, start-up and memory."""
    model = trials.model_of(name, "all", work)
    if not model.exists():
        raise trials.TooLong("its model was not trained")
    texts = [example.text for example in data.held_out]
    with _serving(name, model, work) as server:
        loads = [measure(f"{server.url}/model/parse", texts, clients, parses) for clients, parses in LOADS]
        return {"ready_seconds": server.seconds_to_ready, "memory_mb": server.memory(), "loads": loads}


@contextmanager
def _serving(name: str, model: Path, work: Path) -> Iterator[Server]:
    """Serve our model as the assistant does, another pipeline's with ``rasa run``."""
    port = free_port()
    serve = training.server_command if name == "ours" else training.stock_command
    environment = {**training.environment(), "PATH": os.environ["PATH"]}
    url = f"http://127.0.0.1:{port}"
    with running(
        Command(serve(model, port), ROOT, environment, work / "server.log"), url, NluClient(url).is_ready
    ) as server:
        yield server
