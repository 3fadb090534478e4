"""Telling the staff's Telegram group what happens to cases, each in its topic.

The group has a bot of its own kind of patience: Telegram lets a group have 20 messages a minute, and waiting
for that must not keep citizens waiting.
"""

from __future__ import annotations

import asyncio
import math
import time
from functools import partial
from typing import Any

import structlog
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, ext
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    NetworkError,
    RetryAfter,
    TelegramError,
)
from telegram.request import HTTPXRequest

from actions.wording import say
from bot.hotline.changes import Mark
from bot.hotline.topic_steps import Step, begin_anew, give_up, note_told, note_topic, take_step, untold
from bot.outbox import NotEver, NotNow
from bot.settings import Settings
from bot.telegram_delivery import TRIES, attempt, persist
from bot.turn import Assistant
from knowledge.database import DatabaseUnavailable

log = structlog.get_logger()

AT_ONCE = 5  # cases: so few that none waits for long once it is taken
LONGEST = 90.0  # seconds for a step, before others take it for one of a stopped program
PATIENCE = 5.0  # seconds for what is being told when the program stops
LOOK_EVERY = 5.0  # seconds between looks while nothing seems to happen
REST = 30.0  # seconds after the group refused the bot
TOLD_EVERY = 60 * 60.0  # seconds between words about that in the group
NEVER_CAME = (BadRequest, Forbidden, ChatMigrated, RetryAfter)  # of other failures that is not known
GONE = ("thread not found", "topic_deleted", "topic_id_invalid")


def group_bot(settings: Settings, token: str) -> Bot:
    """Build the bot that writes to the group: plain text, and waiting of its own."""
    return ext.ExtBot(
        token,
        f"{settings.telegram_api.rstrip('/')}/bot",
        request=HTTPXRequest(connection_pool_size=2 * AT_ONCE, read_timeout=20, pool_timeout=20),
        defaults=ext.Defaults(link_preview_options=LinkPreviewOptions(is_disabled=True)),
        rate_limiter=ext.AIORateLimiter(max_retries=TRIES),
    )


