"""Questions to learn from: unresolved, read with doubt, answered uselessly; grouped by what they mean.

What becomes of a question is kept by its folded words, so that it is not shown again, and nothing of whoever
asked it is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing import get_context
from typing import Any

from sqlalchemy import String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot.hotline.cases import Case
from bot.store import Turn, UnresolvedQuestion
from knowledge.database import Base, UtcTime, insert_or, now
from knowledge.editing.revisions import EditRefused
from knowledge.grouping import Group, group_questions
from knowledge.redaction import redact
from knowledge.search import SearchWords, folded_words

DOUBTFUL = 0.6  # a certainty below which a reading is doubtful
DAYS = 60  # how far back is looked
MOST = 20_000  # questions, the newest
LONGEST = 300  # characters; what is longer tells a story and is no question to learn from
UNSURE = ("asked_back", "not_found", "out_of_scope")


class SettledQuestion(Base):
    """A question of which something became: what, why, by whom and when."""

    __tablename__ = "settled_questions"

    words: Mapped[str] = mapped_column(String(300), primary_key=True)  # folded
    how: Mapped[str] = mapped_column(String(16))  # alias, question, example, topic, dismissed
    why: Mapped[str] = mapped_column(Text, default="")
    staff_id: Mapped[int]
    at: Mapped[datetime] = mapped_column(UtcTime, default=now)


@dataclass(frozen=True)
class Asked:
    """One way in which something was asked: the text without personal numbers, how often, and when last."""

    text: str
    times: int
    last_at: datetime


@dataclass(frozen=True)
class AskedGroup:
    """Questions that mean the same, the most typical first."""

    label: str
    asked: tuple[Asked, ...]

    @property
    def times(self) -> int:
        """How often it was asked, in whatever words."""
        return sum(each.times for each in self.asked)

    @property
    def last_at(self) -> datetime:
        """When it was asked last."""
        return max(each.last_at for each in self.asked)


def unanswered(session: Session) -> list[Asked]:
    """List what was not answered well and nothing became of, each wording once, the newest first."""
    since = now() - timedelta(days=DAYS)
    settled = set(session.scalars(select(SettledQuestion.words)))
    asked: dict[str, Asked] = {}
    for text, at in [*_unresolved(session, since), *_doubtful(session, since), *_useless(session, since)]:
        words = folded_words(text)
        if not words or len(text) > LONGEST or words[:300] in settled:
            continue
        before = asked.get(words, Asked(text, 0, at))
        asked[words] = Asked(before.text, before.times + 1, max(before.last_at, at))
    return sorted(asked.values(), key=lambda each: each.last_at, reverse=True)[:MOST]


def _unresolved(session: Session, since: datetime) -> list[tuple[str, datetime]]:
    wanted = select(UnresolvedQuestion.text, UnresolvedQuestion.asked_at)
    return [
        (redact(text), at) for text, at in session.execute(wanted.where(UnresolvedQuestion.asked_at > since))
    ]


def _doubtful(session: Session, since: datetime) -> list[tuple[str, datetime]]:
    """List typed questions that were read with doubt, or asked back about with nothing to choose from."""
    wanted = select(Turn.text, Turn.asked_at, Turn.confidence, Turn.status, Turn.reply).where(
        Turn.asked_at > since,
        Turn.text.is_not(None),
        Turn.status.in_(UNSURE),
        Turn.id.not_in(select(UnresolvedQuestion.turn_id)),
    )
    return [
        (redact(text or ""), at)
        for text, at, confidence, status, reply in session.execute(wanted)
        if (confidence or 0.0) < DOUBTFUL or (status == "asked_back" and not _offers(reply))
    ]


def _offers(reply: dict[str, Any] | None) -> bool:
    """Tell whether a reply offered something to choose from."""
    return any(message.get("choices") for message in (reply or {}).get("messages", ()))


def _useless(session: Session, since: datetime) -> list[tuple[str, datetime]]:
    """List the questions of cases whose answer was of no use."""
    wanted = select(Case.question, Case.opened_at).where(Case.opened_at > since, Case.rating == "useless")
    return [(redact(text), at) for text, at in session.execute(wanted)]


def grouped(asked: Sequence[Asked], search_words: SearchWords) -> list[AskedGroup]:
    """Group questions in a process that takes its memory with it; the largest first, then the newest."""
    if not asked:
        return []
    texts = [each.text for each in asked]
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        groups: list[Group] = pool.submit(group_questions, texts, search_words).result()
    found = [AskedGroup(each.label, tuple(asked[place] for place in each.members)) for each in groups]
    return sorted(found, key=lambda each: (-each.times, -each.last_at.timestamp()))


def settle(session: Session, texts: Sequence[str], how: str, why: str, staff: int) -> None:
    """Note what became of questions; raises EditRefused for a dismissal without a reason."""
    if how == "dismissed" and not why.strip():
        raise EditRefused("dismiss", "say why nothing is to be learned from it")
    for words in {folded_words(text)[:300] for text in texts}:
        row = insert_or(session, SettledQuestion).values(
            words=words, how=how, why=why.strip(), staff_id=staff, at=now()
        )
        changed = {"how": how, "why": why.strip(), "staff_id": staff, "at": now()}
        session.execute(row.on_conflict_do_update(index_elements=["words"], set_=changed))
