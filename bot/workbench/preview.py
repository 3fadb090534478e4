"""What a citizen will be told of a record on a day, with changes that are not published yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

import actions
from actions.announcements import tell_announcement
from actions.answer import Answer
from actions.notices import with_notices
from actions.payloads import payload, read_payload
from actions.request import Citizen, HandOver, Known, LookUpsNeeded, Request, Why
from actions.wording import button
from bot.turn import Assistant
from knowledge.catalogue import NATIONAL, Catalogue
from knowledge.catalogue_files import load_catalogue
from knowledge.content_files import Fault
from knowledge.dossiers import LookUp, Wanted
from knowledge.editing.published import Published
from knowledge.editing.records import TABLE, Content, Key
from knowledge.library import Library, with_imported
from knowledge.records import Notice

OF_A_PROCEDURE = (
    "ask_procedure", "ask_documents", "ask_fee", "ask_time_limit", "ask_steps", "ask_where", "ask_conditions",
    "ask_online_filing", "ask_postal_filing", "ask_result", "ask_legal_basis",
)  # fmt: skip
OF_A_PROVINCE = ("ask_contact", "ask_where", "ask_postal_filing")
NOON = time(12)


@dataclass(frozen=True)
class Previewed:
    """The answers to what can be asked of a record, by the question's title, or what is wrong with it."""

    answers: tuple[tuple[str, Answer], ...]
    faults: tuple[Fault, ...] = ()


def preview(
    assistant: Assistant, published: Published, key: Key, instead: Content, day: date, known_on: date
) -> Previewed:
    """Answer as on a day: with what is published by then, or by ``known_on`` if that is later."""
    state = published.on(max(day, known_on), instead)
    catalogue = load_catalogue(state, lenient=True)
    before = set(load_catalogue(published.on(max(day, known_on)), lenient=True).faults)
    if faults := tuple(fault for fault in catalogue.faults if fault not in before):
        return Previewed((), faults)
    catalogue = with_imported(catalogue, assistant.engine)
    library, here = assistant.library.with_records(catalogue), assistant.province.id
    if key == (TABLE, "notices"):
        told = [_told(library, catalogue, each, here, day) for each in catalogue.notices]
        return Previewed(tuple(answer for answers in told for answer in answers))
    is_pack = key[0] == "province" and key[1] in catalogue.provinces and key[1] != NATIONAL
    known = Known(library, catalogue.province(key[1] if is_pack else here), day)
    noon = datetime.combine(day, NOON)
    return Previewed(
        tuple((title, with_notices(known, noon, _answer(known, ask))) for title, ask in _asked(key, known))
    )


def _told(
    library: Library, catalogue: Catalogue, notice: Notice, here: str, day: date
) -> Iterator[tuple[str, Answer]]:
    """Yield how a notice stands above an answer on a day on which it is said, and how it is sent."""
    known, title = Known(library, catalogue.province(notice.province or here), day), notice.title or notice.id
    moment = max(notice.starts, datetime.combine(day, time()))
    if notice.urgent and moment.date() == day and moment < notice.ends:
        yield title, with_notices(known, moment, _answer(known, payload("ask_help")))
    if notice.audience:
        yield title, tell_announcement(known, notice)


def _asked(key: Key, known: Known) -> list[tuple[str, str]]:
    """List what is asked of a record: the questions' titles and payloads."""
    kind, name = key
    code = name if kind in ("procedure", "questions") and name in known.catalogue.procedures else None
    if code:
        return [(button(intent), payload(intent, procedure=code)) for intent in OF_A_PROCEDURE]
    if kind == "topic" and name in known.catalogue.topics:
        topic = known.catalogue.topics[name]
        return [(topic.title, payload(topic.intent, topic=topic.id))]
    if kind == "province":
        return [(button(intent), payload(intent)) for intent in OF_A_PROVINCE]
    if key == (TABLE, "tariffs"):
        return [(button("ask_postal_fee"), payload("ask_postal_fee"))]
    return []


def _answer(known: Known, pressed: str) -> Answer:
    reading = read_payload(pressed, actions.INTENTS)
    request = Request(known.library, known.province, known.today, reading=reading, citizen=Nobody())
    return actions.answer(request)[0]


class Nobody(Citizen):
    """A citizen of whom nothing is stored."""

    def erase(self) -> int:
        """Erase nothing."""
        return 0

    def follow_dossier(self, code: str) -> None:
        """Follow nothing."""

    def unfollow_dossiers(self, codes: list[str]) -> None:
        """Follow nothing."""

    def followed_dossiers(self) -> list[str]:
        """Follow none."""
        return []

    @property
    def can_be_told(self) -> bool:
        """They have no channel."""
        return False

    @property
    def places(self) -> dict[str, str]:
        """They are nowhere else."""
        return {}

    def give_code(self) -> str:
        """Give none."""
        return ""

    def bring_here(self, code: str) -> str | None:  # noqa: ARG002
        """Bring nothing."""
        return None

    def take_announcements(self, *, takes: bool) -> None:
        """Keep nothing of it."""

    def leave_question(self, reason: str, things: int = 2) -> None:
        """Leave nothing."""

    def hand_over(self, why: Why, procedure: str | None, dossier: str | None) -> HandOver | None:  # noqa: ARG002
        """Hand nothing over."""
        return None

    def give_back(self) -> bool:
        """Nobody has it."""
        return False

    def consent(self) -> bool:
        """There is no case."""
        return False

    def leave_message(self, text: str) -> int | None:  # noqa: ARG002
        """There is no case."""
        return None

    def rate(self, number: int, rating: str | None = None, words: str | None = None) -> bool:  # noqa: ARG002
        """There is no case."""
        return False

    def look_up(self, wanted: Sequence[Wanted]) -> list[LookUp]:
        """Look nothing up."""
        raise LookUpsNeeded(wanted)
