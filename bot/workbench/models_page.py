"""Models at ``/content/models``: trained in the background, measured, compared, activated and rolled back."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from nicegui import ui
from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.request import Known
from actions.wording import say, sentences
from bot.desk.moments import moment
from bot.hotline.staff import audit, may
from bot.workbench.models import (
    ModelActivation,
    ModelTraining,
    NluModel,
    activate,
    active,
    list_models,
    running,
)
from bot.workbench.shell import Visit, names_of_staff
from bot.workbench.training import Trainer, last_training
from knowledge.database import reading
from nlu.client import NluUnavailable

LOOK_EVERY = 2.0  # seconds
MOST_SHOWN = 50  # sentences of a report


@dataclass(frozen=True)
class _Shown:
    """What one look gave."""

    models: list[NluModel] = field(default_factory=list)
    active: int | None = None
    served: frozenset[int] = frozenset()  # models that have served before
    training: ModelTraining | None = None
    is_running: bool = False
    serving: str = ""  # nothing while the NLU server cannot be reached
    last_serving: str = ""  # as far as was heard
    names: dict[int, str] = field(default_factory=dict)

    @property
    def state(self) -> tuple[Any, ...]:
        """What the training has to be drawn anew for when it differs."""
        training = self.training
        told = (training.id, training.state) if training else None
        return self.cards, told, self.is_running, self.serving

    @property
    def cards(self) -> tuple[Any, ...]:
        """What the models have to be drawn anew for: somebody may be reading one."""
        reports = [(each.id, each.report is not None) for each in self.models]
        return reports, self.active, self.served, self.last_serving


async def models_page(visit: Visit) -> None:
    """Lay the models out."""
    screen = ModelsScreen(visit)
    await screen.load()
    with ui.column().classes("w-full max-w-5xl mx-auto gap-2"):
        screen.training()
        screen.models()
    ui.timer(LOOK_EVERY, screen.follow, immediate=False)


class ModelsScreen:
    """One browser's view."""

    def __init__(self, visit: Visit) -> None:
        self.visit, self.shown = visit, _Shown()

    async def load(self) -> bool:
        """Look at the database and at what the NLU server says; tell whether anything may be shown."""
        shown = await self.visit.doing.look(self._read, is_use=False)
        self.shown = shown or self.shown
        return shown is not None

    def _read(self) -> _Shown:
        bench = self.visit.bench
        try:
            serving = bench.assistant.nlu.model()
        except NluUnavailable:
            serving = ""
        with reading(bench.engine) as session:
            newest, going = active(session), running(session)
            shown = _Shown(
                list_models(session),
                newest.id if newest else None,
                frozenset(session.scalars(select(ModelActivation.model_id))),
                last_training(session),
                going is not None,
                serving,
                serving or self.shown.last_serving,
                names_of_staff(bench.engine),
            )
            session.expunge_all()
        return shown

    async def follow(self) -> None:
        """Draw anew what changed."""
        before = self.shown
        if not await self.load():
            return
        if self.shown.is_running or self.shown.state != before.state:
            self.training.refresh()
        if self.shown.cards != before.cards:
            self.models.refresh()

    @ui.refreshable_method
    def training(self) -> None:
        """Draw what serves, and the training that goes on or went last."""
        shown, training = self.shown, self.shown.training
        serving = self._called(shown.serving) if shown.serving else say("content.nlu_down")
        ui.label(say("content.serving", name=serving)).classes("text-sm text-grey-8")
        if shown.is_running and training:
            ui.label(say("content.training_goes", doing=training.doing)).props("role=status")
            ui.linear_progress(training.progress, show_value=False).props("size=12px")
            return
        ui.button(say("content.train"), on_click=self._train).props("no-caps")
        ui.label(say("content.train_hint")).classes("text-sm text-grey-8")
        if training and (training.trouble or training.state != "done"):
            key = "left_out" if training.state == "done" else "training_failed"
            trouble = training.trouble or say("content.training_broken")
            ui.label(say(f"content.{key}", trouble=trouble)).classes(
                "text-negative whitespace-pre-wrap break-words"
            )

    @ui.refreshable_method
    def models(self) -> None:
        """Draw each model, the newest first."""
        for model in self.shown.models:
            self._model(model)

    def _called(self, name: str) -> str:
        """Call a model by its number; one that the database does not hold by its file."""
        known = next((each for each in self.shown.models if each.name == name), None)
        return say("content.model_named", number=known.id) if known else name

    def _model(self, model: NluModel) -> None:
        shown, called = self.shown, self._called(model.name)
        with ui.card().props(f'flat bordered role=group aria-label="{called}"').classes("w-full gap-1"):
            with ui.row().classes("items-center gap-2"):
                ui.label(called).classes("font-bold")
                if model.id == shown.active or (shown.active is None and model.name == shown.last_serving):
                    ui.badge(say("content.model_active"), color="positive")
            who = shown.names.get(model.staff_id or 0, say("content.model_of_release"))
            ui.label(f"{who} · {moment(model.made_at)} · {model.name}").classes(
                "text-sm text-grey-8 break-all"
            )
            if model.report:
                verdict = "worse" if model.report["is_worse"] else "no_worse"
                colour = "text-negative" if model.report["is_worse"] else "text-positive"
                told = say(f"content.model_{verdict}", than=self._called(model.report["against"]["file"]))
                ui.label(told).classes(f"font-bold {colour}")
                with ui.expansion(say("content.report")).classes("w-full"):
                    show_report(model.report)
            if model.id != shown.active and model.name != shown.last_serving:
                key = "roll_back" if model.id in shown.served else "activate"
                ui.button(say(f"content.{key}"), on_click=partial(self._activate, model)).props(
                    "no-caps outline"
                )

    async def _train(self) -> None:
        bench, me = self.visit.bench, self.visit.me.staff_id
        known = Known(bench.assistant.library, bench.assistant.pack, bench.settings.content_day())
        trainer = Trainer(bench.published, bench.assistant.nlu, known)
        numbers: list[int] = []

        def work(session: Session) -> None:
            numbers.append(trainer.begin(session, me))
            audit(session, me, "content_trained")

        if await self.visit.doing.do(work):
            trainer.start(numbers[0], me)
            await self.follow()

    def _activate(self, model: NluModel) -> None:
        """Ask before another model answers citizens; a worse one needs a lead's reason."""
        me = self.visit.me
        is_doubtful = not model.is_good
        with self.visit.doing.dialog() as dialog, ui.card().classes("w-full gap-2"):
            ui.label(say("content.activate_title", name=self._called(model.name))).classes(
                "text-lg font-bold"
            )
            if is_doubtful:
                key = "worse_lead" if may(me.role, "figures") else "worse_ask"
                ui.label(say(f"content.{key}")).classes("text-negative")
            why = ui.textarea(say("content.activate_why")).props("outlined autogrow").classes("w-full")
            trouble = ui.label("").classes("text-negative").props("role=alert")

            def work(session: Session) -> None:
                activate(session, model.id, me.staff_id, me.role, why.value or "")
                audit(session, me.staff_id, "content_model", model.name[:80])

            async def go() -> None:
                if await self.visit.doing.do(work, told=trouble.set_text):
                    dialog.close()
                    self.visit.doing.tell(say("content.activated"), "positive")
                    await self.follow()

            with ui.row():
                ui.button(say("content.activate"), on_click=go).props("no-caps")
                ui.button(say("content.cancel"), on_click=dialog.close).props("flat no-caps")
        dialog.open()


