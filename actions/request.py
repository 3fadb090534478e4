"""What an action is given: the Reading, what the conversation remembers, and what is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal, Protocol

from actions.answer import Choice
from knowledge.catalogue import Catalogue
from knowledge.dossiers import LookUp, Wanted
from knowledge.library import Library
from knowledge.records import OfficialText, Province, Sourced
from nlu.reading import FALLBACK, Reading

# Intents that a bare answer to a question of ours is likely to be read as.
BARE = frozenset({"ask_procedure", "out_of_scope", "affirm", "deny", "cancel", FALLBACK})
# Intents that ask for the code of a dossier, or for what proves whose it is.
DOSSIER_QUESTIONS = frozenset({"track_dossier", "follow_dossier"})


class LookUpsNeeded(Exception):
    """An action needs dossiers that are to be looked up outside; it is asked again when they are there."""

    def __init__(self, wanted: Sequence[Wanted]) -> None:
        self.wanted = tuple(wanted)
        super().__init__(f"{len(self.wanted)} dossiers")


Why = Literal["asked", "not_understood", "complaint", "emergency", "staff"]


@dataclass(frozen=True)
class HandOver:
    """A case that was opened for staff: its number and how soon somebody may answer."""

    number: int
    is_on_duty: bool
    position: int = 1
    wait: timedelta | None = None  # ``None``: not known
    opens: datetime | None = None  # when nobody is there now


@dataclass(frozen=True)
class Memory:
    """What a conversation remembers from one turn to the next."""

    procedure: str | None = None
    asked: str | None = None  # the intent that was answered with a question back
    also: str | None = None  # the second question of that message, still to be answered
    choices: tuple[Choice, ...] = ()  # what may be picked by number or words
    failures: int = 0  # turns in a row that were not understood
    dossier: str | None = None  # the dossier being talked of
    proven: tuple[str, ...] = ()  # the dossiers last told of that were proven to be the citizen's
    proof_for: str | None = None  # the dossier for which proof was asked, now or one turn before
    proof_intent: str | None = None  # the intent that proof was asked for
    leaves: str | None = None  # what the next text is: a message to staff, or words about case number N

    def as_json(self) -> dict[str, Any]:
        """Give the memory as JSON for the database."""
        return {
            "procedure": self.procedure,
            "asked": self.asked,
            "also": self.also,
            "choices": [[choice.title, choice.payload] for choice in self.choices],
            "failures": self.failures,
            "dossier": self.dossier,
            "proven": list(self.proven),
            "proof_for": self.proof_for,
            "proof_intent": self.proof_intent,
            "leaves": self.leaves,
        }

    @property
    def is_proof_asked(self) -> bool:
        """Tell whether the last turn asked for what proves whose a dossier is."""
        return self.proof_for is not None and self.asked in DOSSIER_QUESTIONS

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Memory:
        """Read a memory back from the database; what another release kept besides is left alone."""
        choices = tuple(Choice(title, payload) for title, payload in data.get("choices", []))
        names = (
            "procedure", "asked", "also", "failures", "dossier", "proof_for", "proof_intent", "leaves",
        )  # fmt: skip
        known = {name: data[name] for name in names if name in data}
        return cls(**known, choices=choices, proven=tuple(data.get("proven", ())))


class Citizen(Protocol):
    """The person in this conversation, as far as something is stored of them."""

    def erase(self) -> int:
        """Erase everything stored of this person; give the number of turns erased."""

    def follow_dossier(self, code: str) -> None:
        """Tell them from now on what changes in a dossier that was proven to be theirs."""

    def unfollow_dossiers(self, codes: list[str]) -> None:
        """Tell them no more of these dossiers."""

    def followed_dossiers(self) -> list[str]:
        """List the codes of the dossiers they follow."""

    @property
    def can_be_told(self) -> bool:
        """Tell whether their channel lets them be told something unasked."""

    @property
    def places(self) -> Mapping[str, str]:
        """Give the other places where they can go on, by name, with the address of each."""

    def give_code(self) -> str:
        """Make a code that brings this conversation to another place."""

    def bring_here(self, code: str) -> str | None:
        """Bring the conversation of a code here; give the place that it was in, if there is one."""

    def take_announcements(self, *, takes: bool) -> None:
        """Send them announcements from now on, or none, nor those that wait."""

    def leave_question(self, reason: str, things: int = 2) -> None:
        """Record the question, so many of the last things they wrote, as unresolved, for staff."""

    def hand_over(self, why: Why, procedure: str | None, dossier: str | None) -> HandOver | None:
        """Open a case for staff, or find the open one; ``None`` when no staff use the desk."""

    def give_back(self) -> bool:
        """Let the machine answer again; tell whether a person was to answer."""

    def consent(self) -> bool:
        """Let staff see personal numbers in what is written from now on; tell whether there is a case."""

    def leave_message(self, text: str) -> int | None:
        """Pass a message on to staff as it was written; give the number of the case, if there is one."""

    def rate(self, number: int, rating: str | None = None, words: str | None = None) -> bool:
        """Say how a closed case of theirs was answered; tell whether there is such a case."""

    def look_up(self, wanted: Sequence[Wanted]) -> list[LookUp]:
        """Give what came of looking up dossiers; raises LookUpsNeeded when it is still to be done."""


@dataclass(frozen=True)
class Known:
    """What is known on a day in a province: enough to tell a fact, whoever is told."""

    library: Library
    province: Province
    today: date

    def sources(self, *facts: Sourced) -> tuple[OfficialText, ...]:
        """Give the official texts of these facts that were already issued on this day."""
        numbers = dict.fromkeys(number for fact in facts for number in fact.sources)
        texts = self.catalogue.texts(numbers)
        return tuple(
            text for text in texts if (text.issued_on or text.in_force_from or self.today) <= self.today
        )

    @property
    def catalogue(self) -> Catalogue:
        """The records of the library."""
        return self.library.catalogue


@dataclass(frozen=True, kw_only=True)
class Request(Known):
    """One turn to answer."""

    reading: Reading
    citizen: Citizen
    memory: Memory = field(default_factory=Memory)
    address: str = "http://127.0.0.1:8080"  # where the assistant's own pages stand
