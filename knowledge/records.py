"""The shapes of what the assistant knows: procedures, topics, province packs and official texts.

Every record is read from one reviewed YAML file under ``knowledge/content`` and never changes
after loading. A field the official source does not state carries the words ``not stated``, which
load as ``None``; leaving such a field out is an error, so that silence is always deliberate.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NaiveDatetime,
    RootModel,
    StringConstraints,
    model_validator,
)

from knowledge.sms_text import fault_of_sms, sms_text

T = TypeVar("T")
NOT_STATED = "not stated"
LONGEST_PAYLOAD = 64  # bytes a button may carry: Telegram's callback data
COORDINATES = r"^(?:[89]|1\d|2[0-3])\.\d{3,8}, 1(?:0[2-9]|1[0-7])\.\d{3,8}$"
LONGEST_TITLE = 60  # characters of a name that still fits a button
LONGEST_NAME = 2_000  # characters; the longest official name of a procedure has 1,094
EVERYBODY = "all"  # the audience of an announcement to everyone
AUDIENCE = r"^(\d\.\d{6}|[a-z0-9]+(-[a-z0-9]+)*)$"


def _not_stated_is_none(value: Any) -> Any:
    if value is None:
        raise ValueError(f"is empty; write the fact, or '{NOT_STATED}' where the source is silent")
    return None if value == NOT_STATED else value


Stated = Annotated[T | None, BeforeValidator(_not_stated_is_none)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Name = Annotated[Text, Field(max_length=LONGEST_NAME)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]
CaseId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=16)]
ProcedureCode = Annotated[str, StringConstraints(pattern=r"^\d\.\d{6}$")]
Url = Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]
ChannelName = Literal["direct", "online", "postal"]
Level = Literal["commune", "province", "ministry", "other"]
TopicIntent = Literal[
    "ask_covid_rule", "ask_service_level", "ask_portal_account", "ask_online_payment",
    "report_portal_problem", "ask_postal_filing", "ask_postal_return", "ask_postal_fee",
    "ask_dossier_status",
]  # fmt: skip


class Record(BaseModel):
    """A frozen content record that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _refuse_end_before_start(record: Record, first: str, last: str) -> None:
    start, end = getattr(record, first), getattr(record, last)
    if start and end and end < start:
        raise ValueError(f"{last} {end} lies before {first} {start}")


class Dated(Record):
    """A fact with its validity: both days included; ``valid_to`` empty while it still holds."""

    valid_from: date
    valid_to: date | None = None

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Dated:
        _refuse_end_before_start(self, "valid_from", "valid_to")
        return self

    def holds_on(self, today: date) -> bool:
        """Tell whether the fact is valid on that day."""
        return self.valid_from <= today and (self.valid_to is None or today <= self.valid_to)

    def is_expired(self, today: date) -> bool:
        """Tell whether the fact ended before that day."""
        return self.valid_to is not None and self.valid_to < today


class Sourced(Dated):
    """A dated fact with the numbers of the official texts that say so."""

    sources: Annotated[tuple[Text, ...], Field(min_length=1)]


class OfficialText(Record):
    """An official text, the source of an answer (the contract's ``source``)."""

    title: Name
    number: Text | None = None
    issued_on: date | None = None
    in_force_from: date | None = None
    in_force_to: date | None = None
    url: Url | None = None

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> OfficialText:
        _refuse_end_before_start(self, "in_force_from", "in_force_to")
        return self


class Fee(Record):
    """One amount in đồng (0 = free of charge); ``what`` says for which case or copy it is paid."""

    amount: Stated[Annotated[int, Field(ge=0)]]
    what: Text | None = None
    basis: Text | None = None
    valid_from: date | None = None
    valid_to: date | None = None

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Fee:
        _refuse_end_before_start(self, "valid_from", "valid_to")
        return self

    def is_expired(self, today: date) -> bool:
        """Tell whether the amount ended before that day."""
        return self.valid_to is not None and self.valid_to < today

    def is_future(self, today: date) -> bool:
        """Tell whether the amount starts only after that day."""
        return self.valid_from is not None and today < self.valid_from


class Channel(Record):
    """One way to file (direct, online or postal) with its own time limit and fees."""

    channel: ChannelName
    time_limit: Stated[Text]
    fees: Stated[tuple[Fee, ...]]
    note: Text | None = None


class Document(Record):
    """A paper of the dossier: to be handed in (``submit``) or only shown (``show``)."""

    name: Text
    action: Literal["submit", "show"] = "submit"
    originals: int = Field(default=0, ge=0)
    copies: int = Field(default=0, ge=0)
    form: Text | None = None
    only: tuple[ChannelName, ...] = ()
    note: Text | None = None


