"""Loading the catalogue from the content files, with every fault of every file."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from knowledge.canned_replies import CannedReply
from knowledge.catalogue import NATIONAL, Catalogue
from knowledge.content_files import (
    CONTENT,
    ContentError,
    Fault,
    Folder,
    Source,
    YamlFile,
    read_record,
)
from knowledge.facets import Facet
from knowledge.merging import Procedures
from knowledge.records import (
    EVERYBODY,
    Channel,
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
from knowledge.search import folded_words, procedure_codes
from knowledge.typical_questions import OTHERS
from knowledge.validity import faults_of_validity
from knowledge.working_days import WorkingCalendar

FEWEST_ALIASES = 3
TEXTS = "official_texts.yml"
R = TypeVar("R", bound=BaseModel)
# The dated parts of a province pack, and what makes two entries the same thing at different times.
_SAME: dict[str, Callable[[Any], Hashable]] = {
    "situations": lambda _: None,
    "portals": lambda portal: portal.name,
    "contacts": lambda contact: contact.name,
    "hours": lambda hours: hours.place,
}


class _Reader:
    """Collects records and faults from the files of one source."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.faults: list[Fault] = []
        self.files: dict[str, YamlFile] = {}
        self.stems: dict[str, set[str]] = {}  # what is there, sound or not
        self.texts: dict[str, OfficialText] = {}
        self.without_text: set[str] = set()  # stems of files that cite a faulty text

    def read(self, sub: str, kind: type[R], key: Callable[[R], str]) -> dict[str, R]:
        """Read every file of a sub-folder as one record each."""
        found: dict[str, R] = {}
        stems = self.source.stems(sub)
        self.stems[sub] = set(stems)
        for stem in stems:
            try:
                file = self.source.open(f"{sub}/{stem}.yml")
                record = read_record(kind, file)
            except ContentError as error:
                self.faults += error.faults
                continue
            if key(record) != stem:
                self.faults.append(file.fault((), f"must be named {key(record)}.yml after its record"))
            self.files[f"{sub}/{key(record)}"] = file
            found[key(record)] = record
        return found

    def read_map(self, name: str, read: Callable[[str, Any, YamlFile], R]) -> dict[str, R]:
        """Read the sound entries of a file that maps keys to records; a content folder may lack it."""
        found: dict[str, R] = {}
        file = self._opened(name)
        if file is None:
            return found
        self.files[name] = file
        if not isinstance(file.data, dict):
            self.faults.append(file.fault((), "must map each key to its record"))
            return found
        self.stems[name] = set(file.data)
        for key, data in file.data.items():
            try:
                found[key] = read(key, data, file)
            except ContentError as error:
                self.faults += error.faults
        return found

    def read_list(self, name: str, kind: type[R]) -> list[R]:
        """Read a file that is a list of records; a content folder may lack it."""
        file = self._opened(name)
        if file is None:
            return []
        try:
            if not isinstance(file.data, list):
                raise ContentError([file.fault((), "must be a list of records")])
            self.files[name] = file
            return [read_record(kind, file, data, (number,)) for number, data in enumerate(file.data)]
        except ContentError as error:
            self.faults += error.faults
            return []

    def read_whole(self, name: str, kind: type[R]) -> R | None:
        """Read a file that is one record; a content folder may lack it."""
        file = self._opened(name)
        if file is None:
            return None
        self.files[name] = file
        try:
            return read_record(kind, file)
        except ContentError as error:
            self.faults += error.faults
            return None

    def _opened(self, name: str) -> YamlFile | None:
        try:
            return self.source.open(name)
        except ContentError as error:
            self.faults += error.faults
        except FileNotFoundError:
            pass
        return None

    def read_questions(self) -> dict[str, tuple[str, ...]]:
        """Read the typical questions of each procedure, one file a code; a content folder may have none."""
        found: dict[str, tuple[str, ...]] = {}
        asked: dict[str, Path] = {}
        for stem in self.source.stems("questions"):
            path = self.source.path(f"questions/{stem}.yml")
            if stem != OTHERS and procedure_codes(stem) != [stem]:
                what = f"must be named after a procedure's code, or {OTHERS}.yml for other matters"
                self.faults.append(Fault(path, 1, "file", what))
            try:
                file = self.source.open(f"questions/{stem}.yml")
                found[stem] = read_record(Questions, file).root
            except ContentError as error:
                self.faults += error.faults
                continue
            for number, text in enumerate(found[stem]):
                if (first := asked.setdefault(folded_words(text), path)) != path:
                    self.faults.append(
                        file.fault((number,), f"stands in {first.name} too; keep it where it belongs")
                    )
        return found

    def check_examples(self) -> None:
        """Read the sentences that training learns, one file an intent; a content folder may have none."""
        for stem in self.source.stems("examples"):
            path = self.source.path(f"examples/{stem}.yml")
            if not re.fullmatch(r"[a-z_]+", stem):
                self.faults.append(
                    Fault(path, 1, "file", "must be named after an intent, such as ask_fee.yml")
                )
            try:
                read_record(Examples, self.source.open(f"examples/{stem}.yml"))
            except ContentError as error:
                self.faults += error.faults

    def read_calendar(self) -> WorkingCalendar:
        """Read the exceptional working days; without the file no day is known of."""
        calendar = self.read_whole("working_days.yml", WorkingCalendar)
        if calendar is None:
            return WorkingCalendar()
        file = self.files["working_days.yml"]
        for number, each in enumerate(calendar.exceptions):
            place = ("exceptions", number)
            self.faults += _unknown_texts(self, file, place, (each.source,))
            self.faults += _unknown_file(self, file, (*place, "province"), "provinces", each.province)
            if any(other.day == each.day and other.province == each.province
                   for other in calendar.exceptions[:number]):  # fmt: skip
                self.faults.append(file.fault((*place, "day"), f"{each.day} stands twice"))
        return calendar

    def read_status_names(self) -> dict[str, int]:
        """Read how local software names the ten statuses; each name at most once, accents aside."""
        listed = self.read_whole("status_names.yml", StatusNames)
        names: dict[str, int] = {}
        for status, of_it in listed.root.items() if listed else ():
            for number, name in enumerate(of_it):
                if names.setdefault(folded_words(name), status) != status:
                    file = self.files["status_names.yml"]
                    self.faults.append(file.fault((status, number), f"{name!r} stands under two statuses"))
        return names


