"""Finding what a message of several clauses asks: its question among courtesies, and a second question."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from nlu.components.scoring import IntentScorer

# Where a message can be taken apart, and what makes a clause a question or a request: Vietnamese, normalised,
# also without accents ("con" is left out: with accents it is a child).
_JOINT = re.compile(
    r"\s*[,.;:?!\n]+\s*|\s+(?:với lại|voi lai|với cả|voi ca|cùng với|cung voi|và|va|rồi|roi|còn|với|voi)\s+"
)
_ASKS = frozenset(
    """
    gì gi nào nao đâu dau bao mấy may sao răng rang ko chưa chua ai hả nhiêu nhieu mô
    xin cho giúp giup giùm gium nhờ nho
    """.split()
)


class Clauses:
    """Reads the clauses of a message one by one.

    Intents ``aside`` (a greeting, a wish) give way to what another clause asks; intents ``alone`` are never
    a second question.
    """

    def __init__(
        self, scorer: IntentScorer, aside: Sequence[str], alone: Sequence[str], least: float = 0.4
    ) -> None:
        self._scorer = scorer
        self._aside = frozenset(aside)
        self._never = frozenset(alone) | self._aside
        self._least = least

    def asked(self, text: str, whole: np.ndarray) -> list[tuple[str, float]]:
        """Give the one or two intents that a message asks with their confidence, the main one first.

        ``text`` is the masked text, ``whole`` the probabilities of its intents when it is read as one. What
        the whole message asks is the main one, but where courtesies hide it.
        """
        first = (self._scorer.intents[int(whole.argmax())], float(whole.max()))
        parts = [part for part in _JOINT.split(text) if part]
        if len(parts) < 2 or first[0] in self._never - self._aside:
            return [first]
        found = self._questions(parts)
        if first[0] in self._aside:
            return found[:2] or [first]
        return [first, *[question for question in found if question[0] != first[0]][:1]]

    def _questions(self, parts: list[str]) -> list[tuple[str, float]]:
        """Give the intents of the clauses that clearly ask something, surest first."""
        surest: dict[str, float] = {}
        for part, chances in zip(parts, self._scorer.score(parts)):
            intent, sure = self._scorer.intents[int(chances.argmax())], float(chances.max())
            if sure >= self._least and intent not in self._never and _ASKS & set(part.split()):
                surest[intent] = max(sure, surest.get(intent, 0.0))
        return sorted(surest.items(), key=lambda question: -question[1])
