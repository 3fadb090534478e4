"""What a model makes of the material that models are compared on.

A sentence is right by what is acted on, not by the first of the ranking: in scope, its intent, told with
enough confidence; out of scope, a refusal of either kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nlu.bench import scores
from nlu.bench.data import OUT_OF_SCOPE
from nlu.bench.material import HURRIED, Corrected, Material
from nlu.bench.scores import Parse
from nlu.data_files import Example
from nlu.text import fold

UNDERSTOOD = "understood"  # in scope, as they are
CORRECTED = "corrected"
_REFUSED = (OUT_OF_SCOPE, scores.FALLBACK)


@dataclass(frozen=True)
class Measured:
    """What a model made of the material.

    ``figures`` are shares and F1 scores; ``right`` tells for those that are shares of sentences which of them
    are right. ``told`` and ``is_right`` tell of each held-out sentence as it is, then of each corrected one.
    """

    name: str
    figures: dict[str, float]
    right: dict[str, list[bool]]
    told: list[str]
    is_right: list[bool]


def measure(name: str, material: Material, parses: Sequence[Parse]) -> Measured:
    """Give a model's figures from what it read of ``material.texts``."""
    size = len(material.held_out)
    clean, *hurried = (parses[start : start + size] for start in range(0, (len(HURRIED) + 1) * size, size))
    corrected = parses[(len(HURRIED) + 1) * size :]
    mended = list(map(_is_mended, material.corrected, corrected))
    right = {
        UNDERSTOOD: _understood(material.held_out, clean),
        **dict(zip(HURRIED, (_understood(material.held_out, of_kind) for of_kind in hurried), strict=True)),
        "entities": list(map(_has_spans, material.held_out, clean)),
        **_refusals(material.held_out, clean),
        CORRECTED: mended,
    }
    figures = {
        "best intent accuracy": scores.intent_scores(material.held_out, clean)["accuracy"],
        "best intent macro-F1": scores.intent_scores(material.held_out, clean)["macro_f1"],
        "entity F1": scores.span_f1(material.held_out, clean)["f1"],
        **{kind: sum(of_kind) / len(of_kind) for kind, of_kind in right.items() if of_kind},
    }
    told = list(map(_told, [*clean, *corrected]))
    as_they_are = [
        _is_right(e.intent, _told(parse)) for e, parse in zip(material.held_out, clean, strict=True)
    ]
    return Measured(name, figures, right, told, [*as_they_are, *mended])


def _understood(examples: Sequence[Example], parses: Sequence[Parse]) -> list[bool]:
    """Tell of each sentence in scope whether what it asks is told."""
    pairs = zip(examples, parses, strict=True)
    return [_told(parse) == example.intent for example, parse in pairs if example.intent != OUT_OF_SCOPE]


def _refusals(examples: Sequence[Example], parses: Sequence[Parse]) -> dict[str, list[bool]]:
    """Tell of each sentence whether it is rightly refused or rightly not."""
    refused = [(example.intent == OUT_OF_SCOPE, _told(parse) in _REFUSED)
               for example, parse in zip(examples, parses, strict=True)]  # fmt: skip
    return {
        "out of scope refused": [is_refused for is_outside, is_refused in refused if is_outside],
        "in scope not refused": [not is_refused for is_outside, is_refused in refused if not is_outside],
    }


def _told(parse: Parse) -> str:
    return str(parse["intent"]["name"])


def _is_right(intent: str, told: str) -> bool:
    return told in _REFUSED if intent == OUT_OF_SCOPE else told == intent


def _has_spans(example: Example, parse: Parse) -> bool:
    """Tell whether exactly the marked entities were found."""
    return set(example.spans) == {(item["start"], item["end"], item["entity"]) for item in parse["entities"]}


def _is_mended(question: Corrected, parse: Parse) -> bool:
    """Tell whether a corrected question is understood, with its procedure's words where they are known."""
    found = [
        parse["text"][item["start"] : item["end"]]
        for item in parse["entities"]
        if item["entity"] == "procedure"
    ]
    named = question.procedure is None or _plain(question.procedure) in map(_plain, found)
    return named and _is_right(question.intent, _told(parse))


def _plain(words: str) -> str:
    return " ".join(fold(words).casefold().split())
