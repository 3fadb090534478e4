"""The province: its portals on a day, and what became of it."""

from __future__ import annotations

from actions.answer import Answer
from actions.request import Request
from actions.wording import say
from knowledge.records import Portal, Province
from knowledge.search import fold


def portals_on(request: Request) -> list[Portal]:
    """List the portals open on this day, the province's own first."""
    portals = (*request.province.portals, *request.catalogue.national.portals)
    return [portal for portal in portals if portal.holds_on(request.today)]


def province_meant(request: Request) -> Province | None:
    """Find the province pack that a place in the text belongs to."""
    places = {fold(entity.text) for entity in request.reading.all("place")}
    packs = request.catalogue.provinces.values()
    return next(
        (pack for pack in packs if places & {fold(name) for name in (pack.name, *pack.aliases)}), None
    )


def tell_province(request: Request) -> Answer | None:
    """Tell what the province named in the text is on this day; None when it names none."""
    province = province_meant(request)
    situations = [item for item in province.situations if item.holds_on(request.today)] if province else []
    if province is None or not situations:
        return None
    blocks = (say("topic.title", title=province.name), *(item.text for item in situations))
    return Answer("answered", blocks, sources=request.sources(*situations))
