"""What a sentence was understood to say: the seam between understanding and answering."""

from __future__ import annotations

from dataclasses import dataclass

FALLBACK = "nlu_fallback"


@dataclass(frozen=True)
class Entity:
    """A marked part of the sentence: its kind, its normal value and the words themselves."""

    name: str
    value: str
    text: str


@dataclass(frozen=True)
class Reading:
    """An intent with its confidence (0..1), entities, and the next likely intents, best first.

    ``also`` is the intent of a second question in the same message.
    """

    text: str
    intent: str
    confidence: float
    entities: tuple[Entity, ...] = ()
    alternatives: tuple[tuple[str, float], ...] = ()
    also: str | None = None

    @property
    def is_unclear(self) -> bool:
        """Tell whether the understanding is too weak to act on."""
        return self.intent == FALLBACK

    @property
    def is_press(self) -> bool:
        """Tell whether it is a choice that was pressed, whose text is its payload."""
        return self.text.partition("?")[0] == self.intent

    def all(self, name: str) -> tuple[Entity, ...]:
        """Give every entity of a kind, in the order of the sentence."""
        return tuple(entity for entity in self.entities if entity.name == name)

    def first(self, name: str) -> str | None:
        """Give the value of the first entity of a kind."""
        return next((entity.value for entity in self.all(name)), None)
