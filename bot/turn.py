"""The turn: one message in, one answer out, stored before and after.

A message is stored before it is understood, so that a failure loses nothing; a message sent twice
with the same key is answered once. This is the only place that catches any failure of answering
and turns it into a safe sentence.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import structlog
from anyio import CapacityLimiter, to_thread
from prometheus_client import Counter
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

import actions
from actions import people
from actions.announcements import said_of_announcements
from actions.answer import Answer
from actions.moving import find_code, wants_to_move
from actions.notices import with_notices
from actions.payloads import UnknownPayload, read_payload
from actions.people import contact_blocks, contact_sources
from actions.picking import pick
from actions.request import LookUpsNeeded, Memory, Request
from actions.wording import say
from bot.citizen import StoredCitizen
from bot.hotline.cases import Case, find_open, take_message
from bot.hotline.changes import Changes
from bot.hotline.duty import Hotline
from bot.hotline.writing import note_sent
from bot.inbox import Message, receive, turn_by_key
from bot.intake import BadInput, UnknownConversation, clean, has_words
from bot.outbox import Recipient, queue, take_news
from bot.store import Conversation, Turn, title_of
from knowledge.database import DatabaseUnavailable, now, transaction
from knowledge.dossier_codes import find_codes
from knowledge.dossiers import HERE, Desk, LookUp, Seeker, Wanted
from knowledge.library import Library
from knowledge.records import Province
from knowledge.redaction import redact
from knowledge.search import folded_words
from nlu.client import NluClient, NluUnavailable
from nlu.reading import FALLBACK, Reading

log = structlog.get_logger()
BY_OUTBOX = frozenset({"zalo_oa", "zalo_bot"})  # channels that send nothing themselves
BY_NUMBER = frozenset({"zalo_bot"})  # channels without buttons
BY_NUMBER = frozenset({"zalo_bot"})  # channels whose choices are menus of numbers
TURNS = Counter("turns", "Answered turns", ["channel", "status"])


class _Lanes:
    """Where an event loop's look-ups wait to begin and to end, so that they hold one thread each."""

    of_loop: ClassVar[WeakKeyDictionary[asyncio.AbstractEventLoop, _Lanes]] = WeakKeyDictionary()

    def __init__(self) -> None:
        self.begin, self.end = CapacityLimiter(1), CapacityLimiter(1)

    @classmethod
    def here(cls) -> _Lanes:
        """Give the lanes of the running loop."""
        return cls.of_loop.setdefault(asyncio.get_running_loop(), cls())


