"""The catalogue: everything the assistant knows, loaded once and looked up by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from knowledge.content_files import (
    CONTENT,
    ContentError,
    Fault,
    YamlFile,
    content_files,
    read_record,
    read_yaml,
)
from knowledge.merging import Procedures
from knowledge.records import LifeEvent, OfficialText, Procedure, Province, Topic

NATIONAL = "toan-quoc"
FEWEST_ALIASES = 3
R = TypeVar("R", bound=BaseModel)


class UnknownProvince(LookupError):
    """A province that has no pack."""


@dataclass(frozen=True)
class Catalogue:
    """All loaded records by key, and the faults of files that were left out."""

    procedures: Procedures
    topics: dict[str, Topic]
    provinces: dict[str, Province]
    official_texts: dict[str, OfficialText]
    life_events: dict[str, LifeEvent] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()

    def province(self, province_id: str) -> Province:
        """Find a province pack; raises UnknownProvince, which names the packs there are."""
        try:
            return self.provinces[province_id]
        except KeyError:
            there_are = ", ".join(sorted(set(self.provinces) - {NATIONAL}))
            raise UnknownProvince(
                f"PROVINCE={province_id!r} has no pack in knowledge/content/provinces; there are: {there_are}"
            ) from None

    @cached_property
    def national(self) -> Province:
        """The national pack."""
        return self.provinces[NATIONAL]

    def texts(self, numbers: Iterable[str]) -> tuple[OfficialText, ...]:
        """Look up official texts by number."""
        return tuple(self.official_texts[number] for number in numbers)

    def topics_for(self, intent: str | None, province_id: str) -> tuple[Topic, ...]:
        """List the topics of an intent (None: of any), those of this province and the national ones."""
        return tuple(
            topic
            for topic in self.topics.values()
            if intent in (None, topic.intent) and topic.province in (None, province_id)
        )

    def status_topic(self, number: int) -> Topic | None:
        """Find the topic that explains a dossier status, 1 to 10."""
        return next((topic for topic in self.topics.values() if topic.status == number), None)

    def procedure_on(self, code: str, today: date) -> Procedure | None:
        """Find a procedure whose facts hold on that day."""
        found = self.procedures.get(code)
        return found if found and found.holds_on(today) else None


class _Reader:
    """Collects records and faults from the files of one content folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.faults: list[Fault] = []
        self.files: dict[str, YamlFile] = {}
        self.stems: dict[str, set[str]] = {}

    def read(self, sub: str, kind: type[R], key: Callable[[R], str]) -> dict[str, R]:
        """Read every file of a sub-folder as one record each."""
        found: dict[str, R] = {}
        self.stems[sub] = {path.stem for path in content_files(self.folder / sub)}
        for path in content_files(self.folder / sub):
            try:
                file = read_yaml(path)
                record = read_record(kind, file)
            except ContentError as error:
                self.faults += error.faults
                continue
            if key(record) != path.stem:
                self.faults.append(file.fault((), f"must be named {key(record)}.yml after its record"))
            self.files[f"{sub}/{key(record)}"] = file
            found[key(record)] = record
        return found

    def read_texts(self) -> dict[str, OfficialText]:
        """Read the list of official texts."""
        found: dict[str, OfficialText] = {}
        path = self.folder / "official_texts.yml"
        try:
            file = read_yaml(path)
            if not isinstance(file.data, dict):
                raise ContentError([file.fault((), "must map each number to its text")])
            for number, data in file.data.items():
                found[number] = read_record(OfficialText, file, {"number": number, **data}, (number,))
        except ContentError as error:
            self.faults += error.faults
        except FileNotFoundError:
            self.faults.append(Fault(path, 1, "file", "is missing; it lists the official texts"))
        return found

    def read_life_events(self) -> dict[str, LifeEvent]:
        """Read the list of life events; a content folder may have none."""
        path = self.folder / "life_events.yml"
        if not path.exists():
            return {}
        try:
            file = read_yaml(path)
            if not isinstance(file.data, list):
                raise ContentError([file.fault((), "must be a list of life events")])
            events = [read_record(LifeEvent, file, data, (number,)) for number, data in enumerate(file.data)]
        except ContentError as error:
            self.faults += error.faults
            return {}
        for number, event in enumerate(events):
            for place, code in enumerate(event.procedures):
                if code not in self.stems["procedures"]:
                    what = f"names procedures/{code}.yml, which is not there"
                    self.faults.append(file.fault((number, "procedures", place), what))
        return {event.id: event for event in events}


