"""The catalogue: everything the assistant knows, looked up by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from knowledge.canned_replies import CannedReply
from knowledge.content_files import Fault
from knowledge.facets import Facet
from knowledge.merging import Procedures
from knowledge.records import Correction, LifeEvent, Notice, OfficialText, Province, Tariff, Topic
from knowledge.working_days import WorkingCalendar, WorkingDays

NATIONAL = "toan-quoc"


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
    questions: dict[str, tuple[str, ...]] = field(default_factory=dict)  # typical ones, by procedure
    facets: tuple[Facet, ...] = ()
    tariffs: tuple[Tariff, ...] = ()
    calendar: WorkingCalendar = field(default_factory=WorkingCalendar)
    status_names: Mapping[str, int] = field(default_factory=dict)  # folded, as local software has them
    canned_replies: tuple[CannedReply, ...] = ()
    notices: tuple[Notice, ...] = ()
    corrections: Mapping[str, Correction] = field(default_factory=dict)
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

    def working_days(self, province_id: str) -> WorkingDays:
        """Give the calendar of working days of a province."""
        return WorkingDays(self.calendar, province_id)

    def status_topic(self, number: int) -> Topic | None:
        """Find the topic that explains a dossier status, 1 to 10."""
        return next((topic for topic in self.topics.values() if topic.status == number), None)
