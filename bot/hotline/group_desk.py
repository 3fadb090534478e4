"""What staff do from their Telegram group: the same as at the desk, told in one sentence each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from actions.wording import say
from bot.hotline import cases
from bot.hotline.accounts import set_presence
from bot.hotline.cases import Case, CaseRefused, Closing
from bot.hotline.duty import Hotline
from bot.hotline.history import CaseEvent
from bot.hotline.staff import Staff, StaffError, may
from bot.hotline.topics import CaseTopic
from knowledge.database import reading, transaction
from knowledge.dossiers import HERE


@dataclass(frozen=True)
class Written:
    """A message in a topic: by which Telegram account, and the key it is known by."""

    account: int
    topic: int
    key: str
    text: str


@dataclass(frozen=True)
class GroupDesk:
    """Does what is written and pressed; each method gives what to say, ``None`` for nothing."""

    engine: Engine
    hotline: Hotline

    def case_in(self, topic: int | None) -> int | None:
        """Find the case of a topic."""
        with reading(self.engine) as session:
            return session.scalar(select(CaseTopic.case_id).where(CaseTopic.thread_id == topic))

    def knows(self, account: int) -> bool:
        """Tell whether a Telegram account is that of somebody on the staff."""
        with reading(self.engine) as session:
            return _staff(session, account) is not None

    def claim(self, account: int, case_id: int) -> str | None:
        """Take a case."""
        try:
            with transaction(self.engine) as session:
                me = _checked(session, account)
                if session.get(Case, case_id) is None:
                    return say("group.gone")
                return None if cases.claim(session, case_id, me.id) else _why_lost(session, case_id, me)
        except (CaseRefused, StaffError) as error:
            return _shown(error)

    def reply(self, case_id: int, written: Written) -> str | None:
        """Send words to the citizen, once."""
        try:
            with transaction(self.engine) as session:
                if _event(session, "reply", written.key):
                    return None
                me = _checked(session, written.account)
                if _is_waiting(session, case_id):
                    return say("group.claim_first")
                cases.reply(session, case_id, me.id, written.text, written.key, topic=written.topic)
        except (CaseRefused, StaffError) as error:
            return say("group.not_sent", why=_shown(error))
        return None

    def note(self, case_id: int, written: Written) -> str | None:
        """Write an internal note, once."""
        if not written.text:
            return say("group.empty_note")
        try:
            with transaction(self.engine) as session:
                me = _checked(session, written.account)
                cases.add_note(session, case_id, me.id, written.text, written.key, written.topic)
        except (CaseRefused, StaffError) as error:
            return say("group.not_sent", why=_shown(error))
        return None

    def close(self, account: int, case_id: int, closing: Closing) -> str | None:
        """Close a case of one's own."""
        try:
            with transaction(self.engine) as session:
                me = _checked(session, account)
                case = session.get(Case, case_id)
                if case and (case.state, case.closing, case.owner_id) == ("closed", closing, me.id):
                    return None  # the same words once more
                if case and case.state == "closed":
                    return say("group.over")
                if case and case.state == "waiting":
                    return say("group.claim_before_closing")
                cases.close(session, case_id, me.id, closing)
        except (CaseRefused, StaffError) as error:
            return _shown(error)
        return None

    def edited(self, written: Written) -> str | None:
        """Say what became of words that were changed afterwards."""
        with reading(self.engine) as session:
            sent = _event(session, "reply", written.key)
            kept = _event(session, "note", written.key)
        if sent:
            return None if sent.text == written.text else say("group.edited")
        return None if kept else say("group.edited_unsent")

    def go_on_duty(self, account: int) -> str:
        """Be on duty until the hotline closes today."""
        at = self.hotline.clock()
        until = self.hotline.hours.end_of_day(at)
        if until is None:
            opens = self.hotline.hours.next_opening(at)
            return say("group.opens", at=_moment(opens)) if opens else say("group.not_open")
        try:
            with transaction(self.engine) as session:
                me = _checked(session, account)
                set_presence(session, me.id, "on", until=until)
                return say("group.on_duty", name=me.name, until=f"{until:%H:%M}")
        except (CaseRefused, StaffError) as error:
            return _shown(error)

    def go_off_duty(self, account: int) -> str:
        """Be on duty no more."""
        try:
            with transaction(self.engine) as session:
                me = _checked(session, account)
                set_presence(session, me.id, "off")
                return say("group.off_duty", name=me.name)
        except (CaseRefused, StaffError) as error:
            return _shown(error)


def _staff(session: Session, account: int) -> Staff | None:
    return session.scalar(select(Staff).where(Staff.telegram_id == account, Staff.removed_at.is_(None)))


def _checked(session: Session, account: int) -> Staff:
    """Give who writes; raises CaseRefused for somebody who answers no cases."""
    staff = _staff(session, account)
    if staff is None:
        raise CaseRefused(say("group.not_linked", number=account))
    if not may(staff.role, "cases"):
        raise CaseRefused(say("desk.no_right"))
    return staff


def _event(session: Session, kind: str, key: str) -> CaseEvent | None:
    return session.scalar(select(CaseEvent).where(CaseEvent.key == f"{kind}:{key}"))


def _is_waiting(session: Session, case_id: int) -> bool:
    return session.scalar(select(Case.state).where(Case.id == case_id)) == "waiting"


def _why_lost(session: Session, case_id: int, me: Staff) -> str | None:
    """Say why a case cannot be taken; nothing to whoever has it already."""
    case = session.get_one(Case, case_id, populate_existing=True)
    if case.state == "closed":
        return say("group.over")
    if case.owner_id == me.id:
        return None
    owner = session.get(Staff, case.owner_id) if case.owner_id else None
    return say("group.owned", owner=owner.name) if owner else say("group.unclaimed")


def _shown(error: CaseRefused | StaffError) -> str:
    return error.shown if isinstance(error, StaffError) else str(error)


def _moment(at: datetime) -> str:
    here = at.astimezone(HERE)
    return f"{here:%H:%M} {say(f'weekdays.{here.weekday()}')}, {here:%d/%m}"
