"""Questions to learn from: unresolved, read with doubt, answered uselessly; grouped by what they mean.

What becomes of a question is kept by its folded words, so that it is not shown again, and nothing of whoever
asked it is kept. A question that something was learned from stays away as long as its correction is under
way or approved.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing import get_context
from threading import Lock
from typing import Any

from sqlalchemy import String, Text, and_, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot.hotline.cases import Case
from bot.store import Turn, UnresolvedQuestion
from knowledge.database import Base, UtcTime, insert_or, now
from knowledge.editing.revisions import ContentRevision, EditRefused
from knowledge.grouping import Group, group_questions, label_of
from knowledge.redaction import redact_question
from knowledge.search import SearchWords, folded_words

DOUBTFUL = 0.6  # a certainty below which a reading is doubtful
DAYS = 60  # how far back is looked
MOST = 20_000  # questions, the newest
LONGEST = 300  # characters; what is longer tells a story and is no question to learn from
Heard = tuple[str, datetime, bool]  # a question, when, and whether its answer was said to be of no use
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
    useless: int = 0  # how often its answer was said to be of no use


@dataclass(frozen=True)
class AskedGroup:
    """Questions that mean the same, the most typical first."""

    asked: tuple[Asked, ...]

    @property
    def label(self) -> str:
        """The most typical one, in one line."""
        return label_of(self.asked[0].text)

    @property
    def times(self) -> int:
        """How often it was asked, in whatever words."""
        return sum(each.times for each in self.asked)

    @property
    def useless(self) -> int:
        """How often its answer was said to be of no use."""
        return sum(each.useless for each in self.asked)

    @property
    def last_at(self) -> datetime:
        """When it was asked last."""
        return max(each.last_at for each in self.asked)


def unanswered(session: Session) -> list[Asked]:
    """List what was not answered well and nothing became of, each wording once, the newest first."""
    since = now() - timedelta(days=DAYS)
    dismissed = set(session.scalars(select(SettledQuestion.words).where(SettledQuestion.how == "dismissed")))
    taught = _taught(session)
    asked: dict[str, Asked] = {}
    newest_first = [*_unresolved(session, since), *_doubtful(session, since), *_useless(session, since)]
    for text, at, is_useless in reversed(newest_first):
        words = folded_words(text)
        if not words or len(text) > LONGEST or words[:300] in dismissed or correction_key(text) in taught:
            continue
        before = asked.get(words, Asked(text, 0, at))
        useless = before.useless + is_useless
        asked[words] = Asked(before.text, before.times + 1, max(before.last_at, at), useless)
    return sorted(asked.values(), key=lambda each: each.last_at, reverse=True)[:MOST]


def correction_key(text: str) -> str:
    """Give the key of the correction of a question, the same in whatever spelling."""
    return hashlib.sha256(folded_words(text).encode()).hexdigest()[:12]


def _taught(session: Session) -> set[str]:
    """Give the keys of the corrections that are under way or approved, and neither given back nor removed."""
    each = ContentRevision
    wanted = select(each.key, each.state, each.remark, each.data.is_(None)).where(
        each.kind == "correction", each.state != "dropped"
    )
    newest = {row.key: row for row in session.execute(wanted.order_by(each.id))}
    return {
        key for key, (_, state, remark, is_gone) in newest.items()
        if not is_gone and not (state == "draft" and remark)
    }  # fmt: skip


def _unresolved(session: Session, since: datetime) -> list[Heard]:
    wanted = select(UnresolvedQuestion.text, UnresolvedQuestion.asked_at, UnresolvedQuestion.reason)
    wanted = wanted.where(UnresolvedQuestion.asked_at > since).order_by(UnresolvedQuestion.id.desc())
    found = session.execute(wanted.limit(MOST))
    return [(redact_question(text), at, reason == "useless") for text, at, reason in found]


def _doubtful(session: Session, since: datetime) -> list[Heard]:
    """List typed questions that were read with doubt, or asked back about with nothing to choose from."""
    is_unsure, is_asked_back = Turn.status.in_(UNSURE), Turn.status == "asked_back"
    is_answer = or_(is_unsure, Turn.status == "answered")
    wanted = select(Turn.text, Turn.asked_at, Turn.confidence, Turn.status, Turn.reply).where(
        Turn.asked_at > since,
        Turn.text.is_not(None),
        or_(
            and_(is_answer, Turn.confidence < DOUBTFUL),
            and_(is_unsure, Turn.confidence.is_(None)),
            is_asked_back,
        ),
        Turn.id.not_in(select(UnresolvedQuestion.turn_id)),
    )
    wanted = wanted.order_by(Turn.id.desc()).limit(MOST)
    return [
        (redact_question(text or ""), at, False)
        for text, at, confidence, status, reply in session.execute(wanted)
        if (confidence or 0.0) < DOUBTFUL or (status == "asked_back" and not _offers(reply))
    ]


def _offers(reply: dict[str, Any] | None) -> bool:
    """Tell whether a reply offered something to choose from."""
    return any(message.get("choices") for message in (reply or {}).get("messages", ()))


def _useless(session: Session, since: datetime) -> list[Heard]:
    """List the questions of cases whose answer was of no use."""
    wanted = select(Case.question, Case.opened_at).where(Case.opened_at > since, Case.rating == "useless")
    newest = wanted.order_by(Case.id.desc()).limit(MOST)
    return [(redact_question(text), at, True) for text, at in session.execute(newest)]


def grouped(asked: Sequence[Asked], search_words: SearchWords) -> list[AskedGroup]:
    """Group questions in a process that takes its memory with it; the largest first, then the newest.

    Raises BrokenProcessPool when that process is ended from outside.
    """
    if not asked:
        return []
    texts = [each.text for each in asked]
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        groups: list[Group] = pool.submit(group_questions, texts, search_words).result()
    return _in_order(tuple(asked[place] for place in each.members) for each in groups)


def _in_order(groups: Iterable[tuple[Asked, ...]]) -> list[AskedGroup]:
    found = (AskedGroup(members) for members in groups if members)
    return sorted(found, key=lambda each: (-each.times, -each.last_at.timestamp()))


class Groupings:
    """Keeps the last grouping, so that questions are grouped anew only when others were asked."""

    def __init__(self) -> None:
        self._last: list[AskedGroup] = []
        self._one_at_a_time = Lock()

    def groups(self, asked: Sequence[Asked], search_words: SearchWords) -> list[AskedGroup]:
        """Group questions, or find them grouped already; raises BrokenProcessPool."""
        by_text = {each.text: each for each in asked}
        with self._one_at_a_time:
            if not by_text.keys() <= {each.text for group in self._last for each in group.asked}:
                self._last = grouped(asked, search_words)
            last = self._last
        return _in_order(
            tuple(by_text[each.text] for each in group.asked if each.text in by_text) for group in last
        )


GROUPINGS = Groupings()


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
