"""Example sentences that the content adds to the training data: ``<content>/examples/<intent>.yml``.

A file is a YAML list of sentences in Rasa's markup; its name is their intent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from unicodedata import category

import yaml

from nlu.data_files import DataFileError, Example, read_example

FOLDER = "examples"


def read_added(content: Path) -> list[Example]:
    """Read the sentences that a content folder adds; raises DataFileError with a line for each fault."""
    examples, faults = read_each(content)
    if faults:
        raise DataFileError("\n".join(faults))
    return examples


def read_each(content: Path) -> tuple[list[Example], list[str]]:
    """Read what can be read of the sentences that a content folder adds, and the faults of the others."""
    examples: list[Example] = []
    faults: list[str] = []
    for path in added_files(content):
        try:
            nodes = _items(path)
        except DataFileError as error:
            faults.append(str(error))
            continue
        for node in nodes:
            try:
                examples.append(_read(path, node))
            except DataFileError as error:
                faults.append(str(error))
    return examples, faults


def added_files(content: Path) -> list[Path]:
    """Give the files of example sentences of a content folder."""
    return sorted((content / FOLDER).glob("*.yml"))


def _items(path: Path) -> list[yaml.Node]:
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        hint = "a sentence that begins with a mark is put in quotes"
        raise DataFileError(f"{where}: is not valid YAML: {error.problem}; {hint}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataFileError(f"{path}: is not readable text: {error}") from error
    if root is None:
        return []
    if not isinstance(root, yaml.SequenceNode):
        raise DataFileError(f"{path}:1: is to be a list of sentences, each on a line after '- '")
    return list(root.value)


def _read(path: Path, node: yaml.Node) -> Example:
    line = node.start_mark.line + 1
    if not isinstance(node, yaml.ScalarNode):
        raise DataFileError(
            f"{path}:{line}: is no sentence; one that begins with a mark or has ': ' in it is put in quotes"
        )
    written = str(node.value).strip()
    if not written or any(category(letter) == "Cc" for letter in written):
        raise DataFileError(f"{path}:{line}: is to be one line of text")
    return read_example(path, line, path.stem, written)


def leave_out(path: Path, faults: Sequence[str]) -> int:
    """Take the sentences at whose line a fault stands out of a file; give how many."""
    nodes = _items(path)
    kept = [
        node.value
        for node in nodes
        if not any(fault.startswith(f"{path}:{node.start_mark.line + 1}:") for fault in faults)
    ]
    path.write_text(yaml.safe_dump(kept, allow_unicode=True, width=10_000), encoding="utf-8")
    return len(nodes) - len(kept)


def as_rasa_data(examples: Iterable[Example]) -> str:
    """Write sentences as a Rasa training file."""
    lines = ['version: "3.1"', "nlu:"]
    for example in examples:
        lines += [f"  - intent: {example.intent}", "    examples: |", f"      - {example.written}"]
    return "\n".join(lines) + "\n"
