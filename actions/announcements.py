"""Announcements: what is sent to people unasked, and whether they want it."""

from __future__ import annotations

from actions.answer import Answer, Choice
from actions.payloads import payload
from actions.request import Known, Request
from actions.wording import say
from knowledge.records import Notice
from knowledge.search import folded_words


def tell_announcement(known: Known, notice: Notice, *, has_buttons: bool = True) -> Answer:
    """Tell a notice as a message of its own, with how to get no more of them."""
    title = (f"**{notice.title}**",) if notice.title else ()
    link = (say("announcements.link", link=notice.link),) if notice.link else ()
    way_out = () if has_buttons else (say("announcements.way_out", words=stop_choice().title),)
    return Answer(
        "answered",
        (*title, notice.text, *link, *way_out),
        choices=(stop_choice(),) if has_buttons else (),
        sources=known.catalogue.texts(notice.sources),
    )


def take_or_not(request: Request) -> Answer:
    """Send this person announcements, or none any more; offer the way back."""
    takes = request.reading.first("announcements") == "yes"
    request.citizen.take_announcements(takes=takes)
    if takes:
        return Answer("answered", (say("announcements.on"),), (stop_choice(),))
    return Answer("answered", (say("announcements.off"),), (_start_choice(),))


def said_of_announcements(text: str) -> Choice | None:
    """Find the choice of taking announcements or not whose very words a text says."""
    said = folded_words(text)
    return next((each for each in (stop_choice(), _start_choice()) if folded_words(each.title) == said), None)


def stop_choice() -> Choice:
    """Give the choice to be sent no announcements."""
    return Choice(say("announcements.stop"), payload("cancel", announcements="no"))


def _start_choice() -> Choice:
    return Choice(say("announcements.start"), payload("cancel", announcements="yes"))
