"""Figures from readings: accuracy, F1 of intents and of entity spans, calibration, out-of-scope recall."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from nlu.bench.data import OUT_OF_SCOPE, Questions
from nlu.data_files import Example

Parse = dict[str, Any]
BINS = 15
FALLBACK = "nlu_fallback"


def best(parse: Parse) -> tuple[str, float]:
    """Give the first intent of the ranking that is one of the data's, whether or not it was sure enough."""
    ranking = [item for item in parse["intent_ranking"] if item["name"] != FALLBACK] or [parse["intent"]]
    return str(ranking[0]["name"]), float(ranking[0]["confidence"])


def intent_scores(examples: Sequence[Example], parses: Sequence[Parse]) -> dict[str, float]:
    """Give accuracy, macro-F1 and the expected calibration error of the best intents."""
    told = [best(parse) for parse in parses]
    meant = [example.intent for example in examples]
    right = [name == intent for (name, _), intent in zip(told, meant, strict=True)]
    return {
        "sentences": len(meant),
        "accuracy": _share(right),
        "macro_f1": _macro_f1(meant, [name for name, _ in told]),
        "calibration_error": calibration_error([confidence for _, confidence in told], right),
    }


def _share(right: Sequence[bool]) -> float:
    return sum(right) / len(right) if right else 0.0


def _macro_f1(meant: Sequence[str], told: Sequence[str]) -> float:
    both = Counter(name for name, intent in zip(told, meant, strict=True) if name == intent)
    counts, given = Counter(meant), Counter(told)
    return sum(2 * both[name] / (counts[name] + given[name]) for name in counts) / len(counts)


def calibration_error(confidences: Sequence[float], right: Sequence[bool]) -> float:
    """Give the expected calibration error over 15 bins of equal width (Naeini et al., 2015)."""
    return sum(abs(sure - share) * count for sure, share, count in calibration(confidences, right)) / len(
        right
    )


def calibration(confidences: Sequence[float], right: Sequence[bool]) -> list[tuple[float, float, int]]:
    """Give mean confidence, share that is right, and number of each bin that is not empty."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for sure, is_right in zip(confidences, right, strict=True):
        bins.setdefault(min(int(sure * BINS), BINS - 1), []).append((sure, is_right))
    return [
        (sum(sure for sure, _ in items) / len(items), _share([is_right for _, is_right in items]), len(items))
        for _, items in sorted(bins.items())
    ]


def span_f1(examples: Sequence[Example], parses: Sequence[Parse]) -> dict[str, Any]:
    """Give the F1 of exact spans with their kind: of all together, and of each kind."""
    both: Counter[str] = Counter()
    marked: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for example, parse in zip(examples, parses, strict=True):
        gold = set(example.spans)
        told = {(item["start"], item["end"], item["entity"]) for item in parse["entities"]}
        both.update(kind for _, _, kind in gold & told)
        marked.update(kind for _, _, kind in gold)
        found.update(kind for _, _, kind in told)
    return {
        "f1": 2 * both.total() / max(marked.total() + found.total(), 1),
        "entities": marked.total(),
        "kinds": {kind: 2 * both[kind] / (marked[kind] + found[kind]) for kind in sorted(marked)},
    }


def out_of_scope_scores(examples: Sequence[Example], parses: Sequence[Parse]) -> dict[str, float] | None:
    """Give the share in scope that is answered rightly, and the share of others not answered as in scope.

    A sentence is answered when its intent is sure enough for the pipeline. None without others.
    """
    inside = [
        (e.intent, p["intent"]["name"])
        for e, p in zip(examples, parses, strict=True)
        if e.intent != OUT_OF_SCOPE
    ]
    outside = [p["intent"]["name"] for e, p in zip(examples, parses, strict=True) if e.intent == OUT_OF_SCOPE]
    if not outside or not inside:
        return None
    return {
        "in_scope": len(inside),
        "out_of_scope": len(outside),
        "in_scope_accuracy": _share([name == intent for intent, name in inside]),
        "out_of_scope_recall": _share([name in (OUT_OF_SCOPE, FALLBACK) for name in outside]),
    }


def question_scores(questions: Sequence[Questions], parses: Sequence[Parse]) -> dict[str, float] | None:
    """Give the share of double questions of which both are found, and of single ones left single.

    None without messages. Rasa's own pipelines find one intent a message.
    """
    found = [{p["intent"]["name"], p.get("also_asked")} - {None} for p in parses]
    double = [told == set(q.intents) for q, told in zip(questions, found, strict=True) if len(q.intents) > 1]
    single = [len(told) == 1 for q, told in zip(questions, found, strict=True) if len(q.intents) == 1]
    if not questions:
        return None
    return {
        "double": len(double),
        "both_found": _share(double),
        "single": len(single),
        "left_single": _share(single),
    }


def confusions(examples: Sequence[Example], parses: Sequence[Parse]) -> Counter[tuple[str, str]]:
    """Count (meant, told) of the best intents."""
    return Counter((e.intent, best(p)[0]) for e, p in zip(examples, parses, strict=True))
