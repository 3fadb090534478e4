"""What models are compared on: held-out sentences, and questions that staff have corrected earlier.

Held-out sentences are read as they are and as hurried fingers type them.

MaterialFault
└── there is nothing to measure on, or a file of questions cannot be read; says file and line
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from nlu.bench.noise import NOISES
from nlu.data_files import Example, read_folder

HURRIED = ("without accents", "one typo", "all mixed")  # of the noises


class MaterialFault(Exception):
    """There is nothing that could be measured on."""


@dataclass(frozen=True)
class Corrected:
    """A question that was misunderstood once: what it asks and, if that is known, its procedure's words."""

    text: str
    intent: str
    procedure: str | None = None


@dataclass(frozen=True)
class Material:
    """The sentences that models are compared on."""

    held_out: list[Example]
    corrected: list[Corrected]

    @property
    def texts(self) -> list[str]:
        """Every text to be read: the held-out ones, those under each of ``HURRIED``, the corrected ones."""
        clean = [example.text for example in self.held_out]
        hurried = [NOISES[kind](text) for kind in HURRIED for text in clean]
        return [*clean, *hurried, *(question.text for question in self.corrected)]


def read_material(held_out: Path, questions: Path | None) -> Material:
    """Read held-out sentences and corrected questions; raises MaterialFault and DataFileError."""
    examples = read_folder(held_out)
    if not examples:
        raise MaterialFault(f"nothing to measure on: {held_out} holds no held-out sentences")
    return Material(examples, _read_corrected(questions) if questions else [])


def _read_corrected(path: Path) -> list[Corrected]:
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    return [_read_line(line, f"{path}:{number}") for number, line in lines if line.strip()]


def _read_line(line: str, where: str) -> Corrected:
    try:
        fields = json.loads(line)
        return Corrected(str(fields["question"]), str(fields["intent"]), fields.get("procedure_text"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MaterialFault(
            f'{where}: is to be {{"question": "…", "intent": "…"}}, with "procedure_text" or not ({error!r})'
        ) from error