@dataclass(frozen=True)
class Reply:
    """What a channel sends back, in the shape of ``POST /api/v1/messages``."""

    body: dict[str, Any]

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages: text (Markdown), choices and sources."""
        return list(self.body["messages"])

    @property
    def to_send(self) -> list[dict[str, Any]]:
        """The messages a channel that can be written to sends itself; the outbox sends the others."""
        return self.messages[: len(self.messages) - self.body.get("queued", 0)]


@dataclass(frozen=True)
class Waiting:
    """A turn that is answered when dossiers have been looked up."""

    turn: Turn
    reading: Reading
    seeker: Seeker
    wanted: tuple[Wanted, ...]
    found: Mapping[Wanted, LookUp]
    written: str | None = None  # as it came in; ``None`` when a choice was pressed

    def with_found(self, found: Sequence[LookUp]) -> Mapping[Wanted, LookUp]:
        """Give all that was looked up for this turn."""
        return {**self.found, **dict(zip(self.wanted, found, strict=True))}


@dataclass(frozen=True)
class Assistant:
    """Answers messages; safe to use from many threads."""

    shelf: Callable[[], Library]
    nlu: NluClient
    engine: Engine
    province: Province
    today: Callable[[], date]
    desk: Desk
    hotline: Hotline
    address: str = "http://127.0.0.1:8080"  # where the pages stand that answers link to
    look: Callable[[], None] = lambda: None  # looks for changed knowledge
    places: Mapping[str, str] = field(default_factory=dict)  # where one can talk to it, with addresses

    @cached_property
    def changes(self) -> Changes:
        """What tells that something happened to cases."""
        return Changes(self.engine)

    @property
    def library(self) -> Library:
        """The newest knowledge."""
        return self.shelf()

    @property
    def pack(self) -> Province:
        """The newest pack of its province."""
        return self.library.catalogue.provinces.get(self.province.id, self.province)

    def moment(self) -> datetime:
        """Give this moment of Việt Nam's time, on the day that rules are judged by."""
        while True:
            day, at = self.today(), self.hotline.clock().astimezone(HERE)
            if day == self.today():  # else it was midnight in between
                return datetime.combine(day, at.time())

    def content_day(self) -> date:
        """Give the day that what is said unasked is of: today, also where a past day is replayed."""
        return now().astimezone(HERE).date()

    def reply(self, message: Message) -> Reply:
        """Answer one message; raises BadInput and DatabaseUnavailable."""
        step = self.begin(message)
        while isinstance(step, Waiting):
            step = self.go_on(step, self.desk.submit(step.seeker, step.wanted))
        return step

    async def reply_soon(
        self, message: Message, moment: AbstractAsyncContextManager[None] | None = None
    ) -> Reply:
        """Answer one message without holding a thread while dossiers are looked up.

        What nobody holds a line open for may wait for its ``moment``.
        """
        if find_codes(message.text or message.payload or ""):
            step = await to_thread.run_sync(self._begin_after_others, message, limiter=_Lanes.here().begin)
        else:
            async with moment or nullcontext():
                step = await run_in_threadpool(self._first, message)
        while isinstance(step, Waiting):
            found = self.desk.submit(step.seeker, step.wanted)
            await asyncio.wait(list(map(asyncio.wrap_future, found)))
            step = await to_thread.run_sync(self._after_others, step, found, limiter=_Lanes.here().end)
        return step

    def _first(self, message: Message) -> Reply | Waiting:
        with self.desk.gate.first():
            return self.begin(message)

    def _begin_after_others(self, message: Message) -> Reply | Waiting:
        with self.desk.gate.after_others():
            return self.begin(message)

    def _after_others(self, step: Waiting, found: Sequence[Future[LookUp]]) -> Reply | Waiting:
        with self.desk.gate.after_others():
            return self.go_on(step, found)

    def begin(self, message: Message) -> Reply | Waiting:
        """Store and understand a message, and answer it unless dossiers are to be looked up first."""
        message = replace(message, text=clean(message.text)) if message.text is not None else message
        pressed = self._read_pressed(message)
        turn, memory = receive(self.engine, message)
        if turn.reply is not None:
            return Reply(turn.reply)
        reading, trouble = self._understand(message, pressed, memory)
        seeker = Seeker(message.channel, message.address or turn.conversation_id, message.network)
        step = Waiting(turn, reading, seeker, (), {}, message.text)
        return self._answer(step, "trouble.nlu_down" if trouble else None)

    def go_on(self, waiting: Waiting, found: Sequence[Future[LookUp]]) -> Reply | Waiting:
        """Answer with the dossiers that were looked up; waits for them when they are not there yet."""
        try:
            known = waiting.with_found([each.result() for each in found])
        except DatabaseUnavailable:
            raise
        except Exception:
            log.exception("look_up_failed", turn=waiting.turn.id)
            return self._answer(waiting, "trouble.failed")
        return self._answer(replace(waiting, wanted=(), found=known), None)

    def _read_pressed(self, message: Message) -> Reading | None:
        if message.payload is None:
            return None
        try:
            return read_payload(message.payload, actions.INTENTS)
        except UnknownPayload as error:
            raise BadInput(
                "payload", "Lựa chọn này không còn dùng được. Anh/chị nhắn bằng chữ giúp mình."
            ) from error

    def _understand(
        self, message: Message, pressed: Reading | None, memory: Memory
    ) -> tuple[Reading, NluUnavailable | None]:
        if pressed is not None:
            return pressed, None
        text = message.text or ""
        if picked := self._picked(memory, text):
            return picked, None
        if not has_words(text):
            return Reading(text, actions.NO_WORDS, 1.0), None
        try:
            return self.nlu.understand(text), None
        except NluUnavailable as error:
            log.warning("nlu_unavailable", error=str(error))
            if find_codes(text):  # a code says by itself what is asked
                return Reading(text, "track_dossier", 1.0), None
            if memory.leaves:  # it is for staff, whatever it says
                return Reading(text, "ask_human", 1.0), None
            return Reading(text, FALLBACK, 0.0), error

    def _picked(self, memory: Memory, text: str) -> Reading | None:
        choice = said_of_announcements(text) or pick(memory.choices, text)
        try:
            return read_payload(choice.payload, actions.INTENTS) if choice else None
        except UnknownPayload:  # offered by another release
            return None

    def _answer(self, step: Waiting, trouble: str | None) -> Reply | Waiting:
        """Answer and store; whatever fails in answering becomes a safe sentence."""
        try:
            reply = self._act(step, trouble)
        except (BadInput, DatabaseUnavailable):
            raise
        except LookUpsNeeded as needed:  # the transaction is over: nothing is held while sources are asked
            return replace(step, wanted=needed.wanted)
        except Exception:
            log.exception("answer_failed", intent=step.reading.intent, turn=step.turn.id)
            reply = self._act(step, "trouble.failed")
        TURNS.labels(step.seeker.channel, reply.body["status"]).inc()
        return reply

    def _act(self, step: Waiting, trouble: str | None) -> Reply:
        turn, reading = step.turn, step.reading
        with transaction(self.engine) as session:
            conversation = session.get(Conversation, turn.conversation_id, with_for_update=True)
            if conversation is None:  # erased while this message was being understood
                return self._answered_elsewhere(session, turn)
            memory = Memory.from_json(conversation.memory)
            turn = session.get_one(Turn, turn.id)
            if turn.reply is not None:  # the same message, sent twice at once
                return Reply(turn.reply)
            case = find_open(session, conversation.id)
            if case and self.hotline.is_silent(session, case) and not _is_for_the_machine(step):
                return self._pass_on(session, case, conversation, turn, step)
            whom = Recipient(conversation.channel, conversation.address)  # also when all else is erased
            citizen = StoredCitizen(session, turn, conversation, step.found, self.hotline, self.places)
            moment = self.moment()
            request = Request(
                self.library,
                self.pack,
                moment.date(),
                reading=reading,
                citizen=citizen,
                memory=memory,
                address=self.address,
            )
            given, memory = self._say(request, trouble)
            given = with_notices(request, moment, given)
            news = take_news(session, conversation.id)
            if citizen.brought:
                memory = Memory.from_json(citizen.brought.memory)
            if citizen.is_erased:
                conversation, turn = self._start_afresh(session, conversation, turn)
                memory = Memory()
            conversation.memory = memory.as_json()
            return self._note(session, turn, given, reading, [*news, given.as_message()], whom)

    def _note(
        self,
        session: Session,
        turn: Turn,
        given: Answer,
        reading: Reading,
        messages: list[dict[str, Any]],
        whom: Recipient,
    ) -> Reply:
        """Store what a turn was understood as and answered with."""
        case = find_open(session, turn.conversation_id)
        is_with_person = case is not None and self.hotline.is_silent(session, case)
        whose = turn.conversation_id
        reply = Reply(self._body(whose, given, reading, messages, case, is_with_person=is_with_person))
        is_said_once = case is not None and given.status == "handed_over" and bool(given.blocks)
        if queued := _queue(session, turn, whom, messages, is_said_once=is_said_once):
            reply.body["queued"] = queued
        turn.intent, turn.confidence, turn.status = reading.intent, reading.confidence, given.status
        turn.reply, turn.answered_at = reply.body, now()
        return reply

    def _pass_on(
        self, session: Session, case: Case, conversation: Conversation, turn: Turn, step: Waiting
    ) -> Reply:
        """Keep silent and pass the message to the person; personal numbers only where the citizen agreed."""
        written = step.written or title_of(session, conversation.id, step.reading.text)
        shown = written if case.consented_at else redact(written)
        due = self.hotline.deadline(self.hotline.clock())
        take_message(session, case.id, turn.id, shown, due)
        note_sent(session, conversation.id, is_staff=False)
        memory = Memory.from_json(conversation.memory)
        back = () if conversation.channel in BY_NUMBER else (people.back_choice(),)  # no menu is shown
        conversation.memory = replace(memory, asked=None, choices=back, proof_for=None, leaves=None).as_json()
        messages = take_news(session, conversation.id)
        given = Answer("handed_over", ())
        if shown != written:
            given = people.hidden_numbers()
            messages = [*messages, given.as_message()]
        whom = Recipient(conversation.channel, conversation.address)
        return self._note(session, turn, given, step.reading, messages, whom)

    def _answered_elsewhere(self, session: Session, turn: Turn) -> Reply:
        """Give the reply of the same message when erasing moved it to a new conversation."""
        same = turn_by_key(session, turn.request_key)
        if same is None or same.reply is None:
            raise UnknownConversation
        return Reply(same.reply)

    def _say(self, request: Request, trouble: str | None) -> tuple[Answer, Memory]:
        if not trouble:
            return actions.answer(request)
        request.citizen.leave_question(trouble)
        blocks = (say(trouble), *contact_blocks(request))
        return Answer("unavailable", blocks, sources=contact_sources(request)), request.memory

    def _start_afresh(self, session: Session, erased: Conversation, turn: Turn) -> tuple[Conversation, Turn]:
        """After erasing, go on in a new conversation that knows nothing of the old one."""
        session.expunge(erased)
        session.expunge(turn)
        conversation = Conversation(channel=erased.channel)
        session.add(conversation)
        session.flush()
        last = Turn(conversation_id=conversation.id, request_key=turn.request_key, payload=turn.payload)
        session.add(last)
        return conversation, last

    def _body(
        self,
        conversation_id: str,
        given: Answer,
        reading: Reading,
        messages: list[dict[str, Any]],
        case: Case | None,
        *,
        is_with_person: bool,
    ) -> dict[str, Any]:
        procedure = self.library.catalogue.procedures.get(given.procedure or "")
        return {
            "conversation_id": conversation_id,
            "status": given.status,
            "messages": messages,
            "case_number": case.id if case else None,
            "is_with_person": is_with_person,
            "understanding": {
                "intent": reading.intent,
                "confidence": round(reading.confidence, 4),
                "entities": [
                    {"name": item.name, "value": redact(item.value), "text": redact(item.text)}
                    for item in reading.entities
                ],
                "procedure": {"code": procedure.code, "name": procedure.name} if procedure else None,
                "topic": given.topic,
            },
        }


