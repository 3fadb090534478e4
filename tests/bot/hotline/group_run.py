"""The staff's Telegram group as tests run it: members, topics, and the chores that tell and send."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select

from bot.channels import telegram
from bot.chores import Chore, doing
from bot.hotline.cases import Case
from bot.hotline.history import CaseEvent, history
from bot.hotline.staff import Staff
from bot.settings import Settings
from bot.start import chores_of
from bot.telegram_channel import running_telegram, telegram_application
from bot.telegram_topics import Mirror
from bot.turn import Assistant
from knowledge.database import transaction
from knowledge.dossiers import HERE
from tests.bot.telegram_run import HOA
from tests.servers.telegram_api import TelegramApi

OPEN = datetime(2026, 11, 26, 9, 0, tzinfo=HERE)  # a Thursday
GROUP = -1001234567890
LAN, MINH, STRANGER = 9001, 9002, 9003  # members' Telegram accounts
HUMAN = "cho tôi gặp nhân viên"


def at(assistant: Assistant, moment: datetime) -> Assistant:
    """Give the assistant at a moment."""
    return replace(assistant, hotline=replace(assistant.hotline, clock=lambda: moment))


def add_staff(assistant: Assistant) -> None:
    """Add Lan and Minh, who are on duty."""
    with transaction(assistant.engine) as session:
        for number, (name, account) in enumerate((("Nguyễn Lan", LAN), ("Trần Minh", MINH)), 1):
            session.add(
                Staff(
                    id=number,
                    login=f"s{number}",
                    name=name,
                    role="hotline",
                    password_hash="",
                    failures=0,
                    presence="on",
                    seen_at=OPEN,
                    telegram_id=account,
                )
            )


@dataclass
class Run:
    """The program at work beside the group."""

    api: TelegramApi
    assistant: Assistant
    mirror: Mirror

    def topic(self, count: int = 1) -> int:
        """Wait for so many topics; give the newest."""
        self.api.wait_until(lambda: len(self.api.forums[GROUP].topics) >= count, f"{count} topics")
        return max(self.api.forums[GROUP].topics)

    def wait(self, topic: int | None, words: str) -> dict[str, Any]:
        """Wait for words of the bot in a topic; give the message."""
        self.api.wait_until(lambda: bool(self._with(topic, words)), f"{words!r} in {self.texts(topic)}")
        return self._with(topic, words)[-1]

    def texts(self, topic: int | None) -> list[str]:
        """Give the bot's texts in a topic."""
        return [each["text"] for each in self.api.in_topic(GROUP, topic)]

    def wait_for_citizen(self, words: str) -> dict[str, Any]:
        """Wait until Hoa got words; give the message."""
        self.api.wait_until(lambda: any(words in each for each in self.citizen_texts()), repr(words))
        return next(each for each in self.api.received(HOA) if words in each["text"])

    def citizen_texts(self) -> list[str]:
        """Give what Hoa got."""
        return [each["text"] for each in self.api.received(HOA)]

    def wait_for_state(self, state: str) -> None:
        """Wait until the only case is in a state."""
        self.api.wait_until(lambda: self.case().state == state, state)

    def case(self) -> Case:
        """Give the newest case."""
        with transaction(self.assistant.engine) as session:
            return session.scalars(select(Case).order_by(Case.id.desc())).first() or Case(state="none")

    def events(self) -> list[CaseEvent]:
        """Give the history of the newest case."""
        with transaction(self.assistant.engine) as session:
            return history(session, self.case().id)

    def claimed(self) -> int:
        """Hand Hoa over, let Lan press; give the topic."""
        self.api.citizen_says(HOA, HUMAN)
        topic = self.topic()
        card = self.wait(topic, "Câu hỏi:")
        self.api.member_presses(LAN, f"case_claim?number={self.case().id}", card)
        self.wait(topic, "Nguyễn Lan đã nhận")
        return topic

    def alerts(self) -> list[str]:
        """Give what was shown over pressed buttons."""
        return [
            str(call.params["text"])
            for call in self.api.called("answerCallbackQuery")
            if "text" in call.params
        ]

    def _with(self, topic: int | None, words: str) -> list[dict[str, Any]]:
        return [each for each in self.api.in_topic(GROUP, topic) if words in each["text"]]


@contextmanager
def group_desk(
    assistant: Assistant, settings: Settings, api: TelegramApi, *, tells: bool = True
) -> Iterator[Run]:
    """Run Telegram and the chores that send, in a loop of their own; ``tells`` nothing when told so."""
    loop, started, stopping = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    settings = settings.model_copy(update={"hotline_telegram_group": GROUP})
    made: list[Run] = []

    async def live() -> None:
        application = telegram_application(assistant, settings)
        made.append(Run(api, assistant, application.bot_data["mirror"]))
        channels = (telegram(assistant, settings, application),)
        wanted = ("send", "group", "forget_topics") if tells else ("send",)
        chores = [each for each in chores_of(assistant, settings, channels) if each.name in wanted]
        quick = tuple(Chore(each.name, each.work, 0.05) for each in chores)
        async with running_telegram(application, settings), doing(quick):
            started.set()
            await stopping.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(live(),))
    thread.start()
    assert started.wait(20)
    try:
        yield made[0]
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(30)
        assert not thread.is_alive()
        loop.close()
