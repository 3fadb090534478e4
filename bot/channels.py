"""The messengers that are set up, each in the same shape; the web page is always there.

A channel gives what it receives to ``Assistant.reply_soon``, and how it sends to the outbox.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from fastapi import FastAPI

from bot.announcements import SMS
from bot.chores import Chore
from bot.hotline.topics import OF_TOPICS
from bot.outbox import Outbox, Send
from bot.settings import Settings, SettingsError
from bot.sms_gateway import SmsGateway
from bot.telegram_channel import TelegramApplication, running_telegram, telegram_application, webhook_route
from bot.telegram_channel import checked_token as telegram_token
from bot.telegram_delivery import send_once, show_typing
from bot.turn import Assistant
from bot.zalo_bot_channel import ZaloBot
from bot.zalo_bot_channel import checked_token as zalo_bot_token
from bot.zalo_oa_channel import NEEDED as ZALO_OA_NEEDS
from bot.zalo_oa_channel import ZaloOa
from bot.zalo_oa_channel import check_settings as check_zalo_oa

A_MINUTE = 60.0  # seconds
A_LOOK = 1.0  # seconds between looks for who is typing
IN_THE_GROUP = 0.5  # seconds between looks for what to tell the staff's group


@dataclass(frozen=True)
class Channel:
    """A messenger: how it sends, what runs beside the web server, and the paths it is called at."""

    name: str
    send: Send
    running: Callable[[], AbstractAsyncContextManager[None]]
    add_routes: Callable[[FastAPI], None]
    chores: tuple[Chore, ...] = ()


def settings_faults(settings: Settings) -> Iterator[str]:
    """Yield what is wrong with the settings of the messengers that are set up."""
    checks: tuple[tuple[tuple[str, ...], Callable[[Settings], object]], ...] = (
        (("telegram_token",), telegram_token),
        (ZALO_OA_NEEDS, check_zalo_oa),
        (("zalo_bot_token",), zalo_bot_token),
    )
    for needed, check in checks:
        if any(getattr(settings, name) for name in needed):
            try:
                check(settings)
            except SettingsError as error:
                yield str(error)


def open_channels(assistant: Assistant, settings: Settings) -> tuple[Channel, ...]:
    """Give the messengers whose settings are set; raises the error of one whose settings are wrong."""
    channels: list[Channel] = []
    if settings.telegram_token is not None:
        channels.append(telegram(assistant, settings, telegram_application(assistant, settings)))
    if any(getattr(settings, name) for name in ZALO_OA_NEEDS):
        channels.append(zalo_oa(ZaloOa(assistant, settings)))
    if settings.zalo_bot_token is not None:
        bot = ZaloBot(assistant, settings)
        channels.append(Channel("zalo_bot", bot.send, bot.running, bot.add_routes))
    if settings.sms_gateway_url is not None:
        channels.append(sms(settings, settings.sms_gateway_url))
    return tuple(channels)


def zalo_oa(account: ZaloOa) -> Channel:
    """Give a Zalo Official Account as a channel."""
    account.tokens.plant()
    fresh = Chore("zalo_tokens", account.tokens.keep_fresh, A_MINUTE)
    return Channel("zalo_oa", account.sender.send, account.running, account.add_routes, (fresh,))


def sms(settings: Settings, url: str) -> Channel:
    """Give the SMS gateway as a channel, which only sends."""
    token = settings.sms_gateway_token
    gateway = SmsGateway(url, token.get_secret_value() if token else None, settings.sms_gateway_body)

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        try:
            yield
        finally:
            await gateway.close()

    return Channel(SMS, gateway.send, running, lambda _: None)


def telegram(assistant: Assistant, settings: Settings, application: TelegramApplication) -> Channel:
    """Give Telegram as a channel."""
    return Channel(
        "telegram",
        partial(send_once, application.bot),
        lambda: running_telegram(application, settings),
        lambda app: webhook_route(app, application, settings),
        _telegram_chores(assistant, settings, application),
    )


def _telegram_chores(
    assistant: Assistant, settings: Settings, application: TelegramApplication
) -> tuple[Chore, ...]:
    """List what is done for Telegram: showing who is typing, and the staff's group by itself.

    Telegram lets a group have few messages.
    """
    typing = Chore("typing", partial(show_typing, application.bot, assistant), A_LOOK)
    if settings.hotline_telegram_group is None:
        return (typing,)
    mirror = application.bot_data["mirror"]
    erased = Outbox(assistant.engine, {OF_TOPICS: mirror.forget})
    return (
        typing,
        Chore("group", mirror.round, IN_THE_GROUP),
        Chore("forget_topics", erased.send_due, A_LOOK),
    )
