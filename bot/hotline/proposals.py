"""Answers that staff propose to the knowledge: a question, what was answered, and by which source."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Text
from sqlalchemy.orm import Mapped, Session, mapped_column

from actions.wording import say
from bot.hotline.cases import CaseRefused, hold
from bot.hotline.history import note
from knowledge.database import Base, UtcTime, now
from knowledge.redaction import redact, redact_question


class Proposal(Base):
    """One proposed answer, without personal numbers; it outlives the conversation it came from."""

    __tablename__ = "proposals"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id", ondelete="SET NULL"))
    question: Mapped[str] = mapped_column(Text)
    answer: Mapped[str] = mapped_column(Text)
    sources: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    at: Mapped[datetime] = mapped_column(UtcTime, default=now, index=True)
    settled_at: Mapped[datetime | None] = mapped_column(UtcTime)  # by the content team


def propose(
    session: Session,
    case_id: int,
    staff_id: int,
    question: str,
    answer: str,
    sources: list[dict[str, Any]],
) -> Proposal:
    """Propose an answer to the content team; raises CaseRefused without question or answer."""
    question, answer = redact_question(question.strip()), redact(answer.strip())
    if not question or not answer:
        raise CaseRefused(say("desk.proposal_empty"))
    hold(session, case_id)
    proposal = Proposal(case_id=case_id, question=question, answer=answer, sources=sources, staff_id=staff_id)
    session.add(proposal)
    note(session, case_id, "proposed", staff_id)
    return proposal