def _official_text(number: str, data: Any, file: YamlFile) -> OfficialText:
    return read_record(OfficialText, file, {"number": number, **(data or {})}, (number,))


def _correction(key: str, data: Any, file: YamlFile) -> Correction:
    return read_record(Correction, file, data or {}, (key,))


def load_catalogue(content: Path | Source = CONTENT, *, lenient: bool = False) -> Catalogue:
    """Load a content folder, or another source of content.

    Raises ContentError with every fault of every file; with ``lenient`` the sound files load
    all the same and the catalogue carries the faults.
    """
    reader = _Reader(Folder(content) if isinstance(content, Path) else content)
    reader.texts = reader.read_map(TEXTS, _official_text)
    if TEXTS not in reader.files:
        path = reader.source.path(TEXTS)
        reader.faults.append(Fault(path, 1, "file", "is missing; it lists the official texts"))
    procedures = reader.read("procedures", Procedure, lambda record: record.code)
    topics = reader.read("topics", Topic, lambda record: record.id)
    provinces = reader.read("provinces", Province, lambda record: record.id)
    life_events = reader.read_list("life_events.yml", LifeEvent)
    facets = reader.read_list("facets.yml", Facet)
    tariffs = reader.read_list("tariffs.yml", Tariff)
    calendar = reader.read_calendar()
    status_names = reader.read_status_names()
    questions = reader.read_questions()
    reader.check_examples()
    reader.read_whole("search_words.yml", SearchWordsFile)
    canned = reader.read_list("canned_replies.yml", CannedReply)
    notices = reader.read_list("notices.yml", Notice)
    corrections = reader.read_map("corrections.yml", _correction)
    reader.faults += _loose_ends(reader, procedures, topics, provinces)
    reader.faults += _loose_ends_of_lists(reader, life_events, tariffs)
    reader.faults += _loose_ends_of_notices(reader, notices, corrections)
    if NATIONAL not in provinces:
        reader.faults.append(
            Fault(reader.source.path("provinces"), 1, "folder", f"needs the national pack {NATIONAL}.yml")
        )
        provinces[NATIONAL] = Province(id=NATIONAL, name="toàn quốc")
    if reader.faults and not lenient:
        raise ContentError(reader.faults)
    broken = {fault.path.stem for fault in reader.faults} | reader.without_text
    return Catalogue(
        Procedures({key: value for key, value in procedures.items() if key not in broken}),
        {key: value for key, value in topics.items() if key not in broken},
        {key: value for key, value in provinces.items() if key not in broken or key == NATIONAL},
        reader.texts,
        {event.id: event for event in life_events},
        questions,
        tuple(facets),
        tuple(tariffs),
        calendar,
        status_names,
        tuple(canned),
        tuple(notices),
        corrections,
        tuple(reader.faults),
    )


