"""Reading Rasa training files with the line of every sentence, without Rasa.

DataFileError
└── a file, line and column where a training file cannot be read
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from nlu.text import fold

_MARK = re.compile(r"\[(?P<text>[^\[\]]+)\](?:\((?P<entity>[^()]+)\)|(?P<fields>\{[^{}]*\}))")
_STRAY = re.compile(r"[\[\]{}]")
_NOT_WORDS = re.compile(r"\W+")


class DataFileError(ValueError):
    """A training file that cannot be read; says file, line, column and what was expected."""


@dataclass(frozen=True)
class Mark:
    """A marked part of a sentence: its words, kind and normal value, and its first character's place."""

    text: str
    entity: str
    value: str
    start: int


@dataclass(frozen=True)
class Example:
    """One training sentence, where it stands, its marks and its text without them."""

    path: Path
    line: int
    intent: str
    written: str
    text: str
    marks: tuple[Mark, ...]

    @property
    def spans(self) -> tuple[tuple[int, int, str], ...]:
        """Start, end and kind of each marked part of the text."""
        return tuple((mark.start, mark.start + len(mark.text), mark.entity) for mark in self.marks)

    @property
    def where(self) -> str:
        """File and line."""
        return f"{self.path}:{self.line}"

    @property
    def key(self) -> str:
        """The sentence without accents, case and punctuation, for comparing."""
        return _NOT_WORDS.sub(" ", fold(self.text).casefold()).strip()


def read_folder(folder: Path) -> list[Example]:
    """Read every training file of a folder; raises DataFileError."""
    return [example for path in sorted(folder.glob("*.yml")) for example in read_examples(path)]


def read_examples(path: Path) -> list[Example]:
    """Read the sentences of one training file; raises DataFileError."""
    return [read_example(path, line, intent, written) for intent, line, written in _sentences(path, "intent")]


def read_synonyms(folder: Path) -> dict[str, str]:
    """Give the value that each synonym (folded) stands for."""
    return {
        fold(written).casefold(): value
        for path in sorted(folder.glob("*.yml"))
        for value, _, written in _sentences(path, "synonym")
    }


def _sentences(path: Path, kind: str) -> Iterator[tuple[str, int, str]]:
    """Yield (name, line, text) for each ``- `` line under blocks of that kind."""
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise DataFileError(f"{where}: is not valid YAML: {error.problem}") from error
    for block in _blocks(root):
        fields = {key.value: value for key, value in block.value}
        if kind not in fields or "examples" not in fields:
            continue
        first = fields["examples"].start_mark.line + 2
        for number, line in enumerate(fields["examples"].value.splitlines()):
            if line.strip():
                yield fields[kind].value, first + number, line.strip().removeprefix("-").strip()


def _blocks(root: yaml.Node | None) -> list[yaml.MappingNode]:
    top = root.value if isinstance(root, yaml.MappingNode) else []
    lists = [value for key, value in top if key.value == "nlu" and isinstance(value, yaml.SequenceNode)]
    return [block for found in lists for block in found.value if isinstance(block, yaml.MappingNode)]


def read_example(path: Path, line: int, intent: str, written: str) -> Example:
    """Read one sentence in Rasa's markup, with where it stands; raises DataFileError."""
    marks: list[Mark] = []
    markup = 0  # characters of marks before this one that are not in the text
    for match in _MARK.finditer(written):
        marks.append(_read_mark(match, match.start() - markup, f"{path}:{line}:{match.start() + 1}"))
        markup += len(match[0]) - len(match["text"])
    rest = _MARK.sub(lambda match: "_" * len(match[0]), written)
    if stray := _STRAY.search(rest):
        raise DataFileError(
            f"{path}:{line}:{stray.start() + 1}: a broken entity mark; write [words](entity) "
            'or [words]{"entity": "…", "value": "…"}'
        )
    return Example(path, line, intent, written, _MARK.sub(lambda match: match["text"], written), tuple(marks))


def _read_mark(match: re.Match[str], start: int, where: str) -> Mark:
    if match["entity"]:
        return Mark(match["text"], match["entity"], match["text"], start)
    try:
        fields = json.loads(match["fields"])
        return Mark(match["text"], fields["entity"], str(fields.get("value", match["text"])), start)
    except (ValueError, KeyError) as error:
        raise DataFileError(
            f"{where}: the mark {match['fields']} is not JSON with an entity ({error})"
        ) from error
