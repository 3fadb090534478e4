"""What an action is given: the Reading, what the conversation remembers, and what is known."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from actions.answer import Choice
from knowledge.catalogue import Catalogue
from knowledge.dossiers import Dossier
from knowledge.library import Library
from knowledge.records import OfficialText, Province, Sourced
from nlu.reading import Reading


@dataclass(frozen=True)
class Memory:
    """What a conversation remembers from one turn to the next."""

    procedure: str | None = None
    asked: str | None = None  # the intent that was answered with a question back
    also: str | None = None  # the second question of that message, still to be answered
    choices: tuple[Choice, ...] = ()  # what may be picked by number or words
    failures: int = 0  # turns in a row that were not understood

    def as_json(self) -> dict[str, Any]:
        """Give the memory as JSON for the database."""
        return {
            "procedure": self.procedure,
            "asked": self.asked,
            "also": self.also,
            "choices": [[choice.title, choice.payload] for choice in self.choices],
            "failures": self.failures,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Memory:
        """Read a memory back from the database; what another release kept besides is left alone."""
        choices = tuple(Choice(title, payload) for title, payload in data.get("choices", []))
        known = {name: data[name] for name in ("procedure", "asked", "also", "failures") if name in data}
        return cls(**known, choices=choices)


class Citizen(Protocol):
    """The person in this conversation, as far as something is stored of them."""

    def erase(self) -> int:
        """Erase everything stored of this person; give the number of turns erased."""

    def remember_dossier(self, code: str) -> None:
        """Remember a dossier of theirs."""

    def forget_dossiers(self, codes: list[str]) -> None:
        """Forget these dossiers of theirs."""

    def dossiers(self) -> list[str]:
        """List the codes of their remembered dossiers."""

    def leave_question(self, reason: str) -> None:
        """Record the question as unresolved, for staff."""

    def find_dossier(self, code: str) -> Dossier | None:
        """Look up a dossier by its exact code."""


@dataclass(frozen=True)
class Request:
    """One turn to answer."""

    reading: Reading
    library: Library
    province: Province
    today: date
    citizen: Citizen
    memory: Memory = field(default_factory=Memory)
    address: str = "http://127.0.0.1:8080"  # where the assistant's own pages stand

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
