"""Moving a conversation from one place to another, with all that hangs on it."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import ForeignKey, String, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from actions.moving import LENGTH, LETTERS, find_code
from bot.hotline.cases import Case, find_open
from bot.hotline.history import note
from bot.outbox import AnnouncementText, OutboxMessage, drop_announcements
from bot.store import Conversation, FollowedDossier, Turn, UnresolvedQuestion
from knowledge.database import Base, UtcTime, now

VALID = timedelta(minutes=10)


class MoveCode(Base):
    """A code that brings a conversation to another place, once; only what it hashes to is kept."""

    __tablename__ = "move_codes"

    hashed: Mapped[str] = mapped_column(String(64), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(
        ForeignKey("conversations.id", ondelete="CASCADE"), index=True
    )
    made_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


def give_code(session: Session, conversation_id: str) -> str:
    """Make a code for a conversation; earlier ones of it are void."""
    code = next(drawn for drawn in iter(_draw, None) if find_code(f"tiep {drawn}"))
    session.execute(delete(MoveCode).where(MoveCode.conversation_id == conversation_id))
    session.add(MoveCode(hashed=_hash(code), conversation_id=conversation_id))
    return code


def bring(session: Session, code: str, here: Conversation) -> Conversation | None:
    """Bring all of the conversation that a code stands for here; give it as it was, if there is one."""
    session.execute(delete(MoveCode).where(MoveCode.made_at < now() - VALID))
    used = delete(MoveCode).where(MoveCode.hashed == _hash(code), MoveCode.conversation_id != here.id)
    there = session.scalar(used.returning(MoveCode.conversation_id))
    if there is None:
        return None
    moved = session.get_one(Conversation, there, with_for_update=True)
    here.takes_announcements = here.takes_announcements and moved.takes_announcements
    _bring_announcements(session, there, here)
    _bring_cases(session, there, here)
    _bring_followed(session, there, here.id)
    for table in (Turn, UnresolvedQuestion, OutboxMessage):
        session.execute(update(table).where(table.conversation_id == there).values(conversation_id=here.id))
    to_tell = (OutboxMessage.conversation_id == here.id, OutboxMessage.state.in_(("waiting", "kept")))
    told_here = update(OutboxMessage).where(*to_tell, OutboxMessage.announcement.is_(None))
    state = "waiting" if here.address else "kept"
    session.execute(told_here.values(channel=here.channel, address=here.address, state=state))
    session.flush()
    session.expunge(moved)
    session.execute(delete(Conversation).where(Conversation.id == there))
    return moved


def _bring_announcements(session: Session, there: str, here: Conversation) -> None:
    """Let announcements be told here that were not told yet in either place."""
    known = select(OutboxMessage.announcement).where(
        OutboxMessage.conversation_id == here.id, OutboxMessage.announcement.is_not(None)
    )
    worded = select(AnnouncementText.announcement).where(AnnouncementText.channel == here.channel)
    brought = update(OutboxMessage).where(
        OutboxMessage.conversation_id == there,
        OutboxMessage.state == "waiting",
        OutboxMessage.announcement.in_(worded),
        OutboxMessage.announcement.not_in(known),
    )
    if here.address and here.takes_announcements:
        values = {"conversation_id": here.id, "channel": here.channel, "address": here.address}
        session.execute(brought.values(values).execution_options(synchronize_session=False))
    drop_announcements(session, there)  # the others came here by themselves


def _bring_cases(session: Session, there: str, here: Conversation) -> None:
    """Let cases go along; where one is open in both places, what came here goes on with the one here."""
    brought, has_own = find_open(session, there), find_open(session, here.id) is not None
    if brought is not None:
        brought.open_for = None if has_own else here.id
        note(session, brought.id, "moved", text=here.channel)
        if has_own:
            brought.state, brought.closing, brought.closed_at = "closed", "duplicate", now()
            brought.is_silencing = False
        session.flush()
    cases = update(Case).where(Case.conversation_id == there)
    session.execute(cases.values(conversation_id=here.id, channel=here.channel))


def _bring_followed(session: Session, there: str, here: str) -> None:
    known = select(FollowedDossier.code).where(FollowedDossier.conversation_id == here)
    mine = FollowedDossier.conversation_id == there
    session.execute(delete(FollowedDossier).where(mine, FollowedDossier.code.in_(known)))
    session.execute(update(FollowedDossier).where(mine).values(conversation_id=here))


def _draw() -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(LENGTH))


def _hash(code: str) -> str:
    return sha256(code.encode()).hexdigest()
