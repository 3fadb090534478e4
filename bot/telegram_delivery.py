"""Sending to Telegram: in pieces, in order, again when the line was down."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import structlog
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import BadRequest, NetworkError, TelegramError

from bot.telegram_text import telegram_pieces
from knowledge.database import DatabaseUnavailable

log = structlog.get_logger()

TRIES = 5  # at sending, and at waiting as long as Telegram says
LONGEST_PAUSE = 60  # seconds between attempts to reach Telegram


async def send(bot: Bot, chat_id: int, text: str, choices: Any = (), sources: Any = ()) -> None:
    """Send a text in pieces, the choices under the last; failing is logged: the turn stays stored."""
    rows = [[InlineKeyboardButton(choice["title"], callback_data=choice["payload"])] for choice in choices]
    pieces = telegram_pieces(text, sources)
    keyboards = [*(None for _ in pieces[1:]), InlineKeyboardMarkup(rows) if rows else None]
    try:
        for piece, keyboard in zip(pieces, keyboards, strict=True):
            await persist(partial(bot.send_message, chat_id, piece, reply_markup=keyboard), TRIES)
    except TelegramError as error:  # blocked by the citizen, or unreachable for long
        log.warning("telegram_not_delivered", error=str(error))


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
