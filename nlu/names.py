"""Procedure names from the knowledge: for checking marks, and for training.

The content folder is read as files; ``knowledge`` itself is not imported.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from nlu.text import fold

LONGEST_MARK = 7  # words
OUTSIDE_A_MARK = frozenset({"làm", "xin", "đi", "muốn", "cần"})
_WORD = re.compile(r"[^\W_]+")


def read_names(content: Path) -> list[list[str]]:
    """Read, for each procedure, its names as citizens say them; then those that the catalogue lacks."""
    records = [_read(path) for path in sorted((content / "procedures").glob("*.yml"))]
    covered = [[*record["aliases"], record.get("short_name") or record["name"]] for record in records]
    return [*covered, _read(content / "search_words.yml")["not_covered"]]


def _read(path: Path) -> dict[str, Any]:
    return dict(yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader))


@dataclass(frozen=True)
class ProcedureWords:
    """The words of each procedure's name and aliases, folded and with short forms spelt out."""

    words: tuple[frozenset[str], ...]
    names: frozenset[frozenset[str]]
    short_forms: dict[str, str]

    def knows(self, name: str) -> bool:
        """Tell whether a name is an alias, or at least two of its words all belong to one procedure."""
        asked = _spelt_out(name, self.short_forms)
        return asked in self.names or (len(asked) > 1 and any(asked <= known for known in self.words))


def procedure_words(content: Path) -> ProcedureWords:
    """Read the words of all procedure names."""
    words = _read(content / "search_words.yml")
    short_forms = {fold(str(short)).casefold(): str(full) for short, full in words["short_forms"].items()}
    records = [_read(path) for path in sorted((content / "procedures").glob("*.yml"))]
    return ProcedureWords(
        tuple(_spelt_out(" ".join((record["name"], *record["aliases"])), short_forms) for record in records),
        frozenset(_spelt_out(name, short_forms) for names in read_names(content) for name in names),
        short_forms,
    )


def _spelt_out(text: str, short_forms: dict[str, str]) -> frozenset[str]:
    spelt = " ".join(short_forms.get(word, word) for word in _folded_words(text))
    return frozenset(_folded_words(spelt))


def _folded_words(text: str) -> list[str]:
    return _WORD.findall(fold(text).casefold())


def _fits_a_mark(name: str) -> bool:
    """Tell whether a name is one as sentences mark it: short, and without the verbs that stay outside."""
    first, *rest = name.casefold().split()
    return first not in OUTSIDE_A_MARK and len(rest) < LONGEST_MARK


def names_to_learn(names: list[list[str]]) -> list[str]:
    """Give the names that fit a mark, each once, as a lookup table for training."""
    fitting = {name for of_one in names for name in of_one if _fits_a_mark(name)}
    return sorted(name[0].lower() + name[1:] if name[1:2].islower() else name for name in fitting)