def _loose_ends(
    reader: _Reader,
    procedures: dict[str, Procedure],
    topics: dict[str, Topic],
    provinces: dict[str, Province],
) -> Iterable[Fault]:
    """Yield references that lead nowhere; a file that is there but faulty counts as there."""
    for code, procedure in procedures.items():
        file = reader.files[f"procedures/{code}"]
        if len(procedure.aliases) < FEWEST_ALIASES:
            yield file.fault(("aliases",), f"needs at least {FEWEST_ALIASES} names as citizens say them")
        for number, near in enumerate(procedure.near):
            yield from _unknown_file(reader, file, ("near", number), "procedures", near)
        yield from _unknown_file(reader, file, ("fee_topic",), "topics", procedure.fee_topic)
        for number, channel in enumerate(procedure.channels or ()):
            for place, what in faults_of_validity(channel.fees or (), lambda fee: fee.what):
                yield file.fault(("channels", number, "fees", place), what)
            yield from _unknown_basis(reader, file, ("channels", number, "fees"), procedure, channel)
    for topic_id, topic in topics.items():
        file = reader.files[f"topics/{topic_id}"]
        yield from _unknown_file(reader, file, ("replaced_by",), "topics", topic.replaced_by)
        yield from _unknown_file(reader, file, ("province",), "provinces", topic.province)
        for number, rule in enumerate(topic.rules):
            yield from _unknown_texts(reader, file, ("rules", number), rule.sources)
        for place, what in faults_of_validity(topic.rules, lambda _: None, topic.gaps):
            yield file.fault(("rules", place), what)
    for province_id, province in provinces.items():
        file = reader.files[f"provinces/{province_id}"]
        yield from _unknown_file(reader, file, ("filing_topic",), "topics", province.filing_topic)
        for part, same in _SAME.items():
            for number, item in enumerate(getattr(province, part)):
                yield from _unknown_texts(reader, file, (part, number), item.sources)
            for place, what in faults_of_validity(getattr(province, part), same):
                yield file.fault((part, place), what)
        for number, letter in enumerate(province.letters):
            yield from _unknown_texts(reader, file, ("letters", number), (letter.number,))


def _loose_ends_of_lists(
    reader: _Reader,
    life_events: list[LifeEvent],
    tariffs: list[Tariff],
) -> Iterable[Fault]:
    for number, event in enumerate(life_events):
        for place, code in enumerate(event.procedures):
            where = (number, "procedures", place)
            yield from _unknown_file(reader, reader.files["life_events.yml"], where, "procedures", code)
    for number, tariff in enumerate(tariffs):
        yield from _unknown_texts(reader, reader.files["tariffs.yml"], (number,), tariff.sources)
    same = faults_of_validity(tariffs, lambda one: (one.province, one.distance, one.up_to_grams))
    for place, what in same:
        yield reader.files["tariffs.yml"].fault((place,), what)


def _loose_ends_of_notices(
    reader: _Reader,
    notices: list[Notice],
    corrections: dict[str, Correction],
) -> Iterable[Fault]:
    ids = [notice.id for notice in notices]
    for number, notice in enumerate(notices):
        file = reader.files["notices.yml"]
        yield from _unknown_file(reader, file, (number, "province"), "provinces", notice.province)
        yield from _unknown_texts(reader, file, (number,), notice.sources)
        is_topic = notice.audience != EVERYBODY and not procedure_codes(notice.audience or "")
        topic = notice.audience if is_topic else None
        yield from _unknown_file(reader, file, (number, "audience"), "topics", topic)
        if notice.id in ids[:number]:
            yield file.fault((number, "id"), f"{notice.id} stands there twice")
    for key, correction in corrections.items():
        file = reader.files["corrections.yml"]
        yield from _unknown_file(reader, file, (key, "topic"), "topics", correction.topic)


def _unknown_file(
    reader: _Reader, file: YamlFile, place: tuple[str | int, ...], sub: str, key: str | None
) -> Iterable[Fault]:
    if key and key not in reader.stems[sub]:
        yield file.fault(place, f"names {sub}/{key}.yml, which is not there")


def _unknown_basis(
    reader: _Reader,
    file: YamlFile,
    place: tuple[str | int, ...],
    procedure: Procedure,
    channel: Channel,
) -> Iterable[Fault]:
    known = {*reader.stems.get(TEXTS, ()), *(basis.number for basis in procedure.legal_basis or ())}
    for number, fee in enumerate(channel.fees or ()):
        if fee.basis and fee.basis not in known:
            what = f"names {fee.basis!r}, which neither legal_basis nor official_texts.yml lists"
            yield file.fault((*place, number, "basis"), what)
        elif fee.basis in reader.stems.get(TEXTS, ()) and fee.basis not in reader.texts:
            reader.without_text.add(file.path.stem)


def _unknown_texts(
    reader: _Reader, file: YamlFile, place: tuple[str | int, ...], numbers: Iterable[str]
) -> Iterable[Fault]:
    for number in numbers:
        if number not in reader.stems.get(TEXTS, ()):
            yield file.fault((*place, "sources"), f"names {number!r}, which {TEXTS} does not list")
        elif number not in reader.texts:
            reader.without_text.add(file.path.stem)
