"""The static check: data, held-out sentences, actions and wording agree with ``intents.yml``.

It needs neither Rasa nor a model, reads other folders as files only, and prints one line a fault.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from unicodedata import is_normalized

import yaml

from nlu.data_files import Example, read_folder, read_synonyms
from nlu.examples import added_files, leave_out, read_each
from nlu.names import procedure_words
from nlu.text import fold

ROOT = Path(__file__).parents[1]
CONTENT = Path("knowledge/content")  # in the project's folder
FEWEST = 25  # sentences an intent needs


def find_faults(root: Path = ROOT, content: Path | None = None) -> list[str]:
    """Check the whole contract, with a content folder; raises DataFileError for a file that cannot be read.

    Of the content's own sentences every fault is told, also of files that cannot be read.
    """
    contract = _read_contract(root)
    content = content or root / CONTENT
    data = read_folder(root / "nlu/data")
    development, held_out = _not_for_training(root)
    return [
        *_unmet_intents(contract, data, root),
        *_unknown_intents(contract, [*data, *development, *held_out]),
        *_not_composed([*data, *development, *held_out]),
        *_said_twice({"training": data, "development": development, "held-out": held_out}),
        *_unknown_values(contract, data, root, content),
        *find_added_faults(root, content),
    ]


def find_added_faults(root: Path, content: Path) -> list[str]:
    """Check the sentences that a content folder adds, one line a fault; raises DataFileError for others."""
    added, faults = read_each(content)
    if not added:
        return faults
    values = _unknown_values(_read_contract(root), added, root, content)
    return [*faults, *find_example_faults(added, root), *values]


def find_example_faults(added: list[Example], root: Path = ROOT) -> list[str]:
    """Check added sentences but for the procedures that they name; a line a fault, its place first."""
    development, held_out = _not_for_training(root)
    others = {"training": read_folder(root / "nlu/data"), "development": development, "held-out": held_out}
    where = {example.where for example in added}
    twice = _said_twice({**others, "content's": added})
    return [
        *_unknown_intents(_read_contract(root), added),
        *_not_composed(added),
        *(fault for fault in twice if fault.partition(": ")[0] in where),
    ]


def leave_out_faulty(root: Path, content: Path) -> list[str]:
    """Take the faulty sentences out of a content folder's files; tell the faults, one line each."""
    told: list[str] = []
    while faults := find_added_faults(root, content):
        if not sum(leave_out(path, faults) for path in added_files(content)):
            break  # whatever it is, training will refuse it
        told += [fault for fault in faults if fault not in told]
    return told


def _read_contract(root: Path) -> dict[str, Any]:
    return dict(yaml.safe_load((root / "nlu/intents.yml").read_text(encoding="utf-8")))


def _not_for_training(root: Path) -> list[list[Example]]:
    """Read the development and the held-out sentences; none where they are not installed."""
    return [read_folder(root / "tests" / name) for name in ("development", "held_out")]


def _unmet_intents(contract: dict[str, Any], data: list[Example], root: Path) -> Iterator[str]:
    actions, wording = _actions(root / "actions/__init__.py"), _wording(root)
    for intent in contract["intents"]:
        count = sum(example.intent == intent for example in data)
        if count < FEWEST:
            yield f"nlu/data: intent {intent} has {count} sentences; write at least {FEWEST}"
        if actions.get(intent) != intent:
            yield f"actions: intent {intent} has no function of its name in ACTIONS"
        if intent not in wording:
            yield f"actions/wording.yml: intents: intent {intent} has no title for its button"


def _actions(path: Path) -> dict[str, str]:
    """Read which function ACTIONS gives each intent."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tables = [node.value for node in ast.walk(tree) if isinstance(node, ast.AnnAssign)]
    return {
        str(key.value): value.attr
        for table in tables
        if isinstance(table, ast.Dict)
        for key, value in zip(table.keys, table.values, strict=True)
        if isinstance(key, ast.Constant) and isinstance(value, ast.Attribute)
    }


def _wording(root: Path) -> dict[str, str]:
    wording = yaml.safe_load((root / "actions/wording.yml").read_text(encoding="utf-8"))
    return dict(wording["intents"])


def _unknown_intents(contract: dict[str, Any], examples: Iterable[Example]) -> Iterator[str]:
    for example in examples:
        if example.intent not in contract["intents"]:
            yield f"{example.where}: intent {example.intent} is not in nlu/intents.yml"


def _not_composed(examples: Iterable[Example]) -> Iterator[str]:
    for example in examples:
        if not is_normalized("NFC", example.written):
            yield f"{example.where}: is not Unicode NFC; save it composed"


def _said_twice(sets: dict[str, list[Example]]) -> Iterator[str]:
    """Find sentences that stand twice, in one set or in two; the sets are written apart and stay apart."""
    seen: dict[str, tuple[str, Example]] = {}
    for name, examples in sets.items():
        for example in examples:
            in_set, first = seen.setdefault(example.key, (name, example))
            if in_set != name:
                yield f"{example.where}: «{example.text}» is also in the {in_set} data, at {first.where}"
            elif first is not example:
                yield f"{example.where}: «{example.text}» stands already at {first.where} ({first.intent})"


def _unknown_values(
    contract: dict[str, Any], data: list[Example], root: Path, content: Path
) -> Iterator[str]:
    entities = contract["entities"]
    synonyms = read_synonyms(root / "nlu/data")
    known = procedure_words(content)
    faults: dict[str, list[str]] = defaultdict(list)
    for example in data:
        for mark in example.marks:
            allowed = entities.get(mark.entity, {}).get("values")
            value = synonyms.get(fold(mark.value).casefold(), mark.value)
            if mark.entity not in entities:
                faults[f"entity {mark.entity} is not in nlu/intents.yml"].append(example.where)
            elif allowed and value not in allowed:
                faults[f"{mark.entity} «{mark.text}» has no value of {allowed}"].append(example.where)
            elif mark.entity == "procedure" and not known.knows(mark.text):
                faults[f"procedure «{mark.text}» is no name or alias in the knowledge"].append(example.where)
    return (f"{places[0]}: {fault}" for fault, places in faults.items())
