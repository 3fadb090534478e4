"""Whether somebody is there to answer, and what a citizen is told when a question is handed over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from actions.request import HandOver, Why
from bot.hotline.cases import Case, Opening, open_case, take_message
from bot.hotline.hours import OpeningHours
from bot.hotline.staff import RIGHTS, Staff, may
from bot.hotline.waiting import queue_of
from bot.store import Conversation
from knowledge.database import now

ANSWERING = tuple(role for role in RIGHTS if may(role, "cases"))
PRESENT = timedelta(minutes=3)  # without a sign of their desk somebody counts as gone


@dataclass(frozen=True)
class Hotline:
    """The hotline of one province: its hours, and how soon a case is to be answered."""

    hours: OpeningHours
    province: str
    answer_within: timedelta = timedelta(hours=2)
    urgent_within: timedelta = timedelta(minutes=10)
    clock: Callable[[], datetime] = now

    def is_used(self, session: Session) -> bool:
        """Tell whether there are staff who answer cases at all."""
        return bool(session.scalar(select(exists().where(*self._staff()))))

    def is_on_duty(self, session: Session, at: datetime) -> bool:
        """Tell whether it is open and somebody is there."""
        there = (Staff.presence == "on", Staff.seen_at > at - PRESENT)
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
        case, is_new = open_case(session, conversation, opening)
        if not is_new:
            take_message(session, case.id, *turn)
        return self._told(session, case, at, is_on_duty=is_on_duty)

    def _told(self, session: Session, case: Case, at: datetime, *, is_on_duty: bool) -> HandOver:
        if not is_on_duty:
            return HandOver(case.id, is_on_duty=False, opens=self.hours.next_opening(at))
        if case.owner_id is not None:
            return HandOver(case.id, is_on_duty=True, position=0)
        queue = queue_of(session, case, at)
        return HandOver(case.id, is_on_duty=True, position=queue.position, wait=queue.wait)

    def _staff(self) -> tuple[ColumnElement[bool], ...]:
        return Staff.removed_at.is_(None), Staff.role.in_(ANSWERING)
