"""Which records the content is made of, and in which file of a content folder each stands.

A record is told by its kind and key: ("procedure", "1.001193"). Kinds are folders with a file for each
record, files that map keys to records, and tables: files that are one record each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, RootModel

from knowledge.canned_replies import CannedReply
from knowledge.content_files import YamlFile, read_record
from knowledge.facets import Facet
from knowledge.records import (
    Correction,
    Examples,
    LifeEvent,
    Notice,
    OfficialText,
    Procedure,
    Province,
    Questions,
    SearchWordsFile,
    StatusNames,
    Tariff,
    Topic,
)
from knowledge.working_days import WorkingCalendar

Key = tuple[str, str]
Content = Mapping[Key, Any]
TABLE = "table"

FOLDERS: dict[str, tuple[str, type[BaseModel]]] = {
    "procedure": ("procedures", Procedure),
    "topic": ("topics", Topic),
    "province": ("provinces", Province),
    "questions": ("questions", Questions),
    "examples": ("examples", Examples),
}
MAPS: dict[str, tuple[str, type[BaseModel]]] = {
    "official_text": ("official_texts.yml", OfficialText),
    "correction": ("corrections.yml", Correction),
}
TABLES: dict[str, type[BaseModel]] = {
    "canned_replies": RootModel[tuple[CannedReply, ...]],
    "facets": RootModel[tuple[Facet, ...]],
    "life_events": RootModel[tuple[LifeEvent, ...]],
    "notices": RootModel[tuple[Notice, ...]],
    "search_words": SearchWordsFile,
    "status_names": StatusNames,
    "tariffs": RootModel[tuple[Tariff, ...]],
    "working_days": WorkingCalendar,
}
KINDS = (*FOLDERS, *MAPS, TABLE)


class UnknownKey(LookupError):
    """A kind, or a table, that the content has not."""


def file_of(key: Key) -> str:
    """Name the file that holds a record, below the content folder; raises UnknownKey."""
    kind, name = key
    if not name.isprintable():  # NUL, which no database keeps, and what nobody sees
        raise UnknownKey(f"{kind}/{name!r}: a key has printable characters alone")
    if kind in FOLDERS:
        return f"{FOLDERS[kind][0]}/{name}.yml"
    if kind in MAPS:
        return MAPS[kind][0]
    if kind == TABLE and name in TABLES:
        return f"{name}.yml"
    raise UnknownKey(f"{kind}/{name}: there are {', '.join(KINDS)}; tables are {', '.join(TABLES)}")


def keys_of(file: str, data: Any) -> dict[Key, Any]:
    """Take the data of a content file apart into its records; none for a file that is not content."""
    folder, _, name = file.rpartition("/")
    stem = name.removesuffix(".yml")
    for kind, (place, _shape) in FOLDERS.items():
        if folder == place:
            return {(kind, stem): data}
    for kind, (place, _shape) in MAPS.items():
        if file == place:
            return {(kind, str(each)): value or {} for each, value in (data or {}).items()}
    return {(TABLE, stem): data} if not folder and stem in TABLES else {}


def shape_of(key: Key) -> type[BaseModel]:
    """Give the shape of a record; raises UnknownKey."""
    file_of(key)
    kind, name = key
    return TABLES[name] if kind == TABLE else (FOLDERS.get(kind) or MAPS[kind])[1]


def read_data(key: Key, data: Any, file: YamlFile) -> BaseModel:
    """Read a record's data; raises ContentError with each fault."""
    if key[0] == "official_text":
        data = {"number": key[1], **data}
    return read_record(shape_of(key), file, data)


def title_of(key: Key, data: Any) -> str:
    """Give what people call a record by."""
    if isinstance(data, dict):
        for name in ("short_name", "name", "title", "question"):
            if isinstance(data.get(name), str):
                return str(data[name])
    return key[1]
