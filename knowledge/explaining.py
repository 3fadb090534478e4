"""Tracing facts: where each field of a procedure is from, since when it holds, and which text says so."""

from __future__ import annotations

import json
from datetime import date

from sqlalchemy import Engine

from knowledge.library import Library
from knowledge.portal_records import COLUMNS
from knowledge.records import Procedure
from knowledge.revisions import ProcedureRevision, revisions_of

_LONGEST = 160  # characters of a value that are printed


def explain_procedure(library: Library, engine: Engine, code: str, today: date) -> list[str]:
    """Write a line for each field, then one for each revision; nothing for an unknown code."""
    procedures = library.catalogue.procedures
    if code not in procedures:
        return []
    record = procedures.on(code, today) or procedures[code]
    facts = record.model_dump(mode="json")
    revisions = revisions_of(engine, code)
    held = [one for one in revisions if one.valid_from <= today <= (one.ended_on or today)]
    newest = next((one for one in (*held, *revisions)), None)
    lines = [f"{code}  {record.name}", _validity(record, today)]
    lines += [f"source: {record.source.title}, {record.source.number or 'no number'}, {record.source.url}"]
    for name, origin in procedures.origins(code).items():
        lines.append(f"{name}: {_shortened(facts[name])}  [{_where(origin, code, newest)}]")
        if origin == "imported" and newest and (text := newest.columns.get(COLUMNS.get(name, ""), "")):
            lines.append(f"    portal's text: {_shortened(text)}")
    lines += [f"revision {one.id}: {one.valid_from} to {one.ended_on or 'now'}" for one in revisions]
    lines += [f"doubtful: {doubt}" for one in revisions if one is newest for doubt in one.doubts]
    return lines


def _validity(record: Procedure, today: date) -> str:
    holds = "holds" if record.holds_on(today) else "does not hold"
    return f"valid from {record.valid_from} to {record.valid_to or 'now'}: {holds} on {today}"


def _where(origin: str, code: str, newest: ProcedureRevision | None) -> str:
    if origin == "imported" and newest:
        return f"imported, revision {newest.id}, from {newest.valid_from}"
    return f"written by hand, knowledge/content/procedures/{code}.yml"


def _shortened(value: object) -> str:
    plain = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    line = " ".join(plain.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
