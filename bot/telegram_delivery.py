"""Sending to Telegram: in pieces, in order, again when the line was down."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import structlog
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from bot.outbox import Blocked, NotEver, NotNow
from bot.store import addresses_of
from bot.telegram_text import telegram_pieces
from bot.turn import Assistant
from knowledge.database import DatabaseUnavailable

log = structlog.get_logger()

TRIES = 5  # at sending, and at waiting as long as Telegram says
LONGEST_PAUSE = 60  # seconds between attempts to reach Telegram


async def send(bot: Bot, chat_id: int, text: str, choices: Any = (), sources: Any = ()) -> None:
    """Send a text in pieces, the choices under the last; failing is logged: the turn stays stored."""
    try:
        for piece, keyboard in _pieces(text, choices, sources):
            await persist(partial(bot.send_message, chat_id, piece, reply_markup=keyboard), TRIES)
    except TelegramError as error:  # blocked by the citizen, or unreachable for long
        log.warning("telegram_not_delivered", error=str(error))


async def send_once(bot: Bot, address: str, message: dict[str, Any]) -> None:
    """Send what nobody waits for; raises NotNow and NotEver, or anything when it may have been sent."""
    pieces = _pieces(message["text"], message.get("choices", ()), message.get("sources", ()))
    for number, (piece, keyboard) in enumerate(pieces):
        try:
            await bot.send_message(int(address), piece, reply_markup=keyboard)
        except Forbidden as error:
            raise Blocked(type(error).__name__) from None
        except ChatMigrated as error:
            raise NotEver(type(error).__name__) from None
        except BadRequest as error:  # of this message, unless the chat itself is gone
            if "chat not found" in str(error).lower():
                raise NotEver("chat not found") from None
            raise
        except TimedOut:  # it may have arrived
            raise
        except (NetworkError, RetryAfter) as error:
            if number:
                raise
            raise NotNow(type(error).__name__) from None


async def show_typing(bot: Bot, assistant: Assistant) -> None:
    """Show citizens that a person is typing to them; Telegram shows it for five seconds."""
    await assistant.changes.current()
    typing = [whose for whose, is_staff in assistant.changes.typing if is_staff]
    if typing:
        addresses = await asyncio.to_thread(addresses_of, assistant.engine, "telegram", typing)
        await asyncio.gather(*(attempt(bot.send_chat_action(int(each), "typing")) for each in addresses))


def _pieces(text: str, choices: Any, sources: Any) -> list[tuple[str, InlineKeyboardMarkup | None]]:
    """Cut a text into messages, the choices under the last."""
    rows = [[InlineKeyboardButton(choice["title"], callback_data=choice["payload"])] for choice in choices]
    pieces = telegram_pieces(text, sources)
    keyboards = [*(None for _ in pieces[1:]), InlineKeyboardMarkup(rows) if rows else None]
    return list(zip(pieces, keyboards, strict=True))


async def persist(call: Callable[[], Awaitable[Any]], tries: int | None = None) -> Any:
    """Call until Telegram, or the database, is reached; raises what Telegram refuses.

    A message whose receipt was lost on the way is sent again: twice is better than never.
    """
    tried = 0
    while True:
        tried += 1
        try:
            return await call()
        except (NetworkError, DatabaseUnavailable) as error:
            if isinstance(error, BadRequest) or tried == tries:
                raise
            log.warning("telegram_tried_in_vain", error=str(error), times=tried)
        await asyncio.sleep(min(2 ** (tried - 1), LONGEST_PAUSE))


async def attempt(call: Awaitable[object]) -> None:
    """Do what may fail without harm."""
    try:
        await call
    except TelegramError as error:
        note(error)


def note(error: TelegramError) -> None:
    """Log a call that failed without harm."""
    log.warning("telegram_call_failed", error=str(error))
