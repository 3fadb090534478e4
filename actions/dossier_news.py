"""News of a followed dossier, told unasked: what changed, that its day is tomorrow, that it is late."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from actions.answer import Answer, Choice
from actions.dossier_telling import tell_dossier
from actions.payloads import payload
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
    more = (
        Choice(say("dossier.details"), payload("track_dossier", dossier_code=found.code, details="yes")),
        Choice(say("dossier.unfollow"), payload("unfollow_dossier", dossier_code=found.code)),
    )
    return replace(told, blocks=blocks, choices=(*told.choices, *more))
