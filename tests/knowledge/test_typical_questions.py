"""Procedures are known by typical questions, which are written apart from those that measure."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
import yaml

from knowledge.content_files import CONTENT
from knowledge.library import Library
from knowledge.search import folded_words
from knowledge.typical_questions import OTHERS, TypicalQuestions, open_typical_questions
from nlu.contract import ROOT

ASKED = {
    "kites": [(text.split(), 1.0) for text in ("con muon tha dieu", "cho be tha dieu", "tha dieu o bai nao")],
    "boats": [
        (text.split(), 1.0) for text in ("con muon tha thuyen", "thuyen giay o ho", "cho be choi thuyen")
    ],
    OTHERS: [(text.split(), 1.0) for text in ("con muon an kem", "cho be di boi")],
}


def test_a_question_is_known_by_what_tells_and_others_by_nothing(tmp_path: Path) -> None:
    learned = open_typical_questions(ASKED, tmp_path / "cache")
    scores = learned.scores("be nha em muon tha dieu".split())
    assert scores["kites"] > 0.5 > scores["boats"]
    assert max(learned.scores("con muon di boi".split()).values()) < 0.5
    assert OTHERS not in scores
    assert learned.scores("gi vay troi oi".split()) == {}
    assert learned.scores(["dieu"]) == {}


def test_what_was_learned_is_kept_until_the_questions_change(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = open_typical_questions(ASKED, cache)
    (folder,) = cache.iterdir()
    again = open_typical_questions(ASKED, cache)
    asked = "be muon tha dieu".split()
    assert again.scores(asked) == pytest.approx(first.scores(asked))
    open_typical_questions({**ASKED, "kites": ASKED["kites"][:2]}, cache)
    (other,) = cache.iterdir()
    assert other != folder


def test_nothing_is_learned_from_one_procedure_alone() -> None:
    assert isinstance(open_typical_questions({"kites": ASKED["kites"]}, None), TypicalQuestions)
    assert open_typical_questions({"kites": ASKED["kites"]}, None).scores("cho be tha dieu".split()) == {}


def _sets() -> dict[str, set[str]]:
    written = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in
               (CONTENT / "questions").glob("*.yml")}  # fmt: skip
    sets = {"typical": {text for texts in written.values() for text in texts}}
    for name in ("development", "held_out"):
        rows = yaml.safe_load((ROOT / "tests" / f"finding_{name}.yml").read_text(encoding="utf-8"))
        sets[name] = {row["text"] for row in rows}
    return {name: {folded_words(text) for text in texts} for name, texts in sets.items()}


def test_questions_that_teach_tune_and_measure_do_not_overlap() -> None:
    for (_, first), (_, second) in combinations(_sets().items(), 2):
        assert first & second == set()


def test_every_written_procedure_has_typical_questions(library: Library) -> None:
    catalogue = library.catalogue
    few = [code for code in catalogue.procedures.written if len(catalogue.questions.get(code, ())) < 30]
    assert few == []
