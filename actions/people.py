"""Answers that lead to people: contacts, the hotline, complaints."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

from actions.answer import Answer, Choice
from actions.moving import move_choices
from actions.payloads import payload
from actions.places import portals_on, province_meant
from actions.request import HandOver, Request, Why
from actions.wording import button, day, say, sentences
from knowledge.records import Contact, Hours, OfficialText
from knowledge.redaction import redact
from knowledge.search import fold, folded_words


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
    """Hand over to a person, or do what one of the choices of a hand-over says."""
    reading = request.reading
    if reading.first("machine"):
        return _give_back(request)
    if reading.first("consent"):
        return _consent(request)
    if leave := reading.first("leave"):
        return _ask_words(request, leave)
    if rating := reading.first("rating"):
        return _rate(request, rating) if reading.first("number") else _note_useless(request)
    if request.memory.leaves and not reading.is_press:
        return _take_words(request)
    return hand_over(request, "people.human", "asked")


def complain(request: Request) -> Answer:
    """Record a complaint for staff and give the numbers to call."""
    return hand_over(request, "people.complain", "complaint")


def tells_emergency(text: str) -> bool:
    """Tell whether a text speaks of a danger to somebody's life, and does not ask for papers about one.

    Without accents many such words mean something else, so that only some of them count there.
    """
    if fold(text) == text.casefold():
        return _says(folded_words(text), "people.dangers_without_accents") and not _asks_for_papers(text)
    return _says(_words(text), "people.dangers") and not _asks_for_papers(text)


def _asks_for_papers(text: str) -> bool:
    words = _words(text)
    begins = any(f"{words} ".startswith(f"{word} ") for word in _listed("people.papers"))
    return begins or (_says(words, "people.papers") and _says(words, "people.asking"))


def _says(words: str, key: str) -> bool:
    return any(f" {phrase} " in f" {words} " for phrase in _listed(key))


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


@cache
def _listed(key: str) -> tuple[str, ...]:
    return tuple(_words(phrase) for phrase in sentences()[key].split("|"))


def help_at_once(request: Request) -> Answer:
    """Name the ambulance first, then hand over with the highest priority."""
    return hand_over(request, "people.emergency", "emergency")


def hand_over(request: Request, sentence: str, why: Why) -> Answer:
    """Open a case for staff and say what happens next; without staff record the question."""
    memory = request.memory
    given = request.citizen.hand_over(why, memory.procedure, memory.dossier)
    if given is None:
        request.citizen.leave_question(why)
        return _with_numbers(request, why, (say(sentence),), "people.recorded")
    has_numbers = redact(request.reading.text) != request.reading.text
    hidden, consent = ((say("people.hidden"),), (consent_choice(),)) if has_numbers else ((), ())
    if given.is_on_duty:
        blocks = (say(sentence), _soon(given), say("people.silent"), *hidden)
        return Answer("handed_over", blocks, (*consent, back_choice(), *_elsewhere(request)))
    comes = say("people.told_here" if request.citizen.can_be_told else "people.told_on_page")
    soon = (say(sentence), f"{_closed(given)} {comes}", *hidden)
    leave = Choice(say("people.leave"), payload("ask_human", leave="message"))
    choices = (*consent, leave, *_elsewhere(request))
    return replace(_with_numbers(request, why, soon, "people.call_now"), choices=choices)


def _elsewhere(request: Request) -> tuple[Choice, ...]:
    """Offer to wait for the answer where it can be told."""
    return () if request.citizen.can_be_told else move_choices(request)


def _with_numbers(request: Request, why: Why, blocks: tuple[str, ...], sentence: str) -> Answer:
    """Add the numbers to call for what is asked; in an emergency no other number stands beside those."""
    if why == "emergency":
        return Answer("handed_over", blocks)
    more = (say(sentence), *contact_blocks(request))
    return Answer("handed_over", (*blocks, *more), sources=contact_sources(request))


def back_choice() -> Choice:
    """Offer to go on with the machine."""
    return Choice(say("people.back"), payload("ask_human", machine="yes"))


def hidden_numbers() -> Answer:
    """Say that personal numbers were hidden from staff, and ask leave to send them."""
    return Answer("handed_over", (say("people.hidden"),), (consent_choice(), back_choice()))


def consent_choice() -> Choice:
    """Offer to let staff see personal numbers."""
    return Choice(say("people.consent"), payload("ask_human", consent="yes"))


def _soon(given: HandOver) -> str:
    if not given.position:  # somebody has it already
        return say("people.owned", number=given.number)
    return f"{_place(given)} {_wait(given)}"


def _place(given: HandOver) -> str:
    if given.position <= 1:
        return say("people.next", number=given.number)
    return say("people.place", number=given.number, ahead=given.position - 1)


def _wait(given: HandOver) -> str:
    if given.wait is None:
        return say("people.wait_unknown")
    return say("people.wait", minutes=max(1, round(given.wait.total_seconds() / 60)))


def _closed(given: HandOver) -> str:
    if given.opens is None:
        return say("people.nobody_unknown", number=given.number)
    weekday = say(f"weekdays.{given.opens.weekday()}")
    return say(
        "people.nobody", number=given.number, opens=f"{given.opens:%H:%M} {weekday}, {day(given.opens)}"
    )


def _give_back(request: Request) -> Answer:
    was_with_person = request.citizen.give_back()
    return Answer("answered", (say("people.given_back" if was_with_person else "people.machine_here"),))


def _consent(request: Request) -> Answer:
    if not request.citizen.consent():
        return Answer("answered", (say("people.no_case"),))
    return Answer("handed_over", (say("people.consented"),), (back_choice(),))


def _ask_words(request: Request, leave: str) -> Answer:
    """Ask for a message to staff, or for words about how a case was answered; the press is the consent."""
    if leave == "words":
        number = request.reading.first("number") or ""
        return Answer("asked_back", (say("people.ask_words"),), leaves=number)
    return Answer("asked_back", (say("people.ask_message"),), leaves="message")


def _take_words(request: Request) -> Answer:
    text, leaves = request.reading.text, request.memory.leaves or ""
    if leaves.isdigit():
        taken = request.citizen.rate(int(leaves), words=redact(text))
        return Answer("answered", (say("people.words_taken" if taken else "people.no_case"),))
    number = request.citizen.leave_message(text)
    if number is None:
        return Answer("answered", (say("people.no_case"),))
    return Answer("handed_over", (say("people.message_taken", number=number),))


def _rate(request: Request, rating: str) -> Answer:
    number = request.reading.first("number") or "0"
    if not request.citizen.rate(int(number), rating):
        return Answer("answered", (say("people.no_case"),))
    more = Choice(say("people.more_words"), payload("ask_human", leave="words", number=number))
    return Answer("answered", (say(f"people.rated_{rating}"),), (more,))


def useless_choice() -> Choice:
    """Offer to say that an answer is not what was asked for."""
    return Choice(say("people.useless"), payload("ask_human", rating="useless"))


def _note_useless(request: Request) -> Answer:
    """Record the question whose answer was of no use, and show the way to a person."""
    request.citizen.leave_question("useless", things=1)
    return Answer(
        "answered", (say("people.useless_noted"),), (Choice(button("ask_human"), payload("ask_human")),)
    )


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
