"""``python -m tests.bench.grouping``: how fast, how large and how right questions are grouped.

Compared with putting together only what folds to the same words, and with plain TF-IDF and average linkage.
Its threshold and ours were chosen on the part "tuned on", for the same member precision; the other part is
only measured.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer
import yaml
from sklearn.cluster import AgglomerativeClustering
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import adjusted_rand_score, homogeneity_completeness_v_measure

from knowledge.content_files import CONTENT
from knowledge.grouping import group_questions
from knowledge.search import SearchWords, folded_words
from tests.bench.asked_by_many import PARTS, Labelled, by_need, by_procedure, by_sentence, many_questions

Way = Callable[[Sequence[str]], list[int]]
_PLAIN_DISTANCE = 0.79  # of the plain way: on "tuned on" its members are as surely right as ours
_SENTENCES = 300  # typed in every noise


def grouped(texts: Sequence[str], search_words: SearchWords) -> list[int]:
    """Give each text the number of its group."""
    numbers = [0] * len(texts)
    for number, group in enumerate(group_questions(texts, search_words)):
        for place in group.members:
            numbers[place] = number
    return numbers


def folded_only(texts: Sequence[str]) -> list[int]:
    """Put together only what folds to the same words."""
    seen: dict[str, int] = {}
    return [seen.setdefault(folded_words(text), len(seen)) for text in texts]


def plain(texts: Sequence[str], distance: float = _PLAIN_DISTANCE) -> list[int]:
    """Group by TF-IDF of words and pairs and average linkage, as scikit-learn has them."""
    matrix = TfidfVectorizer(ngram_range=(1, 2), preprocessor=folded_words).fit_transform(texts)
    apart = 1 - (matrix @ matrix.T).toarray()
    linkage = AgglomerativeClustering(
        None, metric="precomputed", linkage="average", distance_threshold=distance
    )
    numbers: list[int] = linkage.fit_predict(apart).tolist()
    return numbers


def quality(numbers: Sequence[int], asked: Sequence[Labelled]) -> dict[str, float]:
    """Compare groups with labels: pairs and members rightly together, adjusted Rand index, V-measure."""
    labels = [one.label for one in asked]
    both = Counter(zip(numbers, labels, strict=True))
    groups, meant = Counter(numbers), Counter(labels)
    right = _pairs(both)
    precision, recall = right / max(_pairs(groups), 1), right / max(_pairs(meant), 1)
    homogeneity, completeness, v = homogeneity_completeness_v_measure(labels, numbers)
    figures = {
        "pair_precision": precision,
        "pair_recall": recall,
        "pair_f0.5": 1.25 * precision * recall / max(0.25 * precision + recall, 1e-9),
        "member_precision": sum(n * n / groups[number] for (number, _), n in both.items()) / len(labels),
        "member_recall": sum(n * n / meant[label] for (_, label), n in both.items()) / len(labels),
        "adjusted_rand": adjusted_rand_score(labels, numbers),
        "homogeneity": homogeneity,
        "completeness": completeness,
        "v_measure": v,
    }
    return {"texts": len(labels), "labels": len(meant), "groups": len(groups)} | {
        name: round(float(value), 3) for name, value in figures.items()
    }


def read_search_words() -> SearchWords:
    """Read the search words alone: a whole library takes memory that grouping does not need."""
    told = yaml.safe_load((CONTENT / "search_words.yml").read_text(encoding="utf-8"))
    question_words = frozenset(word for line in told["question_words"] for word in line.split())
    return SearchWords(told["short_forms"], question_words, tuple(told["not_covered"]), told["meanings"])


def _pairs(counts: Counter[Any]) -> int:
    return sum(count * (count - 1) // 2 for count in counts.values())


def measure_quality(search_words: SearchWords) -> dict[str, Any]:
    """Measure all ways on both parts: by procedure, by procedure and need, and by how a sentence is typed."""
    ways: dict[str, Way] = {
        "ours": lambda texts: grouped(texts, search_words),
        "folded duplicates": folded_only,
        "plain TF-IDF": plain,
    }
    return {
        part: {
            kind: {way: quality(group([one.text for one in asked]), asked) for way, group in ways.items()}
            for kind, asked in _sets(part).items()
        }
        for part in PARTS
    }


def _sets(part: str) -> dict[str, list[Labelled]]:
    return {
        "procedure": by_procedure(part),
        "procedure and need": by_need(part),
        "typed in every noise": by_sentence(part, _SENTENCES),
    }


def measure_size(count: int, search_words: SearchWords) -> dict[str, Any]:
    """Group this many distinct questions in this process: seconds, and the highest memory of the process."""
    asked = many_questions(count)
    texts = [one.text for one in asked]
    before, started, used = _peak(), time.perf_counter(), time.process_time()
    numbers = grouped(texts, search_words)
    spent, used = time.perf_counter() - started, time.process_time() - used
    known = [(number, one) for number, one in zip(numbers, asked, strict=True) if one.label]
    return {
        "questions": len(set(texts)),
        "groups": len(set(numbers)),
        "seconds": round(spent, 1),
        "processor_seconds": round(used, 1),
        "peak_mb": _peak(),
        "peak_mb_before": before,
        "load": round(os.getloadavg()[0], 2),
        "of_known_procedures": quality([number for number, _ in known], [one for _, one in known]),
    }


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main(
    count: Annotated[int, typer.Option(min=1, help="questions that are timed")] = 20_000,
    only: Annotated[str, typer.Option(help="size or quality; empty: both, size in a fresh process")] = "",
) -> None:
    """Measure, and print the figures as JSON."""
    search_words = read_search_words()
    if only == "size":
        print(json.dumps(measure_size(count, search_words)))
        return
    if not only:
        command = [sys.executable, "-m", __spec__.name, "--only", "size", "--count", str(count)]
        done = subprocess.run(
            command, env=os.environ | {"OMP_NUM_THREADS": "1"}, check=True, capture_output=True, text=True
        )
        print("size", done.stdout.strip(), flush=True)
    print("quality", json.dumps(measure_quality(search_words), indent=1))


if __name__ == "__main__":
    typer.run(main)
