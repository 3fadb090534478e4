"""A model is named after what it was made from, and Rasa's process gets nothing it does not need."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from nlu import training
from nlu.contract import ROOT


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "config.yml", tmp_path)
    for name in ("nlu", "knowledge/content"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


def test_the_same_sources_give_the_same_model(root: Path) -> None:
    assert training.model_path(root) == training.model_path(root)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("config.yml", "threshold", "threshold "),
        ("nlu/data/small_talk.yml", "      - ", "      -  "),
        ("nlu/components/scoring.py", "Scoring", "scoring"),
        ("nlu/short_forms.yml", "# One", "# A"),
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


def test_every_module_that_the_components_use_belongs_to_the_model() -> None:
    made_from = {path for pattern in training.MADE_FROM for path in ROOT.glob(pattern)}
    learning = {path for _, path in training._made_from(ROOT, ROOT / "knowledge/content")}
    assert learning <= made_from
    for path in sorted(learning & set((ROOT / "nlu/components").glob("*.py"))):
        for name in re.findall(r"^from (nlu\.[\w.]+) import", path.read_text(encoding="utf-8"), flags=re.M):
            assert ROOT / f"{name.replace('.', '/')}.py" in learning


def test_a_change_of_what_only_serves_asks_for_no_new_model(root: Path) -> None:
    before = training.model_path(root)
    for name in training.ONLY_SERVING:
        path = root / "nlu/components" / name
        path.write_text(path.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    assert training.model_path(root) == before


def test_names_of_the_knowledge_are_learnt_as_a_lookup_table(tmp_path: Path) -> None:
    training.write_data(tmp_path / "data")
    written = (tmp_path / "data/names.yml").read_text(encoding="utf-8")
    assert "- lookup: procedure" in written
    assert "      - đăng ký kết hôn\n" in written
