"""Answering afterwards: what a messenger brings is stored at once, and answered later.

A webhook is answered when the message is stored. One person's messages are answered in their order, of all
one at a time (unless dossiers are awaited) and when nothing is being stored, so that storing stays quick;
what a stop left unanswered is answered at the next start.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, TypeVar

import structlog
from fastapi import HTTPException, Request
from prometheus_client import Counter
from sqlalchemy.exc import IntegrityError
from starlette.requests import ClientDisconnect

from bot.inbox import Message, conversation_of, receive_all, unanswered
from bot.intake import BadInput, clean
from bot.outbox import Recipient, queue
from bot.store import Turn
from bot.turn import Assistant
from knowledge.database import DatabaseUnavailable, transaction

log = structlog.get_logger()

EVENTS = Counter("messenger_events", "What messengers told, by name", ["channel", "event"])
LARGEST_BODY = 64 * 1024  # bytes
AT_ONCE = 16  # people whose messages are being answered; most of them wait for dossiers
PATIENCE = 0.25  # seconds that an answer steps back for what is being stored
LAST_WORDS = 5.0  # seconds that answers may still take when the program stops
LONGEST_PAUSE = 30.0  # seconds between attempts to reach the database
LONGEST_KEY = 80  # characters
MOST_TOGETHER = 50  # messages that are stored in one transaction

T = TypeVar("T")


async def body_of(request: Request) -> bytes:
    """Read a webhook's body, and no more of it than is allowed; raises HTTPException."""
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > LARGEST_BODY:
                raise HTTPException(413, f"Nội dung gửi lên lớn quá {LARGEST_BODY} byte.")
    except ClientDisconnect:
        raise HTTPException(400, "Nội dung gửi lên bị đứt giữa chừng.") from None
    return bytes(body)


