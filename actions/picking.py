"""Picking one of the choices last offered by typing: its number, its title, yes or no."""

from __future__ import annotations

import re

from rapidfuzz import fuzz

from actions.answer import Choice
from actions.payloads import payload
from knowledge.dossier_codes import find_codes
from knowledge.search import fold, folded_words

OF_THE_ANSWER = payload("ask_human", rating="useless")  # stands last, and is none of what is offered
ALIKE = 90  # of 100: a typed title with a slip in it
_NUMBER = re.compile(r"(?:(?:so|cai|cai so|cai thu|muc|chon|chon so|y)\s*)?([1-9]\d?)\.?")
_ORDINALS = {"dau tien": 0, "thu nhat": 0, "tren cung": 0, "thu hai": 1, "thu ba": 2, "cuoi cung": -1}


def pick(choices: tuple[Choice, ...], text: str) -> Choice | None:
    """Find the choice that a typed text picks, if it picks one."""
    if codes := find_codes(text):  # two codes may differ in one digit: only the same is meant
        return next((choice for choice in choices if choice.title in codes), None)
    folded = folded_words(text)
    if (place := _place(folded)) is not None:
        if place < 0:
            return next((each for each in reversed(choices) if each.payload != OF_THE_ANSWER), None)
        return choices[place] if place < len(choices) else None
    alike = [choice for choice in choices if fuzz.ratio(fold(choice.title), folded) >= ALIKE]
    if alike:
        return max(alike, key=lambda choice: fuzz.ratio(fold(choice.title), folded))
    holding = [choice for choice in choices if f" {folded} " in f" {folded_words(choice.title)} "]
    return holding[0] if " " in folded and len(holding) == 1 else None


def _place(folded: str) -> int | None:
    """Read a number or ordinal as the place of a choice, from 0."""
    if number := _NUMBER.fullmatch(folded):
        return int(number[1]) - 1
    bare = folded.removeprefix("cai ").removeprefix("y ").removesuffix(" a").removesuffix(" nhe")
    return _ORDINALS.get(bare)
