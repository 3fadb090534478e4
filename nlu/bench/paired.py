"""Two models on the same sentences: which are newly right or wrong, and whether that is more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb


@dataclass(frozen=True)
class Change:
    """How many sentences one model has newly right and newly wrong beside another."""

    newly_right: int
    newly_wrong: int

    @property
    def chance(self) -> float:
        """Give the probability of so many newly wrong ones if each change went either way alike.

        That is McNemar's exact test, one-sided.
        """
        changed = self.newly_right + self.newly_wrong
        ways = sum(comb(changed, wrong) for wrong in range(self.newly_wrong, changed + 1))
        return ways / (1 << changed)


def change(before: Sequence[bool], after: Sequence[bool]) -> Change:
    """Count what changed; the two tell of the same sentences whether each is right."""
    pairs = list(zip(before, after, strict=True))
    return Change(pairs.count((False, True)), pairs.count((True, False)))
