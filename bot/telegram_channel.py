"""Telegram: private chats, by polling or webhook, each chat's messages answered in order.

Groups are left alone, but for the staff's own: what people ask here is not for others to read.
A message is confirmed to Telegram when it was answered, so that a crash loses none; its key keeps a
message that comes twice from being answered twice. Nothing logged names a chat or its words.
"""

from __future__ import annotations

import asyncio
import hmac
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import structlog
from fastapi import FastAPI, HTTPException, Request, Response
from telegram import Bot, LinkPreviewOptions, Update, ext
from telegram.error import InvalidToken
from telegram.request import HTTPXRequest

from actions.wording import button, say
from bot.inbox import Message, unanswered
from bot.intake import BadInput
from bot.pacing import PER_SECOND
from bot.settings import Settings, SettingsError
from bot.telegram_delivery import TRIES, attempt, note, persist, send
from bot.turn import Assistant
from knowledge.database import DatabaseUnavailable

log = structlog.get_logger()

WEBHOOK_PATH = "/telegram/webhook"
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - a header's name
COMMANDS = {
    "start": "greet",
    "hoso": "track_dossier",
    "help": "ask_help",
    "huy": "cancel",
    "xoadulieu": "delete_my_data",
}
KINDS = ["message", "callback_query"]  # the updates asked for; of the staff's group, edited ones too
AT_ONCE = 256  # updates
ALLOWED = 30.0  # messages in a second, unless Telegram allows this bot more
PATIENCE = 3.0  # seconds that fetching waits for the answers to what was fetched before
DEFAULTS = ext.Defaults(parse_mode="HTML", link_preview_options=LinkPreviewOptions(is_disabled=True))

TelegramApplication = ext.Application[Any, Any, Any, Any, Any, Any]
Context = ext.ContextTypes.DEFAULT_TYPE


class _LeftOver(NamedTuple):
    """A message that a stop of the program left unanswered."""

    chat_id: int
    message: Message


class _ChatByChat(ext.SimpleUpdateProcessor):
    """Lets the updates of one chat wait for each other, and of no other."""

    def __init__(self) -> None:
        super().__init__(AT_ONCE)
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def do_process_update(self, update: object, coroutine: Awaitable[Any]) -> None:
        async with self._locks.setdefault(_chat_of(update), asyncio.Lock()):
            await coroutine


def _chat_of(update: object) -> int:
    if isinstance(update, Update) and update.effective_chat:
        return update.effective_chat.id
    return update.chat_id if isinstance(update, _LeftOver) else 0


