"""Places: the province's portals on a day, what became of it, and what old communes are today."""

from __future__ import annotations

from datetime import date, timedelta
from math import asin, cos, radians, sin, sqrt

from actions.answer import Answer, Choice
from actions.payloads import payload
from actions.request import Known, Request
from actions.wording import button, day, say
from knowledge.catalogue import Catalogue
from knowledge.places import REFORM, Place, bare_name, find_places
from knowledge.records import Letter, OfficialText, Portal, Procedure, Province
from knowledge.search import fold, folded_words

EARTH = 6371.0  # km, its radius
A_MONTH = timedelta(days=31)
REFORM_TEXTS = ("203/2025/QH15", "202/2025/QH15", "Bảng xã cũ và mới")
MOST_NAMESAKES = 4


def portals_on(request: Request) -> list[Portal]:
    """List the portals open on this day, the province's own first."""
    return open_portals(request.catalogue, request.province, request.today)


def open_portals(catalogue: Catalogue, province: Province, today: date) -> list[Portal]:
    """List the portals that a province's citizens can use on this day, its own first."""
    portals = (*province.portals, *catalogue.national.portals)
    return [portal for portal in portals if portal.holds_on(today)]


def nearest_desk(known: Known, latitude: float, longitude: float) -> Answer:
    """Tell which desk of this day stands nearest, by degrees; else where desks are listed."""
    hours = (*known.province.hours, *known.catalogue.national.hours)
    here = (latitude, longitude)
    away = {
        item: _distance(here, item.position)
        for item in hours
        if item.position is not None and item.holds_on(known.today)
    }
    contacts = Choice(button("ask_contact"), payload("ask_contact"))
    if not away:
        return Answer("not_found", (say("place.nearest_unknown"),), (contacts,))
    nearest = min(away, key=lambda item: away[item])
    told = say("place.nearest", place=nearest.place, distance=_kilometres(away[nearest]), hours=nearest.text)
    return Answer("answered", (told,), (contacts,), known.sources(nearest))


def _distance(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Give the kilometres between two places, as the crow flies."""
    (lat, lon), (to_lat, to_lon) = (tuple(map(radians, place)) for place in (one, other))
    half = sin((to_lat - lat) / 2) ** 2 + cos(lat) * cos(to_lat) * sin((to_lon - lon) / 2) ** 2
    return 2 * EARTH * asin(min(1.0, sqrt(half)))


def _kilometres(distance: float) -> str:
    return f"{distance:.1f}".replace(".", ",") if distance < 10 else f"{distance:.0f}"


def province_meant(request: Request) -> Province | None:
    """Find the province pack whose name, or a place of which, stands in the text."""
    text = f" {folded_words(request.reading.text)} "
    packs = request.catalogue.provinces.values()
    named = (pack for pack in packs if any(f" {fold(name)} " in text for name in (pack.name, *pack.aliases)))
    return next(named, None)


def places_named(request: Request) -> list[Place]:
    """Find the communes, districts and provinces of before the reform that the text names after it."""
    if request.today < REFORM:
        return []
    marked = [entity.text for entity in request.reading.all("place")]
    return find_places(request.reading.text, marked, request.province.name)


def tell_places(places: list[Place]) -> list[str]:
    """Tell what each old place is today; of several with one name, ask which."""
    by_name: dict[str, list[Place]] = {}
    for place in places:
        by_name.setdefault(place.name, []).append(place)
    return [_tell_place(same[0]) if len(same) == 1 else _which(same) for same in by_name.values()]


def _tell_place(place: Place) -> str:
    kind: str = "commune_divided" if place.kind == "commune" and len(place.communes) > 1 else place.kind
    if place.kind == "province" and place.name == place.province:
        kind = "same_province"
    return say(
        f"place.{kind}",
        name=place.name,
        within=_within(place),
        communes=", ".join(map(_in_a_sentence, place.communes)),
        province=_in_a_sentence(place.province),
        day=day(REFORM),
    )


def _which(places: list[Place]) -> str:
    some = "; ".join(map(_within, places[:MOST_NAMESAKES]))
    more = say("place.and_more") if len(places) > MOST_NAMESAKES else ""
    return say("place.which", name=places[0].name, count=len(places), places=f"{some}{more}")


def _within(place: Place) -> str:
    return ", ".join(map(_in_a_sentence, place.within))


def _in_a_sentence(name: str) -> str:
    return name if bare_name(name) == name else f"{name[0].lower()}{name[1:]}"


def told_places(request: Request, procedure: Procedure) -> tuple[str, ...]:
    """Tell what the old places in the text are today, and which level handles the procedure now."""
    told = tell_places(places_named(request))
    levels = [say(f"level.{level}") for level in procedure.levels if level != "other"]
    if told and levels:
        told.append(say("place.level", levels=say("level.or").join(levels)))
    return tuple(told)


def reform_sources(request: Request) -> tuple[OfficialText, ...]:
    """Give the official texts of the reform of 2025."""
    return request.catalogue.texts(REFORM_TEXTS)


def tell_place(request: Request) -> Answer | None:
    """Tell what the place named in the text is on this day; None when it names none."""
    places = places_named(request)
    if any(place.kind != "province" for place in places) or (places and province_meant(request) is None):
        return Answer("answered", tuple(tell_places(places)), sources=reform_sources(request))
    return _tell_province(request)


def _tell_province(request: Request) -> Answer | None:
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
