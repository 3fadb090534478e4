"""The Telegram channel as tests run it: who writes, the channel at work, what it stored and sent."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.settings import Settings
from bot.store import Conversation, Turn
from bot.telegram_channel import running_telegram, telegram_application
from bot.turn import Assistant
from tests.servers.telegram_api import TOKEN

HOA, LAN = 555001, 555002  # two citizens' chats
QUESTION = "đăng ký kết hôn cần giấy tờ gì"


@contextmanager
def channel(assistant: Assistant, settings: Settings) -> Iterator[None]:
    """Run the channel in a loop of its own, as the web server does, and stop it cleanly."""
    loop, started, stopping = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def live() -> None:
        async with running_telegram(telegram_application(assistant, settings), settings):
            started.set()
            await stopping.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(live(),))
    thread.start()
    assert started.wait(10)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(20)
        assert not thread.is_alive()
        loop.close()


def turns(assistant: Assistant) -> list[Turn]:
    """Give the turns that the channel has stored, oldest first."""
    with Session(assistant.engine) as session:
        return list(session.scalars(select(Turn).order_by(Turn.id)))


def store_turn(assistant: Assistant, update_id: int, **said: Any) -> None:
    """Store a turn of Hoa's as a stopped process would have left it."""
    with Session(assistant.engine) as session, session.begin():
        conversation = Conversation(channel="telegram", address=str(HOA))
        session.add(conversation)
        session.flush()
        key = f"telegram:{TOKEN.split(':')[0]}-{update_id}"
        session.add(Turn(conversation_id=conversation.id, request_key=key, **said))


def buttons(message: dict[str, Any]) -> list[list[dict[str, str]]]:
    """Give the rows of buttons under a message."""
    return list(message.get("reply_markup", {}).get("inline_keyboard", []))