class Case(Record):
    """A case of a procedure with the documents it requires."""

    id: CaseId
    name: Text
    documents: Stated[Annotated[tuple[Document, ...], Field(min_length=1)]]

    def papers(self, channel: ChannelName | None) -> tuple[Document, ...]:
        """Give the documents for one way of filing, or for all of them."""
        return tuple(
            paper for paper in self.documents or () if not (paper.only and channel) or channel in paper.only
        )


class Provenance(Record):
    """Where a procedure's facts were read: the portal page, its decision, and the days."""

    title: Text
    number: Text | None = None
    url: Url
    state_of: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}$")]
    read_on: date


class LegalBasis(Record):
    """One official text that a procedure rests on."""

    number: Text
    title: Text


class Procedure(Dated):
    """An administrative procedure in the project's own concise words."""

    code: ProcedureCode
    name: Name
    short_name: Annotated[Text, Field(max_length=LONGEST_TITLE)] | None = None
    aliases: tuple[Text, ...]
    field: Text
    levels: Annotated[tuple[Level, ...], Field(min_length=1)]
    applicants: Annotated[tuple[Text, ...], Field(min_length=1)]
    summary: Text
    agency: Stated[Text]
    where: Stated[Text]
    conditions: Stated[tuple[Text, ...]]
    cases: Annotated[tuple[Case, ...], Field(min_length=1)]
    steps: Stated[Annotated[tuple[Text, ...], Field(min_length=1)]]
    channels: Stated[Annotated[tuple[Channel, ...], Field(min_length=1)]]
    results: Stated[Annotated[tuple[Text, ...], Field(min_length=1)]]
    legal_basis: Stated[Annotated[tuple[LegalBasis, ...], Field(min_length=1)]]
    remarks: tuple[Text, ...] = ()
    near: tuple[ProcedureCode, ...] = ()
    fee_topic: Slug | None = None  # the topic of a general waiver or reduction of its fees
    source: Provenance

    @model_validator(mode="after")
    def _long_name_has_a_short_one(self) -> Procedure:
        if len(self.name) > LONGEST_TITLE and self.short_name is None:
            raise ValueError(f"short_name: is missing; the name is longer than {LONGEST_TITLE} characters")
        return self

    @model_validator(mode="after")
    def _names_are_unique(self) -> Procedure:
        checks: tuple[tuple[str, list[str]], ...] = (
            ("cases", [case.id for case in self.cases]),
            ("channels", [str(channel.channel) for channel in self.channels or ()]),
            ("aliases", [alias.casefold() for alias in (self.name, *self.aliases)]),
        )
        for what, names in checks:
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{what}: {', '.join(twice)} stands there twice")
        return self

    @property
    def title(self) -> str:
        """The name to show on a button or at the head of an answer."""
        return self.short_name or self.name

    def case(self, case_id: str | None) -> Case | None:
        """Find one of its cases by id."""
        return next((case for case in self.cases if case.id == case_id), None)

    def channel(self, name: str) -> Channel | None:
        """Find one of its channels by name."""
        return next((channel for channel in self.channels or () if channel.channel == name), None)

    def as_source(self) -> OfficialText:
        """Give the portal page that the record was read from, as an answer's source."""
        return OfficialText(
            title=self.source.title,
            number=self.source.number,
            in_force_from=None,
            url=self.source.url,
        )


class LifeEvent(Record):
    """Something that happens in people's lives, and the procedures that usually follow, in order."""

    id: Slug
    title: Name
    aliases: Annotated[tuple[Text, ...], Field(min_length=3)]
    procedures: Annotated[tuple[ProcedureCode, ...], Field(min_length=2)]


class Rule(Sourced):
    """What a topic says between two days, and the official texts that say so."""

    text: Text


class Gap(Dated):
    """Days of which nothing is known, and why."""

    why: Text


class Topic(Record):
    """A subject that is not a procedure, with one dated rule after another."""

    id: Slug
    intent: TopicIntent
    title: Name
    aliases: Annotated[tuple[Text, ...], Field(min_length=3)]
    province: Slug | None = None
    status: Annotated[int, Field(ge=1, le=10)] | None = None
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]
    gaps: tuple[Gap, ...] = ()
    replaced_by: Slug | None = None

    @model_validator(mode="after")
    def _fits_a_button(self) -> Topic:
        if len(f"{self.intent}?topic={self.id}") > LONGEST_PAYLOAD:
            raise ValueError(f"id: is too long for a button with intent {self.intent}")
        return self

    def rules_on(self, today: date) -> tuple[Rule, ...]:
        """Give the rules that hold on that day, in file order."""
        return tuple(rule for rule in self.rules if rule.holds_on(today))

    def has_begun(self, today: date) -> bool:
        """Tell whether anything of the topic holds or has held by that day."""
        return any(rule.valid_from <= today for rule in self.rules)

    def last_expired(self, today: date) -> Rule | None:
        """Give the rule that ended last before that day, if any."""
        expired = [rule for rule in self.rules if rule.is_expired(today)]
        return max(expired, key=lambda rule: rule.valid_to or date.min, default=None)


