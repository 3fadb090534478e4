"""The watcher: looks at followed dossiers politely, notices each change once, and queues the news.

Several may run at once: a dossier is claimed before it is looked at, and what was noticed is written together
with the news, so that a stop at any point loses nothing and doubles nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Select, delete, select, update
from sqlalchemy.orm import Session

from actions.dossier_news import News, tell_news
from actions.request import Known
from bot.outbox import Recipient, is_night, queue
from bot.store import Conversation, FollowedDossier
from bot.turn import Assistant
from bot.watched import WatchedDossier, next_look, signs
from knowledge.database import DatabaseUnavailable, now, transaction
from knowledge.dossiers import (
    CLOSED,
    ENDED,
    Deadline,
    Dossier,
    LookUp,
    Sighting,
    State,
    deadline,
    keep_states,
)

log = structlog.get_logger()

LEASE = timedelta(minutes=5)  # after which a claimed dossier may be claimed again
AT_ONCE = 4  # dossiers asked for at the same time


@dataclass(frozen=True)
class Watcher:
    """Looks at dossiers that are due; ``batch`` at most in one round."""

    assistant: Assistant
    batch: int = 10
    clock: Callable[[], datetime] = now
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(AT_ONCE, "watch"))

    def round(self) -> int:
        """Look at the dossiers that are due; give how many. At night none is."""
        at = self.clock()
        if is_night(at):
            return 0
        codes = self._claim(at)
        if codes:
            looked = list(self._pool.map(self._look, codes))
            with transaction(self.assistant.engine) as session:
                keep_states(session, [state for sighting in looked for state in sighting.told])
            for code, sighting in zip(codes, looked, strict=True):
                self._note_one(code, sighting, at)
        return len(codes)

    def _note_one(self, code: str, sighting: Sighting, at: datetime) -> None:
        """Write down what was seen of one dossier; its failure does not take the others' news with it."""
        try:
            with transaction(self.assistant.engine) as session:
                self._note(session, code, sighting.state, sighting.is_fresh, at)
        except DatabaseUnavailable:
            raise
        except Exception as error:
            log.error("watch_failed", error=type(error).__name__)

    def _claim(self, at: datetime) -> Sequence[str]:
        with transaction(self.assistant.engine) as session:
            due = (
                select(WatchedDossier.code)
                .where(WatchedDossier.next_at <= at)
                .order_by(WatchedDossier.next_at)
                .limit(self.batch)
                .with_for_update(skip_locked=True)
            )
            codes = list(session.scalars(due))
            if codes:
                lease = update(WatchedDossier).where(WatchedDossier.code.in_(codes))
                session.execute(lease.values(next_at=at + LEASE))
            return codes

    def _look(self, code: str) -> Sighting:
        try:
            return self.assistant.desk.find(code)
        except Exception as error:  # one dossier must not keep the others from being looked at
            log.error("watch_failed", error=type(error).__name__)
            return Sighting(None)

    def _note(self, session: Session, code: str, state: State | None, is_fresh: bool, at: datetime) -> None:
        watched = session.get(WatchedDossier, code, with_for_update=True)
        if watched is None:
            return
        followers = session.scalars(_followers(code)).all()
        if not followers:
            session.delete(watched)
            return
        if state is None:
            watched.failures += 1
            watched.next_at = next_look(at, None, failures=watched.failures)
            return
        public = State(state.dossier.without_details(), state.source, state.as_of)
        found = LookUp(code, "found", public, is_fresh, is_made_up=self.assistant.desk.is_made_up)
        standing = self._standing(state.dossier)
        self._tell(session, watched, followers, found, standing)
        watched.failures = 0 if is_fresh else watched.failures + 1
        watched.next_at = next_look(at, standing, state.dossier.status, watched.failures)
        if state.dossier.status in CLOSED:
            session.execute(delete(FollowedDossier).where(FollowedDossier.code == code))
            session.delete(watched)

    def _standing(self, dossier: Dossier) -> Deadline | None:
        library, province = self.assistant.library, self.assistant.pack
        return deadline(dossier, self.assistant.today(), library.catalogue.working_days(province.id))

    def _tell(
        self,
        session: Session,
        watched: WatchedDossier,
        followers: Sequence[Conversation],
        found: LookUp,
        standing: Deadline | None,
    ) -> None:
        """Queue each thing worth telling, once for each follower, with what was seen."""
        news: list[tuple[News, str]] = []
        seen = signs(found.dossier)
        if watched.seen is not None and seen != watched.seen:
            watched.changes += 1
            news.append(("changed", str(watched.changes)))
        watched.seen = seen
        if standing and found.dossier.status not in ENDED:
            tomorrow = self.assistant.today() + timedelta(days=1)
            if standing.standing == "left" and standing.appointed == tomorrow:
                news.append(("before", str(standing.appointed)))
            if standing.standing == "late":
                news.append(("late", str(standing.appointed)))
        assistant = self.assistant
        known = Known(assistant.library, assistant.province, assistant.today())
        for kind, number in news:
            told = tell_news(known, kind, found)
            for follower in followers:
                key = f"{kind}:{found.code}:{number}:{follower.id}"
                recipient = Recipient(follower.channel, follower.address, follower.id)
                if queue(session, key, recipient, told.as_message()):
                    follower.last_at = now()


def _followers(code: str) -> Select[Conversation]:
    return (
        select(Conversation)
        .join(FollowedDossier, FollowedDossier.conversation_id == Conversation.id)
        .where(FollowedDossier.code == code)
    )
