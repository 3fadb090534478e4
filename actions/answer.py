"""The Answer that actions give and channels render."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from knowledge.records import OfficialText

Status = Literal[
    "answered",  # said, with its source where it states a fact
    "asked_back",  # the citizen has to choose or add something first
    "not_found",  # nothing is known about it, or not for this day
    "out_of_scope",  # not a matter of public services
    "handed_over",  # a person answers, or the question was recorded for one
    "refused",  # the assistant may not do it
    "unavailable",  # a part of the assistant is down
]


@dataclass(frozen=True)
class Choice:
    """A button: its title and the payload that comes back when it is pressed (ASCII, 64 bytes)."""

    title: str
    payload: str


@dataclass(frozen=True)
class Answer:
    """What to tell the citizen: Markdown blocks, choices, sources, and what it was about."""

    status: Status
    blocks: tuple[str, ...]
    choices: tuple[Choice, ...] = ()
    sources: tuple[OfficialText, ...] = ()
    procedure: str | None = None
    topic: str | None = None
    dossier: str | None = None  # the code of the dossier it was about, or for which proof is asked
    proven: tuple[str, ...] = ()  # the dossiers that this turn proved to be the citizen's
    leaves: str | None = None  # what the next text is: a message to staff, or words about case number N

    @property
    def text(self) -> str:
        """The blocks as one Markdown text."""
        return "\n\n".join(self.blocks)

    def as_message(self) -> dict[str, Any]:
        """Give the answer as a message of ``POST /api/v1/messages``: text, choices and sources."""
        message = {
            "text": self.text,
            "choices": [{"title": item.title, "payload": item.payload} for item in self.choices],
            "sources": [item.model_dump(mode="json") for item in self.sources],
        }
        return message | ({"asks_contact": True} if self.leaves == "message" else {})

    def with_more(self, *blocks: str, sources: tuple[OfficialText, ...] = ()) -> Answer:
        """Give the same answer with more blocks and sources at its end."""
        more = tuple(source for source in sources if source not in self.sources)
        return replace(self, blocks=(*self.blocks, *blocks), sources=(*self.sources, *more))
