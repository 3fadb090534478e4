"""What one browser of the desk looks at."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from nicegui import run
from sqlalchemy.orm import Session

from actions.wording import say
from bot.desk.doing import Doing
from bot.desk.showing import (
    Line,
    QueueName,
    Row,
    count_queues,
    going_on,
    list_alarms,
    list_queue,
    search_cases,
    transcript,
    transcript_stamp,
)
from bot.hotline.accounts import list_staff
from bot.hotline.cases import Case, find_open
from bot.hotline.changes import Mark
from bot.hotline.staff import Presence, Staff, may
from bot.hotline.staff_sessions import Signed
from bot.turn import Assistant
from bot.zalo_tokens import troubles
from knowledge.database import now, reading


@dataclass(frozen=True)
class Shown:
    """What one look at the database gave."""

    counts: dict[QueueName, int]
    rows: list[Row]
    case: Case | None
    owner: str | None
    lines: list[Line]
    presence: Presence
    colleagues: dict[int, str]
    alarms: frozenset[tuple[int, str]]
    troubles: tuple[str, ...]  # of the channels, for whoever runs them


class View:
    """One browser's place: queue, search, and the case or conversation that is open."""

    def __init__(self, assistant: Assistant, doing: Doing, me: Signed) -> None:
        self.assistant, self.doing, self.me = assistant, doing, me
        self.queue: QueueName = "waiting"
        self.search = ""
        self.number: int | None = None  # of the case that is open
        self.conversation: str | None = None  # that is open, with a case or without
        self.seen: Mark | None = None  # the change that is shown
        self.shown: Shown
        self._looking = asyncio.Lock()
        self._read_lines: list[Line] = []  # of the open case, as of the stamp
        self._stamp: tuple[object, ...] = ()

    @property
    def is_mine(self) -> bool:
        """Tell whether the open case is one that this person answers."""
        case = self.shown.case
        return case is not None and case.owner_id == self.me.staff_id and case.state != "closed"

    async def load(self) -> bool:
        """Look at the database, one look after the other; tell whether the session still holds."""
        async with self._looking:
            while True:
                place, seen = self._place(), await self.assistant.changes.current()
                shown: Shown | None = await run.io_bound(self._read)
                if shown is None:
                    return False
                if place == self._place():  # else another was opened meanwhile
                    self.shown, self.seen = shown, seen
                    self._go_on_with(shown.case)
                    return True

    def _go_on_with(self, case: Case | None) -> None:
        """Follow a conversation into the case that was opened for it, and leave a case that was erased."""
        if case is None and self.number is not None:
            self.doing.tell(say("desk.case_erased", number=self.number), "warning")
            self.number = self.conversation = None
        elif case is not None:
            self.number, self.conversation = case.id, case.conversation_id

    def _place(self) -> tuple[object, ...]:
        return self.queue, self.search, self.number, self.conversation

    def _read(self) -> Shown | None:
        if not self.doing.may_go_on():
            return None
        with reading(self.assistant.engine) as session:
            me = self.me.staff_id
            rows = search_cases(session, self.search) if self.search else list_queue(session, self.queue, me)
            case = self._case(session)
            owner = session.get(Staff, case.owner_id) if case and case.owner_id else None
            staff = session.get_one(Staff, me)
            presence: Presence = staff.presence  # type: ignore[assignment]
            return Shown(
                count_queues(session, me),
                rows,
                case,
                owner.name if owner else None,
                self._lines(session, case),
                presence,
                {each.id: _colleague(each) for each in list_staff(session) if _takes_cases(each, me)},
                list_alarms(session, me),
                troubles(session, now()),
            )

    def _case(self, session: Session) -> Case | None:
        if self.number:
            return session.get(Case, self.number)
        return find_open(session, self.conversation) if self.conversation else None

    def _lines(self, session: Session, case: Case | None) -> list[Line]:
        if case:
            stamp = transcript_stamp(session, case)
            if stamp != self._stamp:  # a look at what others wrote in other cases reads nothing here
                self._read_lines, self._stamp = transcript(session, case), stamp
            return self._read_lines
        return going_on(session, self.conversation) if self.conversation and not self.number else []


def _takes_cases(staff: Staff, me: int) -> bool:
    return staff.id != me and staff.removed_at is None and may(staff.role, "cases")


def _colleague(staff: Staff) -> str:
    """Write a colleague's name with whether they are there."""
    presence = say(f"desk.presence_{staff.presence}")
    reason = f": {staff.away_reason}" if staff.away_reason else ""
    return f"{staff.name} ({presence}{reason})"
