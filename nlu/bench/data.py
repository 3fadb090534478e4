"""The sentences that are measured with: read from Rasa files, split, sampled and written again."""

from __future__ import annotations

import random
import re
import shutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from nlu.data_files import DataFileError, Example, read_examples

_TEST = ("test", "held_out", "heldout", "held-out")
_NEITHER = ("dev", "development", "valid", "validation")
HELD_OUT_SHARE = 0.25  # of a data set that has no test files of its own
OUT_OF_SCOPE = "out_of_scope"


@dataclass(frozen=True)
class Questions:
    """A message and the intents that it asks, in their order."""

    text: str
    intents: list[str]


@dataclass(frozen=True)
class DataSet:
    """Training and held-out sentences, and the training files, for their synonyms and lookup tables.

    ``questions`` are held-out messages with the one or two intents that each asks.
    """

    name: str
    train: list[Example]
    held_out: list[Example]
    extra: list[Path]
    questions: list[Questions] = field(default_factory=list)


def read_data(folder: Path) -> DataSet:
    """Read any folder of Rasa YAML; raises DataFileError.

    Files or folders named test or held_out are held out, those named dev or valid are left aside. Without a
    held-out file a quarter of each intent's sentences is held out.
    """
    paths = sorted(path for path in folder.rglob("*.y*ml") if not _named(path, folder, _NEITHER))
    held_out = [path for path in paths if _named(path, folder, _TEST)]
    rest = [path for path in paths if path not in held_out]
    train = [example for path in rest for example in read_examples(path) if example.intent]
    test = [example for path in held_out for example in read_examples(path) if example.intent]
    if not train:
        raise DataFileError(
            f"{folder}: holds no Rasa YAML file with sentences (nlu: - intent: … examples: | …)"
        )
    if not test:
        train, test = next(split(train, round(1 / HELD_OUT_SHARE), seed=0))
    return DataSet(folder.name, train, test, rest)


def _named(path: Path, folder: Path, names: tuple[str, ...]) -> bool:
    parts = path.relative_to(folder).with_suffix("").parts
    words = {word for part in parts for word in (part.lower(), *re.split(r"[_.\-]", part.lower()))}
    return not words.isdisjoint(names)


def read_questions(path: Path, part: str) -> list[Questions]:
    """Read the messages of one part of a file (``part: [{text, intents}]``)."""
    content = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    return [Questions(item["text"], item["intents"]) for item in content[part]]


def split(examples: list[Example], folds: int, seed: int) -> Iterator[tuple[list[Example], list[Example]]]:
    """Yield (rest, fold) for each of the stratified folds."""
    chance = random.Random(seed)  # noqa: S311  (not for secrets)
    place: dict[int, int] = {}
    for of_one in by_intent(examples).values():
        order = chance.sample(of_one, len(of_one))
        start = chance.randrange(folds)
        place |= {id(example): (start + number) % folds for number, example in enumerate(order)}
    for fold in range(folds):
        yield (
            [example for example in examples if place[id(example)] != fold],
            [example for example in examples if place[id(example)] == fold],
        )


def few(examples: list[Example], count: int, seed: int) -> list[Example]:
    """Give at most ``count`` sentences of each intent."""
    chance = random.Random(seed)  # noqa: S311  (not for secrets)
    return [
        one
        for of_one in by_intent(examples).values()
        for one in chance.sample(of_one, min(count, len(of_one)))
    ]


def by_intent(examples: list[Example]) -> dict[str, list[Example]]:
    """Give the sentences of each intent."""
    found: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        found[example.intent].append(example)
    return found


def write(examples: list[Example], extra: list[Path], folder: Path) -> Path:
    """Write sentences as Rasa YAML, with the synonyms and lookup tables of ``extra``; give the folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    lines = ['version: "3.1"', "nlu:"]
    for intent, of_one in by_intent(examples).items():
        lines += [
            f"  - intent: {intent}",
            "    examples: |",
            *(f"      - {example.written}" for example in of_one),
        ]
    (folder / "sentences.yml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    others = [item for path in extra for item in _items(path) if "intent" not in item]
    if others:
        text = yaml.safe_dump({"version": "3.1", "nlu": others}, allow_unicode=True, sort_keys=False)
        (folder / "others.yml").write_text(text, encoding="utf-8")
    return folder


def _items(path: Path) -> list[dict[str, Any]]:
    """Read what a file says about sentences: intents, synonyms, lookup tables, regular expressions."""
    content = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    return list((content or {}).get("nlu") or [])