class Answering:
    """Stores what one channel receives and answers it; ``typing`` is called when an answer is begun."""

    def __init__(
        self,
        assistant: Assistant,
        channel: str,
        typing: Callable[[str], Coroutine[Any, Any, None]] | None = None,
    ) -> None:
        self._assistant = assistant
        self._channel = channel
        self._typing = typing
        self._storing = ThreadPoolExecutor(1, f"{channel}-store")  # one, so that the order stays
        self._coming: list[tuple[Message, asyncio.Future[Turn | BadInput]]] = []
        self._receiving: asyncio.Task[None] | None = None
        self._waiting: dict[str, deque[Message]] = {}  # by address; the first is being answered
        self._ready: asyncio.Queue[str] = asyncio.Queue()  # addresses of whom nothing is being answered
        self._being_stored = 0
        self._is_quiet = asyncio.Event()
        self._is_quiet.set()
        self._one = asyncio.Lock()
        self._is_stopping = False

    async def take(
        self, key: str, address: str, *, text: str | None = None, payload: str | None = None
    ) -> None:
        """Store a message, once for its key, and answer it afterwards; raises DatabaseUnavailable."""
        try:
            words = clean(text) if text is not None else None
        except BadInput as error:
            await self.tell(key, address, {"text": error.message})
            return
        message = Message(self._channel, words, payload, address=address, key=_short(key))
        turn = await self._receive(message)
        if isinstance(turn, BadInput):  # other words under a known key
            log.warning("message_refused", channel=self._channel, field=turn.field)
        elif turn.reply is None:
            self._add(message)

    async def tell(self, key: str, address: str, message: dict[str, Any]) -> None:
        """Let a person be told something that is no answer of a turn, once for a key."""
        await self.store(partial(self._queue, key, address, message))

    async def store(self, work: Callable[[], T]) -> T:
        """Do a short work with the database, after what came before it."""
        self._being_stored += 1
        self._is_quiet.clear()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._storing, work)
        finally:
            self._being_stored -= 1
            if not self._being_stored:
                self._is_quiet.set()

    async def _receive(self, message: Message) -> Turn | BadInput:
        """Store a message, together with those that come in while others are being stored."""
        stored = asyncio.get_running_loop().create_future()
        self._coming.append((message, stored))
        if self._receiving is None or self._receiving.done():
            self._receiving = asyncio.create_task(self._receive_all())
        received: Turn | BadInput = await stored
        return received

    async def _receive_all(self) -> None:
        while coming := self._coming[:MOST_TOGETHER]:
            del self._coming[:MOST_TOGETHER]
            messages = [message for message, _ in coming]
            try:
                turns = await self.store(partial(receive_all, self._assistant.engine, messages))
            except Exception as error:  # each of whoever sent them hears of it
                for _, stored in coming:
                    if not stored.done():
                        stored.set_exception(error)
            else:
                for (_, stored), turn in zip(coming, turns, strict=True):
                    if not stored.done():
                        stored.set_result(turn)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answer beside the caller; at the end, what is being answered is answered."""
        workers = [asyncio.create_task(self._work()) for _ in range(AT_ONCE)]
        workers.append(asyncio.create_task(self._take_up()))
        try:
            yield
        finally:
            self._is_stopping = True
            workers.pop().cancel()
            for _ in workers:
                self._ready.put_nowait("")
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.gather(*workers), LAST_WORDS)
            self._storing.shutdown()

    def _queue(self, key: str, address: str, message: dict[str, Any]) -> None:
        try:
            with transaction(self._assistant.engine) as session:
                whose = conversation_of(session, Message(self._channel, address=address))
                recipient = Recipient(self._channel, address, whose.id)
                queue(session, f"said:{self._channel}:{_short(key)}", recipient, message, at_night=True)
        except IntegrityError:  # the first message of this address came in elsewhere at the same instant
            self._queue(key, address, message)

    def _add(self, message: Message) -> None:
        address = message.address or ""
        waiting = self._waiting.setdefault(address, deque())
        waiting.append(message)
        if len(waiting) == 1:
            self._ready.put_nowait(address)

    async def _take_up(self) -> None:
        """Answer what a stop of the program left unanswered."""
        for _, message in await persist(
            partial(asyncio.to_thread, unanswered, self._assistant.engine, self._channel)
        ):
            self._add(message)

    async def _work(self) -> None:
        while not self._is_stopping:
            address = await self._ready.get()
            if self._is_stopping:
                return
            waiting = self._waiting[address]
            await self._answer(address, waiting[0])
            waiting.popleft()
            if waiting:
                self._ready.put_nowait(address)
            else:
                del self._waiting[address]

    @asynccontextmanager
    async def _moment(self) -> AsyncIterator[None]:
        """Wait until nothing is being stored, but not for ever, and until no other answer is thought of."""
        async with self._one:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_quiet.wait(), PATIENCE)
            yield

    async def _answer(self, address: str, message: Message) -> None:
        typing = asyncio.create_task(self._typing(address)) if self._typing else None
        try:
            await persist(
                lambda: self._assistant.reply_soon(message, self._moment()), lambda: self._is_stopping
            )
        except (BadInput, DatabaseUnavailable) as error:
            log.warning("message_not_answered", channel=self._channel, error=type(error).__name__)
        except Exception:  # the next message must be answered all the same
            log.exception("message_not_answered", channel=self._channel)
        finally:
            if typing:
                with suppress(Exception):  # it is not worth an answer
                    await typing


def _short(key: str) -> str:
    return key if len(key) <= LONGEST_KEY else hashlib.sha256(key.encode()).hexdigest()


async def persist(call: Callable[[], Awaitable[T]], is_over: Callable[[], bool] = lambda: False) -> T:
    """Call until the database is reached, or it is over; raises DatabaseUnavailable only then."""
    pause = 0.5
    while True:
        try:
            return await call()
        except DatabaseUnavailable as error:
            if is_over():
                raise
            log.warning("database_awaited", error=str(error))
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)
