"""Checking the whole content of a day, with changes that are not published yet."""

from __future__ import annotations

from datetime import date

from knowledge.catalogue_files import load_catalogue
from knowledge.content_files import Fault
from knowledge.editing.published import Published
from knowledge.editing.records import Content


def new_faults(
    published: Published, day: date, instead: Content, beside: Content | None = None
) -> list[Fault]:
    """List the faults that these records bring into a day's content; ``beside``: others not published yet."""
    others = beside or {}
    before = set(load_catalogue(published.on(day, others), lenient=True).faults)
    after = load_catalogue(published.on(day, {**others, **instead}), lenient=True).faults
    return [fault for fault in after if fault not in before]
