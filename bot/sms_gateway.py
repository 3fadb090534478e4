"""Sending SMS through an HTTP gateway: a JSON of its own shape, with the number and the text inside."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import httpx

from bot.outbox import NotEver, NotNow
from knowledge.database import now

PATIENCE = 15.0  # seconds for an answer
OUR_FAULT = frozenset({401, 403, 404, 405})  # of the settings, not of this message
BUSY = frozenset({429, 503})
LONGEST_WAIT = 6 * 60 * 60  # seconds that a gateway may ask for


def check_template(body: str) -> None:
    """Raise ValueError when a body is no JSON with {phone} and {text} in it."""
    try:
        texts = list(_texts(json.loads(body)))
    except ValueError as error:
        raise ValueError(f"must be JSON: {error}") from None
    if missing := [name for name in ("{phone}", "{text}") if not any(name in each for each in texts)]:
        raise ValueError(f"must hold {' and '.join(missing)} inside a text of the JSON")


class SmsGateway:
    """Sends texts to numbers, one at a time."""

    def __init__(self, url: str, token: str | None, body: str) -> None:
        self._url, self._body = url, json.loads(body)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.AsyncClient(timeout=PATIENCE, headers=headers)

    async def send(self, phone: str, message: dict[str, Any]) -> None:
        """Send a text; raises NotNow and NotEver, or anything when it may have been sent."""
        body = _filled(self._body, {"{phone}": phone, "{text}": message["text"]})
        try:
            reply = await self._http.post(self._url, json=body)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NotNow(type(error).__name__) from None
        if reply.status_code in OUR_FAULT:
            raise NotNow(f"status {reply.status_code}: check SMS_GATEWAY_URL and SMS_GATEWAY_TOKEN")
        if reply.status_code in BUSY:
            wait = reply.headers.get("Retry-After", "")
            seconds = min(int(wait), LONGEST_WAIT) if wait.isdecimal() else None
            later = now() + timedelta(seconds=seconds) if seconds is not None else None
            raise NotNow(f"status {reply.status_code}", later)
        if 400 <= reply.status_code < 500:
            raise NotEver(f"status {reply.status_code}")
        reply.raise_for_status()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


def _texts(value: Any) -> Any:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _filled(value: Any, names: dict[str, str]) -> Any:
    """Put the number and the text into the texts of a JSON, never into its shape."""
    if isinstance(value, dict):
        return {key: _filled(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, names) for inner in value]
    if not isinstance(value, str):
        return value
    parts = value.split("{text}")
    return names["{text}"].join(part.replace("{phone}", names["{phone}"]) for part in parts)
