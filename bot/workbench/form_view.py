"""Drawing a record's form: what is typed goes into the record's data at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from nicegui import ui

from actions.wording import dong, say
from bot.workbench.fields import FormField, empty, told_choice
from knowledge.amounts import AmountError, read_amount
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
        "audience",
    }
)
Data = dict[str, Any]


class FormView:
    """A form over ``data``, which it changes in place; ``changed`` hears of every change."""

    def __init__(self, data: Data, changed: Callable[[], None], *, is_open: bool) -> None:
        self._data, self._changed, self._is_open = data, changed, is_open

    def build(self, fields: tuple[FormField, ...]) -> None:
        """Draw the fields, one below the other."""
        with ui.column().classes("w-full gap-3"):
            for field in fields:
                self._field(field, self._data)

    def _field(self, field: FormField, data: Data) -> None:
        with ui.column().classes("w-full gap-1"):
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
            self._put(data, field.name, NOT_STATED if is_on else _nothing(field))
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
        element = self._simple(field, data.get(field.name))
        element.props["hint"] = field.explained
        element.props("outlined dense").classes("w-full").set_enabled(self._is_open)
        element.on_value_change(lambda event: self._put(data, field.name, _read(field, event.value)))

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
            case "number" if field.is_money:
                return ui.input(label, value="" if value is None else str(value), validation=_told_amount)
            case "text" | "number" if field.name in ONE_LINE or field.kind == "number":
                return ui.input(label, value="" if value is None else str(value))
            case _:
                return ui.textarea(label, value=_written(field, value)).props("autogrow rows=1")

    def _record(self, field: FormField, data: Data) -> None:
        inner = data.setdefault(field.name, empty(field.fields))
        with ui.expansion(field.label, caption=field.explained).classes(
            "w-full border border-gray-300 rounded"
        ) as box:
            self._when_opened(
                box, lambda: FormView(inner, self._changed, is_open=self._is_open).build(field.fields)
            )

    def _records(self, field: FormField, data: Data) -> None:
        """Draw a list of records, each folded, with what adds, moves and takes away."""

        @ui.refreshable
        def entries() -> None:
            for place, entry in enumerate(data.get(field.name) or ()):
                with ui.expansion(_title(entry, place)).classes(
                    "w-full border border-gray-300 rounded"
                ) as box:
                    self._when_opened(box, partial(self._entry, field, data, place, entries.refresh))

        def add() -> None:
            self._put(data, field.name, [*(data.get(field.name) or ()), empty(field.fields)])
            entries.refresh()

        ui.label(field.label).classes("font-bold mt-2")
        ui.label(field.explained).classes("text-sm text-grey-8")
        entries()
        button = ui.button(say("content.add_to", what=field.label.lower()), icon="add", on_click=add)
        button.props("flat dense no-caps").set_enabled(self._is_open)

    def _entry(self, field: FormField, data: Data, place: int, refresh: Callable[[], object]) -> None:
        entries: list[Data] = data[field.name]

        def move(by: int) -> None:
            other = place + by
            if 0 <= other < len(entries):
                entries[place], entries[other] = entries[other], entries[place]
                self._changed()
                refresh()

        def take_away() -> None:
            del entries[place]
            self._changed()
            refresh()

        FormView(entries[place], self._changed, is_open=self._is_open).build(field.fields)
        if self._is_open:
            with ui.row().classes("gap-1"):
                for name, work in (
                    ("up", partial(move, -1)),
                    ("down", partial(move, 1)),
                    ("take_away", take_away),
                ):
                    ui.button(say(f"content.{name}"), on_click=work).props("flat dense no-caps")

    def _when_opened(self, box: ui.expansion, build: Callable[[], None]) -> None:
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
        self._changed()


def _title(entry: Data, place: int) -> str:
    told = [
        str(entry[name])
        for name in ("title", "name", "what", "place", "question", "number", "text", "id", "day")
        if entry.get(name)
    ]
    if entry.get("channel"):
        told.insert(0, told_choice(entry["channel"]))
    amount = dong(entry["amount"]) if isinstance(entry.get("amount"), int) else ""
    days = " – ".join(str(entry[name]) for name in ("valid_from", "valid_to") if entry.get(name))
    return " · ".join(each for each in (f"{place + 1}", *told[:1], amount, days) if each)[:120]


def _nothing(field: FormField) -> Any:
    return [] if field.kind in ("texts", "records", "choices") else ""


def _written(field: FormField, value: Any) -> str:
    if field.kind == "texts":
        return "\n".join(value or ())
    if field.kind == "wordlists":
        return "\n".join(f"{key}: {'; '.join(words)}" for key, words in (value or {}).items())
    if field.kind == "words":
        return "\n".join(f"{key}: {word}" for key, word in (value or {}).items())
    return str(value or "")


def _read(field: FormField, typed: Any) -> Any:
    """Read what was typed; ``None`` for nothing in a field that may be left out."""
    text = (typed or "").strip() if isinstance(typed, str) or typed is None else typed
    if field.kind == "texts":
        return [line.strip() for line in (typed or "").splitlines() if line.strip()]
    if field.kind in ("words", "wordlists"):
        pairs = [line.partition(":") for line in (typed or "").splitlines() if line.strip()]
        read: dict[str, Any] = {key.strip(): words.strip() for key, _, words in pairs}
        if field.kind == "words":
            return read
        return {key: [one.strip() for one in words.split(";") if one.strip()] for key, words in read.items()}
    if text == "" and not field.is_required:
        return None
    if field.is_money:
        return _amount(text)
    if field.kind == "number" and text.isdecimal():
        return int(text)
    return text


def _amount(text: str) -> Any:
    """Read an amount; what cannot be read stays as it was typed, and is told when the draft is handed in."""
    try:
        return read_amount(text).amount
    except AmountError:
        return text


def _told_amount(text: str) -> str | None:
    """Say what is wrong with an amount as typed, or nothing."""
    try:
        read_amount(text)
    except AmountError as error:
        return str(error)
    return None
