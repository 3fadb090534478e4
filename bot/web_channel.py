"""The web: ``POST /api/v1/messages``, health, metrics, and the citizens' chat page."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from math import ceil
from typing import Annotated
from uuid import UUID

import structlog
from fastapi import FastAPI, Header, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from prometheus_client import CONTENT_TYPE_LATEST, Histogram, generate_latest
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as ASGIMessage

from actions.notices import notices_at
from bot.checklist_page import checklist_route
from bot.inbox import Message
from bot.intake import BadInput, UnknownConversation
from bot.turn import Assistant
from bot.web_live import live_routes
from bot.widget import WEB, ListedSites, WebFiles, widget_routes
from knowledge.database import DatabaseUnavailable, is_ready

log = structlog.get_logger()

LARGEST_BODY = 64 * 1024  # bytes
HEADERS = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'self'",
            "img-src 'self' data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
DESK_HEADERS = HEADERS | {  # NiceGUI builds its pages from scripts in the page
    "Referrer-Policy": "same-origin",  # else browsers send the desk's own forms without their origin
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'self'",
            "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "font-src 'self' data:",
            "connect-src 'self' ws: wss:",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    ),
}
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


class IncomingMessage(BaseModel):
    """The body of ``POST /api/v1/messages``: a text or the payload of a pressed choice."""

    model_config = ConfigDict(extra="forbid", strict=True)

    conversation_id: str | None = None
    text: str | None = None
    payload: str | None = None


SECONDS = Histogram("turn_seconds", "Time of a whole turn over HTTP")


def build_app(
    assistant: Assistant,
    rate_limit: str = "60/minute",
    lifespan: Lifespan | None = None,
    add_routes: Callable[[FastAPI], None] | None = None,
    sites: tuple[str, ...] = (),
) -> FastAPI:
    """Build the web application around an assistant.

    ``add_routes`` adds other channels' paths; pages of ``sites`` may ask through the widget.
    """
    app = FastAPI(
        title="Hỏi Một Cửa", version="1", lifespan=lifespan or _nothing, docs_url=None, redoc_url=None
    )
    app.add_middleware(ListedSites, origins=sites)
    app.add_middleware(_Headers)
    _tell_problems(app)
    _take_messages(app, assistant, rate_limit)
    _tell_notices(app, assistant)
    _tell_health(app, assistant)
    checklist_route(app, assistant)
    live_routes(app, assistant)
    widget_routes(app, assistant, sites)
    if add_routes:
        add_routes(app)
    app.mount("/", GZipMiddleware(WebFiles(directory=WEB, html=True)))
    return app


class _Headers:
    """Adds what every reply carries."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: ASGIMessage) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(DESK_HEADERS if scope["path"].startswith("/desk") else HEADERS)
                headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        await self._app(scope, receive, with_headers)


def _tell_problems(app: FastAPI) -> None:
    """Turn every error into ``application/problem+json``."""

    @app.exception_handler(HTTPException)
    async def _http_problem(_: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, str(error.detail))

    @app.exception_handler(DatabaseUnavailable)
    async def _database_down(_: Request, _error: DatabaseUnavailable) -> JSONResponse:
        return problem(503, "Cơ sở dữ liệu đang tạm ngừng (database).", headers={"Retry-After": "5"})

    @app.exception_handler(BadInput)
    async def _bad_input(_: Request, error: BadInput) -> JSONResponse:
        return problem(422, error.message, field=error.field)

    @app.exception_handler(Exception)
    async def _unforeseen(_: Request, error: Exception) -> JSONResponse:
        log.error("request_failed", error=type(error).__name__)
        return problem(500, "Hệ thống gặp trục trặc. Anh/chị thử lại sau ít phút.", headers=HEADERS)