class Mirror:
    """Tells every line of every case in its topic; ``group`` is the chat."""

    def __init__(self, assistant: Assistant, bot: Bot, group: int) -> None:
        self._assistant, self._engine = assistant, assistant.engine
        self._bot, self._group = bot, group
        self._seen: Mark | None = None  # the change that was told
        self._has_more = False
        self._look_at = 0.0
        self._not_before: dict[int, float] = {}  # cases that were told in vain
        self._telling: set[asyncio.Task[None]] = set()
        self._rests_until = 0.0
        self._told_trouble_at: float | None = None

    async def round(self) -> None:
        """Tell what is new, a message for each of a few cases; looks only when something happened."""
        at, mark = time.monotonic(), await self._assistant.changes.current()
        is_settled = mark == self._seen and not self._has_more
        if at < self._rests_until or (is_settled and at < self._look_at):
            return
        self._not_before = {each: until for each, until in self._not_before.items() if until > at}
        found = await asyncio.to_thread(untold, self._engine, AT_ONCE, tuple(self._not_before))
        self._seen, self._has_more, self._look_at = mark, bool(found), at + LOOK_EVERY
        telling = {asyncio.create_task(self.tell(each)) for each in found}
        self._telling |= telling
        if telling:
            await asyncio.wait(telling)  # which go on to their end when this is stopped
        self._telling -= telling

    async def close(self) -> None:
        """Tell nothing more: what is being told gets a moment, then is noted as told perhaps."""
        self._rests_until = math.inf
        if self._telling:
            _, late = await asyncio.wait(self._telling, timeout=PATIENCE)
            for each in late:
                each.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def forget(self, topic: str, _: dict[str, Any]) -> None:
        """Delete the topic of a case that was erased; raises NotNow and NotEver."""
        try:
            await self._bot.delete_forum_topic(self._group, int(topic))
        except (BadRequest, Forbidden, ChatMigrated) as error:
            if _is_gone(error):
                return
            await attempt(
                self._bot.send_message(self._group, say("group.erased"), message_thread_id=int(topic))
            )
            raise NotEver("let the bot delete messages in the staff's group") from None
        except (NetworkError, RetryAfter) as error:  # deleting twice does no harm
            raise NotNow(type(error).__name__) from None

    async def tell(self, case_id: int) -> None:
        """Tell the next step of a case; what fails is told later."""
        try:
            if step := await asyncio.to_thread(take_step, self._engine, case_id):
                await self._tell(step)
        except DatabaseUnavailable as error:
            log.warning("group_not_told", error=str(error))
        except Exception as error:  # one case must not keep the others
            log.error("group_failed", error=type(error).__name__)
            self._not_before[case_id] = time.monotonic() + REST

    async def _tell(self, step: Step) -> None:
        is_sending = False
        try:
            async with asyncio.timeout(LONGEST):
                kept = step if step.thread_id else await self._make_topic(step)
                if kept is None:
                    return
                is_sending = True
                card = await self._send(kept)
        except asyncio.CancelledError:
            await asyncio.to_thread(give_up, self._engine, step, may_have_come=is_sending)
            raise
        except (TelegramError, TimeoutError) as error:
            await self._put_off(step, error, may_have_come=is_sending)
            return
        note_it = partial(asyncio.to_thread, note_told, self._engine, kept, card)
        await persist(note_it, TRIES)
        await self._tidy(kept)

    async def _make_topic(self, step: Step) -> Step | None:
        topic = await self._bot.create_forum_topic(self._group, step.title)
        return await asyncio.to_thread(note_topic, self._engine, step, topic.message_thread_id)

    async def _send(self, step: Step) -> int | None:
        """Send a step; give the message under which there is a button now."""
        data = f"case_claim?number={step.case_id}"
        button = InlineKeyboardMarkup([[InlineKeyboardButton(say("group.claim"), callback_data=data)]])
        for number, piece in enumerate(step.pieces, 1):
            has_button = step.asks_for_owner and number == len(step.pieces)
            sent = await self._bot.send_message(
                self._group,
                piece,
                message_thread_id=step.thread_id,
                reply_markup=button if has_button else None,
            )
        return sent.message_id if step.asks_for_owner else step.card_id

    async def _tidy(self, step: Step) -> None:
        """Take away a button that is of no use any more, and close the topic of a closed case."""
        if step.old_card:
            await attempt(self._bot.edit_message_reply_markup(self._group, step.old_card, reply_markup=None))
        if step.ends and step.thread_id:
            await attempt(self._bot.close_forum_topic(self._group, step.thread_id))

    async def _put_off(self, step: Step, error: Exception, *, may_have_come: bool) -> None:
        """Let a step be told later, as its failure asks for."""
        if _is_gone(error):
            log.warning("group_topic_gone", case=step.case_id)
            await asyncio.to_thread(begin_anew, self._engine, step)
            return
        is_unsure = may_have_come and not (isinstance(error, NEVER_CAME) or "ConnectError" in str(error))
        await asyncio.to_thread(give_up, self._engine, step, may_have_come=is_unsure)
        self._not_before[step.case_id] = time.monotonic() + LOOK_EVERY
        if isinstance(error, (BadRequest, Forbidden, ChatMigrated)):
            self._rests_until = time.monotonic() + REST
            await self._tell_trouble(error)
        elif isinstance(error, (NetworkError, RetryAfter, TimeoutError)):
            log.warning("group_tried_in_vain", error=type(error).__name__)
        else:
            log.error("group_refused", error=str(error))

    async def _tell_trouble(self, error: Exception) -> None:
        """Say what to do, in the log each time and in the group once an hour."""
        if isinstance(error, ChatMigrated):
            what = f"the group has another number now: set HOTLINE_TELEGRAM_GROUP={error.new_chat_id}"
        else:
            what = "turn topics on in the group, make the bot an admin there who may manage topics"
        log.error("group_refused", error=str(error), what_to_do=what)
        at = time.monotonic()
        if self._told_trouble_at is None or at - self._told_trouble_at > TOLD_EVERY:
            self._told_trouble_at = at
            said = say("group.trouble", link=f"{self._assistant.address}/desk/")
            await attempt(self._bot.send_message(self._group, said))


def _is_gone(error: Exception) -> bool:
    """Tell whether Telegram says that there is no such topic."""
    return isinstance(error, BadRequest) and any(word in str(error).lower() for word in GONE)
