"""Procedures written by hand and procedures imported from the portal, as one mapping by code.

What is written by hand wins, field by field; where it states nothing, what was imported stands in. Each
field's origin can be told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import Literal

from knowledge.records import Procedure

_MOST_READY = 8_000  # procedures, each for a day, that are kept at hand
Origin = Literal["written", "imported"]
# Fields in which a hand-made record may leave out what the portal states.
FILLED = ("agency", "where", "conditions", "steps", "channels", "results", "legal_basis")


class Procedures(Mapping[str, Procedure]):
    """All procedures; an imported one is fetched when it is first asked for."""

    def __init__(
        self,
        written: Mapping[str, Procedure],
        imported: Mapping[str, str] | None = None,
        fetch: Callable[[str, date | None], Procedure | None] = lambda _code, _day: None,
    ) -> None:
        """Take the written records, the names of the imported ones, and the way to fetch one for a day."""
        self.written = written
        self._imported = dict(imported or {})
        self._fetch = fetch
        self._merged = lru_cache(maxsize=_MOST_READY)(self._merge)

    def __getitem__(self, code: str) -> Procedure:
        """Give the newest state of a procedure, merged; raises KeyError."""
        return self._merged(code, None)

    def on(self, code: str, day: date) -> Procedure | None:
        """Give a procedure as it holds on a day, merged; None where no record covers the day."""
        if code not in self:
            return None
        found = self._merged(code, day)
        return found if found.holds_on(day) else None

    def _merge(self, code: str, day: date | None) -> Procedure:
        written = self.written.get(code)
        imported = self._fetch(code, day) if code in self._imported else None
        if written is None and imported is None:
            raise KeyError(code)
        return merged(written, imported)

    def __iter__(self) -> Iterator[str]:
        """Go through the codes, the written ones first."""
        return iter(dict.fromkeys([*self.written, *self._imported]))

    def __len__(self) -> int:
        """Count the codes."""
        return len({*self.written, *self._imported})

    def __contains__(self, code: object) -> bool:
        """Tell whether there is such a code, without fetching it."""
        return code in self.written or code in self._imported

    def names(self) -> dict[str, str]:
        """Give each procedure's name by code, without fetching any."""
        written = {code: record.name for code, record in self.written.items()}
        return {**self._imported, **written}

    def origins(self, code: str) -> dict[str, Origin]:
        """Tell of each field whether it is written by hand or imported."""
        written = self.written.get(code)
        record = self[code]
        return {
            name: "imported"
            if written is None or (getattr(written, name) is None and getattr(record, name) is not None)
            else "written"
            for name in Procedure.model_fields
        }


def merged(written: Procedure | None, imported: Procedure | None) -> Procedure:
    """Put one procedure together; one of the two must be there."""
    if written is None or imported is None:
        found = written or imported
        if found is None:
            raise ValueError("neither a written nor an imported procedure")
        return found
    gaps = {
        name: getattr(imported, name)
        for name in FILLED
        if getattr(written, name) is None and getattr(imported, name) is not None
    }
    return written.model_copy(update=gaps) if gaps else written
