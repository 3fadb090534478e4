"""The Zalo Official Account channel: its webhook, whose events are known by their signature.

Zalo wants an answer within two seconds, sends an event again for almost two hours, then turns the webhook
off: so an event is stored, 200 is answered, and the work is done afterwards. Nothing logged names a person.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, ClassVar

import httpx
from fastapi import FastAPI, HTTPException, Request, Response

from actions import INTENTS
from actions.payloads import UnknownPayload, payload, read_payload
from actions.places import nearest_desk
from actions.request import Known
from actions.wording import say
from bot.answering import EVENTS, Answering, body_of
from bot.hotline.cases import note_undelivered, take_contact
from bot.outbox import drop_announcements, drop_queued
from bot.settings import Settings, SettingsError
from bot.store import conversation_at, lately_offered, note_following, stop_following
from bot.turn import Assistant
from bot.zalo_oa_delivery import MORE, Sender, rest_of
from bot.zalo_tokens import App, Tokens
from knowledge.database import now, transaction

NAME = "zalo_oa"
WEBHOOK_PATH = "/zalo/oa/webhook"
PICTURE = "/contact.png"
SIGNATURE, TIMESTAMP = "X-ZEvent-Signature", "X-ZEvent-Timestamp"
BACK, AHEAD = timedelta(hours=3), timedelta(minutes=15)  # Zalo sends again for 1 h 51 min; clocks differ
PATIENCE = httpx.Timeout(10.0, connect=5.0)
NEEDED = ("zalo_oa_app_id", "zalo_oa_secret_key", "zalo_app_secret", "zalo_oa_refresh_token")
CONTACT = ("name", "phone", "address", "district", "city")

Event = dict[str, Any]


def signature(app_id: str, body: bytes, timestamp: str, secret: str) -> str:
    """Sign an event as Zalo does: plain SHA-256 of what both sides know."""
    return hashlib.sha256(
        app_id.encode() + body + timestamp.encode(errors="replace") + secret.encode()
    ).hexdigest()


def check_settings(settings: Settings) -> None:
    """Raise SettingsError when the settings are set in part."""
    if unset := [name.upper() for name in NEEDED if not getattr(settings, name)]:
        raise SettingsError(
            f"{' and '.join(unset)} not set: Zalo OA needs {', '.join(NEEDED).upper()} (docs/zalo-oa.md)"
        )


class ZaloOa:
    """One Official Account; raises SettingsError when its settings are set in part."""

    def __init__(self, assistant: Assistant, settings: Settings, clock: Callable[[], datetime] = now) -> None:
        check_settings(settings)
        self._assistant, self._clock = assistant, clock
        self._app_id, self._secret = settings.zalo_oa_app_id or "", _open(settings, "zalo_oa_secret_key")
        self._client = httpx.AsyncClient(timeout=PATIENCE)
        app = App(
            self._app_id,
            _open(settings, "zalo_app_secret"),
            _open(settings, "zalo_oa_refresh_token"),
            settings.zalo_oauth,
            settings.staff_telegram_chat,
        )
        self.tokens = Tokens(assistant.engine, app, self._client, clock)
        picture = f"{settings.public_url}{PICTURE}" if settings.public_url else None
        self.sender = Sender(self._client, self.tokens, settings.zalo_api, picture, clock)
        self._answering = Answering(assistant, NAME)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answer beside the caller."""
        async with self._client:
            async with self._answering.running():
                yield
            await self.tokens.close()

    def add_routes(self, app: FastAPI) -> None:
        """Add the path that Zalo sends events to."""
        app.router.add_route(WEBHOOK_PATH, self._take_event, ["POST"], include_in_schema=False)

    async def _take_event(self, request: Request) -> Response:
        body = await body_of(request)
        event = _read(body)
        at = self._signed_at(body, event, request)
        if at is None or not -AHEAD <= self._clock() - at <= BACK:
            raise HTTPException(403, "Không đúng chữ ký, hoặc sự kiện đã quá cũ.")
        await self._handle(event)
        return Response()

    def _signed_at(self, body: bytes, event: Event, request: Request) -> datetime | None:
        """Give an event's time when its signature is right; sources differ on whose time is signed."""
        given = request.headers.get(SIGNATURE, "").removeprefix("mac=").encode()
        told = str(event.get("timestamp", "")), request.headers.get(TIMESTAMP, "")
        signed = [each for each in told if hmac.compare_digest(self._sign(body, each).encode(), given)]
        return _moment(told[0] or signed[0]) if signed else None

    def _sign(self, body: bytes, timestamp: str) -> str:
        return signature(self._app_id, body, timestamp, self._secret)

    async def _handle(self, event: Event) -> None:
        """Do what an event asks for; raises DatabaseUnavailable, so that Zalo sends it again."""
        name = str(event.get("event_name"))
        EVENTS.labels(NAME, name if re.fullmatch("[a-z_]{1,40}", name) else "unreadable").inc()
        if (handle := self.HANDLERS.get(name)) and (address := _sender(event)):
            await handle(self, event, _key(event, name, address), address)

    async def _text(self, event: Event, key: str, address: str) -> None:
        """Take a text, or the press of a button, which comes as its payload after a «#»."""
        text = _message(event).get("text")
        if not isinstance(text, str) or not text.strip():
            return
        pressed = text.strip().removeprefix("#") if text.strip().startswith("#") else ""
        if pressed.startswith(MORE):
            await self._more(key, address, pressed)
        elif _is_payload(pressed):
            await self._answering.take(key, address, payload=pressed)
        else:
            await self._answering.take(key, address, text=text)

    async def _more(self, key: str, address: str, pressed: str) -> None:
        """Show the choices that did not fit."""

        def look() -> list[dict[str, str]]:
            with transaction(self._assistant.engine) as session:
                for choices in lately_offered(session, NAME, address):
                    if rest := rest_of(choices, pressed):
                        return rest
                return []

        rest = await self._answering.store(look)
        text = say("zalo.more_choices" if rest else "zalo.no_more")
        await self._answering.tell(key, address, {"text": text, "choices": rest})

    async def _picture(self, event: Event, key: str, address: str) -> None:
        """Refuse what may show papers; words under it are answered all the same."""
        await self._refuse(event, address, "talk.no_pictures")
        await self._text(event, key, address)

    async def _other(self, event: Event, key: str, address: str) -> None:  # noqa: ARG002
        await self._refuse(event, address, "talk.no_words")

    async def _refuse(self, event: Event, address: str, sentence: str) -> None:
        """Say once a minute that only text is read: pictures come in heaps."""
        minute = str(event.get("timestamp", ""))[:-3].rjust(10, "0")
        key = f"{sentence}:{address}:{int(minute) // 60 if minute.isdecimal() else 0}"
        await self._answering.tell(key, address, {"text": say(sentence)})

    async def _location(self, event: Event, key: str, address: str) -> None:
        """Tell the nearest desk; where somebody is, is not kept."""
        place = _coordinates(event)
        if place is None:
            await self._refuse(event, address, "talk.no_words")
            return
        assistant = self._assistant
        known = Known(assistant.library, assistant.pack, assistant.today())
        await self._answering.tell(key, address, nearest_desk(known, *place).as_message())

    async def _follow(self, event: Event, key: str, address: str) -> None:
        def note() -> None:
            with transaction(self._assistant.engine) as session:
                note_following(session, NAME, address, self._told_at(event), follows=True)

        await self._answering.store(note)
        await self._answering.take(key, address, payload=payload("greet"))

    async def _unfollow(self, event: Event, key: str, address: str) -> None:  # noqa: ARG002
        """Send nothing more, and follow no dossier, unless they write or follow again."""

        def stop() -> None:
            engine = self._assistant.engine
            with transaction(engine) as session:
                whose = note_following(session, NAME, address, self._told_at(event), follows=False)
                if whose is None:  # nobody is known, or they followed again since
                    return
                drop_announcements(session, whose.id)
                for each in drop_queued(session, NAME, address):
                    note_undelivered(session, each)
            stop_following(engine, whose.id)

        await self._answering.store(stop)

    def _told_at(self, event: Event) -> datetime:
        return _moment(str(event.get("timestamp", ""))) or self._clock()

    async def _contact(self, event: Event, key: str, address: str) -> None:
        """Give staff what somebody agreed to give: it stands in their open case and nowhere else."""
        info = event.get("info")
        told = {name: str(info[name]) for name in CONTACT if info.get(name)} if isinstance(info, dict) else {}
        if not told:
            return
        lines = [say(f"zalo.given_{name}", value=value[:200]) for name, value in told.items()]
        text = "\n".join((say("zalo.given"), *lines))
        hotline, engine = self._assistant.hotline, self._assistant.engine
        due = hotline.deadline(hotline.clock())

        def take() -> int | None:
            with transaction(engine) as session:
                whose = conversation_at(session, NAME, address)
                return take_contact(session, whose.id, f"{NAME}:{key}", text, due) if whose else None

        number = await self._answering.store(take)
        answer = say("people.message_taken", number=number) if number else say("zalo.contact_unasked")
        await self._answering.tell(key, address, {"text": answer})

    HANDLERS: ClassVar[dict[str, Callable[[ZaloOa, Event, str, str], Awaitable[None]]]] = {
        "user_send_text": _text,
        "user_send_image": _picture,
        "user_send_file": _picture,
        "user_send_video": _picture,
        "user_send_gif": _other,
        "user_send_sticker": _other,
        "user_send_audio": _other,
        "user_send_link": _other,
        "user_send_business_card": _other,
        "user_send_location": _location,
        "follow": _follow,
        "unfollow": _unfollow,
        "user_submit_info": _contact,
    }


