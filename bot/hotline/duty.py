"""Whether somebody is there to answer, and what a citizen is told when a question is handed over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Engine, exists, or_, select
from sqlalchemy.orm import Session

from actions.request import HandOver, Why
from bot.hotline.alerts import Alerts
from bot.hotline.cases import Case, Opening, find_open, note_due, open_case, take_message
from bot.hotline.hours import OpeningHours
from bot.hotline.staff import ANSWERING, Staff
from bot.hotline.waiting import queue_of
from bot.store import Conversation
from knowledge.database import now, reading, transaction

WARNED_BEFORE = timedelta(minutes=15)  # the deadline; at most a quarter of the time there was
PRESENT = timedelta(minutes=3)  # without a sign of their desk somebody counts as gone


@dataclass(frozen=True)
class Hotline:
    """The hotline of one province: its hours, and how soon a case is to be answered."""

    hours: OpeningHours
    province: str
    answer_within: timedelta = timedelta(hours=2)
    urgent_within: timedelta = timedelta(minutes=10)
    clock: Callable[[], datetime] = now
    alerts: Alerts | None = None
    teams: tuple[str, ...] = ()  # whose queue a case may be handed to

    def is_used(self, session: Session) -> bool:
        """Tell whether there are staff who answer cases at all."""
        return bool(session.scalar(select(exists().where(*self._staff()))))

    def is_on_duty(self, session: Session, at: datetime) -> bool:
        """Tell whether it is open and somebody is there."""
        there = (Staff.presence == "on", or_(Staff.seen_at > at - PRESENT, Staff.there_until > at))
        return self.hours.is_open(at) and bool(session.scalar(select(exists().where(*self._staff(), *there))))

    def is_silent(self, session: Session, case: Case) -> bool:
        """Tell whether the machine keeps silent for a case: somebody has it, or may take it now."""
        return case.is_silencing and (case.owner_id is not None or self.is_on_duty(session, self.clock()))

    def hand_over(
        self,
        session: Session,
        conversation: Conversation,
        why: Why,
        question: str,
        turn: tuple[int, str],
        procedure: str | None,
        dossier: str | None,
    ) -> HandOver | None:
        """Open a case, or pass the turn (its number and words) on to the open one; ``None`` without staff."""
        if not self.is_used(session):
            return None
        at = self.clock()
        is_on_duty = self.is_on_duty(session, at)
        within = self.urgent_within if why == "emergency" else self.answer_within
        opening = Opening(
            why, question, self.province, is_on_duty, self.hours.after(at, within), procedure, dossier
        )
        case, is_new = self._open(session, conversation, opening)
        if not is_new:
            take_message(session, case.id, *turn, opening.deadline)
        return self._told(session, case, at, is_on_duty=is_on_duty)

    def deadline(self, at: datetime) -> datetime | None:
        """Say by when a case that is opened now is to be answered; ``None`` when the days are not known."""
        return self.hours.after(at, self.answer_within)

    def warn(self, engine: Engine) -> None:
        """Note of every open case, once, that it nears its deadline, and tell staff."""
        at = self.clock()
        with reading(engine) as session:
            near = select(Case.id, Case.opened_at, Case.deadline).where(
                Case.state.in_(("waiting", "taken")),
                Case.is_deadline_told.is_(False),
                Case.deadline < at + WARNED_BEFORE,
            )
            due = [
                case_id
                for case_id, opened_at, deadline in session.execute(near)
                if deadline and deadline - at <= (deadline - opened_at) / 4
            ]
        for case_id in due:
            with transaction(engine) as session:
                if note_due(session, case_id) and self.alerts:
                    self.alerts.tell(session, session.get_one(Case, case_id), "due", at)

    def _open(self, session: Session, conversation: Conversation, opening: Opening) -> tuple[Case, bool]:
        """Open a case or find the open one, and tell staff when it is new or more urgent than before."""
        found = find_open(session, conversation.id)
        before = found.priority if found else None
        case, is_new = open_case(session, conversation, opening)
        if self.alerts and case.priority != before:
            self.alerts.tell(session, case, "new" if is_new else "raised", self.clock())
        return case, is_new

    def _told(self, session: Session, case: Case, at: datetime, *, is_on_duty: bool) -> HandOver:
        if not is_on_duty:
            return HandOver(case.id, is_on_duty=False, opens=self.hours.next_opening(at))
        if case.owner_id is not None:
            return HandOver(case.id, is_on_duty=True, position=0)
        queue = queue_of(session, case, at)
        return HandOver(case.id, is_on_duty=True, position=queue.position, wait=queue.wait)

    def _staff(self) -> tuple[ColumnElement[bool], ...]:
        return Staff.removed_at.is_(None), Staff.role.in_(ANSWERING)