def _queue(
    session: Session, turn: Turn, whom: Recipient, messages: list[dict[str, Any]], *, is_said_once: bool
) -> int:
    """Let the outbox send what is said once, also over a crash; give how many of the last messages.

    That is what a hand-over says, and every answer where a channel sends nothing itself.
    """
    if whom.address is None:
        return 0
    count = len(messages) if whom.channel in BY_OUTBOX else int(is_said_once)
    recipient = replace(whom, conversation_id=turn.conversation_id)
    if whom.channel in BY_NUMBER:  # a number means the menu that was said last
        messages = [*({**message, "choices": []} for message in messages[:-1]), *messages[-1:]]
    for number, message in enumerate(messages[len(messages) - count :]):
        queue(session, f"turn:{turn.id}:{number}", recipient, message, at_night=True)
    return count


def _is_for_the_machine(step: Waiting) -> bool:
    """Tell whether the machine answers although a person has the conversation."""
    reading, written = step.reading, step.written
    if reading.first("announcements"):
        return True
    if written is not None and folded_words(written) != folded_words(say("people.back")):
        # a number picks no choice here, it may answer the person; but where a menu of numbers was said last
        is_picked = step.seeker.channel in BY_NUMBER and reading.is_press
        is_to_move = find_code(written) is not None or wants_to_move(written)
        return is_picked or is_to_move or people.tells_emergency(written)
    is_about_this = reading.intent in ("ask_human", "delete_my_data") or reading.first("move") is not None
    return reading.is_press and is_about_this
