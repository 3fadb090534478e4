"""A Telegram group with topics, as the Bot API knows it: members, topics, and what is refused there."""

from __future__ import annotations

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
