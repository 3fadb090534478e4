"""Canned replies: what staff say often, with fields that are filled from the case."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Annotated

from pydantic import Field, field_validator

from knowledge.records import Record, Text
from knowledge.search import folded_words

FIELDS = {
    "procedure": "tên thủ tục",
    "dossier": "mã hồ sơ",
    "number": "số câu hỏi",
    "today": "ngày hôm nay",
    "staff": "tên nhân viên",
}  # and how a field reads that the case does not fill


class CannedReply(Record):
    """One reply: a short title to find it by, and its text with ``{procedure}`` and the like."""

    title: Annotated[Text, Field(max_length=60)]
    text: Annotated[Text, Field(max_length=2000)]

    @field_validator("text")
    @classmethod
    def _has_known_fields(cls, text: str) -> str:
        try:
            fields = [each[1:] for each in Formatter().parse(text) if each[1] is not None]
            names = {f"{name}{spec and ':' + spec}{conversion or ''}" for name, spec, conversion in fields}
        except ValueError as error:
            raise ValueError("has a brace without its pair; write {procedure} and the like") from error
        if unknown := sorted(names - set(FIELDS)):
            raise ValueError(f"has the field {unknown[0]!r}; there are: {', '.join(FIELDS)}")
        return text

    def filled(self, values: Mapping[str, str | None]) -> str:
        """Fill the fields in; one that the case does not know stays as ``[tên thủ tục]``."""
        return self.text.format_map({name: values.get(name) or blank(name) for name in FIELDS})


def blank(field: str) -> str:
    """Give what stands for a field that is not known."""
    return f"[{FIELDS[field]}]"


def blanks_in(text: str) -> list[str]:
    """List the fields that somebody left unfilled in a reply."""
    return [blank(field) for field in FIELDS if blank(field) in text]


def find_canned(replies: tuple[CannedReply, ...], words: str, most: int = 6) -> list[CannedReply]:
    """Find the replies whose title, else text, has all the words; accents aside."""
    wanted = folded_words(words).split()

    def has(text: str) -> bool:
        known = folded_words(text).split()
        return all(any(each.startswith(word) for each in known) for word in wanted)

    titled = [reply for reply in replies if has(reply.title)]
    return [*titled, *(each for each in replies if each not in titled and has(each.text))][:most]
