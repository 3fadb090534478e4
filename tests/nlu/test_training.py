"""A model is named after what it was made from, and Rasa's process gets nothing it does not need."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from nlu import training
from nlu.contract import ROOT
from nlu.data_files import read_folder
from nlu.names import read_names, with_other_names


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in (*training.MADE_FROM, "knowledge/content"):
        source, target = ROOT / name, tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    return tmp_path


def test_the_same_sources_give_the_same_model(root: Path) -> None:
    assert training.model_path(root) == training.model_path(root)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("config.yml", "threshold", "threshold "),
        ("nlu/data/small_talk.yml", "      - ", "      -  "),
        ("nlu/components.py", "Rasa", "rasa"),
        ("nlu/requirements.txt", "rasa==", "rasa =="),
        ("knowledge/content/procedures/1.000894.yml", "aliases:\n", "aliases:\n  - cưới nhau có giấy\n"),
    ],
)
def test_any_change_of_a_source_asks_for_a_new_model(root: Path, file: str, old: str, new: str) -> None:
    before = training.model_path(root)
    path = root / file
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    assert training.model_path(root) != before


def test_rasa_gets_no_credentials_and_no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEGRAM_TOKEN", "1:secret")
    monkeypatch.setenv("DATABASE_URL", "postgresql://somewhere")
    passed = training.environment()
    assert not {"TELEGRAM_TOKEN", "DATABASE_URL"} & set(passed)
    assert passed["OMP_NUM_THREADS"] == "1"


def test_a_missing_environment_is_told_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RASA_PYTHON", str(tmp_path / "nowhere"))
    with pytest.raises(training.RasaError, match="run 'make setup', or set RASA_PYTHON"):
        training.rasa_python()


def test_generated_sentences_keep_the_intent_and_name_real_procedures() -> None:
    examples = read_folder(ROOT / "nlu/data")
    names = {name.casefold() for names in read_names(ROOT / "knowledge/content") for name in names}
    made = list(with_other_names(examples, read_names(ROOT / "knowledge/content")))
    assert len(made) > 1000
    assert {intent for intent, _ in made} <= {example.intent for example in examples}
    accented = [
        sentence.split("](procedure)")[0].split("[")[-1] for _, sentence in made if not sentence.isascii()
    ]
    assert sum(name.casefold() in names for name in accented) / len(accented) > 0.95
