"""What is typed into a form's boxes, and the data it stands for.

What cannot be read stays as it was typed: its box says why, and so does handing the draft in.
"""

from __future__ import annotations

from typing import Any

from actions.wording import say, thousands
from bot.workbench.fields import FormField
from knowledge.amounts import Amount, AmountError, read_amount, spell_amount
from knowledge.search import folded_words

WORDS = ("words", "wordlists")


class _WordsError(ValueError):
    """Lines that are no list of words with their meanings; says in Vietnamese what is wrong."""


def nothing(field: FormField) -> Any:
    """Give the data of a field in which nothing is written."""
    return [] if field.kind in ("texts", "records", "choices") else ""


def written(field: FormField, value: Any) -> str:
    """Write a field's data as it is typed."""
    if isinstance(value, str) or value is None:
        return value or ""
    if field.kind == "texts":
        return "\n".join(value)
    if field.kind == "wordlists":
        return "\n".join(f"{key}: {'; '.join(words)}" for key, words in value.items())
    if field.kind == "words":
        return "\n".join(f"{key}: {word}" for key, word in value.items())
    return str(value)


def read(field: FormField, typed: Any) -> Any:
    """Read what was typed; ``None`` for nothing in a field that may be left out."""
    text = (typed or "").strip() if isinstance(typed, str) or typed is None else typed
    if field.kind == "texts":
        return [line.strip() for line in (typed or "").splitlines() if line.strip()]
    if field.kind in WORDS:
        try:
            return _words(field, text)
        except _WordsError:
            return text
    if text == "" and not field.is_required:
        return None
    if field.is_money:
        found = amount(text)
        return text if found is None else found.amount
    if field.kind == "number" and text.isdecimal():
        return int(text)
    return text


def amount(text: str) -> Amount | None:
    """Read an amount, with what it is paid for each of; nothing where it cannot be read."""
    try:
        return read_amount(text)
    except AmountError:
        return None


def agrees(unit: str | None, words: str | None) -> bool:
    """Tell whether what an amount is paid for each of stands in the words of its own field."""
    return not unit or f" {folded_words(unit)} " in f" {folded_words(words or '')} "


def told_words(field: FormField, typed: str | None) -> str | None:
    """Say what is wrong with words and their meanings as typed, or nothing."""
    try:
        _words(field, typed or "")
    except _WordsError as error:
        return str(error)
    return None


def told_amount(field: FormField, typed: str | None, beside: str | None) -> str | None:
    """Say what is wrong with an amount as typed, ``beside`` what its unit's own field says; or nothing."""
    if not (typed or "").strip() and not field.is_required:
        return None
    try:
        found = read_amount(typed or "")
    except AmountError as error:
        return str(error)
    return None if agrees(found.per, beside) else say("content.unit_differs", unit=found.per, words=beside)


def told_as_understood(typed: str) -> str:
    """Say how an amount that was typed in another way than in figures is understood; else nothing."""
    found = amount(typed)
    if found is None or typed.strip().isdecimal():
        return ""
    return say("content.understood", amount=thousands(found.amount), words=spell_amount(found.amount))


def _words(field: FormField, text: str) -> dict[str, Any]:
    """Read lines of «word: meaning», the meanings of a list parted by semicolons; raises _WordsError."""
    read: dict[str, Any] = {}
    for line in filter(str.strip, text.splitlines()):
        key, colon, meaning = (part.strip() for part in line.partition(":"))
        if not (key and colon):
            raise _WordsError(say("content.words_no_colon", line=line.strip()))
        if key in read:
            raise _WordsError(say("content.words_twice", word=key))
        read[key] = meaning
    if field.kind == "words":
        return read
    return {key: [one.strip() for one in words.split(";") if one.strip()] for key, words in read.items()}
