"""Questions that were answered wrongly once, asked again: from the reading to what is found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import actions
from actions.request import Known, LookUpsNeeded, Request
from bot.turn import Assistant
from bot.workbench.preview import Nobody
from knowledge.editing.published import Published
from knowledge.editing.records import Content, Key
from knowledge.library import open_library
from knowledge.records import Correction
from nlu.reading import Reading

Read = Callable[[str], Reading]
Differences = dict[str, tuple[str, str | None]]
# Tables by which a sentence may be found to mean something else.
FINDING = frozenset({("table", "facets"), ("table", "life_events"), ("table", "search_words")})


def misunderstood(known: Known, read: Read, correction: Correction) -> Differences:
    """Ask a corrected question as somebody new does; give what comes otherwise: expected and got."""
    reading = read(correction.question)
    got = {"intent": reading.intent, **_found(known, reading)}
    wanted = {name: getattr(correction, name) for name in got}
    return {name: (value, got[name]) for name, value in wanted.items() if value not in (None, got[name])}


def _found(known: Known, reading: Reading) -> dict[str, str | None]:
    request = Request(known.library, known.province, known.today, reading=reading, citizen=Nobody())
    try:
        given, _ = actions.answer(request)
    except LookUpsNeeded:  # a dossier's code
        return {"procedure": None, "topic": None}
    return {"procedure": given.procedure, "topic": given.topic}


def made_wrong(assistant: Assistant, published: Published, instead: Content, today: date) -> list[Correction]:
    """List the published corrections that come right now and would not with these records.

    What new typical questions do to others is not seen: it takes longer to learn. Raises NluUnavailable.
    """
    before = Known(assistant.library, assistant.pack, today)
    asked = [
        each
        for key, each in before.catalogue.corrections.items()
        if (each.procedure or each.topic) and ("correction", key) not in instead
    ]
    if not asked or not any(_finds(before, key, data) for key, data in instead.items()):
        return []
    state = published.on(today, instead)
    library = open_library(state, assistant.engine, lenient=True, at_once=True)
    after = Known(library, library.catalogue.province(assistant.province.id), today)
    readings = {each.question: assistant.nlu.understand(each.question) for each in asked}
    return [
        each
        for each in asked
        if misunderstood(after, readings.__getitem__, each)
        and not misunderstood(before, readings.__getitem__, each)
    ]


def _finds(known: Known, key: Key, data: Any) -> bool:
    """Tell whether a changed record may change what is found: a fee does not, a name does."""
    kind, code = key
    held = known.catalogue.procedures.written.get(code)
    if kind != "procedure" or held is None or data is None:
        return kind in ("procedure", "topic") or key in FINDING
    return (held.name, held.short_name, list(held.aliases)) != (
        data.get("name"),
        data.get("short_name"),
        data.get("aliases"),
    )
