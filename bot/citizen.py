"""The citizen of one turn: what actions may store, look up and hand over for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from actions.request import HandOver, LookUpsNeeded, Why
from bot import moving
from bot.hotline import cases
from bot.hotline.duty import Hotline
from bot.outbox import drop_announcements, forget_queued
from bot.store import Conversation, FollowedDossier, Turn, UnresolvedQuestion, erase_conversation
from bot.watched import watch
from knowledge.dossiers import LookUp, Wanted


class StoredCitizen:
    """The citizen of one turn: what actions may store and look up for them."""

    def __init__(
        self,
        session: Session,
        turn: Turn,
        conversation: Conversation,
        found: Mapping[Wanted, LookUp],
        hotline: Hotline,
        places: Mapping[str, str],
    ) -> None:
        self._session = session
        self._turn = turn
        self._conversation = conversation
        self._found = found
        self._hotline = hotline
        self._places = places
        self.is_erased = False
        self.brought: Conversation | None = None  # the one that came here from another place
        self.can_be_told = conversation.address is not None

    def erase(self) -> int:
        """Erase everything stored of this person; give the number of turns erased."""
        self.is_erased = True
        return erase_conversation(self._session, self._turn.conversation_id)

    @property
    def places(self) -> dict[str, str]:
        """Give the other places where they can go on, by name, with the address of each."""
        here = _place(self._conversation.channel)
        return {name: link for name, link in self._places.items() if name != here}

    def give_code(self) -> str:
        """Make a code that brings this conversation to another place."""
        return moving.give_code(self._session, self._turn.conversation_id)

    def bring_here(self, code: str) -> str | None:
        """Bring the conversation of a code here; give the place that it was in, if there is one."""
        self.brought = moving.bring(self._session, code, self._conversation)
        return _place(self.brought.channel) if self.brought else None

    def look_up(self, wanted: Sequence[Wanted]) -> list[LookUp]:
        """Give what was looked up for this turn; raises LookUpsNeeded when something was not yet."""
        if any(each not in self._found for each in wanted):
            raise LookUpsNeeded(wanted)
        return [self._found[each] for each in wanted]

    def follow_dossier(self, code: str) -> None:
        """Tell them from now on what changes in a dossier that was looked up in this turn."""
        found = next(found for wanted, found in self._found.items() if wanted.code == code)
        self._session.merge(FollowedDossier(conversation_id=self._turn.conversation_id, code=code))
        watch(self._session, found.dossier)

    def unfollow_dossiers(self, codes: list[str]) -> None:
        """Tell them no more of these dossiers, nor what was queued of them."""
        mine = FollowedDossier.conversation_id == self._turn.conversation_id
        self._session.execute(delete(FollowedDossier).where(mine, FollowedDossier.code.in_(codes)))
        for code in codes:
            forget_queued(self._session, self._turn.conversation_id, code)

    def followed_dossiers(self) -> list[str]:
        """List the codes of the dossiers they follow, the first followed first."""
        return list(self._session.scalars(_FOLLOWED, {"whose": self._turn.conversation_id}))

    def take_announcements(self, *, takes: bool) -> None:
        """Send them announcements from now on, or none, nor those that wait."""
        self._conversation.takes_announcements = takes
        if not takes:
            drop_announcements(self._session, self._conversation.id)

    def hand_over(self, why: Why, procedure: str | None, dossier: str | None) -> HandOver | None:
        """Open a case for staff, or find the open one; ``None`` when no staff use the desk."""
        turn = (self._turn.id, self._turn.text or "")
        return self._hotline.hand_over(
            self._session, self._conversation, why, self._question(), turn, procedure, dossier
        )

    def give_back(self) -> bool:
        """Let the machine answer again; tell whether a person was to answer."""
        return cases.give_back(self._session, self._conversation.id)

    def consent(self) -> bool:
        """Let staff see personal numbers in what is written from now on; tell whether there is a case."""
        return cases.consent(self._session, self._conversation.id)

    def leave_message(self, text: str) -> int | None:
        """Pass a message on to staff as it was written; give the number of the case, if there is one."""
        due = self._hotline.deadline(self._hotline.clock())
        return cases.leave_message(self._session, self._conversation.id, self._turn.id, text, due)

    def rate(self, number: int, rating: str | None = None, words: str | None = None) -> bool:
        """Say how a closed case of theirs was answered; tell whether there is such a case."""
        return cases.rate(self._session, self._conversation.id, number, rating, words)

    def leave_question(self, reason: str, things: int = 2) -> None:
        """Record the question, so many of the last things they wrote, as unresolved, once a turn."""
        known = select(UnresolvedQuestion.id).where(UnresolvedQuestion.turn_id == self._turn.id)
        if self._session.scalar(known) is None:
            self._session.add(
                UnresolvedQuestion(
                    conversation_id=self._turn.conversation_id,
                    turn_id=self._turn.id,
                    text=self._question(things),
                    reason=reason,
                )
            )

    def _question(self, things: int = 2) -> str:
        """Give the last things the person wrote; a press alone says too little."""
        before = (
            select(Turn.text)
            .where(
                Turn.conversation_id == self._turn.conversation_id,
                Turn.id <= self._turn.id,
                Turn.text.is_not(None),
            )
            .order_by(Turn.id.desc())
            .limit(things)
        )
        return " / ".join(reversed([str(text) for text in self._session.scalars(before)]))


def _place(channel: str) -> str:
    """Give the place that a channel belongs to, as citizens name it."""
    return "zalo" if channel.startswith("zalo") else channel


_FOLLOWING = FollowedDossier.__table__.c
_FOLLOWED = (  # built once: it is asked in every turn about dossiers
    select(_FOLLOWING.code)
    .where(_FOLLOWING.conversation_id == bindparam("whose"))
    .order_by(_FOLLOWING.since, _FOLLOWING.code)
)
