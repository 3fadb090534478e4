"""A Telegram Bot API server for tests: real HTTP, Telegram's rules, and a citizen's hands."""

from __future__ import annotations

import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from typing import Any

import requests

from tests.servers.telegram_forum import Forum, Groups, person_of
from tests.servers.telegram_html import message_text, parsed_text
from tests.servers.telegram_http import http_handler
from tests.servers.telegram_refusal import Refused

__all__ = ["TOKEN", "Call", "Refused", "TelegramApi", "Webhook", "parsed_text"]

TOKEN = "123456:TEST-token"  # noqa: S105 - opens nothing
BOT = {"id": 123456, "is_bot": True, "first_name": "Hỏi Một Cửa", "username": "hoi_mot_cua_bot"}
DEADLINE = 15.0  # seconds a test waits before it fails


@dataclass
class Webhook:
    """Where updates are sent, with which secret."""

    url: str = ""
    secret: str = ""


@dataclass
class Call:
    """A call of a method, as it came in."""

    method: str
    params: dict[str, Any]
    at: float = field(default_factory=time.monotonic)


class TelegramApi(Groups):
    """The server; everything a test looks at is guarded by one condition."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.calls: list[Call] = []
        self.messages: list[dict[str, Any]] = []
        self.pending: list[dict[str, Any]] = []  # updates not yet confirmed
        self.webhook = Webhook()
        self.allowed: list[str] = []
        self.forums: dict[int, Forum] = defaultdict(Forum)  # groups, by their chats
        self._queries: set[str] = set()  # presses not yet answered
        self._refusals: dict[str, list[Refused]] = defaultdict(list)
        self._held: set[int] = set()
        self._last_id = 1000
        self._poll = 0
        self._open = True
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), http_handler(TOKEN, self.answer))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> TelegramApi:
        for work in (self._server.serve_forever, self._deliver):
            threading.Thread(target=work, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with self.changed:
            self._open = False
            self.changed.notify_all()
        self._server.shutdown()
        self._server.server_close()

    # What a citizen does

    def citizen_says(self, chat_id: int, text: str, chat_type: str = "private") -> dict[str, Any]:
        """Send a text to the bot; give the update."""
        command = re.match(r"/\w+", text)
        entities = [{"type": "bot_command", "offset": 0, "length": len(command[0])}] if command else []
        return self.citizen_sends(chat_id, chat_type, text=text, entities=entities)

    def citizen_sends(self, chat_id: int, chat_type: str = "private", **content: Any) -> dict[str, Any]:
        """Send anything to the bot (``photo=[…]``, ``voice={…}``); give the update."""
        message = self._message(chat_id, chat_type, person_of(chat_id))
        return self.push({"message": {**message, **content}})

    def text_from(self, chat_id: int, text: str) -> dict[str, Any]:
        """Write a text of a citizen as it stands in an update, sending nothing."""
        return {"message": {**self._message(chat_id, "private", person_of(chat_id)), "text": text}}

    def citizen_presses(
        self, chat_id: int, data: str, message_id: int, person: int | None = None
    ) -> dict[str, Any]:
        """Press a button of a message of the bot; give the update."""
        message = next(item for item in self.messages if item["message_id"] == message_id)
        query: dict[str, Any] = {
            "id": str(self._next_id()), "chat_instance": "1", "data": data, "message": message,
            "from": person_of(person or chat_id),
        }  # fmt: skip
        self._queries.add(query["id"])
        return self.push({"callback_query": query})

    def push(self, update: dict[str, Any]) -> dict[str, Any]:
        """Put an update up for delivery; one with an id is delivered again."""
        with self.changed:
            update = {"update_id": self._next_id(), **update}
            self.pending.append(update)
            self.changed.notify_all()
        return update

    # What a test arranges and waits for

    def refuse_next(
        self, method: str, status: int, description: str, retry_after: int | None = None, **more: int
    ) -> None:
        """Refuse the next call; one with ``retry_after`` (seconds) is refused until they are over."""
        self._refusals[method].append(Refused(status, description, retry_after, **more))

    def hold(self, chat_id: int) -> None:
        """Let messages to a chat wait until released."""
        self._held.add(chat_id)

    def release(self, chat_id: int) -> None:
        """Let a held chat's messages through."""
        with self.changed:
            self._held.discard(chat_id)
            self.changed.notify_all()

    def wait_for_message(self, chat_id: int, count: int = 1) -> list[dict[str, Any]]:
        """Wait until a chat received so many messages; give all of them."""
        self.wait_until(lambda: len(self.received(chat_id)) >= count, f"{count} messages")
        return self.received(chat_id)

    def wait_for_call(self, method: str, count: int = 1) -> list[Call]:
        """Wait until a method was called so many times; give the calls."""
        self.wait_until(lambda: len(self.called(method)) >= count, f"{count} calls of {method}")
        return self.called(method)

    def wait_until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait for a condition; fails at the deadline."""
        with self.changed:
            deadline = time.monotonic() + DEADLINE
            while not holds():
                assert time.monotonic() < deadline, f"waited in vain for {what}: {self.calls[-5:]}"
                self.changed.wait(0.05)  # what it looks at may be none of the server's

    def received(self, chat_id: int) -> list[dict[str, Any]]:
        """Give the messages a chat received."""
        return [message for message in self.messages if message["chat"]["id"] == chat_id]

    def called(self, method: str) -> list[Call]:
        """Give the calls of a method."""
        return [call for call in self.calls if call.method == method]

    # What the Bot API does

    def answer(self, method: str, params: dict[str, Any]) -> Any:
        """Answer one call; raises Refused."""
        with self.changed:
            self.calls.append(Call(method, params))
            self.changed.notify_all()
            self._refuse(method)
            action = getattr(self, "_on_" + re.sub("([A-Z])", r"_\1", method).lower(), None)
            if action is None:
                raise Refused(404, "Not Found: method not found")
            result = action(**params)
            self.changed.notify_all()
            return result

    def _refuse(self, method: str) -> None:
        waiting = self._refusals[method]
        if waiting and waiting[0].is_over:
            waiting.pop(0)
        elif waiting:
            waiting[0].over_at = waiting[0].over_at or time.monotonic() + (waiting[0].retry_after or 0)
            raise waiting[0]

    def _on_get_me(self) -> dict[str, Any]:
        return BOT

    def _on_get_updates(self, offset: int = 0, timeout: int = 0, allowed_updates: Any = None) -> list[Any]:
        if self.webhook.url:
            raise Refused(409, "Conflict: can't use getUpdates method while webhook is active")
        self.pending = [update for update in self.pending if update["update_id"] >= offset]
        self.allowed = allowed_updates or self.allowed
        self._poll = mine = self._poll + 1
        self.changed.notify_all()
        self.changed.wait_for(lambda: self._wanted() or self._poll != mine or not self._open, timeout)
        if self._poll != mine:
            raise Refused(409, "Conflict: terminated by other getUpdates request")
        return self._wanted()[:100]

    def _wanted(self) -> list[dict[str, Any]]:
        return [
            update for update in self.pending if not self.allowed or any(k in update for k in self.allowed)
        ]

    def _on_send_message(
        self, chat_id: int, text: str = "", parse_mode: str = "", reply_markup: Any = None, **more: Any
    ) -> dict[str, Any]:
        self.changed.wait_for(lambda: chat_id not in self._held)
        topic = more.get("message_thread_id")
        if topic is not None:
            self.forums[chat_id].check(topic)
        plain = message_text(text, parse_mode)
        message = {**self._message(chat_id, "supergroup" if chat_id < 0 else "private", BOT), "text": plain}
        if topic is not None:
            message |= {"message_thread_id": topic, "is_topic_message": True}
        if reply_markup:
            message["reply_markup"] = _checked_keyboard(reply_markup)
        self.messages.append({**message, "html": text})
        return message

    def _on_edit_message_reply_markup(
        self, chat_id: int, message_id: int, reply_markup: Any = None, **_: Any
    ) -> Any:
        message = next((item for item in self.received(chat_id) if item["message_id"] == message_id), None)
        if message is None:
            raise Refused(400, "Bad Request: message to edit not found")
        if message.get("reply_markup") == reply_markup:
            raise Refused(400, "Bad Request: message is not modified")
        message.pop("reply_markup")
        return message

    def _on_answer_callback_query(self, callback_query_id: str, **_: Any) -> bool:
        if callback_query_id not in self._queries:
            raise Refused(
                400, "Bad Request: query is too old and response timeout expired or query ID is invalid"
            )
        self._queries.discard(callback_query_id)
        return True

    def _on_send_chat_action(self, chat_id: int, action: str, **_: Any) -> bool:
        return True

    def _on_set_my_commands(self, commands: list[dict[str, str]], **_: Any) -> bool:
        if not all(
            re.fullmatch(r"[a-z0-9_]{1,32}", item["command"]) and item["description"] for item in commands
        ):
            raise Refused(400, "Bad Request: BOT_COMMAND_INVALID")
        return True

    def _on_set_webhook(
        self, url: str, secret_token: str = "", allowed_updates: Any = None, **_: Any
    ) -> bool:
        self.webhook, self.allowed = Webhook(url, secret_token), allowed_updates or []
        return True

    def _on_delete_webhook(self, **_: Any) -> bool:
        self.webhook = Webhook()
        return True

    def _on_get_webhook_info(self) -> dict[str, Any]:
        return {
            "url": self.webhook.url,
            "has_custom_certificate": False,
            "pending_update_count": len(self.pending),
        }

    def _message(self, chat_id: int, chat_type: str, sender: dict[str, Any]) -> dict[str, Any]:
        chat = {"id": chat_id, "type": chat_type, "first_name": "Nguyễn Thị Bí Mật", "title": "Tổ dân phố"}
        return {"message_id": self._next_id(), "date": int(time.time()), "chat": chat, "from": sender}

    def _next_id(self) -> int:
        with self.changed:
            self._last_id += 1
            return self._last_id

    def _deliver(self) -> None:
        """Send updates to the webhook, one after another, again and again until it takes them."""
        while (update := self._next_for_webhook()) is not None:
            taken = _post(self.webhook, update)
            with self.changed:
                if taken:
                    self.pending.remove(update)
                else:
                    self.changed.wait(0.1)
                self.changed.notify_all()

    def _next_for_webhook(self) -> dict[str, Any] | None:
        with self.changed:
            self.changed.wait_for(lambda: not self._open or (self.webhook.url and self._wanted()))
            return self._wanted()[0] if self._open else None


def _checked_keyboard(markup: dict[str, Any]) -> dict[str, Any]:
    buttons = [button for row in markup["inline_keyboard"] for button in row]
    if not all(button["text"] for button in buttons):
        raise Refused(400, "Bad Request: inline keyboard button text is empty")
    if not all(1 <= len(button["callback_data"].encode()) <= 64 for button in buttons):
        raise Refused(400, "Bad Request: BUTTON_DATA_INVALID")
    return markup


def _post(webhook: Webhook, update: dict[str, Any]) -> bool:
    headers = {"X-Telegram-Bot-Api-Secret-Token": webhook.secret} if webhook.secret else {}
    try:
        return requests.post(webhook.url, json=update, headers=headers, timeout=DEADLINE).ok
    except requests.RequestException:
        return False