def _take_messages(app: FastAPI, assistant: Assistant, rate_limit: str) -> None:
    limiter, allowed = MovingWindowRateLimiter(MemoryStorage()), parse(rate_limit)

    @app.post("/api/v1/messages")
    async def post_message(
        request: Request, idempotency_key: Annotated[str | None, Header()] = None
    ) -> JSONResponse:
        """Answer one message."""
        if wait := _seconds_to_wait(limiter, allowed, request):
            return problem(
                429, "Anh/chị nhắn nhanh quá, chờ một chút giúp mình.", headers={"Retry-After": str(wait)}
            )
        incoming = _read_body(await _limited_body(request))
        message = Message(
            "web",
            incoming.text,
            incoming.payload,
            incoming.conversation_id,
            key=_check_key(idempotency_key),
            network=request.client.host if request.client else None,
        )
        with SECONDS.time():
            reply = await assistant.reply_soon(message)
        return JSONResponse(reply.body)


def _tell_notices(app: FastAPI, assistant: Assistant) -> None:
    @app.get("/api/v1/notices")
    def notices() -> dict[str, list[dict[str, str | None]]]:
        """Tell what holds now, for banners."""
        told = notices_at(assistant.library.catalogue.notices, assistant.moment(), assistant.province.id)
        return {"notices": [each.model_dump(include={"id", "title", "text", "link"}) for each in told]}


def _tell_health(app: FastAPI, assistant: Assistant) -> None:
    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Tell that the process is alive."""
        return {"status": "ok"}

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        """Tell whether each part is ready, by name."""
        database, nlu = await asyncio.gather(
            run_in_threadpool(is_ready, assistant.engine), run_in_threadpool(assistant.nlu.is_ready)
        )
        knowledge = bool(assistant.library.catalogue.procedures)
        parts = {"database": database, "nlu": nlu, "knowledge": knowledge}
        return JSONResponse(parts, status_code=200 if all(parts.values()) else 503)

    @app.get("/metrics")
    async def metrics_page() -> Response:
        """Give the counters in Prometheus' text form."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


@asynccontextmanager
async def _nothing(_: FastAPI) -> AsyncIterator[None]:
    yield


def problem(
    status: int, detail: str, *, field: str | None = None, headers: dict[str, str] | None = None
) -> JSONResponse:
    """Write an error as ``application/problem+json`` (RFC 9457); ``field`` names the bad input."""
    titles = {404: "Không tìm thấy", 422: "Dữ liệu chưa đúng", 429: "Quá nhiều tin nhắn", 503: "Tạm ngừng"}
    body = {"type": "about:blank", "title": titles.get(status, "Lỗi"), "status": status, "detail": detail}
    if field:
        body["field"] = field
    return JSONResponse(body, status, headers=headers, media_type="application/problem+json")


def _seconds_to_wait(limiter: MovingWindowRateLimiter, allowed: RateLimitItem, request: Request) -> int:
    sender = request.client.host if request.client else "unknown"
    if limiter.hit(allowed, sender):
        return 0
    reset = limiter.get_window_stats(allowed, sender).reset_time
    return max(1, ceil(reset - time.time()))


async def _limited_body(request: Request) -> bytes:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST_BODY:
            raise BadInput("body", f"Nội dung gửi lên lớn quá {LARGEST_BODY} byte.")
    return body


def _read_body(body: bytes) -> IncomingMessage:
    try:
        incoming = IncomingMessage.model_validate(json.loads(body))
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(
            ".".join(map(str, first["loc"])) or "body", f"Không đúng dạng: {first['msg']}"
        ) from error
    except (ValueError, RecursionError) as error:
        raise BadInput("body", f"Không phải JSON: {error}") from error
    if (incoming.text is None) == (incoming.payload is None):
        raise BadInput("text", "Cần đúng một trong hai: text hoặc payload.")
    if incoming.conversation_id is not None and not _is_uuid(incoming.conversation_id):
        raise UnknownConversation
    return incoming


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _check_key(key: str | None) -> str | None:
    if key is None:
        return None
    if not _is_uuid(key.lower()):
        raise BadInput("Idempotency-Key", "Phải là một UUID.")
    return key.lower()
