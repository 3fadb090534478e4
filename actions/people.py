"""Answers that lead to people: contacts, the hotline, complaints."""

from __future__ import annotations

from dataclasses import replace

from actions.answer import Answer
from actions.places import portals_on, province_meant
from actions.request import Request
from actions.wording import say
from knowledge.records import Contact, Hours, OfficialText


def ask_contact(request: Request) -> Answer:
    """Give the telephone numbers, hours and portals of this day."""
    request = replace(request, province=province_meant(request) or request.province)
    contacts, hours, portals = contacts_on(request), _hours_on(request), portals_on(request)
    lines = [say("contact.portal_line", name=portal.name, url=portal.url) for portal in portals]
    blocks = contact_blocks(request, contacts)
    if not hours:
        blocks.append(say("contact.no_hours"))
    else:
        told = [say("contact.hours_line", place=item.place, text=item.text) for item in hours]
        blocks.append("\n".join((say("contact.hours"), *told)))
    if lines:
        blocks.append("\n".join((say("contact.portals"), *lines)))
    changes = [item for item in request.province.situations if item.holds_on(request.today)]
    blocks += [item.text for item in changes]
    sources = request.sources(*contacts, *hours, *portals, *changes)
    return Answer("answered" if sources else "not_found", tuple(blocks), sources=sources)


def ask_human(request: Request) -> Answer:
    """Offer the hotline and record the question for staff."""
    return hand_over(request, "people.human", "asked for a person")


def complain(request: Request) -> Answer:
    """Record a complaint for staff and give the numbers to call."""
    return hand_over(request, "people.complain", "complaint")


def hand_over(request: Request, sentence: str, reason: str) -> Answer:
    """Record the question as unresolved and offer the hotline."""
    request.citizen.leave_question(reason)
    return Answer("handed_over", (say(sentence), *contact_blocks(request)), sources=contact_sources(request))


def contacts_on(request: Request) -> list[Contact]:
    """List the contacts of this day, the province's own first."""
    contacts = (*request.province.contacts, *request.catalogue.national.contacts)
    return [contact for contact in contacts if contact.holds_on(request.today)]


def _hotlines_on(request: Request) -> list[Contact]:
    """List the contacts for questions about public services; the health lines are asked for by name."""
    return [contact for contact in contacts_on(request) if contact.about != "health"]


def contact_sources(request: Request) -> tuple[OfficialText, ...]:
    """Give the official texts that the contacts of this day come from."""
    return request.sources(*_hotlines_on(request))


def contact_blocks(request: Request, contacts: list[Contact] | None = None) -> list[str]:
    """Tell contacts, else the hotlines of this day; that there is none of the province's own is said."""
    contacts = _hotlines_on(request) if contacts is None else contacts
    if not contacts:
        return [say("contact.none")]
    lines = [say("contact.line", name=contact.name, phone=contact.phone) for contact in contacts]
    told = ["\n".join((say("contact.lines"), *lines))]
    if not any(contact.holds_on(request.today) for contact in request.province.contacts):
        told.append(say("contact.no_province", province=request.province.name))
    return told


def _hours_on(request: Request) -> list[Hours]:
    hours = (*request.province.hours, *request.catalogue.national.hours)
    return [item for item in hours if item.holds_on(request.today)]
