"""Reading the content folder: YAML files into records, every fault with its file, line and field.

ContentError
└── one ``Fault`` or more: ``path:line: field: what is wrong``
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar
from unicodedata import is_normalized

import yaml
from pydantic import BaseModel, ValidationError

CONTENT = Path(__file__).parent / "content"
Place = tuple[Hashable, ...]
R = TypeVar("R", bound=BaseModel)

_WHAT_WAS_EXPECTED = {
    "missing": "is missing; write it, or 'not stated' where the source is silent",
    "extra_forbidden": "is not a field of this kind of record; check its spelling",
    "string_type": 'must be text; put it in quotes ("1.001193")',
}


@dataclass(frozen=True)
class Fault:
    """One thing wrong in a content file, told so that an editor can mend it."""

    path: Path
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.field}: {self.message}"


class ContentError(Exception):
    """Content files that cannot be used; carries every fault found."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("\n".join(str(fault) for fault in faults))


@dataclass
class YamlFile:
    """A parsed YAML file that remembers on which line each of its fields stands."""

    path: Path
    data: Any = None
    lines: dict[Place, int] = field(default_factory=dict)
    record: BaseModel | None = None  # what the whole file was read as

    def fault(self, place: Place, message: str) -> Fault:
        """Describe a fault at a field, on the line of the nearest field that the file has."""
        known = next((place[:n] for n in range(len(place), 0, -1) if place[:n] in self.lines), ())
        name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
        return Fault(self.path, self.lines.get(known, 1), name.lstrip(".") or "file", message)


class Source(Protocol):
    """Where content comes from: files by their names below the content folder, such as ``topics/x.yml``."""

    def stems(self, folder: str) -> list[str]:
        """List the files of a folder in a stable order, without ``.yml``."""

    def open(self, name: str) -> YamlFile:
        """Open a file; raises ContentError, and FileNotFoundError when there is none."""

    def path(self, name: str) -> Path:
        """Give the name under which faults of a file are told."""

    def mark(self, folder: str) -> str:
        """Tell a folder's files from any other state of them."""


@dataclass(frozen=True)
class Folder:
    """A content folder as a source."""

    root: Path

    def stems(self, folder: str) -> list[str]:
        """List the files of a folder in a stable order, without ``.yml``."""
        return [path.stem for path in sorted((self.root / folder).glob("*.yml"))]

    def open(self, name: str) -> YamlFile:
        """Open a file; raises ContentError, and FileNotFoundError when there is none."""
        return read_yaml(self.root / name)

    def path(self, name: str) -> Path:
        """Give the name under which faults of a file are told."""
        return self.root / name

    def mark(self, folder: str) -> str:
        """Tell a folder's files from any other state of them."""
        return content_digest(self.root / folder)


def read_yaml(path: Path) -> YamlFile:
    """Parse one YAML file; raises ContentError with file and line when it is not readable."""
    file = YamlFile(path)
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except UnicodeDecodeError as error:
        raise ContentError([Fault(path, 1, "file", f"is not UTF-8 text ({error.reason})")]) from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ContentError([Fault(path, line, "file", f"is not valid YAML: {error.problem}")]) from error
    except yaml.YAMLError as error:
        raise ContentError([Fault(path, 1, "file", f"is not valid YAML: {error}")]) from error
    if not is_normalized("NFC", text):
        number = next(n for n, row in enumerate(text.splitlines(), 1) if not is_normalized("NFC", row))
        raise ContentError([Fault(path, number, "file", "is not Unicode NFC; save it composed")])
    if node is None:
        raise ContentError([Fault(path, 1, "file", "is empty; a record was expected")])
    try:
        file.data = _build(node, (), file)
    except RecursionError:
        raise ContentError([Fault(path, 1, "file", "refers to itself (& and *); write it out")]) from None
    return file


def _build(node: yaml.Node, place: Place, file: YamlFile) -> Any:
    file.lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        return [_build(child, (*place, n), file) for n, child in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        built: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key in built:
                line = key_node.start_mark.line + 1
                raise ContentError([Fault(file.path, line, key, "stands twice in the same record")])
            built[key] = _build(value_node, (*place, key), file)
            file.lines[(*place, key)] = key_node.start_mark.line + 1
        return built
    return _scalar(node, place, file)


def _scalar(node: yaml.Node, place: Place, file: YamlFile) -> Any:
    try:
        return yaml.CSafeLoader("").construct_object(node)
    except (ValueError, yaml.YAMLError) as error:
        raise ContentError([file.fault(place, f"cannot be read: {error}")]) from error


def read_record(kind: type[R], file: YamlFile, data: Any = None, place: Place = ()) -> R:
    """Check one record against its shape; raises ContentError naming line and field."""
    if data is None and isinstance(file.record, kind):
        return file.record
    try:
        record = kind.model_validate(file.data if data is None else data)
    except ValidationError as error:
        raise ContentError(list(_faults(error, file, place))) from error
    if data is None:
        file.record = record
    return record


def _faults(error: ValidationError, file: YamlFile, place: Place) -> Iterator[Fault]:
    details = error.errors()
    within = {detail["loc"][:n] for detail in details for n in range(len(detail["loc"]))}
    for detail in details:
        if detail["type"] == "too_short" and detail["loc"] in within:
            continue  # only because its parts, named themselves, are faulty
        message = _WHAT_WAS_EXPECTED.get(detail["type"], re.sub("^Value error, ", "", detail["msg"]))
        given = detail["input"]
        if isinstance(given, str | int | float) and detail["type"] not in _WHAT_WAS_EXPECTED:
            message += f" (found {str(given)[:60]!r})"
        yield file.fault((*place, *detail["loc"]), message)


def content_digest(folder: Path) -> str:
    """Tell the content of a folder from any other, wherever the folder is."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.yml")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
