"""Zalo's Bot Platform for tests: real HTTP, its rules, and a citizen's hands."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from itertools import count
from typing import Any

import requests

from tests.servers.zalo_http import ZaloServer

TOKEN = "900000000000001:ma-bi-mat-de-thu"  # noqa: S105 - opens nothing


class Refused(Exception):
    """An error code and its description."""


class ZaloBotServer(ZaloServer):
    """One bot: an update is given once, to whoever asks first."""

    def __init__(self) -> None:
        super().__init__()
        self.pending: list[dict[str, Any]] = []
        self.webhook: dict[str, str] = {}
        self.messages: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.refusals: dict[str, list[tuple[int, str]]] = {}  # the next answers of a method
        self.statuses: list[int] = []  # what the webhook said
        self.is_enveloped = True
        self.known: set[str] = set()  # chats in which somebody has written
        self._numbers = count(1)
        self._closed = False

    def __exit__(self, *exc: object) -> None:
        with self.changed:
            self._closed = True
            self.changed.notify_all()
        super().__exit__(*exc)

    # What a citizen does

    def says(self, chat: str, text: str) -> dict[str, Any]:
        """Write a text to the bot; give the update."""
        return self.sends(chat, "message.text.received", text=text)

    def sends(self, chat: str, event: str, **content: Any) -> dict[str, Any]:
        """Send anything to the bot."""
        self.known.add(chat)
        sender = {"id": chat, "display_name": "Nguyễn Thị Bí Mật", "is_bot": False}
        message = {
            "message_id": f"m{next(self._numbers)}", "from": sender,
            "chat": {"id": chat, "chat_type": "PRIVATE"}, "date": int(time.time() * 1000), **content,
        }  # fmt: skip
        return self.push({"event_name": event, "message": message})

    def push(self, update: dict[str, Any]) -> dict[str, Any]:
        """Deliver an update to the webhook, else put it up for fetching."""
        if not self.webhook:
            with self.changed:
                self.pending.append(update)
                self.changed.notify_all()
            return update
        body = {"ok": True, "result": update} if self.is_enveloped else update
        headers = {"X-Bot-Api-Secret-Token": self.webhook["secret_token"]}
        said = requests.post(self.webhook["url"], json=body, headers=headers, timeout=10)
        self.statuses.append(said.status_code)
        return update

    # What a test waits for

    def received(self, chat: str) -> list[str]:
        """Give the texts that a chat has received."""
        return [message["text"] for message in self.messages if message["chat_id"] == chat]

    def wait_for_message(self, chat: str, count: int = 1) -> list[str]:
        """Wait until a chat has received so many texts; give all."""
        self.wait_until(lambda: len(self.received(chat)) >= count, f"{count} messages, got {self.messages}")
        return self.received(chat)

    # What the platform does

    def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        """Answer one call."""
        found = re.fullmatch(r"/bot([^/]+)/(\w+)", path)
        with self.changed:
            try:
                if found is None or found[1] != TOKEN:
                    raise Refused(401, "Unauthorized")
                if waiting := self.refusals.get(found[2]):
                    raise Refused(*waiting.pop(0))
                self.calls.append(found[2])
                action = getattr(self, "_on_" + re.sub("([A-Z])", r"_\1", found[2]).lower(), None)
                if action is None:
                    raise Refused(404, "Not Found")
                return 200, {"ok": True, "result": action(**json.loads(body or b"{}"))}
            except Refused as error:
                code, description = error.args
                if code >= 500:
                    return code, {}
                return 200, {"ok": False, "error_code": code, "description": description}
            finally:
                self.changed.notify_all()

    def _on_get_me(self) -> dict[str, Any]:
        return {"id": "1", "account_name": "bot.hoimotcua", "account_type": "BASIC"}

    def _on_get_updates(self, timeout: int = 30) -> dict[str, Any]:
        if self.webhook:
            raise Refused(409, "Conflict: a webhook is set")
        self.changed.wait_for(lambda: self.pending or self._closed, timeout)
        if not self.pending:
            raise Refused(408, "Request timeout")
        return self.pending.pop(0)

    def _on_set_webhook(self, url: str, secret_token: str) -> dict[str, Any]:
        if not 8 <= len(secret_token) <= 256:
            raise Refused(400, "Bad Request: secret_token")
        self.webhook = {"url": url, "secret_token": secret_token}
        return {"url": url}

    def _on_delete_webhook(self) -> dict[str, Any]:
        self.webhook = {}
        return {}

    def _on_get_webhook_info(self) -> dict[str, Any]:
        return {"url": self.webhook.get("url", "")}

    def _on_send_chat_action(self, chat_id: str, action: str) -> bool:
        if action != "typing" or chat_id not in self.known:
            raise Refused(400, "Bad Request")
        return True

    def _on_send_message(self, chat_id: str, text: str) -> dict[str, Any]:
        if chat_id not in self.known:
            raise Refused(400, "Bad Request: chat not found")
        if not 1 <= len(text) <= 2000:
            raise Refused(400, "Bad Request: text must be 1 to 2000 characters")
        self.messages.append({"chat_id": chat_id, "text": text})
        return {"message_id": f"b{len(self.messages)}", "date": int(time.time() * 1000)}
