"""Models that understand questions: kept in the database, activated and rolled back on every replica.

What serves is the newest activation. Each replica puts the file beside its NLU server, which changes over; a
model that the server refuses leaves the one that serves in place.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

import structlog
from sqlalchemy import JSON, Engine, Float, ForeignKey, LargeBinary, String, Text, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from actions.wording import say
from bot.hotline.staff import may
from knowledge.database import Base, UtcTime, now, reading, transaction
from knowledge.editing.revisions import EditRefused, is_reason
from nlu.client import ModelRefused, NluClient, NluUnavailable

log = structlog.get_logger()
DEAD_AFTER = timedelta(seconds=90)  # of a training without a sign of life
LOOK_EVERY = 10.0  # seconds between looks at what the server serves while nothing changes


class NluModel(Base):
    """A trained model: its file, who had it trained, and how it compared with the one that served."""

    __tablename__ = "nlu_models"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    file: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    staff_id: Mapped[int | None]  # nobody: it was there before
    made_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    report: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))

    @property
    def is_good(self) -> bool:
        """Whether it was measured, and is no worse than the one it was measured against."""
        return self.report is not None and self.report["is_worse"] is False


class ModelActivation(Base):
    """A model was made the one that serves."""

    __tablename__ = "model_activations"

    id: Mapped[int] = mapped_column(primary_key=True)
    model_id: Mapped[int] = mapped_column(ForeignKey("nlu_models.id"))
    staff_id: Mapped[int | None]
    why: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(UtcTime, default=now)


class ModelTraining(Base):
    """One training in the background: how far it is, and what came of it."""

    __tablename__ = "model_trainings"

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(String(12), default="running")  # running, done, failed
    doing: Mapped[str] = mapped_column(String(200), default="")
    progress: Mapped[float] = mapped_column(Float, default=0.0)  # 0..1
    staff_id: Mapped[int]
    started_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    seen_at: Mapped[datetime] = mapped_column(UtcTime, default=now)  # when it was alive last
    trouble: Mapped[str | None] = mapped_column(Text)
    model_id: Mapped[int | None] = mapped_column(ForeignKey("nlu_models.id"))


def active(session: Session) -> NluModel | None:
    """Give the model that is to serve; ``None`` when none was ever activated."""
    newest = select(ModelActivation.model_id).order_by(ModelActivation.id.desc()).limit(1)
    return session.scalar(select(NluModel).where(NluModel.id == newest.scalar_subquery()))


def list_models(session: Session) -> list[NluModel]:
    """List the models, the newest first."""
    return list(session.scalars(select(NluModel).order_by(NluModel.id.desc())))


def running(session: Session) -> ModelTraining | None:
    """Give the training that goes on, if it has given a sign of life lately."""
    alive = ModelTraining.seen_at > now() - DEAD_AFTER
    wanted = select(ModelTraining).where(ModelTraining.state == "running", alive)
    return session.scalar(wanted.order_by(ModelTraining.id.desc()).limit(1))


def end_dead(engine: Engine) -> None:
    """Note of trainings that give no sign of life any more that they failed, and why."""
    dead = (ModelTraining.state == "running", ModelTraining.seen_at <= now() - DEAD_AFTER)
    with reading(engine) as session:
        if session.scalar(select(ModelTraining.id).where(*dead).limit(1)) is None:
            return
    with transaction(engine) as session:
        ended = {"state": "failed", "trouble": say("content.training_broken")}
        session.execute(update(ModelTraining).where(*dead).values(ended))
    log.warning("training_broken")


def _may_serve(session: Session, model: NluModel) -> bool:
    """Tell whether a model is no worse than the one that serves, or is the one that served before it.

    One that is worse than the very one that serves, or was never measured, does not come back that way.
    """
    last = session.scalars(
        select(ModelActivation.model_id).order_by(ModelActivation.id.desc()).limit(2)
    ).all()
    serving = session.get(NluModel, last[0]) if last else None
    is_against = serving is None or model.report is None or model.report["against"]["file"] == serving.name
    if last[1:] == [model.id] and (not is_against or (model.report is None and model.staff_id is None)):
        return True
    return model.is_good and is_against


def keep_model(session: Session, path: Path, staff: int | None, report: dict[str, Any] | None) -> NluModel:
    """Keep a model's file under its name, and its newest report."""
    found = session.scalar(select(NluModel).where(NluModel.name == path.name))
    if found is None:
        found = NluModel(name=path.name, file=path.read_bytes(), staff_id=staff)
        session.add(found)
    found.report = report if report is not None else found.report
    session.flush()
    return found


def activate(session: Session, model: int, staff: int, role: str, why: str) -> ModelActivation:
    """Make a model the one that serves.

    Raises EditRefused for one that is worse than the one that serves, or was not measured against it, unless
    a lead says why; the one that served before it may always come back.
    """
    found = session.get_one(NluModel, model)
    if not _may_serve(session, found):
        if not may(role, "figures"):
            raise EditRefused("worse", "the model is worse or was not measured: a lead has to decide")
        if not is_reason(why):
            raise EditRefused("worse_why", "the model is worse or was not measured: say why it shall serve")
    _note_first(session, found)
    activation = ModelActivation(model_id=model, staff_id=staff, why=why.strip())
    session.add(activation)
    session.flush()
    return activation


def _note_first(session: Session, model: NluModel) -> None:
    """Before the first activation of all, note the model that served until then, so that it may come back."""
    served = select(NluModel.id).where(
        NluModel.name == ((model.report or {}).get("against") or {}).get("file")
    )
    first = session.scalar(served)
    if first and session.scalar(select(ModelActivation.id).limit(1)) is None:
        session.add(ModelActivation(model_id=first, staff_id=None))
        session.flush()


class Follower:
    """Keeps one replica's NLU server at the model that is to serve; ``folder`` holds the server's models."""

    def __init__(self, engine: Engine, nlu: NluClient, folder: Path) -> None:
        self._engine, self._nlu, self._folder = engine, nlu, folder
        self._done: int | None = None  # the activation that was carried out, or refused
        self._is_refused = False
        self._look_at = 0.0

    def round(self) -> None:
        """Have the server change over, if that is to be done; see to trainings that were broken off."""
        end_dead(self._engine)
        with reading(self._engine) as session:
            newest = session.scalar(select(ModelActivation.id).order_by(ModelActivation.id.desc()).limit(1))
        if newest is None or (newest == self._done and monotonic() < self._look_at):
            return
        self._look_at = monotonic() + LOOK_EVERY
        try:
            self._change_over(newest)
        except NluUnavailable as error:
            log.warning("model_not_changed_yet", error=str(error))

    def _change_over(self, activation: int) -> None:
        with reading(self._engine) as session:
            model = session.get_one(NluModel, session.get_one(ModelActivation, activation).model_id)
            if self._nlu.model() == model.name:
                self._done = activation
                return
            path = self._folder / model.name
            if not path.exists():
                _write(path, model.file)
        if activation == self._done and self._is_refused:
            return
        try:
            self._nlu.activate(path)
            self._is_refused = False
            log.info("model_changed", model=model.name)
        except ModelRefused as error:
            self._is_refused = True
            log.error("model_refused", model=model.name, error=str(error))
        self._done = activation


def _write(path: Path, file: bytes) -> None:
    """Write a file so that it is there as a whole or not at all, whoever else writes it meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{uuid4().hex}.fetched")
    try:
        fresh.write_bytes(file)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
