"""The fields of a record's form, read off its shape; how each is called stands in ``fields.yml``."""

from __future__ import annotations

import types
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, BeforeValidator, NaiveDatetime, RootModel
from pydantic.fields import FieldInfo

from knowledge.records import Stated

Kind = Literal[
    "text",
    "number",
    "day",
    "moment",
    "choice",
    "choices",
    "flag",
    "texts",
    "record",
    "records",
    "words",
    "wordlists",
    "official_text",
    "province",
    "audience",
]
WORDING = Path(__file__).with_name("fields.yml")
_UNIT_IN = {"Fee": "what", "Tariff": "note"}  # where it is told what an amount is paid for each of
_CHOSEN: dict[tuple[str, str], Kind] = {  # keys of other records
    ("Fee", "basis"): "official_text", ("Notice", "province"): "province", ("Topic", "province"): "province",
    ("Notice", "audience"): "audience",
}  # fmt: skip
_SAYS_STATED = next(each for each in get_args(Stated) if isinstance(each, BeforeValidator))


@dataclass(frozen=True)
class FormField:
    """One field: ``name`` in the data ("" for a record that is one value), and what may be put there.

    ``fields`` are those of a record, or of each record of a list, which is called ``entry``; ``is_stated``:
    it may say that the source is silent; ``unit_in``: the field that tells what an amount is paid for.
    """

    name: str
    label: str
    explained: str
    kind: Kind
    is_required: bool = False
    is_stated: bool = False
    is_money: bool = False
    unit_in: str = ""
    entry: str = ""
    is_on: bool = False  # a flag that holds where nothing is said
    choices: tuple[str, ...] = ()
    fields: tuple[FormField, ...] = ()


@cache
def form_of(shape: type[BaseModel]) -> tuple[FormField, ...]:
    """Give the fields of a shape's form, in its order."""
    if issubclass(shape, RootModel):
        return (_field(shape.__name__.partition("[")[0], "", shape.model_fields["root"]),)
    return tuple(_field(shape.__name__, name, info) for name, info in shape.model_fields.items())


@cache
def _wording() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(WORDING.read_text(encoding="utf-8"))
    return loaded


def told_field(shape: str, name: str) -> tuple[str, str, str]:
    """Give how a field of a shape is called and explained, and how an entry of its list is called.

    Raises KeyError for a field nobody wrote words for.
    """
    words = _wording()["fields"]
    label, explained, *entry = words[shape].get(name) or words["any"][name]
    return str(label), str(explained), str(next(iter(entry), ""))


def told_kind(kind: str) -> str:
    """Say what a kind of records is called; raises KeyError for an unknown one."""
    return str(_wording()["kinds"][kind])


def told_table(name: str) -> str:
    """Say what a table is called; raises KeyError for an unknown one."""
    return str(_wording()["tables"][name])


def told_faults() -> list[tuple[str, str]]:
    """Give how faults are told: patterns of the checks' own words, and Vietnamese sentences for them."""
    return [(str(pattern), str(sentence)) for pattern, sentence in _wording()["faults"]]


def told_choice(value: str) -> str:
    """Say a value of a closed list in Vietnamese; one without words stands as it is."""
    return str(_wording()["choices"].get(value, value))


def _field(shape: str, name: str, info: FieldInfo) -> FormField:
    kind, inner, choices = _kind(info.annotation)
    label, explained, entry = told_field(shape, name)
    return FormField(
        name,
        label,
        explained,
        _CHOSEN.get((shape, name), kind),
        is_required=info.is_required(),
        is_stated=any(each is _SAYS_STATED for each in info.metadata),
        is_money=name == "amount",
        unit_in=_UNIT_IN[shape] if name == "amount" else "",
        entry=entry,
        is_on=info.default is True,
        choices=choices,
        fields=form_of(inner) if inner else (),
    )


def _kind(annotation: Any) -> tuple[Kind, type[BaseModel] | None, tuple[str, ...]]:
    """Tell a field's kind, the shape of its records, and its closed list."""
    annotation = _bare(annotation)
    if get_origin(annotation) is Literal:
        return "choice", None, tuple(map(str, get_args(annotation)))
    if get_origin(annotation) is tuple:
        of = _bare(get_args(annotation)[0])
        if get_origin(of) is Literal:
            return "choices", None, tuple(map(str, get_args(of)))
        return ("records", of, ()) if _is_record(of) else ("texts", None, ())
    if get_origin(annotation) is dict:
        is_listed = get_origin(_bare(get_args(annotation)[1])) is tuple
        return "wordlists" if is_listed else "words", None, ()
    if _is_record(annotation):
        return "record", annotation, ()
    simple: dict[Any, Kind] = {bool: "flag", int: "number", NaiveDatetime: "moment", date: "day"}
    return simple.get(annotation, "text"), None, ()


def _bare(annotation: Any) -> Any:
    """Take constraints, and the possibility of nothing, off a type."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, types.UnionType):
            (annotation,) = [each for each in get_args(annotation) if each is not type(None)]
        else:
            return annotation


def _is_record(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def empty(fields: tuple[FormField, ...]) -> dict[str, Any]:
    """Give the data of a new record with nothing filled in."""
    return {field.name: _empty(field) for field in fields if field.is_required}


def _empty(field: FormField) -> Any:
    if field.kind in ("texts", "records", "choices"):
        return []
    if field.kind == "record":
        return empty(field.fields)
    return {"words": {}, "wordlists": {}, "number": None, "flag": False}.get(field.kind, "")