def _open(settings: Settings, name: str) -> str:
    return str(getattr(settings, name).get_secret_value())


def _read(body: bytes) -> Event:
    """Read an event; what is none is empty, and told from one by its signature."""
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}


def _moment(timestamp: str) -> datetime | None:
    """Read a time in milliseconds."""
    try:
        return datetime.fromtimestamp(int(timestamp) / 1000, now().tzinfo)
    except (ValueError, OverflowError, OSError):
        return None


def _message(event: Event) -> dict[str, Any]:
    message = event.get("message")
    return message if isinstance(message, dict) else {}


def _sender(event: Event) -> str | None:
    """Give whose event it is; one who follows is told apart from one who writes."""
    for name in ("sender", "follower"):
        person = event.get(name)
        if isinstance(person, dict) and re.fullmatch(r"[\w-]{1,64}", str(person.get("id", "")), re.ASCII):
            return str(person["id"])
    return None


def _key(event: Event, name: str, address: str) -> str:
    """Give what an event is known by when it comes again."""
    return str(_message(event).get("msg_id") or f"{name}-{address}-{event.get('timestamp')}")


def _is_payload(text: str) -> bool:
    try:
        read_payload(text, INTENTS)
    except UnknownPayload:
        return False
    return True


def _coordinates(event: Event) -> tuple[float, float] | None:
    """Read where somebody is; nothing when it is no place on earth."""
    try:
        place = _message(event)["attachments"][0]["payload"]["coordinates"]
        latitude, longitude = float(place["latitude"]), float(place["longitude"])
    except (KeyError, IndexError, TypeError, ValueError):
        return None
    return (latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None
