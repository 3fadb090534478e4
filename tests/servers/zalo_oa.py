"""Zalo's OpenAPI and OAuth for tests: real HTTP, Zalo's rules, and a citizen's hands.

Events are delivered to the webhook when the test says so, and again by Zalo's schedule on the test's clock.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import requests

from tests.servers.zalo_http import ZaloServer

APP_ID, OA_ID = "4000000000000000001", "3000000000000000002"
SECRET_KEY, APP_SECRET = "khoa-ky-su-kien-de-thu", "khoa-ung-dung-de-thu"
SEED = "ma-lam-moi-dau-tien"
LASTS = 90_000  # seconds of an access token
WINDOW, LIFE = timedelta(days=7), timedelta(days=90)
AGAIN = (timedelta(seconds=30), *(timedelta(minutes=each) for each in (5, 15, 30, 60)))
QUERIES = ("oa.query.show", "oa.query.hide")


class Refused(Exception):
    """Zalo's error."""


@dataclass
class Delivery:
    """An event on its way to the webhook."""

    body: bytes
    headers: dict[str, str]
    due: datetime
    statuses: list[int] = field(default_factory=list)  # what the webhook said, 0 when it was not there


class ZaloOaServer(ZaloServer):
    """One Official Account with its app."""

    def __init__(self, clock: Callable[[], datetime], *, is_quiet_at_night: bool = True) -> None:
        super().__init__()
        self.clock, self.is_quiet_at_night = clock, is_quiet_at_night
        self.webhook = ""
        self.is_webhook_on = True
        self.deliveries: list[Delivery] = []
        self.messages: list[dict[str, Any]] = []  # taken: user, text, attachment
        self.attempts: list[dict[str, Any]] = []  # every body that came to be sent
        self.refreshes: list[str] = []  # the refresh tokens that were brought
        self.refresh_token, self.access_token = SEED, ""
        self.refresh_until, self.access_until = clock() + LIFE, clock()
        self.last_wrote: dict[str, datetime] = {}
        self.gone: set[str] = set()  # who blocked the account
        self.errors: list[int] = []  # the next answers to sending
        self.statuses: list[int] = []  # the next HTTP statuses
        self.oauth_status = 200
        self.is_oauth_held = False
        self.by_header = False  # sign the header's time instead of the body's
        self._numbers = count(1)
        self._tokens = count(1)

    # What a citizen does

    def says(self, user: str, text: str, **more: Any) -> Delivery:
        """Write a text to the account."""
        return self.sends(user, "user_send_text", text=text, **more)

    def sends(self, user: str, name: str, **message: Any) -> Delivery:
        """Send anything as a message (``user_send_image``, …)."""
        self.last_wrote[user] = self.clock()
        self.gone.discard(user)
        message = {"msg_id": f"{next(self._numbers):040x}", **message}
        return self.push(event_name=name, sender={"id": user}, recipient={"id": OA_ID}, message=message)

    def presses(self, user: str, title: str) -> Delivery:
        """Press a button of the last message that has it."""
        for message in reversed(self.received(user)):
            for button in buttons(message):
                if button["title"] == title:
                    assert button["type"] in QUERIES, f"{title} opens a page"
                    return self.says(user, button["payload"])
        raise AssertionError(f"no button {title!r}")

    def follows(self, user: str) -> Delivery:
        """Begin to follow the account."""
        self.last_wrote[user] = self.clock()
        return self.push(event_name="follow", follower={"id": user}, oa_id=OA_ID)

    def unfollows(self, user: str) -> Delivery:
        """Follow the account no more."""
        self.gone.add(user)
        return self.push(event_name="unfollow", follower={"id": user}, oa_id=OA_ID)

    def push(self, **event: Any) -> Delivery:
        """Deliver an event to the webhook now."""
        stamp = str(int(self.clock().timestamp() * 1000))
        body = json.dumps({"app_id": APP_ID, **event, "timestamp": stamp}, ensure_ascii=False).encode()
        signed = str(int(stamp) + 1) if self.by_header else stamp
        headers = {"X-ZEvent-Signature": f"mac={sign(body, signed)}", "X-ZEvent-Timestamp": signed}
        delivery = Delivery(body, headers, self.clock())
        self.deliveries.append(delivery)
        self.deliver(delivery)
        return delivery

    def deliver(self, delivery: Delivery) -> int:
        """Bring an event to the webhook; plan the next time when it is not taken."""
        headers = {"Content-Type": "application/json", **delivery.headers}
        try:
            status = requests.post(self.webhook, data=delivery.body, headers=headers, timeout=10).status_code
        except requests.RequestException:
            status = 0
        tried = len(delivery.statuses)
        delivery.statuses.append(status)
        if status != 200 and tried < len(AGAIN):
            delivery.due = self.clock() + AGAIN[tried]
        elif status != 200:
            self.is_webhook_on = False
        return status

    def deliver_due(self) -> None:
        """Bring again what was not taken and is due."""
        for delivery in self.deliveries:
            if 200 not in delivery.statuses and self.is_webhook_on and delivery.due <= self.clock():
                self.deliver(delivery)

    # What a test waits for and arranges

    def received(self, user: str) -> list[dict[str, Any]]:
        """Give what a citizen has received."""
        return [message for message in self.messages if message["user"] == user]

    def wait_for_message(self, user: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait until a citizen has received so many messages; give all."""
        self.wait_until(lambda: len(self.received(user)) >= count, f"{count} messages, got {self.messages}")
        return self.received(user)

    def revoke(self) -> None:
        """Let the access token die."""
        self.access_token = ""

    # What Zalo does

    def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        """Answer a call of the OpenAPI or of OAuth."""
        if path == "/v4/oa/access_token":
            return self._refresh(headers, parse_qs(body.decode()))
        with self.changed:
            if path != "/v3.0/oa/message/cs":
                return 404, {"error": 404, "message": "empty api"}
            if self.statuses:
                return self.statuses.pop(0), {}
            try:
                told = self._send(headers.get("access_token", ""), json.loads(body))
                return 200, {"data": told, "error": 0, "message": "Success"}
            except Refused as error:
                return 200, {"error": error.args[0], "message": "refused"}
            finally:
                self.changed.notify_all()

    def _send(self, token: str, body: dict[str, Any]) -> dict[str, str]:
        user, message = body["recipient"]["user_id"], body["message"]
        self.attempts.append(body)
        if token != self.access_token or not token:
            raise Refused(-216)
        if self.clock() >= self.access_until:
            raise Refused(-220)
        if self.errors:
            raise Refused(self.errors.pop(0))
        if user in self.gone:
            raise Refused(-213)
        if user not in self.last_wrote:
            raise Refused(-232)
        if self.clock() - self.last_wrote[user] > WINDOW:
            raise Refused(-230)
        hour = self.clock().astimezone(ZoneInfo("Asia/Ho_Chi_Minh")).hour
        if self.is_quiet_at_night and not 6 <= hour < 22:
            raise Refused(-234)
        _check(message)
        self.messages.append({"user": user, **message})
        return {"message_id": f"{len(self.messages):x}", "user_id": user}

    def _refresh(self, headers: Mapping[str, str], form: dict[str, list[str]]) -> tuple[int, Any]:
        with self.changed:
            brought = form.get("refresh_token", [""])[0]
            self.refreshes.append(brought)
            self.changed.notify_all()
            self.changed.wait_for(lambda: not self.is_oauth_held)
            if self.oauth_status != 200:
                return self.oauth_status, {}
            is_ours = (headers.get("secret_key"), form.get("app_id")) == (APP_SECRET, [APP_ID])
            if not is_ours or form.get("grant_type") != ["refresh_token"]:
                return 200, {"error": -14002, "error_name": "Invalid app secret key"}
            if brought != self.refresh_token or self.clock() >= self.refresh_until:
                return 200, {"error": -14014, "error_name": "Invalid refresh token"}
            number = next(self._tokens)
            self.access_token, self.refresh_token = f"truy-cap-{number}", f"lam-moi-{number}"
            self.access_until = self.clock() + timedelta(seconds=LASTS)
            self.refresh_until = self.clock() + LIFE
            pair = {"access_token": self.access_token, "refresh_token": self.refresh_token}
            return 200, {**pair, "expires_in": str(LASTS)}

    def release_oauth(self) -> None:
        """Answer the held calls."""
        with self.changed:
            self.is_oauth_held = False
            self.changed.notify_all()


def sign(body: bytes, timestamp: str, secret: str = SECRET_KEY) -> str:
    """Sign an event as Zalo documents it, apart from the program's own way."""
    digest = hashlib.sha256()
    for part in (APP_ID.encode(), body, timestamp.encode(), secret.encode()):
        digest.update(part)
    return digest.hexdigest()


def buttons(message: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the buttons under a message."""
    return list(message.get("attachment", {}).get("payload", {}).get("buttons", []))


def _check(message: dict[str, Any]) -> None:
    """Refuse what Zalo does not take."""
    attachment = message.get("attachment")
    if attachment is not None:
        _check_template(attachment)
    asks = attachment is not None and attachment["payload"].get("template_type") == "request_user_info"
    if not message.get("text") and not asks:
        raise Refused(-201)
    if len(message.get("text", "")) > 2000:
        raise Refused(-210)


def _check_template(attachment: dict[str, Any]) -> None:
    payload = attachment["payload"]
    if attachment.get("type") != "template":
        raise Refused(-201)
    if payload.get("template_type") == "request_user_info":
        if not all(each.get("title") and each.get("image_url") for each in payload["elements"]):
            raise Refused(-201)
        return
    if not 1 <= len(payload["buttons"]) <= 5:
        raise Refused(-210)
    for button in payload["buttons"]:
        if not 1 <= len(button["title"]) <= 100:
            raise Refused(-210)
        is_query = button["type"] in QUERIES and isinstance(button["payload"], str)
        is_link = button["type"] == "oa.open.url" and button["payload"]["url"].startswith("http")
        if not (is_query or is_link):
            raise Refused(-201)
