"""A Telegram group with topics, as the Bot API knows it: members, topics, and what is refused there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.servers.telegram_refusal import Refused

LONGEST_NAME = 128


@dataclass
class Topic:
    """One topic of a group."""

    name: str
    is_closed: bool = False


@dataclass
class Forum:
    """A group whose topics a bot may manage, unless a test says otherwise."""

    topics: dict[int, Topic] = field(default_factory=dict)
    is_forum: bool = True
    may_manage: bool = True
    may_delete: bool = True

    def create(self, thread_id: int, name: str) -> dict[str, Any]:
        """Create a topic, known by the message that tells of it."""
        if not self.is_forum:
            raise Refused(400, "Bad Request: the chat is not a forum")
        if not self.may_manage:
            raise Refused(400, "Bad Request: not enough rights to create a topic")
        if not 1 <= len(name) <= LONGEST_NAME:
            raise Refused(400, "Bad Request: TOPIC_TITLE_INVALID")
        self.topics[thread_id] = Topic(name)
        return {"message_thread_id": thread_id, "name": name, "icon_color": 7322096}

    def close(self, thread_id: int) -> bool:
        """Close a topic."""
        if thread_id not in self.topics:
            raise Refused(400, "Bad Request: TOPIC_ID_INVALID")
        if self.topics[thread_id].is_closed:
            raise Refused(400, "Bad Request: TOPIC_NOT_MODIFIED")
        self.topics[thread_id].is_closed = True
        return True

    def delete(self, thread_id: int) -> bool:
        """Delete a topic; its messages go with it."""
        if not self.may_delete:
            raise Refused(400, "Bad Request: not enough rights to delete the topic")
        if self.topics.pop(thread_id, None) is None:
            raise Refused(400, "Bad Request: TOPIC_ID_INVALID")
        return True

    def check(self, thread_id: int) -> None:
        """Refuse a message to a topic that is not there; an admin writes in closed ones too."""
        if thread_id not in self.topics:
            raise Refused(400, "Bad Request: message thread not found")


class Groups:
    """What members do in groups, and what the Bot API does there; a part of the server."""

    changed: Any
    forums: dict[int, Forum]
    messages: list[dict[str, Any]]
    push: Callable[[dict[str, Any]], dict[str, Any]]
    citizen_presses: Callable[..., dict[str, Any]]
    _message: Callable[..., dict[str, Any]]
    _next_id: Callable[[], int]

    def member_says(self, group: int, topic: int | None, person: int, text: str) -> dict[str, Any]:
        """Write in a topic of a group, or outside of any; give the update."""
        return self.member_sends(group, topic, person, text=text)

    def member_sends(
        self, group: int, topic: int | None, person: int, kind: str = "message", **content: Any
    ) -> dict[str, Any]:
        """Send anything in a group; ``kind`` may be edited_message."""
        message = self._message(group, "supergroup", person_of(person))
        message["chat"]["is_forum"] = True
        where = {"is_topic_message": True, "message_thread_id": topic} if topic else {}
        return self.push({kind: {**message, **where, **content}})

    def member_presses(self, person: int, data: str, message: dict[str, Any]) -> dict[str, Any]:
        """Press a button of a message of the bot in a group."""
        return self.citizen_presses(message["chat"]["id"], data, message["message_id"], person)

    def delete_topic(self, group: int, topic: int) -> None:
        """Delete a topic with all its messages."""
        with self.changed:
            self._on_delete_forum_topic(group, topic)

    def in_topic(self, group: int, topic: int | None) -> list[dict[str, Any]]:
        """Give the bot's messages in a topic."""
        return [each for each in self.messages if _is_in(each, group, topic)]

    def _on_create_forum_topic(self, chat_id: int, name: str, **_: Any) -> dict[str, Any]:
        return self.forums[chat_id].create(self._next_id(), name)

    def _on_close_forum_topic(self, chat_id: int, message_thread_id: int) -> bool:
        return self.forums[chat_id].close(message_thread_id)

    def _on_delete_forum_topic(self, chat_id: int, message_thread_id: int) -> bool:
        self.forums[chat_id].delete(message_thread_id)
        self.messages = [each for each in self.messages if not _is_in(each, chat_id, message_thread_id)]
        return True


def person_of(chat_id: int) -> dict[str, Any]:
    """Give a sender as updates name them."""
    return {"id": abs(chat_id), "is_bot": False, "first_name": "Nguyễn Thị Bí Mật"}


def _is_in(message: dict[str, Any], group: int, topic: int | None) -> bool:
    return message["chat"]["id"] == group and message.get("message_thread_id") == topic
