"""What the chat page hears without asking: a person's words, as server-sent events.

The page says what it shows; what it does not is told again, or with the next answer. It knows each message
by its number and shows none twice.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

from fastapi import FastAPI, Query, Response
from fastapi.responses import StreamingResponse
from starlette.exceptions import HTTPException

from bot.hotline.cases import find_open
from bot.hotline.changes import A_GLANCE
from bot.hotline.writing import note_typing
from bot.intake import UnknownConversation
from bot.outbox import news_of, note_heard
from bot.store import Conversation
from bot.turn import Assistant
from knowledge.database import reading, transaction

LONGEST = 600.0  # seconds of one stream; the page opens another
A_SIGN = 15.0  # seconds after which something is sent, so that proxies keep the line open
LARGEST_ID = 2**31 - 1
MOST_OF_ONE, MOST = 3, 2_000  # streams of one conversation, and of this process


def live_routes(app: FastAPI, assistant: Assistant) -> None:
    """Serve what a conversation hears, and take what its page has heard."""
    streams: Counter[str] = Counter()

    @app.get("/api/v1/conversations/{conversation_id}/events")
    async def events(conversation_id: UUID) -> StreamingResponse:
        """Tell what a person says in a conversation, until its case is closed."""
        whose = str(conversation_id)
        await asyncio.to_thread(_check, assistant, whose)
        if streams[whose] >= MOST_OF_ONE or streams.total() >= MOST:
            raise HTTPException(429, "Trang này đang mở ở nhiều nơi.")
        stream = _counted(streams, whose, _stream(assistant, whose))
        headers = {"Cache-Control": "no-store"}
        return StreamingResponse(stream, media_type="text/event-stream", headers=headers)

    @app.post("/api/v1/conversations/{conversation_id}/heard")
    def heard(conversation_id: UUID, number: Annotated[int, Query(ge=1, le=LARGEST_ID)]) -> Response:
        """Take note that the page shows a message that was told."""
        whose = str(conversation_id)
        if number in (message["id"] for message in _check(assistant, whose)):
            with transaction(assistant.engine) as session:
                note_heard(session, whose, number)
        return Response(status_code=204)

    @app.post("/api/v1/conversations/{conversation_id}/typing")
    def typing(conversation_id: UUID) -> Response:
        """Take note that the citizen is typing to a person."""
        whose = str(conversation_id)
        _check(assistant, whose)
        with transaction(assistant.engine) as session:
            if find_open(session, whose) is not None:
                note_typing(session, whose, is_staff=False)
        return Response(status_code=204)


def _check(assistant: Assistant, conversation_id: str) -> list[dict[str, Any]]:
    """Give what waits to be told; raises UnknownConversation."""
    with reading(assistant.engine) as session:
        known = session.get(Conversation, conversation_id)
        if known is None or known.channel != "web":
            raise UnknownConversation
        return news_of(session, conversation_id)


async def _counted(streams: Counter[str], whose: str, stream: AsyncIterator[str]) -> AsyncIterator[str]:
    streams[whose] += 1
    try:
        async for piece in stream:
            yield piece
    finally:
        streams[whose] -= 1
        if not streams[whose]:
            del streams[whose]


async def _stream(assistant: Assistant, conversation_id: str) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    ends, spoke, seen, told = loop.time() + LONGEST, loop.time(), None, set[int]()
    was_typing: bool | None = None
    yield "retry: 1000\n\n"
    while loop.time() < ends:
        mark = await assistant.changes.current()
        if mark != seen:
            seen = mark
            news, is_open = await asyncio.to_thread(_look, assistant, conversation_id)
            for message in (each for each in news if each["id"] not in told):
                told.add(message["id"])
                spoke = loop.time()
                yield f"data: {json.dumps(message, ensure_ascii=False)}\n\n"
            if not is_open:
                yield "event: end\ndata: {}\n\n"
                return
        is_typing = (conversation_id, True) in assistant.changes.typing
        if is_typing != was_typing:
            was_typing, spoke = is_typing, loop.time()
            yield f"event: typing\ndata: {json.dumps(is_typing)}\n\n"
        if loop.time() - spoke >= A_SIGN:
            spoke = loop.time()
            yield ": .\n\n"
        await asyncio.sleep(A_GLANCE)


def _look(assistant: Assistant, conversation_id: str) -> tuple[list[dict[str, Any]], bool]:
    with reading(assistant.engine) as session:
        is_open = find_open(session, conversation_id) is not None  # before the news
        return news_of(session, conversation_id), is_open
