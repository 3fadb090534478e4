"""Drawing a record's form: what is typed goes into the record's data at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from nicegui import ui

from actions.wording import dong, say
from bot.workbench.comparing import told_entry
from bot.workbench.difference_view import LINES
from bot.workbench.fields import FormField, empty, told_choice
from bot.workbench.form_values import (
    WORDS,
    agrees,
    amount,
    nothing,
    read,
    told_amount,
    told_as_understood,
    told_words,
    written,
)
from knowledge.records import NOT_STATED

ONE_LINE = frozenset(
    {
        "code",
        "id",
        "number",
        "url",
        "phone",
        "unit_code",
        "state_of",
        "fee_topic",
        "procedure",
        "topic",
        "link",
    }
)
Data = dict[str, Any]


@dataclass(frozen=True)
class Around:
    """What a form knows of its page: who hears of each change and of each field that is entered and left.

    ``known`` gives what to choose from where a field names another record, by the field's kind: titles by
    key; ``advise`` what to think of when an amount is changed, or nothing.
    """

    is_open: bool
    changed: Callable[[], None]
    entered: Callable[[int], None]
    left: Callable[[int], Awaitable[object]]
    known: Mapping[str, Callable[[], dict[str, str]]]
    advise: Callable[[Data], str]


class FormView:
    """A form over the data of one record, which it changes in place."""

    def __init__(self, data: Data, around: Around) -> None:
        self._data, self._around, self._is_open = data, around, around.is_open
        self._boxes: dict[str, Any] = {}
        self._read_again: dict[str, Callable[[], object]] = {}  # amounts, by the field that tells their unit
        self._advise: Callable[[], object] = bool  # what to think of beside an amount, once there is one
        self._unit: str | None = None  # put into its own field because it was typed behind an amount

    def build(self, fields: tuple[FormField, ...]) -> dict[str, ui.column]:
        """Draw the fields, one below the other; give the place of each by its label."""
        places = {}
        with ui.column().classes("w-full gap-3"):
            for field in fields:
                with ui.column().classes("w-full gap-1") as places[field.label]:
                    self._field(field, self._data)
        return places

    def _field(self, field: FormField, data: Data) -> None:
        if field.is_stated:
            self._stated(field, data)
        else:
            self._widget(field, data)

    def _stated(self, field: FormField, data: Data) -> None:
        """Draw a field that may say that the source is silent."""

        @ui.refreshable
        def widget() -> None:
            if data.get(field.name) != NOT_STATED:
                self._widget(field, data)
            else:
                ui.label(f"{field.label}: {say('content.not_stated')}").classes("text-grey-8")

        def silent(is_on: bool) -> None:
            self._put(data, field.name, NOT_STATED if is_on else nothing(field))
            widget.refresh()

        widget()
        ui.checkbox(
            say("content.silent"),
            value=data.get(field.name) == NOT_STATED,
            on_change=lambda event: silent(event.value),
        ).props("dense").classes("text-sm").set_enabled(self._is_open)

    def _widget(self, field: FormField, data: Data) -> None:
        draw = {"record": self._record, "records": self._records}.get(field.kind)
        if draw:
            draw(field, data)
            return
        element = self._boxes[field.name] = self._simple(field, data.get(field.name))
        element.props["hint"] = field.explained
        element.props("outlined dense").classes("w-full").set_enabled(self._is_open)
        element.on("focus", lambda: self._around.entered(element.id))
        element.on("blur", lambda: self._around.left(element.id))
        if field.is_money:
            self._money(field, data, element)
            return

        def typed() -> None:
            self._put(data, field.name, read(field, element.value))
            self._read_again.get(field.name, bool)()
            self._advise()

        element.on_value_change(typed)

    def _money(self, field: FormField, data: Data, element: Any) -> None:
        """Let an amount be typed with what it is paid for each of, which goes into its own field."""
        understood = ui.label().classes(f"w-full text-sm text-grey-8 mt-3 {LINES}").props("role=status")
        advice = ui.label().classes(f"w-full bg-orange-1 p-2 mt-3 rounded {LINES}").props("role=status")

        def advise() -> None:
            advice.text = self._around.advise(data) if self._is_open else ""
            understood.text = told_as_understood(element.value or "") if self._is_open else ""
            for told in (advice, understood):
                told.set_visibility(bool(told.text))

        def typed() -> None:
            found = amount(element.value or "")
            unit, there = found.per if found else None, data.get(field.unit_in)
            if field.unit_in and unit != there and there in (None, "", self._unit):
                self._unit = there = unit
                self._boxes[field.unit_in].value = unit or ""
            self._put(data, field.name, read(field, element.value) if agrees(unit, there) else element.value)
            advise()

        def read_again() -> None:
            if isinstance(data.get(field.name), str):
                typed()
                element.validate(return_result=False)

        element.validation = lambda text: told_amount(field, text, data.get(field.unit_in))
        element.on_value_change(typed)
        self._read_again[field.unit_in], self._advise = read_again, advise
        advise()

    def _simple(self, field: FormField, value: Any) -> Any:
        label = field.label if field.is_required else f"{field.label} ({say('content.optional')})"
        match field.kind:
            case "choice":
                options = {each: told_choice(each) for each in field.choices}
                return ui.select(options, label=label, value=value or None, clearable=not field.is_required)
            case "choices":
                options = {each: told_choice(each) for each in field.choices}
                return ui.select(options, label=label, value=list(value or ()), multiple=True).props(
                    "use-chips"
                )
            case "flag":
                return ui.switch(field.label, value=field.is_on if value is None else bool(value))
            case "day":
                return ui.input(label, value=value or "").props("type=date stack-label")
            case "moment":
                return ui.input(label, value=str(value or "")[:16]).props("type=datetime-local stack-label")
            case kind if kind in self._around.known:
                return _key_choice(label, value, self._around.known[kind])
            case kind if kind in WORDS:
                box = ui.textarea(label, value=written(field, value)).props("autogrow rows=1")
                box.validation = lambda text: told_words(field, text)
                return box
            case "text" | "number" if field.name in ONE_LINE or field.kind == "number":
                return ui.input(label, value="" if value is None else str(value))
            case _:
                return ui.textarea(label, value=written(field, value)).props("autogrow rows=1")

    def _record(self, field: FormField, data: Data) -> None:
        inner = data.setdefault(field.name, empty(field.fields))
        with ui.expansion(field.label, caption=field.explained).classes(
            "w-full border border-gray-300 rounded"
        ) as box:
            self._when_opened(box, lambda: FormView(inner, self._around).build(field.fields))

    def _records(self, field: FormField, data: Data) -> None:
        """Draw a list of records, folded but the one just added, with what adds, moves and takes away."""
        added: list[Data] = []

        @ui.refreshable
        def entries() -> None:
            for place, entry in enumerate(data.get(field.name) or ()):
                with ui.expansion(_title(entry, place)).classes(
                    "w-full border border-gray-300 rounded"
                ) as box:
                    self._when_opened(box, partial(self._entry, field, data, place, entries.refresh))
                if any(each is entry for each in added):
                    box.open()

        def add() -> None:
            added[:] = [empty(field.fields)]
            self._put(data, field.name, [*(data.get(field.name) or ()), *added])
            entries.refresh()

        ui.label(field.label).classes("font-bold mt-2")
        ui.label(field.explained).classes("text-sm text-grey-8")
        entries()
        button = ui.button(say("content.add_to", what=field.entry), icon="add", on_click=add)
        button.props("flat dense no-caps").set_enabled(self._is_open)

    def _entry(self, field: FormField, data: Data, place: int, refresh: Callable[[], object]) -> None:
        entries: list[Data] = data[field.name]

        def move(by: int) -> None:
            other = place + by
            if 0 <= other < len(entries):
                entries[place], entries[other] = entries[other], entries[place]
                self._around.changed()
                refresh()

        def take_away() -> None:
            del entries[place]
            self._around.changed()
            refresh()

        FormView(entries[place], self._around).build(field.fields)
        if self._is_open:
            with ui.row().classes("gap-1"):
                for name, work in (
                    ("up", partial(move, -1)),
                    ("down", partial(move, 1)),
                    ("take_away", take_away),
                ):
                    ui.button(say(f"content.{name}"), on_click=work).props("flat dense no-caps")

    def _when_opened(self, box: ui.expansion, build: Callable[[], object]) -> None:
        """Draw what is folded when it is first opened: a long record would be slow else."""

        def opened(is_open: bool) -> None:
            if is_open and not box.default_slot.children:
                with box:
                    build()

        box.props("duration=0").on_value_change(lambda event: opened(event.value))

    def _put(self, data: Data, name: str, value: Any) -> None:
        if value is None:
            data.pop(name, None)
        else:
            data[name] = value
        self._around.changed()


def _key_choice(label: str, value: str | None, known: Callable[[], dict[str, str]]) -> ui.select:
    """Offer records by what they are called; what is not among them stays as it is."""

    def options() -> dict[str, str]:
        return {**({value: value} if value else {}), **known()}

    box = ui.select(options(), label=label, value=value or None, with_input=True, clearable=True)
    with box.add_slot("no-option"), ui.item():
        ui.item_section(say("content.no_option"))
    box.on("focus", lambda: None if box.options == options() else box.set_options(options()))
    return box


def _title(entry: Data, place: int) -> str:
    amount = dong(entry["amount"]) if isinstance(entry.get("amount"), int) else ""
    days = " – ".join(str(entry[name]) for name in ("valid_from", "valid_to") if entry.get(name))
    name = told_entry(entry, None)
    return " · ".join(each for each in (f"{place + 1}", name, amount, days) if each)
