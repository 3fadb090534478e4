"""The province: its portals on a day, and what became of it."""

from __future__ import annotations

from datetime import timedelta

from actions.answer import Answer
from actions.request import Request
from actions.wording import say
from knowledge.records import Letter, Portal, Province
from knowledge.search import fold, folded_words

A_MONTH = timedelta(days=31)


def portals_on(request: Request) -> list[Portal]:
    """List the portals open on this day, the province's own first."""
    portals = (*request.province.portals, *request.catalogue.national.portals)
    return [portal for portal in portals if portal.holds_on(request.today)]


def province_meant(request: Request) -> Province | None:
    """Find the province pack whose name, or a place of which, stands in the text."""
    text = f" {folded_words(request.reading.text)} "
    packs = request.catalogue.provinces.values()
    named = (pack for pack in packs if any(f" {fold(name)} " in text for name in (pack.name, *pack.aliases)))
    return next(named, None)


def tell_province(request: Request) -> Answer | None:
    """Tell what the province named in the text is on this day; None when it names none."""
    province = province_meant(request)
    situations = [item for item in province.situations if item.holds_on(request.today)] if province else []
    if province is None or not situations:
        return None
    letters = _new_letters(request, province)
    blocks = (
        say("topic.title", title=province.name),
        *(item.text for item in situations),
        *(letter.text for letter in letters),
    )
    texts = request.catalogue.texts(letter.number for letter in letters)
    return Answer("answered", blocks, sources=(*request.sources(*situations), *texts))


def _new_letters(request: Request, province: Province) -> list[Letter]:
    """List the province's official letters that are at most a month old on this day."""
    issued = {
        letter: request.catalogue.official_texts[letter.number].issued_on for letter in province.letters
    }
    return [
        letter for letter, day in issued.items() if day and timedelta(0) <= request.today - day <= A_MONTH
    ]