class _ConfirmedWhenAnswered(HTTPXRequest):
    """Asks for more updates, which confirms the ones before, only when those are answered.

    Whoever takes longer than the patience no longer holds up the others; their turn is stored by then.
    """

    def __init__(self, fetched: asyncio.Queue[object]) -> None:
        super().__init__(connection_pool_size=1)
        self._fetched = fetched

    async def do_request(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._fetched.join()
        return await super().do_request(*args, **kwargs)


@dataclass(frozen=True)
class _Channel:
    """Hands messages to the assistant and its replies to Telegram."""

    assistant: Assistant
    seen: deque[str] = field(default_factory=lambda: deque(maxlen=2000))  # messages, presses and albums

    async def on_text(self, update: Update, context: Context) -> None:
        if update.message and update.message.text:
            await self.answer(update, context, text=update.message.text)

    async def on_press(self, update: Update, context: Context) -> None:
        """Answer a choice once, and take the choices away."""
        query = update.callback_query
        if not query or not query.message or not query.data:
            return
        await attempt(query.answer())
        chat_id, message_id = query.message.chat.id, query.message.message_id
        if self._first_time(f"press {chat_id} {message_id} {query.data}"):
            await attempt(context.bot.edit_message_reply_markup(chat_id, message_id, reply_markup=None))
            await self.answer(update, context, payload=query.data)

    async def on_other(self, update: Update, context: Context) -> None:
        """Say that only text is read, once an album; words under a picture are answered all the same."""
        if (message := update.message) is None:
            return
        album = message.media_group_id
        if album is None or self._first_time(f"album {message.chat_id} {album}"):
            may_show_papers = message.photo or message.document or message.video
            key = "talk.no_pictures" if may_show_papers else "talk.no_words"
            await send(context.bot, message.chat_id, say(key))
        if message.caption:
            await self.answer(update, context, text=message.caption)

    async def on_left_over(self, left: _LeftOver, context: Context) -> None:
        await self._reply(context.bot, left.chat_id, left.message)

    async def answer(self, update: Update, context: Context, **said: str) -> None:
        chat_id, key = _chat_of(update), f"{context.bot.id}-{update.update_id}"
        message = Message("telegram", address=str(chat_id), key=key, **said)
        await self._reply(context.bot, chat_id, message)

    async def _reply(self, bot: Bot, chat_id: int, message: Message) -> None:
        if message.key and not self._first_time(message.key):
            return
        typing = asyncio.create_task(attempt(bot.send_chat_action(chat_id, "typing")))
        try:
            told = (await self.assistant.reply_soon(message)).to_send
        except BadInput as error:
            told = [{"text": error.message}]
        except DatabaseUnavailable:
            told = [{"text": say("trouble.not_received")}]
        finally:
            await typing  # else it would still show below the answer
        for each in told:
            await send(bot, chat_id, each["text"], each.get("choices", ()), each.get("sources", ()))

    def _first_time(self, mark: str) -> bool:
        """Tell whether this did not happen lately."""
        if mark in self.seen:
            return False
        self.seen.append(mark)
        return True


async def _on_error(update: object, context: Context) -> None:
    """Log a failure by its kind alone, since its words may be the citizen's, and ask them to try again."""
    log.error("telegram_failed", error=type(context.error).__name__)
    if chat_id := _chat_of(update):
        await send(context.bot, chat_id, say("trouble.not_received"))


def telegram_application(assistant: Assistant, settings: Settings) -> TelegramApplication:
    """Build the Telegram application; raises SettingsError."""
    token, fetched = checked_token(settings), asyncio.Queue[object]()
    builder = ext.Application.builder().token(token).base_url(f"{settings.telegram_api.rstrip('/')}/bot")
    builder.update_queue(fetched).get_updates_request(_ConfirmedWhenAnswered(fetched)).read_timeout(20)
    overall = max(ALLOWED, settings.telegram_per_second * ALLOWED / PER_SECOND["telegram"])
    builder.rate_limiter(ext.AIORateLimiter(overall, max_retries=TRIES)).concurrent_updates(_ChatByChat())
    application = builder.defaults(DEFAULTS).build()
    if settings.hotline_telegram_group:
        _add_group(application, assistant, settings, token)
    channel, private = _Channel(assistant), ext.filters.UpdateType.MESSAGE & ext.filters.ChatType.PRIVATE
    for name, payload in COMMANDS.items():
        application.add_handler(ext.CommandHandler(name, partial(channel.answer, payload=payload), private))
    application.add_handler(ext.CallbackQueryHandler(channel.on_press))
    application.add_handler(ext.MessageHandler(private & ext.filters.TEXT, channel.on_text))
    application.add_handler(ext.MessageHandler(private & ~ext.filters.StatusUpdate.ALL, channel.on_other))
    application.add_handler(ext.TypeHandler(_LeftOver, channel.on_left_over))
    application.add_error_handler(_on_error)
    application.bot_data["assistant"] = assistant
    return application


def _add_group(
    application: TelegramApplication, assistant: Assistant, settings: Settings, token: str
) -> None:
    """Let the staff's group be a desk."""
    from bot.hotline.group_desk import GroupDesk
    from bot.telegram_group import Group
    from bot.telegram_topics import Mirror, group_bot  # takes a second to load, as the desk does

    bot, chat_id = group_bot(settings, token), settings.hotline_telegram_group or 0
    group = Group(GroupDesk(assistant.engine, assistant.hotline), bot, chat_id)
    group.listen(application)
    application.bot_data.update(group=group, mirror=Mirror(assistant, bot, chat_id))


def checked_token(settings: Settings) -> str:
    """Give the token; raises SettingsError when the settings are set in part."""
    by_webhook = settings.telegram_mode == "webhook"
    if settings.telegram_token is None:
        raise SettingsError("TELEGRAM_TOKEN is not set: ask @BotFather for it, put it into .env")
    if by_webhook and not settings.telegram_webhook_url:
        raise SettingsError("TELEGRAM_WEBHOOK_URL is not set: give this server's https address")
    if by_webhook and not re.fullmatch(r"[\w-]{16,256}", _secret(settings), re.ASCII):
        raise SettingsError("set TELEGRAM_WEBHOOK_SECRET to 16 to 256 random letters, digits, _ or -")
    return settings.telegram_token.get_secret_value()


def _secret(settings: Settings) -> str:
    secret = settings.telegram_webhook_secret
    return secret.get_secret_value() if secret else ""


@asynccontextmanager
async def running_telegram(application: TelegramApplication, settings: Settings) -> AsyncIterator[None]:
    """Run Telegram beside the caller, who is not kept waiting while it cannot be reached."""
    starting = asyncio.create_task(_start(application, settings))
    try:
        yield
    finally:
        starting.cancel()
        with suppress(asyncio.CancelledError):
            await starting
        if application.updater and application.updater.running:
            await application.updater.stop()
        if application.running:
            await application.stop()  # answers what was fetched
        for name in ("mirror", "group"):
            if name in application.bot_data:
                await application.bot_data[name].close()
        await application.shutdown()
        await application.bot.shutdown()  # when Telegram was never reached, the line above leaves it open


async def _start(application: TelegramApplication, settings: Settings) -> None:
    bot, assistant = application.bot, application.bot_data["assistant"]
    try:
        await persist(application.initialize)
        if group := application.bot_data.get("group"):
            await persist(group.bot.initialize)
        await attempt(bot.set_my_commands([(name, button(intent)) for name, intent in COMMANDS.items()]))
        for address, left in await persist(
            partial(asyncio.to_thread, unanswered, assistant.engine, "telegram")
        ):
            application.update_queue.put_nowait(_LeftOver(int(address), left))
        await application.start()
        await _fetch(application, settings)
        log.info("telegram_started", mode=settings.telegram_mode)
    except InvalidToken:  # its own words hold the token
        log.error("telegram_not_started", error="TELEGRAM_TOKEN is refused: ask @BotFather for the right one")
    except Exception as error:  # nobody else looks at how this task ends
        log.error("telegram_not_started", error=f"{type(error).__name__}: {error}")


async def _fetch(application: TelegramApplication, settings: Settings) -> None:
    kinds = [*KINDS, "edited_message"] if settings.hotline_telegram_group else KINDS
    if settings.telegram_mode == "webhook":
        url = f"{(settings.telegram_webhook_url or '').rstrip('/')}{WEBHOOK_PATH}"
        secret = _secret(settings)
        await persist(partial(application.bot.set_webhook, url, allowed_updates=kinds, secret_token=secret))
    elif updater := application.updater:
        await updater.start_polling(bootstrap_retries=-1, allowed_updates=kinds, error_callback=note)


def webhook_route(app: FastAPI, application: TelegramApplication, settings: Settings) -> None:
    """Add the path that Telegram sends updates to, known by its secret; none when polling."""
    if settings.telegram_mode != "webhook":
        return
    secret = _secret(settings).encode()

    @app.post(WEBHOOK_PATH, include_in_schema=False)
    async def take_update(request: Request) -> Response:
        if not hmac.compare_digest(request.headers.get(SECRET_HEADER, "").encode(), secret):
            raise HTTPException(403, "Không đúng mã bí mật.")
        if not application.running:  # Telegram sends it again
            raise HTTPException(503, "Kênh Telegram chưa sẵn sàng.")
        try:
            update = Update.de_json(await request.json(), application.bot)
        except (ValueError, KeyError, TypeError, AttributeError) as error:  # what PTB says to other shapes
            raise HTTPException(400, "Không phải một cập nhật của Telegram.") from error
        # Answered before it is confirmed, so that a crash loses nothing: Telegram sends it again.
        handling = application.process_update(update)
        await application.update_processor.process_update(update, handling)
        return Response()
