"""The gate tells a worse model from an equal one, says why, and passes none that it could not measure."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nlu.bench.material import HURRIED, MaterialFault, read_material
from nlu.bench.paired import Change, change
from nlu.contract import ROOT
from nlu.gate import compare
from tests.nlu.conftest import ADDED_TEXT, Small


def _compare(
    model: Path, against: Path | None, small: Small, questions: Path | None = None
) -> dict[str, Any]:
    material = read_material(small.held_out, questions)
    return compare(model, against, material, lambda _share, _doing: None)


def _corrected(folder: Path, **fields: str) -> Path:
    path = folder / "corrected.jsonl"
    path.write_text(json.dumps({"question": ADDED_TEXT, "intent": "ask_where", **fields}) + "\n")
    return path


def test_a_model_that_learnt_from_few_sentences_is_worse(small: Small) -> None:
    report = _compare(small.poor.model, small.plain.model, small)
    assert report["is_worse"] is True
    assert "understood" in [reason["figure"] for reason in report["reasons"]]
    assert report["differences"]["best intent accuracy"] < -0.05
    assert report["model"]["file"] == small.poor.model.name
    assert report["against"]["file"] == small.plain.model.name
    wrong = report["newly_wrong"][0]
    assert wrong["before"] != wrong["after"]
    assert {one["text"] for one in report["newly_wrong"]}.isdisjoint(
        one["text"] for one in report["newly_right"]
    )
    counted = [one for one in report["changes"] if one["figure"] in ("understood", "out of scope refused")]
    for way in ("newly_right", "newly_wrong"):
        assert sum(one[way] for one in counted) == len(report[way])


def test_a_model_is_not_worse_than_itself(small: Small) -> None:
    report = _compare(small.plain.model, small.plain.model, small)
    assert report["is_worse"] is False
    assert report["reasons"] == report["newly_right"] == report["newly_wrong"] == []
    assert set(report["differences"].values()) == {0}
    assert {"entities", "out of scope refused", "in scope not refused", *HURRIED} <= set(
        report["differences"]
    )


def test_a_corrected_question_that_is_lost_again_is_worse_by_itself(small: Small, tmp_path: Path) -> None:
    questions = _corrected(tmp_path, procedure_text="Khai  sinh")
    report = _compare(small.plain.model, small.added.model, small, questions)
    assert report["is_worse"] is True
    assert "corrected" in [reason["figure"] for reason in report["reasons"]]
    (lost,) = [one for one in report["newly_wrong"] if one["from"] == "corrected"]
    assert (lost["text"], lost["expected"], lost["before"]) == (ADDED_TEXT, "ask_where", "ask_where")
    assert lost["after"] != "ask_where"


def test_the_command_tells_what_it_does_and_that_a_mended_model_is_not_worse(
    small: Small, tmp_path: Path
) -> None:
    done = _gate(
        str(small.added.model), "--against", str(small.plain.model), "--held-out", str(small.held_out),
        "--questions", str(_corrected(tmp_path)), "--json",
    )  # fmt: skip
    *told, report = map(json.loads, done.stdout.splitlines())
    assert done.returncode == 0, done.stderr
    shares = [line["progress"] for line in told]
    assert shares == sorted(shares) and shares[-1] == 1
    assert report["is_worse"] is False
    assert [one["text"] for one in report["newly_right"] if one["from"] == "corrected"] == [ADDED_TEXT]
    assert report["measured_on"]["corrected"] == 1


def test_a_single_model_is_measured_and_nothing_decided(small: Small, tmp_path: Path) -> None:
    report = _compare(small.plain.model, None, small, _corrected(tmp_path, procedure_text="kết hôn"))
    assert report["is_worse"] is None
    assert report["model"]["figures"]["corrected"] == 0
    assert report["model"]["figures"]["understood"] > 0.7


def test_without_held_out_sentences_there_is_nothing_to_measure_on(small: Small, tmp_path: Path) -> None:
    done = _gate(str(small.plain.model), "--held-out", str(tmp_path / "nowhere"))
    assert done.returncode == 2
    assert "nothing to measure on" in done.stderr
    assert done.stdout == ""


def test_a_model_that_cannot_be_served_is_told_and_does_not_pass(small: Small, tmp_path: Path) -> None:
    broken = tmp_path / "broken.tar.gz"
    broken.write_bytes(small.plain.model.read_bytes()[:5000])
    done = _gate(str(broken), "--held-out", str(small.held_out))
    assert done.returncode == 2
    assert "broken.tar.gz: is no model that can be served" in done.stderr


def _gate(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nlu", "gate", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("line", ["no json", "[]", '{"question": "chào"}', '"chào"'])
def test_a_broken_line_of_corrected_questions_is_named(small: Small, tmp_path: Path, line: str) -> None:
    path = tmp_path / "corrected.jsonl"
    path.write_text('{"question": "chào", "intent": "greet"}\n\n' + line + "\n", encoding="utf-8")
    with pytest.raises(MaterialFault, match=f"{path}:3: is to be"):
        read_material(small.held_out, path)


def test_the_chance_of_a_change_is_that_of_as_many_tossed_coins() -> None:
    assert change([True, True, False, False, True], [True, False, True, False, False]) == Change(1, 2)
    assert Change(0, 0).chance == 1
    assert Change(0, 5).chance == 1 / 32
    assert Change(1, 2).chance == 0.5
    assert Change(5, 5).chance > 0.5