class Contact(Sourced):
    """A telephone number that citizens may call, and for what."""

    name: Name
    phone: Annotated[str, StringConstraints(pattern=r"^[0-9 ]{8,15}$")]
    about: Literal["public_services", "portal", "payment", "postal", "health"]


class Tariff(Sourced):
    """What the post takes in a province for one way, in đồng; ``up_to_grams`` empty: whatever it weighs."""

    province: Text
    distance: Literal["within_district", "between_districts", "between_provinces"]
    up_to_grams: Annotated[int, Field(ge=1)] | None = None
    amount: Annotated[int, Field(ge=0)]
    note: Text | None = None


class Portal(Sourced):
    """The address where citizens file online."""

    name: Name
    url: Url


class Hours(Sourced):
    """When a desk is open, in words, and where it stands: latitude and longitude within Việt Nam."""

    place: Text
    text: Text
    coordinates: Annotated[str, StringConstraints(pattern=COORDINATES)] | None = None

    @property
    def position(self) -> tuple[float, float] | None:
        """Its latitude and longitude in degrees, where they are known."""
        if self.coordinates is None:
            return None
        latitude, longitude = self.coordinates.split(", ")
        return float(latitude), float(longitude)


class Situation(Sourced):
    """What the province is on these days (its name, mergers), for questions about places."""

    text: Text


class Letter(Record):
    """An official letter of the province, told in our own words."""

    number: Text
    text: Text


class Province(Record):
    """A province pack; ``toan-quoc`` is the national one that every pack falls back on."""

    id: Slug
    name: Name
    unit_code: Annotated[str, StringConstraints(pattern=r"^H\d{2}$")] | None = None
    aliases: tuple[Text, ...] = ()
    filing_topic: Slug | None = None  # the topic that tells how one files in an emergency
    situations: tuple[Situation, ...] = ()
    portals: tuple[Portal, ...] = ()
    contacts: tuple[Contact, ...] = ()
    hours: tuple[Hours, ...] = ()
    letters: tuple[Letter, ...] = ()


class Questions(RootModel[Annotated[tuple[Text, ...], Field(min_length=1)]]):
    """The typical questions of one procedure, its name first."""


class Examples(RootModel[Annotated[tuple[Text, ...], Field(min_length=1)]]):
    """Sentences of one intent for training, with entities marked as Rasa writes them."""


class StatusNames(RootModel[dict[Annotated[int, Field(ge=1, le=10)], tuple[Text, ...]]]):
    """How local software names the ten statuses of a dossier, by number."""


class SearchWordsFile(Record):
    """Short forms, and words that search treats apart."""

    short_forms: dict[str, str]
    question_words: tuple[str, ...]
    meanings: dict[str, tuple[str, ...]]
    not_covered: tuple[str, ...]
    asked_of_any: tuple[str, ...] = ()


class Notice(Record):
    """What everybody is told from one minute to another of Việt Nam's time; with an audience it is sent.

    ``urgent``: it stands before every answer. ``audience``: "all", or a procedure's code or a topic's id for
    those who asked about it. ``sms``: the SMS to all, where title, text and link make too long a one.
    """

    id: Slug
    title: Annotated[Text, Field(max_length=80)] | None = None
    text: Annotated[Text, Field(max_length=400)]
    link: Url | None = None
    starts: NaiveDatetime
    ends: NaiveDatetime
    province: Slug | None = None
    urgent: bool = True
    audience: Annotated[str, StringConstraints(pattern=AUDIENCE)] | None = None
    sms: Text | None = None
    sources: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Notice:
        if self.ends <= self.starts:
            raise ValueError(f"ends: {self.ends} lies before its start, {self.starts}")
        return self

    @model_validator(mode="after")
    def _fits_an_sms(self) -> Notice:
        if self.audience == EVERYBODY and (fault := fault_of_sms(self.as_sms)):
            raise ValueError(f"sms: {fault}")
        return self

    @property
    def as_sms(self) -> str:
        """The notice as an SMS."""
        return sms_text(self.sms) if self.sms else sms_text(self.title, self.text, self.link)

    def holds_at(self, moment: datetime, province: str) -> bool:
        """Tell whether it is to be said in a province at a moment of Việt Nam's time."""
        return self.starts <= moment < self.ends and self.province in (None, province)


class Correction(Record):
    """A question that was answered wrongly once, and what it has to be understood as from now on."""

    question: Text
    intent: Annotated[str, StringConstraints(pattern=r"^[a-z_]+$")] | None = None
    procedure: ProcedureCode | None = None
    topic: Slug | None = None

    @model_validator(mode="after")
    def _expects_something(self) -> Correction:
        if not (self.intent or self.procedure or self.topic):
            raise ValueError("intent: is missing; write what is expected: intent, procedure or topic")
        return self
