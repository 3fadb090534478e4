"""Sending by a Zalo Official Account: what Zalo lets a message be, and what its errors mean.

ZaloRefused
└── PartlySent: a later piece of a message was not taken now; sending it all again would tell the rest twice
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

import httpx
import structlog

from actions.wording import say
from bot.outbox import Blocked, NotNow, NotUntilTheyWrite, is_night, morning_after
from bot.plain_text import plain_text
from bot.zalo_tokens import Tokens
from knowledge.database import now

log = structlog.get_logger()

MOST_BUTTONS = 5
LONGEST_TITLE = 100  # characters of a button
MORE = "xem-them?"  # begins the payload of the button for the choices that do not fit
_LINK = re.compile(r"\[([^\[\]]+)\]\((https?://[^\s()]+)\)")

STALE = (-216, -220)  # another access token is needed
RATE = -32
WINDOW_CLOSED = (-230, -232)
NIGHT = -234
GONE = (-213, -217, -227, -244)  # of the person: this OA never reaches them again
NOT_OURS_NOW = (-211, -218, -219, -221, -223, -224)  # of the OA: somebody has to see to it
NAMES = {
    -32: "too many requests",
    -200: "sending failed",
    -201: "invalid parameter",
    -202: "no right",
    -204: "the official account is deleted",
    -205: "there is no such official account",
    -209: "the app is not active",
    -210: "a parameter is too long",
    -211: "out of quota",
    -213: "the user does not follow",
    -216: "access token invalid",
    -217: "the user has blocked",
    -218: "the user takes no more of these",
    -219: "there is no such app",
    -220: "access token ended",
    -221: "the official account is not verified",
    -223: "the official account is out of quota",
    -224: "the official account's package does not hold this",
    -227: "the user is banned or away for long",
    -230: "the user has not written for 7 days",
    -232: "the user has not written",
    -233: "this kind of message is not allowed",
    -234: "not at night",
    -244: "the user restricts messages",
}
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=1)  # after too many requests
A_QUARTER, AN_HOUR = timedelta(minutes=15), timedelta(hours=1)


class ZaloRefused(Exception):
    """Zalo does not take a message as it is; names Zalo's error."""


class PartlySent(ZaloRefused):
    """A part of the message has arrived already."""


class Sender:
    """Sends through one Official Account."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        tokens: Tokens,
        address: str,
        picture: str | None = None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._client, self._tokens, self._clock = client, tokens, clock
        self._url = f"{address.rstrip('/')}/v3.0/oa/message/cs"
        self._picture = picture
        self._pause, self._paused_until = FIRST_PAUSE, clock()

    async def send(self, address: str, message: dict[str, Any]) -> None:
        """Send a message; raises NotNow, NotUntilTheyWrite, NotEver, or anything when it may have arrived."""
        if self._clock() < self._paused_until:
            raise NotNow(NAMES[RATE], self._paused_until)
        for number, part in enumerate(parts(message, self._picture)):
            try:
                await self._send_part({"recipient": {"user_id": address}, "message": part})
            except NotNow as error:
                if number:
                    raise PartlySent(str(error)) from None
                raise

    async def _send_part(self, body: dict[str, Any]) -> None:
        token = await self._tokens.current()
        code = await self._post(token, body)
        if code in STALE:
            code = await self._post(await self._tokens.renewed(token), body)
        if code:
            self._explain(code)
        self._pause = FIRST_PAUSE

    async def _post(self, token: str, body: dict[str, Any]) -> int:
        """Give Zalo's error, 0 when it took the message; raises NotNow, or httpx's error after sending."""
        try:
            reply = await self._client.post(self._url, json=body, headers={"access_token": token})
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NotNow(type(error).__name__) from None
        if reply.status_code == 429:
            return RATE
        if reply.status_code >= 500:
            raise NotNow(f"HTTP {reply.status_code}")
        return int(reply.json()["error"])

    def _explain(self, code: int) -> None:
        """Raise what an error means for the message."""
        name, at = f"{code} {NAMES.get(code, 'unknown error')}", self._clock()
        log.warning("zalo_oa_refused", error=name)
        if code == RATE:
            self._paused_until = at + self._pause
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
            raise NotNow(name, self._paused_until)
        if code in STALE:
            raise NotNow(name)
        if code == NIGHT:  # by Zalo's clock: by ours it may be morning already, or evening still
            raise NotNow(name, morning_after(at) if is_night(at) else at + A_QUARTER)
        if code in NOT_OURS_NOW:
            raise NotNow(name, at + AN_HOUR)
        if code in WINDOW_CLOSED:
            raise NotUntilTheyWrite(name)
        if code in GONE:
            raise Blocked(name)
        raise ZaloRefused(name)


def parts(message: dict[str, Any], picture: str | None = None) -> list[dict[str, Any]]:
    """Write a message as what Zalo takes: texts, the buttons under the last, a request for contact."""
    text = message["text"]
    told: list[dict[str, Any]] = [{"text": piece} for piece in plain_text(text, message.get("sources", ()))]
    if buttons := _buttons(message.get("choices", ()), text):
        told[-1]["attachment"] = {"type": "template", "payload": {"buttons": buttons}}
    if message.get("asks_contact") and picture:
        element = {
            "title": say("zalo.contact_title"),
            "subtitle": say("zalo.contact_subtitle"),
            "image_url": picture,
        }
        request = {"template_type": "request_user_info", "elements": [element]}
        told.append({"attachment": {"type": "template", "payload": request}})
    return told


def buttons_of(part: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the buttons under a part of a message."""
    return list(part.get("attachment", {}).get("payload", {}).get("buttons", []))


def shown(choices: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """Give the choices that fit under a message, the last leading to the others."""
    if len(choices) <= MOST_BUTTONS:
        return list(choices)
    rest = choices[MOST_BUTTONS - 1 :]
    more = {"title": say("zalo.more"), "payload": f"{MORE}{len(rest)}-{_mark(rest)}"}
    return [*choices[: MOST_BUTTONS - 1], more]


def rest_of(choices: Sequence[dict[str, str]], payload: str) -> list[dict[str, str]]:
    """Give the choices that a press on «Xem thêm» asks for; none when it belongs to other ones."""
    count, _, mark = payload.removeprefix(MORE).partition("-")
    rest = list(choices[-int(count) :]) if re.fullmatch(r"[1-9]\d?", count) else []
    return rest if str(len(rest)) == count and _mark(rest) == mark else []


def _mark(choices: Sequence[dict[str, str]]) -> str:
    return f"{crc32(' '.join(each['payload'] for each in choices).encode()):08x}"


def _buttons(choices: Sequence[dict[str, str]], text: str) -> list[dict[str, Any]]:
    buttons: list[dict[str, Any]] = [
        {"title": _short(each["title"]), "type": "oa.query.hide", "payload": f"#{each['payload']}"}
        for each in shown(choices)
    ]
    links = [
        {"title": _short(label), "type": "oa.open.url", "payload": {"url": url}}
        for label, url in dict.fromkeys(_LINK.findall(text))
    ]
    return [*buttons, *links[: MOST_BUTTONS - len(buttons)]]


def _short(title: str) -> str:
    plain = " ".join(title.replace("*", "").replace("`", "").split())
    return plain if len(plain) <= LONGEST_TITLE else f"{plain[: LONGEST_TITLE - 1]}…"
