"""Answers about the public postal service: sending a dossier, receiving the result, and what it costs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from actions.answer import Answer, Choice
from actions.finding import which_procedure
from actions.payloads import payload
from actions.request import Request
from actions.topics import topical
from actions.wording import button, day, dong, say
from knowledge.records import Procedure, Tariff
from knowledge.search import folded_words


def ask_postal_filing(request: Request) -> Answer:
    """Explain sending a dossier by post; of a procedure, whether and how its record has that channel."""
    return _of_procedure(request, "ask_postal_filing", topical(request, "ask_postal_filing"))


def ask_postal_return(request: Request) -> Answer:
    """Explain receiving the result by post; of a procedure, whether its record has that service."""
    return _of_procedure(request, "ask_postal_return", topical(request, "ask_postal_return"))


def ask_postal_fee(request: Request) -> Answer:
    """Tell the tariff on this day in the province asked for, where one is known; otherwise say so."""
    general = topical(request, "ask_postal_fee")
    if general.status != "answered":
        return general
    title, *rules = general.blocks
    tariffs, told = _tariffs(request)
    answer = replace(general, blocks=(title, *told, *rules)).with_more(sources=request.sources(*tariffs))
    return _of_procedure(request, "ask_postal_fee", answer)


def _tariffs(request: Request) -> tuple[list[Tariff], list[str]]:
    """Find the tariffs to tell, and tell them: of the province, else those of others as an example."""
    held = [tariff for tariff in request.catalogue.tariffs if tariff.holds_on(request.today)]
    text = f" {folded_words(request.reading.text)} "
    asked = {one.province for one in request.catalogue.tariffs if f" {folded_words(one.province)} " in text}
    own = [tariff for tariff in held if tariff.province in (asked or {request.province.name})]
    if own:
        return own, list(_tell(own, "post.tariff"))
    unknown = say("post.tariff_unknown", province=min(asked, default=request.province.name))
    return held, [unknown, *_tell(held, "post.tariff_elsewhere")]


def _tell(tariffs: list[Tariff], sentence: str) -> Iterable[str]:
    for province in dict.fromkeys(tariff.province for tariff in tariffs):
        of_it = [tariff for tariff in tariffs if tariff.province == province]
        until = max((tariff.valid_to for tariff in of_it if tariff.valid_to), default=None)
        head = say(sentence, province=province, since=day(min(tariff.valid_from for tariff in of_it)))
        over = say("post.until", day=day(until)) if until else ""
        yield "\n".join((f"{head}{over}:", *map(_line, of_it)))


def _line(tariff: Tariff) -> str:
    weight = say("post.up_to", grams=tariff.up_to_grams) if tariff.up_to_grams else ""
    note = f", {tariff.note}" if tariff.note else ""
    distance = say(f"post.{tariff.distance}")
    return say("post.line", distance=distance, weight=weight, amount=dong(tariff.amount), note=note)


def _of_procedure(request: Request, intent: str, answer: Answer) -> Answer:
    """Tell first whether the procedure that was named, or is being talked of, lists the postal service."""
    if not (request.reading.all("procedure") or request.memory.procedure):
        return answer
    found = which_procedure(request, intent)
    record = (
        request.catalogue.procedures.on(found.code, request.today) if isinstance(found, Procedure) else None
    )
    if record is None:
        return answer
    channel = record.channel("postal")
    way = "return" if intent == "ask_postal_return" else "filing"
    said = [say(f"post.{way}_{'yes' if channel else 'no'}", name=record.title)]
    if channel and channel.note and way == "filing":
        said.append(say("procedure.online_note", note=channel.note))
    told = answer.with_more(sources=(record.as_source(),))
    blocks = (*said, *told.blocks) if channel or intent == "ask_postal_fee" else tuple(said)
    choices = _next(record, intent) if channel else ()
    return replace(told, blocks=blocks, choices=choices, procedure=record.code)


def _next(procedure: Procedure, intent: str) -> tuple[Choice, ...]:
    papers = payload("ask_documents", procedure=procedure.code, channel="postal")
    others = ("ask_postal_filing", "ask_postal_return", "ask_postal_fee")
    return (
        Choice(say("post.papers"), papers),
        *(
            Choice(button(other), payload(other, procedure=procedure.code))
            for other in others
            if other != intent
        ),
    )
