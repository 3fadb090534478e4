"""The Zalo Bot Platform channel: by long polling or by webhook; numbered menus stand for buttons.

A fetched update is not fetched again, so that it is stored before the next one is asked for.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import structlog
from fastapi import FastAPI, HTTPException, Request, Response

from actions.wording import say
from bot.answering import EVENTS, Answering, body_of, persist
from bot.outbox import Blocked, NotEver, NotNow
from bot.plain_text import LIMIT, plain_text
from bot.settings import Settings, SettingsError
from bot.store import conversation_at
from bot.turn import Assistant
from knowledge.database import now, transaction

log = structlog.get_logger()

NAME = "zalo_bot"
WEBHOOK_PATH = "/zalo/bot/webhook"
SECRET_HEADER = "X-Bot-Api-Secret-Token"  # noqa: S105 - a header's name
POLL = 30  # seconds that Zalo holds a call while there is nothing
NOTHING = 408  # the error of a call that nothing came for
PATIENCE = httpx.Timeout(15.0, connect=5.0)
PATIENCE_OF_POLL = httpx.Timeout(POLL + 10.0, connect=5.0)
LONGEST_PAUSE = 60.0  # seconds between attempts to reach Zalo
TOKEN_PAUSE = timedelta(minutes=10)
REFUSALS = {
    "message.image.received": "talk.no_pictures",
    "message.sticker.received": "talk.no_words",
    "message.voice.received": "talk.no_words",
    "message.unsupported.received": "talk.no_words",
}


class BotRefused(Exception):
    """Zalo refused a call; tells its error code."""

    def __init__(self, code: int, description: str) -> None:
        self.code = code
        super().__init__(f"{code} {description}")


class ZaloBot:
    """One bot; raises SettingsError when its settings are set in part."""

    def __init__(self, assistant: Assistant, settings: Settings) -> None:
        self._token = checked_token(settings)
        self._is_webhook = settings.zalo_bot_mode == "webhook"
        self._webhook_url = f"{(settings.zalo_bot_webhook_url or '').rstrip('/')}{WEBHOOK_PATH}"
        self._secret = _secret(settings)
        self._engine = assistant.engine
        self._api = settings.zalo_bot_api.rstrip("/")
        self._client = httpx.AsyncClient(timeout=PATIENCE)
        self._answering = Answering(assistant, NAME, self._show_typing)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Fetch and answer beside the caller, who is not kept waiting while Zalo cannot be reached."""
        async with self._client, self._answering.running():
            fetching = asyncio.create_task(self._fetch())
            try:
                yield
            finally:
                fetching.cancel()
                with suppress(asyncio.CancelledError):
                    await fetching

    def add_routes(self, app: FastAPI) -> None:
        """Add the path that Zalo sends updates to, known by its secret; none when polling."""
        if not self._is_webhook:
            return

        @app.post(WEBHOOK_PATH, include_in_schema=False)
        async def take_update(request: Request) -> Response:
            given = request.headers.get(SECRET_HEADER, "").encode()
            if not hmac.compare_digest(given, self._secret.encode()):
                raise HTTPException(403, "Không đúng mã bí mật.")
            try:
                told = json.loads(await body_of(request))
            except (ValueError, RecursionError) as error:
                raise HTTPException(400, "Không phải JSON.") from error
            await self._take(told)
            return Response()

    async def send(self, address: str, message: dict[str, Any]) -> None:
        """Send a message; raises NotNow and NotEver, or anything when it may have arrived."""
        await asyncio.to_thread(self._remember, address, message.get("choices") or [])
        for number, text in enumerate(texts(message)):
            try:
                await self._call("sendMessage", chat_id=address, text=text)
            except httpx.HTTPStatusError:
                if number:
                    raise
                raise NotNow("server error") from None
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
                if number:
                    raise
                raise NotNow(type(error).__name__) from None
            except BotRefused as error:
                if number:
                    raise
                raise _meaning(error) from None

    def _remember(self, address: str, choices: list[dict[str, str]]) -> None:
        """Let a number mean the menu that is said last, whoever says it; nothing where none is."""
        with transaction(self._engine) as session:
            conversation = conversation_at(session, NAME, address)
            if conversation:
                session.refresh(conversation, with_for_update=True)
                listed = [[each["title"], each["payload"]] for each in choices]
                conversation.memory = {**conversation.memory, "choices": listed}

    async def _show_typing(self, address: str) -> None:
        try:
            await self._call("sendChatAction", chat_id=address, action="typing")
        except (httpx.HTTPError, BotRefused) as error:
            log.warning("zalo_bot_call_failed", error=type(error).__name__)

    async def _fetch(self) -> None:
        """Say how updates come, then fetch them when polling; goes on until it is cancelled."""
        pause = 1.0
        is_set = False
        while True:
            try:
                if not is_set:
                    await self._set_up()
                    is_set = True
                    log.info("zalo_bot_started", mode="webhook" if self._is_webhook else "polling")
                if self._is_webhook:
                    return
                update = await self._call("getUpdates", PATIENCE_OF_POLL, timeout=POLL)
                await persist(partial(self._take, update))
                pause = 1.0
                continue
            except BotRefused as error:
                if error.code == NOTHING:
                    pause = 1.0
                    continue
                log.error("zalo_bot_refused", error=str(error))
            except httpx.HTTPError as error:
                log.warning("zalo_bot_not_reached", error=type(error).__name__)
            except Exception as error:  # nobody else looks at how this task ends
                log.error("zalo_bot_failed", error=type(error).__name__)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _set_up(self) -> None:
        if self._is_webhook:
            await self._call("setWebhook", url=self._webhook_url, secret_token=self._secret)
        else:
            await self._call("deleteWebhook")

    async def _take(self, told: Any) -> None:
        """Store what an update brings; raises DatabaseUnavailable."""
        update = told.get("result", told) if isinstance(told, dict) else {}
        name, message = _parts(update)
        EVENTS.labels(NAME, name if re.fullmatch(r"[a-z_.]{1,40}", name) else "unreadable").inc()
        address, key = _address(message), str(message.get("message_id") or "")
        if not address or not key or _is_bot(message):
            return
        text = message.get("text")
        if name == "message.text.received" and isinstance(text, str):
            await self._answering.take(key, address, text=text)
        elif name in REFUSALS:
            await self._answering.tell(key, address, {"text": say(REFUSALS[name])})

    async def _call(self, method: str, patience: httpx.Timeout = PATIENCE, /, **params: Any) -> Any:
        """Call a method; raises BotRefused, and httpx's errors without the address, which holds the token."""
        url = f"{self._api}/bot{self._token}/{method}"
        reply = await self._client.post(url, json=params, timeout=patience)
        if reply.status_code >= 500:
            raise httpx.HTTPStatusError("server error", request=reply.request, response=reply)
        told = _envelope(reply)
        if not told.get("ok"):
            code, why = told.get("error_code", reply.status_code), told.get("description", "")
            raise BotRefused(int(code), str(why)[:100])
        return told.get("result")


