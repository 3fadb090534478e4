"""Tell whether a model is worse than the one that serves, before it takes its place.

Both read the same sentences (``nlu.bench.material``). It is worse when a question that staff have corrected
earlier was understood before and no longer is: each one counts. It is worse, too, when more sentences are
newly wrong than newly right beyond what chance makes of two equal models: McNemar's exact test, one-sided,
below 5 % for the held-out sentences in scope as they are, and below 1 % for each other figure, since there
are six of them. So an equal model is called worse 11 times in 100 at most. Sentences in and out of scope are
counted apart: a model that refuses more gains with the one what it loses with the other.

Held-out sentences are measured here and never learnt from. The newly wrong ones are shown to staff, who must
not be offered to add them to the training data: what a model has seen tells nothing of what it understands.
``python -m nlu check`` refuses them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nlu.bench.material import Material
from nlu.bench.measured import CORRECTED, UNDERSTOOD, Measured, measure
from nlu.bench.paired import Change, change
from nlu.bench.reading import read
from nlu.progress import Say

UNDERSTOOD_LIMIT = 0.05  # the chance below which more newly wrong than newly right is no accident
LIMIT = 0.01  # the same for each other figure


def compare(model: Path, against: Path | None, material: Material, say: Say) -> dict[str, Any]:
    """Measure a model, and beside it the one that it is to replace; give the report.

    Raises ProcessFailed when one cannot be served and RasaError when Rasa's environment is missing.
    """
    models = [model] if against is None else [model, against]
    found = []
    for number, one in enumerate(models):

        def tell(share: float, name: str = one.name, before: int = number) -> None:
            say((before + share) / len(models), f"đo {name}")

        found.append(measure(one.name, material, read(one, material.texts, tell)))
    return _report(found[0], found[1] if against else None, material)


def _report(after: Measured, before: Measured | None, material: Material) -> dict[str, Any]:
    """Give figures, their differences, what changed with its chance, and whether and why it is worse.

    Without a model to compare with, ``is_worse`` is None: nothing was decided.
    """
    report: dict[str, Any] = {
        "measured_on": {"held_out": len(material.held_out), "corrected": len(material.corrected)},
        "model": {"file": after.name, "figures": after.figures},
        "against": None,
        "is_worse": None,
        "reasons": [],
    }
    if before is None:
        return report
    changes = {kind: change(before.right[kind], after.right[kind]) for kind in after.right}
    tests = [_tested(kind, found) for kind, found in changes.items()]
    reasons = [test for test in tests if test["is_worse"]]
    return {
        **report,
        "against": {"file": before.name, "figures": before.figures},
        "differences": {name: after.figures[name] - before.figures[name] for name in after.figures},
        "changes": tests,
        "newly_right": list(_changed(before, after, material, to=True)),
        "newly_wrong": list(_changed(before, after, material, to=False)),
        "is_worse": bool(reasons),
        "reasons": reasons,
    }


def _tested(figure: str, found: Change) -> dict[str, Any]:
    """Tell what changed in a figure, by which tolerance that is judged, and whether it is worse."""
    limit = None if figure == CORRECTED else UNDERSTOOD_LIMIT if figure == UNDERSTOOD else LIMIT
    is_worse = found.newly_wrong > 0 if limit is None else found.chance < limit
    tolerance = "none newly wrong" if limit is None else f"chance of at least {limit:.0%}"
    return {
        "figure": figure,
        "newly_right": found.newly_right,
        "newly_wrong": found.newly_wrong,
        "chance": round(found.chance, 6),
        "tolerance": tolerance,
        "is_worse": is_worse,
    }


def _changed(before: Measured, after: Measured, material: Material, to: bool) -> Iterator[dict[str, str]]:
    """Yield the sentences, as they are, that became right or wrong."""
    asked = [
        *((example.text, example.intent, "held-out") for example in material.held_out),
        *((question.text, question.intent, "corrected") for question in material.corrected),
    ]
    for n, (text, expected, kind) in enumerate(asked):
        if before.is_right[n] != after.is_right[n] == to:
            yield {"text": text, "expected": expected, "before": before.told[n], "after": after.told[n],
                   "from": kind}  # fmt: skip
