"""News of a followed dossier, told unasked: what changed, that its day is tomorrow, that it is late."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from actions.answer import Answer
from actions.dossier_telling import details_choice, tell_dossier, unfollow_choice
from actions.request import Known
from actions.wording import say
from knowledge.dossiers import CLOSED, LookUp

News = Literal["changed", "before", "late"]


def tell_news(known: Known, kind: News, found: LookUp) -> Answer:
    """Tell news without details, since a message may be seen by others than the one it is for."""
    told = tell_dossier(known, found)
    blocks = (say(f"news.{kind}"), *told.blocks)
    if found.dossier.status in CLOSED:
        return replace(told, blocks=(*blocks, say("news.over")))
    more = (details_choice(found.code), unfollow_choice(found.code))
    return replace(told, blocks=blocks, choices=(*told.choices, *more))
