"""Writing what is published as a content folder: files that say the same already are left as they are.

In a changed file comments, order and style of what did not change stay, so that git shows real changes only.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from merge3 import Merge3
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from knowledge.content_files import ContentError, Fault, YamlFile, read_yaml
from knowledge.editing.loading import EXPORTING
from knowledge.editing.published import State
from knowledge.editing.records import MAPS, keys_of, read_data
from knowledge.editing.revisions import plain

_WIDTH = 120
_RESOLVER: Any = yaml.resolver.Resolver()
_TEXT = "tag:yaml.org,2002:str"


def export_folder(state: State, folder: Path, unreadable: list[Fault] | None = None) -> list[Path]:
    """Write a state into a folder; give the files that were written or removed.

    Each file is replaced as a whole. While it goes on a file named ``.exporting`` stands in the folder, so
    that what was broken off is not taken for content; running it again mends it. A file that cannot be read
    is written anew, and noted in ``unreadable``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    marker = folder / EXPORTING
    marker.touch()
    for left in folder.rglob(f"*.yml{EXPORTING}"):  # of an export that was broken off
        left.unlink()
    done = [*_written(state, folder, [] if unreadable is None else unreadable), *_removed(state, folder)]
    marker.unlink()
    return done


def _written(state: State, folder: Path, unreadable: list[Fault]) -> Iterator[Path]:
    for name, file in sorted(state.files.items()):
        path, old = folder / name, None
        try:
            if path.exists():
                if plain(read_yaml(path).data) == plain(file.data):
                    continue
                old = path.read_text(encoding="utf-8")
        except ContentError as error:
            unreadable += error.faults
        path.parent.mkdir(exist_ok=True)
        fresh = path.with_name(path.name + EXPORTING)
        fresh.write_text(as_yaml(name, file.data, old), encoding="utf-8")
        fresh.replace(path)
        yield path


def _removed(state: State, folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*.yml")):
        name = path.relative_to(folder).as_posix()
        if name not in state.files and keys_of(name, {"any": None}):
            path.unlink()
            yield path


def as_yaml(name: str, data: Any, old: str | None = None) -> str:
    """Write a content file; of ``old``, its text so far, every line stays that need not change."""
    new = _typed_file(name, data)
    if old is None:
        return _dumped(new)
    try:
        before = _dumped(_yaml().load(old))
    except YAMLError:  # what PyYAML reads and ruamel does not
        return _dumped(new)
    after = _dumped(_Document(old).with_data(new))
    text = "".join(_patched(*(text.splitlines(keepends=True) for text in (before, old, after))))
    return next(each for each in (text, after, _dumped(new)) if plain(_yaml().load(each)) == plain(new))


def _patched(before: list[str], old: list[str], after: list[str]) -> Iterator[str]:
    """Put the change from ``before`` to ``after`` into lines that say the same as ``before`` in their way."""
    merging = Merge3(before, old, after)
    for kind, *region in merging.merge_regions():
        if kind == "conflict":
            yield from after[region[4] : region[5]]
        else:
            yield from {"unchanged": before, "a": old, "same": old, "b": after}[kind][slice(*region)]


def _dumped(document: Any) -> str:
    is_list = isinstance(document, list)
    stream = io.StringIO()
    _yaml(2 if is_list else 0).dump(document, stream)
    lines = stream.getvalue().splitlines()  # a list that is a whole file begins at the margin
    return "".join((line.removeprefix("  ") if is_list else line).rstrip(" ") + "\n" for line in lines)


def _yaml(more: int = 0) -> YAML:
    round_trip = YAML()
    round_trip.width = _WIDTH + more
    round_trip.preserve_quotes = True
    round_trip.indent(mapping=2, sequence=4, offset=2)
    return round_trip


def _typed_file(name: str, data: Any) -> Any:
    """Give a file's data with days and times as such."""
    records = {
        key: _typed(each, read_data(key, each, YamlFile(Path(name))).model_dump(exclude_unset=True))
        for key, each in keys_of(name, data).items()
    }
    if any(name == place for place, _shape in MAPS.values()):
        return {key: each for (_, key), each in records.items()}
    return next(iter(records.values()))


def _typed(data: Any, read: Any) -> Any:
    if isinstance(read, date):
        return read
    if isinstance(data, str):
        return DoubleQuotedScalarString(data) if _needs_quotes(data) else data
    if isinstance(data, dict) and isinstance(read, dict):
        by_name = {str(key): (key, value) for key, value in read.items()}
        return {
            by_name[key][0] if key in by_name and isinstance(by_name[key][0], int) else key:
            _typed(value, by_name[key][1] if key in by_name else None)
            for key, value in data.items()
        }  # fmt: skip
    if isinstance(data, list) and isinstance(read, tuple | list):
        return [_typed(*pair) for pair in zip(data, read, strict=True)]
    return data


def _needs_quotes(text: str) -> bool:
    """Tell whether a text, as ruamel writes it, would be read as something else: such as no, or 12:30."""
    tag = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False))
    return tag != _TEXT or any(each in text for each in "\x85\u2028\u2029")


class _Document:
    """An old document that new data is put into, in place, so that what is the same stays as it was written.

    A node that aliases share is changed once; whoever else has other data by now gets them without sharing.
    """

    def __init__(self, text: str) -> None:
        self._claimed: set[int] = set()
        self._root = _yaml().load(text)

    def with_data(self, new: Any) -> Any:
        """Give the document that says the new data."""
        return self._put(self._root, new)

    def _put(self, old: Any, new: Any) -> Any:
        if plain(old) == plain(new):
            self._claim(old)
            return old
        if id(old) in self._claimed:
            return new
        if isinstance(old, CommentedMap) and isinstance(new, dict):
            return self._put_map(old, new)
        if isinstance(old, CommentedSeq) and isinstance(new, list):
            return self._put_list(old, new)
        return new

    def _claim(self, node: Any) -> None:
        if isinstance(node, CommentedMap | CommentedSeq):
            self._claimed.add(id(node))
            for each in node.values() if isinstance(node, CommentedMap) else node:
                self._claim(each)

    def _put_map(self, old: CommentedMap, new: dict[Any, Any]) -> CommentedMap:
        self._claimed.add(id(old))
        for key in [key for key in old if key not in new]:
            del old[key]
        for place, (key, value) in enumerate(new.items()):
            if key in old:
                old[key] = self._put(old[key], value)
            else:
                old.insert(place, key, value)
        return old

    def _put_list(self, old: CommentedSeq, new: list[Any]) -> CommentedSeq:
        """Keep the entries that are there already, or that stand in the same place, as they were written."""
        self._claimed.add(id(old))
        written = {repr(plain(entry)): entry for entry in old}
        stay = {repr(plain(entry)) for entry in new}
        entries = []
        for place, entry in enumerate(new):
            before = old[place] if place < len(old) and len(old) == len(new) else None
            if repr(plain(entry)) in written:
                entries.append(self._put(written[repr(plain(entry))], entry))
            elif before is not None and repr(plain(before)) not in stay:
                entries.append(self._put(before, entry))
            else:
                entries.append(entry)
        while len(old) > len(entries):
            del old[-1]
        for place, entry in enumerate(entries):
            if place < len(old):
                old[place] = entry
            else:
                old.append(entry)
        return old
