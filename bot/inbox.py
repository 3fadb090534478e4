"""The inbox: what comes in is stored once, before it is understood."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Engine, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from actions.request import Memory
from bot.intake import BadInput, UnknownConversation
from bot.store import Conversation, Turn
from knowledge.database import now, transaction
from knowledge.redaction import redact

NOT_OLDER = timedelta(days=1)  # what was asked before is no longer answered unasked


@dataclass(frozen=True)
class Message:
    """What a channel received: a text or a pressed choice, from a conversation or an address."""

    channel: str
    text: str | None = None
    payload: str | None = None
    conversation_id: str | None = None
    address: str | None = None
    key: str | None = None
    network: str | None = None  # the sender's network address, where the channel has no accounts

    @property
    def request_key(self) -> str | None:
        """What the message is known by among all channels, where it has a key."""
        return f"{self.channel}:{self.key}" if self.key else None


def receive(engine: Engine, message: Message) -> tuple[Turn, Memory]:
    """Store the message, or find it again when it was sent before; raises BadInput."""
    try:
        with transaction(engine) as session:
            if known := _sent_before(session, message):
                return known
            conversation = conversation_of(session, message)
            memory = Memory.from_json(conversation.memory)
            turn = Turn(
                conversation_id=conversation.id,
                request_key=message.request_key,
                text=redact(message.text, hides_proof=bool(memory.proof_for)) if message.text else None,
                payload=message.payload,
            )
            session.add(turn)
            conversation.last_at = now()
            session.flush()
            return turn, memory
    except IntegrityError:  # the same message, or the first of this address, came in at the same instant
        return receive(engine, message)


def unanswered(engine: Engine, channel: str) -> list[tuple[str, Message]]:
    """List the messages of a channel that a stop of the program left without an answer, by address."""
    with transaction(engine) as session:
        waiting = (
            select(Turn, Conversation.address)
            .join(Conversation, Conversation.id == Turn.conversation_id)
            .where(
                Conversation.channel == channel,
                Conversation.address.is_not(None),
                Turn.reply.is_(None),
                Turn.request_key.startswith(f"{channel}:"),  # else it was asked in another place
                Turn.asked_at > now() - NOT_OLDER,
            )
            .order_by(Turn.id)
        )
        return [
            (address or "", _as_message(channel, turn, address)) for turn, address in session.execute(waiting)
        ]


def turn_by_key(session: Session, key: str | None) -> Turn | None:
    """Find the turn of a message by what it is known by."""
    return session.scalar(select(Turn).where(Turn.request_key == key)) if key else None


def _as_message(channel: str, turn: Turn, address: str | None) -> Message:
    key = turn.request_key.partition(":")[2] if turn.request_key else None
    return Message(channel, turn.text, turn.payload, turn.conversation_id, address, key)


def _sent_before(session: Session, message: Message) -> tuple[Turn, Memory] | None:
    turn = turn_by_key(session, message.request_key)
    if turn is None:
        return None
    text, stored = (redact(each or "", hides_proof=True) for each in (message.text, turn.text))
    if (stored or text, turn.payload) != (text, message.payload):
        raise BadInput("Idempotency-Key", "Mã này đã dùng cho một tin nhắn khác.")
    conversation = session.get_one(Conversation, turn.conversation_id)
    return turn, Memory.from_json(conversation.memory)


def conversation_of(session: Session, message: Message) -> Conversation:
    """Find a message's conversation, or begin one; raises UnknownConversation."""
    if message.conversation_id is not None:
        known = session.get(Conversation, message.conversation_id)
        if known is None or known.channel != message.channel:
            raise UnknownConversation
        return known
    if message.address is not None:
        by_address = select(Conversation).where(
            Conversation.channel == message.channel, Conversation.address == message.address
        )
        if known := session.scalar(by_address):
            return known
    started = Conversation(channel=message.channel, address=message.address)
    session.add(started)
    session.flush()
    return started
