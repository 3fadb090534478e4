"""The settings, one table: each with its name (in capitals in the environment), default and help."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, field_validator

from bot.hotline.addresses import is_private
from bot.hotline.hours import read_hours
from bot.hotline.staff_sessions import Lifetime
from bot.pacing import PER_SECOND
from bot.sms_gateway import check_template
from knowledge.dossiers import DossierSettings, checked_rate

HERE = ZoneInfo("Asia/Ho_Chi_Minh")
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d+)?$")


class SettingsError(Exception):
    """A setting keeps a channel from starting; says which, and what to do."""


class Settings(DossierSettings):
    """Read from the environment, then from ``.env``; every setting has a working default."""

    province: str = Field("vinh-phuc", description="which province pack answers")
    assistant_today: date | None = Field(None, description="replay a day, such as 2020-04-01; empty is today")
    nlu_url: str = Field("http://127.0.0.1:5005", description="where the Rasa server listens")
    host: str = Field("127.0.0.1", description="the address the web server listens on")
    port: int = Field(8080, ge=1, le=65535, description="the port the web server listens on")
    public_url: str | None = Field(
        None, pattern=r"^https?://[^/]+$", description="the address that citizens reach the web server by"
    )
    widget_origins: str = Field(
        "", description="sites whose pages may carry the widget, with commas between: https://bao.example.vn"
    )
    rate_limit: str = Field("60/minute", description="messages allowed for one sender's address")
    trusted_proxies: str = Field("127.0.0.1", description="proxies whose X-Forwarded-For is believed")
    retention_days: int = Field(
        180, ge=1, description="conversations are erased this many days after the last message"
    )
    telegram_token: SecretStr | None = Field(None, description="the bot's token; empty leaves Telegram off")
    telegram_mode: Literal["polling", "webhook"] = Field("polling", description="how messages are fetched")
    telegram_webhook_url: str | None = Field(
        None, description="the public https address of this server, for telegram_mode=webhook"
    )
    telegram_webhook_secret: SecretStr | None = Field(
        None, description="the secret header Telegram sends to the webhook"
    )
    zalo_oa_app_id: str | None = Field(
        None, description="the id of the app linked to the Zalo Official Account; empty leaves Zalo OA off"
    )
    zalo_oa_secret_key: SecretStr | None = Field(
        None, description="the OA secret key, by which the webhook's events are signed"
    )
    zalo_app_secret: SecretStr | None = Field(None, description="the app's secret key, for new access tokens")
    zalo_oa_refresh_token: SecretStr | None = Field(
        None, description="the first refresh token; another one here replaces what is stored"
    )
    zalo_bot_token: SecretStr | None = Field(
        None, description="the Zalo bot's token; empty leaves Zalo Bot off"
    )
    zalo_bot_mode: Literal["polling", "webhook"] = Field(
        "polling", description="how the Zalo bot's messages are fetched"
    )
    zalo_bot_webhook_url: str | None = Field(
        None, description="the public https address of this server, for zalo_bot_mode=webhook"
    )
    zalo_bot_webhook_secret: SecretStr | None = Field(
        None, description="the secret header that Zalo Bot sends to the webhook"
    )
    staff_telegram_chat: int | None = Field(
        None,
        description="the Telegram chat that is told of guessing and of Zalo's trouble; the bot must be in it",
    )
    staff_session_hours: int = Field(12, ge=1, description="hours after which staff sign in anew")
    staff_idle_minutes: int = Field(
        60, ge=1, description="minutes without use after which staff sign in anew"
    )
    dossier_demo: bool = Field(
        True, description="make run shows made-up dossiers when no system is set and no file was imported"
    )
    watched_per_minute: int = Field(
        600, ge=1, description="followed dossiers looked at in a minute, at most, by one process"
    )
    hotline_hours: str = Field(
        "07:30-11:30,13:30-17:00", description="the hours of a working day in which the hotline answers"
    )
    hotline_answer_minutes: int = Field(
        120, ge=1, description="working minutes in which a case is to be answered"
    )
    hotline_teams: str = Field(
        "", description="teams that cases may be handed to, with commas between: Hộ tịch, Đất đai"
    )
    hotline_urgent_minutes: int = Field(10, ge=1, description="the same for a danger to somebody's life")
    hotline_telegram_group: int | None = Field(
        None, lt=0, description="the staff's Telegram group with topics in which cases are answered too"
    )
    oidc_issuer: str | None = Field(
        None, description="single sign-on of staff: the OpenID provider's address; empty leaves it out"
    )
    oidc_client_id: str | None = Field(None, description="as whom it knows this assistant")
    oidc_client_secret: SecretStr | None = Field(None, description="the secret it gave")
    telegram_page: str | None = Field(
        None,
        pattern=r"^https://",
        description="where citizens open the bot, https://t.me/…; set, conversations can go on there",
    )
    zalo_page: str | None = Field(
        None, pattern=r"^https://", description="the same for Zalo: https://zalo.me/… of the account or bot"
    )
    zalo_api: str = Field("https://openapi.zalo.me", description="where Zalo's OpenAPI is spoken")
    zalo_oauth: str = Field("https://oauth.zaloapp.com", description="where Zalo gives access tokens")
    zalo_bot_api: str = Field(
        "https://bot-api.zaloplatforms.com", description="where Zalo's Bot API is spoken"
    )
    telegram_per_second: float = Field(
        PER_SECOND["telegram"], gt=0, description="announcements and news sent in a second, at most"
    )
    sms_gateway_url: str | None = Field(
        None,
        pattern=r"^https?://\S+$",
        description="where the SMS gateway takes messages; empty leaves SMS off",
    )
    sms_gateway_token: SecretStr | None = Field(None, description="its bearer token, where it wants one")
    sms_gateway_body: str = Field(
        '{"to": "{phone}", "text": "{text}"}', description="the JSON it takes, with {phone} and {text} inside"
    )
    sms_per_second: float = Field(PER_SECOND["sms"], gt=0, description="messages it takes in a second")
    telegram_api: str = Field("https://api.telegram.org", description="where the Bot API is spoken")

    @field_validator("rate_limit")
    @classmethod
    def _can_be_parsed(cls, value: str) -> str:
        return checked_rate(value)

    @field_validator("widget_origins")
    @classmethod
    def _are_origins(cls, value: str) -> str:
        for origin in _origins(value):
            if not _ORIGIN.match(origin):
                raise ValueError(f"{origin!r} is no site's address: write https://name.vn, without a path")
        return value

    @field_validator("sms_gateway_body")
    @classmethod
    def _is_a_template(cls, value: str) -> str:
        check_template(value)
        return value

    @field_validator("hotline_hours")
    @classmethod
    def _are_hours(cls, value: str) -> str:
        read_hours(value)
        return value

    @field_validator("oidc_issuer")
    @classmethod
    def _is_private(cls, value: str | None) -> str | None:
        if value is not None and not is_private(value):
            raise ValueError("must begin with https:// (http:// only for 127.0.0.1 and localhost)")
        return value

    def staff_lifetime(self) -> Lifetime:
        """Give how long staff stay signed in."""
        return Lifetime(self.staff_session_hours, self.staff_idle_minutes)

    def teams(self) -> tuple[str, ...]:
        """Give the teams that cases may be handed to."""
        return tuple(name for each in self.hotline_teams.split(",") if (name := each.strip()[:40]))

    def places(self) -> dict[str, str]:
        """Give the places where citizens can talk to the assistant, with the address of each."""
        known = {"web": self.public_url, "telegram": self.telegram_page, "zalo": self.zalo_page}
        return {name: address for name, address in known.items() if address}

    def sites(self) -> tuple[str, ...]:
        """Give the origins whose pages may carry the widget, as browsers write them."""
        return _origins(self.widget_origins)

    def per_second(self) -> dict[str, float]:
        """Give how much of what nobody waits for goes out in a second, by channel."""
        return {**PER_SECOND, "telegram": self.telegram_per_second, "sms": self.sms_per_second}

    def address(self) -> str:
        """Give the address that links to the assistant's own pages begin with."""
        return self.public_url or f"http://{self.host}:{self.port}"

    def today(self) -> date:
        """Give the day that rules are judged by: the replayed one or today in Việt Nam."""
        return self.assistant_today or datetime.now(HERE).date()

    def content_day(self) -> date:
        """Give the day whose published content is used: a replayed past is told with what is known now."""
        return max(self.today(), datetime.now(HERE).date())


def _origins(value: str) -> tuple[str, ...]:
    return tuple(origin for each in value.split(",") if (origin := each.strip().rstrip("/").lower()))
