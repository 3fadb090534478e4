"""``python -m nlu check`` finds what is out of step, without Rasa."""

from __future__ import annotations

import shutil
from pathlib import Path
from unicodedata import normalize

import pytest

from nlu.contract import ROOT, find_faults
from nlu.data_files import DataFileError, read_examples, read_folder

DATA = "nlu/data/small_talk.yml"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("nlu", "actions", "knowledge/content", "tests/held_out", "tests/development"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def _edit(root: Path, file: str, old: str, new: str) -> None:
    path = root / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def _fault(root: Path, words: str) -> str:
    (found,) = [fault for fault in find_faults(root) if words in fault]
    return found


def test_the_project_has_no_fault() -> None:
    assert find_faults() == []


def test_every_intent_has_at_least_twenty_five_sentences_and_fifteen_held_out() -> None:
    data = [example.intent for example in read_folder(ROOT / "nlu/data")]
    held_out = [example.intent for example in read_folder(ROOT / "tests/held_out")]
    assert set(data) == set(held_out)
    assert min(map(data.count, set(data))) >= 25
    assert min(map(held_out.count, set(held_out))) >= 14


def test_an_intent_without_data_is_found(root: Path) -> None:
    _edit(root, "nlu/intents.yml", "  greet:", "  wave: {group: small_talk, about: vẫy tay}\n  greet:")
    assert "intent wave has 0 sentences" in _fault(root, "nlu/data: intent wave")


def test_an_intent_without_an_action_is_found(root: Path) -> None:
    _edit(root, "actions/__init__.py", '"thank": small_talk.thank,', '"thank": small_talk.greet,')
    assert _fault(root, "thank") == "actions: intent thank has no function of its name in ACTIONS"


def test_an_intent_without_wording_is_found(root: Path) -> None:
    _edit(root, "actions/wording.yml", "  thank: Cảm ơn\n", "")
    assert "actions/wording.yml: intents: intent thank" in _fault(root, "thank")


def test_a_sentence_of_an_unknown_intent_is_found(root: Path) -> None:
    _edit(root, DATA, "intent: greet", "intent: grete")
    assert any("intent grete is not in nlu/intents.yml" in fault for fault in find_faults(root))


def test_a_sentence_under_two_intents_is_found_even_without_accents(root: Path) -> None:
    first = next(
        item for item in read_examples(root / DATA) if item.intent == "greet" and not item.text.isascii()
    )
    _edit(
        root,
        DATA,
        "intent: goodbye\n    examples: |\n",
        f"intent: goodbye\n    examples: |\n      - {first.key}!\n",
    )
    assert f"stands already at {root / DATA}:{first.line} (greet)" in _fault(root, "stands already")


def test_a_sentence_in_both_training_and_held_out_is_found(root: Path) -> None:
    first = read_examples(root / DATA)[0]
    _edit(
        root, "tests/held_out/small_talk.yml", "examples: |\n", f"examples: |\n      - {first.text.upper()}\n"
    )
    assert f"is also in the training data, at {root / DATA}:{first.line}" in _fault(root, "is also in")


def test_text_that_is_not_composed_is_found_with_its_line(root: Path) -> None:
    first = next(item for item in read_examples(root / DATA) if not item.text.isascii())
    _edit(root, DATA, f"- {first.written}\n", f"- {normalize('NFD', first.written)}\n")
    assert f"{DATA}:{first.line}: is not Unicode NFC" in _fault(root, "NFC")


def test_a_procedure_the_knowledge_does_not_have_is_found(root: Path) -> None:
    _edit(
        root,
        "nlu/data/procedures.yml",
        "examples: |\n",
        "examples: |\n      - làm [giấy phép bay vũ trụ](procedure)\n",
    )
    assert "procedures.yml:5: procedure «giấy phép bay vũ trụ»" in _fault(root, "vũ trụ")


def test_a_channel_without_a_known_value_is_found(root: Path) -> None:
    _edit(
        root,
        "nlu/data/procedures.yml",
        "examples: |\n",
        "examples: |\n      - nộp [bằng bồ câu](channel) nhé\n",
    )
    assert "channel «bằng bồ câu» has no value of" in _fault(root, "bồ câu")


@pytest.mark.parametrize(
    ("sentence", "column"),
    [
        ("làm [hộ chiếu(procedure) nhé", 5),
        ("làm [hộ chiếu] nhé", 5),
        ('làm [hộ chiếu]{"entity": } nhé', 5),
        ("làm hộ chiếu](procedure)", 13),
    ],
)
def test_a_broken_entity_mark_is_named_with_file_line_and_column(
    tmp_path: Path, sentence: str, column: int
) -> None:
    path = tmp_path / "broken.yml"
    path.write_text(
        f'version: "3.1"\nnlu:\n  - intent: greet\n    examples: |\n      - chào\n      - {sentence}\n',
        encoding="utf-8",
    )
    with pytest.raises(DataFileError) as caught:
        read_examples(path)
    assert str(caught.value).startswith(f"{path}:6:{column}: ")


def test_a_file_that_is_not_yaml_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.yml"
    path.write_text('version: "3.1"\nnlu: [\n', encoding="utf-8")
    with pytest.raises(DataFileError, match=r"broken.yml:3:1: is not valid YAML"):
        read_examples(path)