def _envelope(reply: httpx.Response) -> dict[str, Any]:
    """Read what Zalo says; what is no envelope, as of a proxy, counts as a refusal."""
    try:
        told = reply.json()
    except ValueError:
        told = None
    return told if isinstance(told, dict) else {"description": "not an answer of Zalo"}


def texts(message: dict[str, Any]) -> list[str]:
    """Write a message as texts, its choices as a numbered menu at the end of the last."""
    told = plain_text(message["text"], message.get("sources", ()))
    menu = "\n".join(
        f"{number}. {each['title']}" for number, each in enumerate(message.get("choices") or (), 1)
    )
    if not menu:
        return told
    menu = f"{menu}\n{say('zalo.pick')}"
    if told and len(told[-1]) + 2 + len(menu) <= LIMIT:
        return [*told[:-1], f"{told[-1]}\n\n{menu}"]
    return [*told, *plain_text(menu)]


def _meaning(error: BotRefused) -> Exception:
    """Give what a refusal means for the message."""
    if error.code == 429:
        return NotNow(str(error))
    if error.code == 401:
        return NotNow(str(error), now() + TOKEN_PAUSE)
    if error.code == 403:
        return Blocked(str(error))
    if "chat not found" in str(error).lower():
        return NotEver(str(error))
    return error


def checked_token(settings: Settings) -> str:
    """Give the token; raises SettingsError when the settings are set in part."""
    by_webhook = settings.zalo_bot_mode == "webhook"
    if settings.zalo_bot_token is None:
        raise SettingsError("ZALO_BOT_TOKEN is not set; see docs/zalo-bot.md")
    if by_webhook and not settings.zalo_bot_webhook_url:
        raise SettingsError("ZALO_BOT_WEBHOOK_URL is not set: give this server's https address")
    if by_webhook and not re.fullmatch(r"[\w-]{8,256}", _secret(settings), re.ASCII):
        raise SettingsError("set ZALO_BOT_WEBHOOK_SECRET to 8 to 256 random letters, digits, _ or -")
    return settings.zalo_bot_token.get_secret_value()


def _secret(settings: Settings) -> str:
    secret = settings.zalo_bot_webhook_secret
    return secret.get_secret_value() if secret else ""


def _parts(update: Any) -> tuple[str, dict[str, Any]]:
    """Give an update's event and message, whatever else it is."""
    if not isinstance(update, dict):
        return "unreadable", {}
    message = update.get("message")
    return str(update.get("event_name")), message if isinstance(message, dict) else {}


def _address(message: dict[str, Any]) -> str | None:
    """Give the private chat that a message came from."""
    chat = message.get("chat")
    if not isinstance(chat, dict) or str(chat.get("chat_type", "PRIVATE")).upper() == "GROUP":
        return None
    address = str(chat.get("id", ""))
    return address if re.fullmatch(r"[\w-]{1,64}", address, re.ASCII) else None


def _is_bot(message: dict[str, Any]) -> bool:
    sender = message.get("from")
    return isinstance(sender, dict) and sender.get("is_bot") is True
