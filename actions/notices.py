"""Notices while they hold: the urgent ones stand before every answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from actions.answer import Answer
from actions.request import Known
from actions.wording import say
from knowledge.records import Notice


def notices_at(notices: Iterable[Notice], moment: datetime, province: str) -> list[Notice]:
    """List the notices that hold in a province at a moment of Việt Nam's time."""
    return [each for each in notices if each.holds_at(moment, province)]


def with_notices(known: Known, moment: datetime, given: Answer) -> Answer:
    """Put the urgent notices that hold at a moment of Việt Nam's time before an answer; silence stays."""
    if not given.blocks:
        return given
    holding = notices_at(known.catalogue.notices, moment, known.province.id)
    notices = [each for each in holding if each.urgent]
    texts = known.catalogue.texts(dict.fromkeys(number for one in notices for number in one.sources))
    told = tuple(say("notice", text=_text(one)) for one in notices)
    sources = (*(text for text in texts if text not in given.sources), *given.sources)
    return replace(given, blocks=(*told, *given.blocks), sources=sources) if told else given


def _text(notice: Notice) -> str:
    title = (f"**{notice.title}.**",) if notice.title else ()
    link = (say("announcements.link", link=notice.link),) if notice.link else ()
    return " ".join((*title, notice.text, *link))
