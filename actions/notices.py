"""Urgent notices, which stand before every answer while they hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from actions.answer import Answer
from actions.request import Known
from actions.wording import say


def with_notices(known: Known, moment: datetime, given: Answer) -> Answer:
    """Put the notices that hold at a moment of Việt Nam's time before an answer; silence stays silent."""
    if not given.blocks:
        return given
    notices = [one for one in known.catalogue.notices if one.holds_at(moment, known.province.id)]
    texts = known.catalogue.texts(dict.fromkeys(number for one in notices for number in one.sources))
    told = tuple(say("notice", text=one.text) for one in notices)
    sources = (*(text for text in texts if text not in given.sources), *given.sources)
    return replace(given, blocks=(*told, *given.blocks), sources=sources) if told else given