def load_catalogue(folder: Path = CONTENT, *, lenient: bool = False) -> Catalogue:
    """Load the content folder.

    Raises ContentError with every fault of every file; with ``lenient`` the sound files load
    all the same and the catalogue carries the faults.
    """
    reader = _Reader(folder)
    official_texts = reader.read_texts()
    procedures = reader.read("procedures", Procedure, lambda record: record.code)
    topics = reader.read("topics", Topic, lambda record: record.id)
    provinces = reader.read("provinces", Province, lambda record: record.id)
    life_events = reader.read_life_events()
    reader.faults += _loose_ends(reader, procedures, topics, provinces, official_texts)
    if NATIONAL not in provinces:
        reader.faults.append(
            Fault(folder / "provinces", 1, "folder", f"needs the national pack {NATIONAL}.yml")
        )
        provinces[NATIONAL] = Province(id=NATIONAL, name="toàn quốc")
    if reader.faults and not lenient:
        raise ContentError(reader.faults)
    broken = {fault.path.stem for fault in reader.faults}
    return Catalogue(
        Procedures({key: value for key, value in procedures.items() if key not in broken}),
        {key: value for key, value in topics.items() if key not in broken},
        {key: value for key, value in provinces.items() if key not in broken or key == NATIONAL},
        official_texts,
        life_events,
        tuple(reader.faults),
    )


def _loose_ends(
    reader: _Reader,
    procedures: dict[str, Procedure],
    topics: dict[str, Topic],
    provinces: dict[str, Province],
    official_texts: dict[str, OfficialText],
) -> Iterable[Fault]:
    """Yield references that lead nowhere; a file that is there but faulty counts as there."""
    for code, procedure in procedures.items():
        file = reader.files[f"procedures/{code}"]
        if len(procedure.aliases) < FEWEST_ALIASES:
            yield file.fault(("aliases",), f"needs at least {FEWEST_ALIASES} names as citizens say them")
        for number, near in enumerate(procedure.near):
            yield from _unknown_file(reader, file, ("near", number), "procedures", near)
        yield from _unknown_file(reader, file, ("fee_topic",), "topics", procedure.fee_topic)
    for topic_id, topic in topics.items():
        file = reader.files[f"topics/{topic_id}"]
        yield from _unknown_file(reader, file, ("replaced_by",), "topics", topic.replaced_by)
        yield from _unknown_file(reader, file, ("province",), "provinces", topic.province)
        for number, rule in enumerate(topic.rules):
            yield from _unknown_texts(file, ("rules", number), rule.sources, official_texts)
    for province_id, province in provinces.items():
        file = reader.files[f"provinces/{province_id}"]
        yield from _unknown_file(reader, file, ("filing_topic",), "topics", province.filing_topic)
        for part in ("situations", "portals", "contacts", "hours"):
            for number, item in enumerate(getattr(province, part)):
                yield from _unknown_texts(file, (part, number), item.sources, official_texts)
        for number, letter in enumerate(province.letters):
            yield from _unknown_texts(file, ("letters", number), (letter.number,), official_texts)


def _unknown_file(
    reader: _Reader, file: YamlFile, place: tuple[str | int, ...], sub: str, key: str | None
) -> Iterable[Fault]:
    if key and key not in reader.stems[sub]:
        yield file.fault(place, f"names {sub}/{key}.yml, which is not there")


def _unknown_texts(
    file: YamlFile, place: tuple[str | int, ...], numbers: Iterable[str], known: dict[str, OfficialText]
) -> Iterable[Fault]:
    for number in numbers:
        if number not in known:
            yield file.fault((*place, "sources"), f"names {number!r}, which official_texts.yml does not list")
