"""What the chat page hears without asking: a person's words, as server-sent events.

The page says up to which number it has heard; what it has not waits, and is told with the next answer else.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import StreamingResponse

from bot.hotline.cases import find_open
from bot.hotline.changes import A_GLANCE
from bot.intake import UnknownConversation
from bot.outbox import news_after, note_heard
from bot.store import Conversation
from bot.turn import Assistant
from knowledge.database import reading, transaction

LONGEST = 600.0  # seconds of one stream; the page opens another
A_SIGN = 15.0  # seconds after which something is sent, so that proxies keep the line open
LARGEST_ID = 2**31 - 1
Number = Annotated[int, Query(ge=0, le=LARGEST_ID)]


def live_routes(app: FastAPI, assistant: Assistant) -> None:
    """Serve what a conversation hears, and take what its page has heard."""

    @app.get("/api/v1/conversations/{conversation_id}/events")
    async def events(request: Request, conversation_id: UUID, after: Number = 0) -> StreamingResponse:
        """Tell what a person says in a conversation, until its case is closed."""
        await asyncio.to_thread(_check, assistant, str(conversation_id))
        after = max(after, _last_heard(request))
        stream = _stream(assistant, str(conversation_id), after)
        return StreamingResponse(
            stream, media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    @app.post("/api/v1/conversations/{conversation_id}/heard")
    def heard(conversation_id: UUID, up_to: Number) -> Response:
        """Take note up to which number the page shows what was told."""
        with transaction(assistant.engine) as session:
            note_heard(session, str(conversation_id), up_to)
        return Response(status_code=204)


def _check(assistant: Assistant, conversation_id: str) -> None:
    with reading(assistant.engine) as session:
        known = session.get(Conversation, conversation_id)
        if known is None or known.channel != "web":
            raise UnknownConversation


def _last_heard(request: Request) -> int:
    text = request.headers.get("last-event-id", "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


async def _stream(assistant: Assistant, conversation_id: str, after: int) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    ends, spoke, seen = loop.time() + LONGEST, loop.time(), None
    yield "retry: 1000\n\n"
    while loop.time() < ends:
        mark = await assistant.changes.current()
        if mark != seen:
            seen = mark
            told, case = await asyncio.to_thread(_look, assistant, conversation_id, after)
            for message in told:
                after, spoke = message["id"], loop.time()
                yield f"id: {after}\ndata: {json.dumps({'message': message} | case, ensure_ascii=False)}\n\n"
            if case["case_number"] is None:
                yield f"event: end\ndata: {json.dumps(case)}\n\n"
                return
        if loop.time() - spoke >= A_SIGN:
            spoke = loop.time()
            yield ": .\n\n"
        await asyncio.sleep(A_GLANCE)


def _look(
    assistant: Assistant, conversation_id: str, after: int
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    with reading(assistant.engine) as session:
        case = find_open(session, conversation_id)
        state = {"case_number": case.id if case else None, "is_with_person": bool(case and case.is_silencing)}
        return news_after(session, conversation_id, after), state