def show_report(report: dict[str, Any]) -> None:
    """Draw a comparison: figures of both, then the sentences that changed."""
    before, after = report["against"]["figures"], report["model"]["figures"]
    names = ("figure", "before", "after", "difference")
    columns = [{"name": each, "label": say(f"content.report_{each}"), "field": each} for each in names]
    rows = [
        {
            "figure": _figure(name),
            "before": f"{before[name]:.1%}",
            "after": f"{after[name]:.1%}",
            "difference": f"{after[name] - before[name]:+.1%}",
        }
        for name in after
    ]
    ui.table(rows=rows, columns=columns).props("flat dense hide-bottom").classes("w-full")
    for key in ("newly_wrong", "newly_right"):
        found = report[key]
        ui.label(say(f"content.{key}", count=len(found))).classes("font-bold mt-2")
        for each in found[:MOST_SHOWN]:
            told = say(
                "content.changed_reading", text=each["text"], before=each["before"], after=each["after"]
            )
            ui.label(told).classes("text-sm break-words")
    ui.label(say("content.held_out_only")).classes("text-sm text-grey-8 mt-2")


def _figure(name: str) -> str:
    """Say what a figure is called; one without words stands as it is."""
    return sentences().get(f"content.figure_{name.replace(' ', '_').replace('-', '_')}", name)
