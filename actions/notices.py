"""Urgent notices, which stand before every answer while they hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from actions.answer import Answer
from actions.request import Known
from actions.wording import say
from knowledge.records import Notice


def with_notices(known: Known, moment: datetime, given: Answer) -> Answer:
    """Put the notices that hold at a moment of Việt Nam's time before an answer; silence stays silent."""
    if not given.blocks:
        return given
    notices = [
        one for one in known.catalogue.notices if one.urgent and one.holds_at(moment, known.province.id)
    ]
    texts = known.catalogue.texts(dict.fromkeys(number for one in notices for number in one.sources))
    told = tuple(say("notice", text=_text(one)) for one in notices)
    sources = (*(text for text in texts if text not in given.sources), *given.sources)
    return replace(given, blocks=(*told, *given.blocks), sources=sources) if told else given


def _text(notice: Notice) -> str:
    title = (f"**{notice.title}.**",) if notice.title else ()
    link = (say("announcements.link", link=notice.link),) if notice.link else ()
    return " ".join((*title, notice.text, *link))
