"""The inbox: what comes in is stored once, before it is understood."""

from __future__ import annotations

from collections.abc import Sequence
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
            if turn := turn_by_key(session, message.request_key):
                if error := _refused(turn, message):
                    raise error
                conversation = session.get_one(Conversation, turn.conversation_id)
            else:
                conversation = conversation_of(session, message)
                turn = _stored(session, message, conversation)
                session.flush()
            return turn, Memory.from_json(conversation.memory)
    except IntegrityError:  # the same message, or the first of this address, came in at the same instant
        return receive(engine, message)


def receive_all(engine: Engine, messages: Sequence[Message]) -> list[Turn | BadInput]:
    """Store messages of one channel's addresses as ``receive`` does each, in one transaction."""
    keys = [each.request_key for each in messages]
    addresses = sorted({each.address for each in messages if each.address})  # replicas insert in one order
    by_key, by_address = Turn.request_key.in_(keys), Conversation.address.in_(addresses)
    is_here = Conversation.channel == messages[0].channel
    try:
        with transaction(engine) as session:
            turns = {each.request_key: each for each in session.scalars(select(Turn).where(by_key))}
            there = {
                each.address: each
                for each in session.scalars(select(Conversation).where(is_here, by_address))
            }
            for address in addresses:
                if address not in there:
                    there[address] = Conversation(channel=messages[0].channel, address=address)
                    session.add(there[address])
            session.flush()
            received: list[Turn | BadInput] = []
            for message in messages:
                if turn := turns.get(message.request_key):
                    received.append(_refused(turn, message) or turn)
                else:
                    turn = _stored(session, message, there[message.address])
                    turns[message.request_key] = turn
                    received.append(turn)
            return received
    except IntegrityError:  # one of them came in elsewhere at the same instant
        return [_received(engine, each) for each in messages]


def _received(engine: Engine, message: Message) -> Turn | BadInput:
    try:
        return receive(engine, message)[0]
    except BadInput as error:
        return error


def _stored(session: Session, message: Message, conversation: Conversation) -> Turn:
    """Begin a message's turn."""
    memory = Memory.from_json(conversation.memory)
    turn = Turn(
        conversation_id=conversation.id,
        request_key=message.request_key,
        text=redact(message.text, hides_proof=bool(memory.proof_for)) if message.text else None,
        payload=message.payload,
    )
    session.add(turn)
    conversation.last_at = now()
    return turn


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


def _refused(turn: Turn, message: Message) -> BadInput | None:
    """Refuse another message than the one that a key is known by."""
    text, stored = (redact(each or "", hides_proof=True) for each in (message.text, turn.text))
    if (stored or text, turn.payload) == (text, message.payload):
        return None
    return BadInput("Idempotency-Key", "Mã này đã dùng cho một tin nhắn khác.")


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
