"""The staff's Telegram group as a desk: what is written and pressed there.

Whoever presses first owns a case; what the owner writes in its topic goes to the citizen, ``//`` begins an
internal note, ``/xong`` closes. Only text is passed on, and whatever was not is said so. Answering there
takes its time, since Telegram lets a group have few messages: nobody is kept waiting for it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any
from urllib.parse import parse_qs

import structlog
from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    Message,
    ReplyParameters,
    Update,
    ext,
)
from telegram.error import TelegramError

from actions.wording import say
from bot.hotline.cases import CLOSINGS, Closing
from bot.hotline.closing_words import read_closing
from bot.hotline.group_desk import GroupDesk, Written
from bot.telegram_delivery import TRIES, attempt, persist
from knowledge.database import DatabaseUnavailable
from knowledge.search import fold

log = structlog.get_logger()

PATIENCE = 5.0  # seconds for answers when the program stops
LONGEST_ALERT = 200  # characters over a pressed button
_COMMAND = re.compile(r"/(?P<name>\w+)(?:@(?P<bot>\w+))?(?:\s+(?P<rest>.*))?", re.DOTALL)
_PRESS = r"^case_(?:claim|close)\?"

Context = ext.ContextTypes.DEFAULT_TYPE
Application = ext.Application[Any, Any, Any, Any, Any, Any]


class Group:
    """Hears one group and does what staff want there; ``bot`` is the one that writes to it."""

    def __init__(self, desk: GroupDesk, bot: Bot, chat_id: int) -> None:
        self._desk, self._chat_id = desk, chat_id
        self.bot = bot
        self._told: set[tuple[object, ...]] = set()  # what is said once
        self._answering: set[asyncio.Task[None]] = set()

    def listen(self, application: Application) -> None:
        """Add what hears the group; to be called before private chats are heard."""
        here = ext.filters.Chat(self._chat_id)
        new, changed = ext.filters.UpdateType.MESSAGE, ext.filters.UpdateType.EDITED_MESSAGE
        application.add_handler(ext.CallbackQueryHandler(self.on_press, pattern=_PRESS))
        application.add_handler(ext.MessageHandler(here & new & ext.filters.TEXT, self.on_text))
        other = here & new & ~ext.filters.StatusUpdate.ALL
        application.add_handler(ext.MessageHandler(other, self.on_other))
        application.add_handler(ext.MessageHandler(here & changed, self.on_edit))

    async def close(self) -> None:
        """Give what is being answered a moment, then stop."""
        if self._answering:
            _, late = await asyncio.wait(self._answering, timeout=PATIENCE)
            for each in late:
                each.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self.bot.shutdown()

    async def on_press(self, update: Update, _: Context) -> None:
        """Claim or close a case by its button."""
        query = update.callback_query
        if query is None or query.message is None or query.message.chat.id != self._chat_id:
            return
        action, _mark, pairs = (query.data or "").partition("?")
        wanted = {name: values[0] for name, values in parse_qs(pairs).items()}
        number, account = int(wanted["number"]), query.from_user.id
        if action == "case_claim":
            said = await self._do(partial(self._desk.claim, account, number))
        else:
            closing = next(each for each in CLOSINGS if each == wanted["closing"])
            said = await self._do(partial(self._desk.close, account, number, closing))
        await attempt(query.answer(said[:LONGEST_ALERT] if said else None, show_alert=bool(said)))
        if action == "case_close" and not said:
            gone = self.bot.edit_message_reply_markup(
                self._chat_id, query.message.message_id, reply_markup=None
            )
            self._later(attempt(gone))

    async def on_text(self, update: Update, context: Context) -> None:
        """Pass an owner's words on, keep a note, or do what a command says."""
        message = update.message
        if message is None or message.from_user is None:
            return
        text = (message.text or "").strip()
        command = None if text.startswith("//") else _COMMAND.fullmatch(text)
        if command and command["bot"] and command["bot"].lower() != context.bot.username.lower():
            return
        name = fold(command["name"]) if command else None
        if name in ("truc", "nghi") and not message.sender_chat:
            act = self._desk.go_on_duty if name == "truc" else self._desk.go_off_duty
            self._answer(message, await self._do(partial(act, message.from_user.id)))
            return
        await self._in_topic(message, partial(self._take, text=text, command=command))

    async def on_other(self, update: Update, _: Context) -> None:
        """Say that only text is passed on, once an album."""
        if message := update.message:
            await self._in_topic(message, self._refuse_other)

    async def on_edit(self, update: Update, _: Context) -> None:
        """Say what became of words that were changed afterwards."""
        if message := update.edited_message:
            await self._in_topic(message, self._refuse_edit)

    async def _in_topic(
        self, message: Message, act: Callable[[Message, int], Coroutine[Any, Any, None]]
    ) -> None:
        """Do something about a message in the topic of a case, and about no other."""
        if not (message.is_topic_message and message.message_thread_id and message.from_user):
            return
        try:
            case_id = await asyncio.to_thread(self._desk.case_in, message.message_thread_id)
        except DatabaseUnavailable:
            self._answer(message, say("group.database_down"))
            return
        if case_id is not None:
            await act(message, case_id)

    async def _take(self, message: Message, case_id: int, text: str, command: re.Match[str] | None) -> None:
        account = message.from_user.id if message.from_user else 0
        if message.sender_chat:
            self._answer(message, say("group.anonymous"))
            return
        if await self._is_stranger(message, account):
            return
        written = _written(message, text.removeprefix("//").strip())
        if command and fold(command["name"]) == "xong":
            await self._finish(message, case_id, account, command["rest"] or "")
        elif text.startswith("/") and not text.startswith("//"):
            self._answer(message, say("group.unknown_command"))
        else:
            act = self._desk.note if text.startswith("//") else self._desk.reply
            self._answer(message, await self._do(partial(act, case_id, written)))

    async def _is_stranger(self, message: Message, account: int) -> bool:
        """Tell whether nobody on the staff writes, and say so once in a topic."""
        try:
            if await asyncio.to_thread(self._desk.knows, account):
                return False
        except DatabaseUnavailable:
            self._answer(message, say("group.database_down"))
            return True
        if self._first_time(account, message.message_thread_id):
            self._answer(message, say("group.not_linked", number=account))
        return True

    async def _finish(self, message: Message, case_id: int, account: int, reason: str) -> None:
        """Close a case for a reason, or ask for one."""
        if closing := read_closing(reason):
            self._answer(message, await self._do(partial(self._desk.close, account, case_id, closing)))
        else:
            self._answer(message, say("group.choose_closing"), _closings(case_id))

    async def _refuse_other(self, message: Message, _: int) -> None:
        if message.media_group_id is None or self._first_time("album", message.media_group_id):
            self._answer(message, say("group.only_text"))

    async def _refuse_edit(self, message: Message, _: int) -> None:
        if message.text:
            written = _written(message, message.text.strip())
            self._answer(message, await self._do(partial(self._desk.edited, written)))

    async def _do(self, act: Callable[[], str | None]) -> str | None:
        """Do something with the database; give what to say."""
        try:
            return await asyncio.to_thread(act)
        except DatabaseUnavailable:
            return say("group.database_down")
        except Exception as error:  # what was written must not seem sent
            log.error("group_failed", error=type(error).__name__)
            return say("group.database_down")

    def _answer(self, message: Message, text: str | None, keyboard: Any = None) -> None:
        """Answer a message where it was written."""
        if text is None:
            return
        thread = message.message_thread_id if message.is_topic_message else None
        to = ReplyParameters(message.message_id, allow_sending_without_reply=True)
        sent = partial(
            self.bot.send_message,
            self._chat_id,
            text,
            message_thread_id=thread,
            reply_parameters=to,
            reply_markup=keyboard,
        )
        self._later(_persistently(sent))

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    def _first_time(self, *mark: object) -> bool:
        is_new = mark not in self._told
        self._told.add(mark)
        return is_new


async def _persistently(sent: Callable[[], Coroutine[Any, Any, object]]) -> None:
    try:
        await persist(sent, TRIES)
    except TelegramError as error:
        log.warning("group_not_answered", error=str(error))


def _written(message: Message, text: str) -> Written:
    """Give a message with its key, which is the same when Telegram sends it once more."""
    account = message.from_user.id if message.from_user else 0
    key = f"telegram:{message.chat_id}:{message.message_id}"
    return Written(account, message.message_thread_id or 0, key, text)


def _closings(case_id: int) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[_closing_button(case_id, closing)] for closing in CLOSINGS])


def _closing_button(case_id: int, closing: Closing) -> InlineKeyboardButton:
    data = f"case_close?number={case_id}&closing={closing}"
    return InlineKeyboardButton(say(f"desk.closing_{closing}"), callback_data=data)
