"""The bench reads anyone's Rasa data, splits it fairly, and tells what is wrong with it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nlu.__main__ import app
from nlu.bench.data import few, read_data, split, write
from nlu.bench.report import write_report
from nlu.data_files import DataFileError, read_folder, read_synonyms

FLIGHTS = """version: "3.1"
nlu:
  - intent: flight
    examples: |
      - bay từ [Huế](from.city) đến [Vinh](to.city)
      - chuyến [sáng mai](date) đi [Huế](to.city)
      - tôi muốn bay tới [Vinh](to.city) {day}
      - còn chuyến nào ra [Huế](to.city) {day}
  - intent: fare
    examples: |
      - giá vé {day}
      - vé khứ hồi bao nhiêu {day}
      - vé rẻ nhất {day}
      - trẻ em có giảm giá {day}
  - synonym: Hue
    examples: |
      - cố đô
"""


def _write(folder: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(FLIGHTS.replace("{day}", f"ngày {number + 1}"), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", ["test.yml", "held_out/nlu.yml", "nlu_test.yml", "test/flights.yml"])
def test_files_named_test_or_held_out_are_held_out(tmp_path: Path, name: str) -> None:
    data = read_data(_write(tmp_path, "nlu.yml", name, "dev.yml"))
    assert len(data.train) == len(data.held_out) == 8
    assert {str(example.path) for example in data.held_out} == {str(tmp_path / name)}
    assert data.extra == [tmp_path / "nlu.yml"]


def test_a_name_that_only_contains_test_is_not_held_out(tmp_path: Path) -> None:
    data = read_data(_write(tmp_path, "latest_news.yml"))
    assert len(data.train) + len(data.held_out) == 8


def test_without_a_held_out_file_a_quarter_of_each_intent_is(tmp_path: Path) -> None:
    data = read_data(_write(tmp_path, "nlu.yml"))
    assert Counter(example.intent for example in data.held_out) == {"flight": 1, "fare": 1}
    assert not {example.text for example in data.train} & {example.text for example in data.held_out}


def test_each_sentence_is_in_exactly_one_fold(tmp_path: Path) -> None:
    examples = read_folder(_write(tmp_path, "nlu.yml"))
    folds = list(split(examples, 4, seed=1))
    assert [len(fold) for _, fold in folds] == [2, 2, 2, 2]
    assert Counter(example.text for _, fold in folds for example in fold) == Counter(e.text for e in examples)
    for rest, fold in folds:
        assert len(rest) + len(fold) == len(examples)


def test_a_few_sentences_of_each_intent_are_drawn_the_same_each_time(tmp_path: Path) -> None:
    examples = read_folder(_write(tmp_path, "nlu.yml"))
    drawn = few(examples, 3, seed=5)
    assert Counter(example.intent for example in drawn) == {"flight": 3, "fare": 3}
    assert drawn == few(examples, 3, seed=5) != few(examples, 3, seed=6)


def test_what_is_written_for_rasa_is_read_back_with_marks_and_places(tmp_path: Path) -> None:
    examples = read_folder(_write(tmp_path / "from", "nlu.yml"))
    written = read_folder(write(examples, [], tmp_path / "to"))
    assert [(e.intent, e.text, e.spans) for e in written] == [(e.intent, e.text, e.spans) for e in examples]
    again = read_folder(write(examples, [tmp_path / "from/nlu.yml"], tmp_path / "again"))
    assert again == [replace(e, path=tmp_path / "again/sentences.yml") for e in written]
    assert read_synonyms(tmp_path / "again") == {"co do": "Hue"}
    first = next(example for example in written if example.text.startswith("bay từ"))
    assert [first.text[start:end] for start, end, _ in first.spans] == ["Huế", "Vinh"]


def test_a_broken_mark_is_told_with_file_line_and_column(tmp_path: Path) -> None:
    path = _write(tmp_path, "nlu.yml") / "nlu.yml"
    path.write_text(FLIGHTS.replace("[Huế](from.city)", "[Huế(from.city)"), encoding="utf-8")
    with pytest.raises(DataFileError, match=rf"{path}:5:\d+: a broken entity mark"):
        read_data(tmp_path)


def test_a_folder_without_sentences_is_told_and_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match="holds no Rasa YAML file with sentences"):
        read_data(tmp_path)


def test_an_unknown_pipeline_is_refused_with_the_known_ones() -> None:
    done = CliRunner().invoke(app, ["test", "--only", "theirs"])
    assert done.exit_code == 2
    assert "Bürokratt" in done.output


def test_a_pipeline_that_was_too_slow_is_told_and_the_others_shown(tmp_path: Path) -> None:
    scores = {"accuracy": 0.91, "macro_f1": 0.9, "calibration_error": 0.02}
    held_out = {
        "training_seconds": 50.0, "clean": scores, "noise": {"without accents": scores, "all mixed": scores},
        "entities": {"f1": 0.9}, "entities_without_accents": {"f1": 0.8}, "out_of_scope": None,
        "calibration": [[0.5, 0.4, 3], [0.9, 0.95, 9]], "confusions": [["a", "a", 3], ["a", "b", 1]],
    }  # fmt: skip
    found = {
        "measured_on": "2026-11-22",
        "machine": {"processor": "any", "cores": 2},
        "data": {"name": "flights", "training": 8, "held_out": 2, "intents": 2},
        "pipelines": {"ours": {"held_out": held_out, "few": {"3": 0.5, "5": 0.6}},
                      "Bürokratt": {"held_out": {"not_measured": "took more than 1 minutes"}}},
    }  # fmt: skip
    text = write_report(json.loads(json.dumps(found)), tmp_path).read_text(encoding="utf-8")
    assert "| intent accuracy | 0.910 | – |" in text
    assert "Not measured: Bürokratt, held_out: took more than 1 minutes." in text
    for name in ("robustness", "few", "calibration", "confusion"):
        assert (tmp_path / f"{name}.svg").stat().st_size > 1000
