"""Killing the whole program while a case is handed over, claimed, answered and closed; and what became of it.

Everything goes through the Telegram server of the tests, the citizen's chat and the staff's group, so that
all of it happens in the process that is killed. What was being sent at the moment of the kill is told with
the next answer after ten minutes, in the group by itself after two: those minutes are let pass in the
database, for what was being sent before the newest start and for nothing else.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import Engine, select, update

from actions.wording import say
from bot.hotline import topic_steps
from bot.hotline.accounts import add_staff, set_telegram
from bot.hotline.cases import Case
from bot.hotline.history import history
from bot.hotline.topics import CaseTopic
from bot.outbox import UNSURE_AFTER, OutboxMessage
from bot.store import Conversation, Turn
from knowledge.database import migrate, now, open_database, reading, transaction
from nlu.contract import ROOT
from tests.conftest import free_port
from tests.servers.telegram_api import TOKEN, TelegramApi

AGAIN = say("talk.perhaps_told", text="").strip()
GROUP, LAN = -1001234567890, 9001
SOON = 4.0  # seconds after which what was being sent counts as lost in the kill
PATIENCE = 180.0  # seconds of one step, a restart included


class Lost(AssertionError):
    """Something that was said never came."""


class Program:
    """The assistant as a process of its own, which can be killed and started again."""

    def __init__(self, folder: Path, nlu_url: str, database: str, api_url: str) -> None:
        self.port, self.log = free_port(), folder / "bot.log"
        self.folder = folder
        self.environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            "PYTHONPATH": str(ROOT), "PORT": str(self.port), "NLU_URL": nlu_url, "DATABASE_URL": database,
            "TELEGRAM_TOKEN": TOKEN, "TELEGRAM_API": api_url, "HOTLINE_TELEGRAM_GROUP": str(GROUP),
            "HOTLINE_HOURS": "00:00-23:59",
        }  # fmt: skip
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = now()

    def start(self) -> None:
        self.started_at = now()
        command = [sys.executable, "-m", "bot", "serve"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdout=log, stderr=log
            )
        deadline = time.monotonic() + PATIENCE
        while not self._is_ready():
            assert time.monotonic() < deadline, self.log.read_text()[-2000:]
            assert self.process.poll() is None, self.log.read_text()[-2000:]
            threading.Event().wait(0.05)

    def kill(self) -> None:
        """End it without a word."""
        assert self.process
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def _is_ready(self) -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{self.port}/readyz", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False


@dataclass
class Outcome:
    """What the kills did: rounds, messages that were not sure to be sent, and what is wrong.

    ``told_again`` came twice, the second time with the words that it may have come already.
    """

    rounds: int = 0
    killed_in: Counter[str] = field(default_factory=Counter)
    unsure: int = 0
    told_again: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {
            "rounds": self.rounds, "killed_in": dict(self.killed_in), "unsure": self.unsure,
            "told_again": self.told_again,
            "lost": self.lost, "doubled": self.doubled,
        }  # fmt: skip


@dataclass
class Round:
    """One case from the wish for a person to its closing, with one kill somewhere in between."""

    api: TelegramApi
    program: Program
    engine: Engine
    outcome: Outcome
    number: int
    step: str = "start"

    @property
    def chat(self) -> int:
        return 20_000 + self.number

    def run(self) -> None:
        """Take every step, waiting through the kill."""
        number = self.number
        self.step = "hand_over"
        self.api.citizen_says(self.chat, f"cho tôi gặp nhân viên về việc {number}")
        self.hears("mình chuyển câu hỏi")
        card = self.in_group(f"về việc {number}")
        self.step = "claim"
        self.api.member_presses(LAN, f"case_claim?number={self.case().id}", card)
        self.hears("Nhân viên đã nhận")
        self.step = "message"
        self.api.citizen_says(self.chat, f"Em ở thôn {number}")
        self.in_group(f"Em ở thôn {number}")
        self.step = "reply"
        self.api.member_says(GROUP, card["message_thread_id"], LAN, f"Trả lời {number}")
        self.hears(f"Trả lời {number}")
        self.step = "close"
        self.api.member_says(GROUP, card["message_thread_id"], LAN, "/xong da_tra_loi")
        self.hears("kết thúc phần trả lời")
        self.step = "end"

    def check(self) -> None:
        """Count what the citizen heard and what the history says; each once."""
        texts = [each["text"] for each in self.api.received(self.chat)]
        for words in ("mình chuyển câu hỏi", "Nhân viên đã nhận", f"Trả lời {self.number}", "kết thúc phần"):
            told = [each for each in texts if words in each]
            again = [each for each in told if AGAIN in each]
            if again and len(told) > len(again):
                self.outcome.told_again.append(f"{self.number}: {words}")
                told = [each for each in told if each not in again]
            self.count(words, len(told))
        case = self.case()
        with reading(self.engine) as session:
            lines = history(session, case.id)
            whose = case.conversation_id
            turns = Counter(session.scalars(select(Turn.text).where(Turn.conversation_id == whose)))
        for kind in ("opened", "claimed", "reply", "closed"):
            self.count(f"history: {kind}", [each.kind for each in lines].count(kind))
        self.count("history: message", [each.text for each in lines].count(f"Em ở thôn {self.number}"))
        for text in (f"cho tôi gặp nhân viên về việc {self.number}", f"Em ở thôn {self.number}"):
            self.count(f"turn: {text}", turns[text])

    def count(self, what: str, times: int) -> None:
        if times != 1:
            (self.outcome.doubled if times else self.outcome.lost).append(f"{self.number}: {what} ({times})")

    def hears(self, words: str) -> None:
        """Wait until the citizen heard something; what a kill left unsure is let come to its time."""
        has_asked = False
        for is_late in self._waiting(words):
            if any(words in each["text"] for each in self.api.received(self.chat)):
                return
            if is_late:
                self._age_unsure()
            elif not has_asked and self._is_kept():
                has_asked = True
                self.outcome.unsure += 1
                self.api.citizen_says(self.chat, "/help")

    def in_group(self, words: str) -> dict[str, Any]:
        """Wait until the group's topic shows something; give the newest such message."""
        for is_late in self._waiting(f"in the group: {words}"):
            if found := [each for each in self.api.received(GROUP) if words in each["text"]]:
                return found[-1]
            if is_late:
                self._age_telling()
        raise AssertionError

    def _waiting(self, what: str) -> Iterator[bool]:
        """Look again and again for as long as a step may take; once after each start, say that it is late."""
        since, late_after = time.monotonic(), None
        while time.monotonic() - since < PATIENCE:
            started_at = self.program.started_at
            is_late = time.monotonic() - since > SOON and late_after != started_at
            yield is_late
            late_after = started_at if is_late else late_after
            with self.api.changed:
                self.api.changed.wait(0.05)
        raise Lost(f"{what}; {self._states()}")

    def case(self) -> Case:
        with reading(self.engine) as session:
            mine = select(Case).join(Conversation).where(Conversation.address == str(self.chat))
            return session.scalars(mine).one()

    def _age_unsure(self) -> None:
        """Let the ten minutes pass for what was being sent."""
        long_ago = now() - UNSURE_AFTER - timedelta(minutes=1)
        mine = OutboxMessage.address == str(self.chat)
        was_killed = OutboxMessage.changed_at < self.program.started_at
        with transaction(self.engine) as session:
            stuck = update(OutboxMessage).where(mine, OutboxMessage.state == "sending", was_killed)
            session.execute(stuck.values(changed_at=long_ago))

    def _is_kept(self) -> bool:
        """Tell whether anything waits to be told with the next answer."""
        kept = select(OutboxMessage.id).where(
            OutboxMessage.address == str(self.chat), OutboxMessage.state == "kept"
        )
        with reading(self.engine) as session:
            return session.scalar(kept.limit(1)) is not None

    def _states(self) -> list[str]:
        """Say how far what was queued for the citizen, and what was told in the topic, has come."""
        queued = select(OutboxMessage.key, OutboxMessage.state, OutboxMessage.tries)
        told = select(CaseTopic.told_event, CaseTopic.sending_event, CaseTopic.sending_at)
        told = told.join(Case, Case.id == CaseTopic.case_id).join(Conversation)
        with reading(self.engine) as session:
            mine = queued.where(OutboxMessage.address == str(self.chat))
            topic = told.where(Conversation.address == str(self.chat))
            return [str(tuple(row)) for row in (*session.execute(mine), *session.execute(topic))]

    def _age_telling(self) -> None:
        """Let the two minutes pass after which what was being told in the group is told again."""
        long_ago = now() - topic_steps.UNSURE_AFTER - timedelta(minutes=1)
        with transaction(self.engine) as session:
            telling = update(CaseTopic).where(CaseTopic.sending_at < self.program.started_at)
            session.execute(telling.values(sending_at=long_ago))


def kills(folder: Path, nlu_url: str, database: str, rounds: int, seed: int = 6) -> Outcome:
    """Kill the program once in each of so many rounds, at a random moment of it."""
    outcome, rng = Outcome(), random.Random(seed)  # noqa: S311 - of a test
    engine = open_database(database)
    migrate(engine)
    with transaction(engine) as session:
        lan = add_staff(session, "lan", "Nguyễn Lan", "hotline", "mot hai ba bon nam")
        set_telegram(session, lan.id, LAN)
    with TelegramApi() as api, _running(folder, nlu_url, database, api) as program:
        length = _timed(Round(api, program, engine, outcome, 0))
        for number in range(1, rounds + 1):
            one = Round(api, program, engine, outcome, number)
            thread = threading.Thread(target=_run, args=(one,))
            thread.start()
            thread.join(rng.uniform(0, length))
            outcome.killed_in[one.step] += 1
            program.kill()
            program.start()
            thread.join()
            one.check()
            outcome.rounds += 1
    engine.dispose()
    return outcome


def _timed(one: Round) -> float:
    since = time.monotonic()
    one.run()
    return time.monotonic() - since


def _run(one: Round) -> None:
    try:
        one.run()
    except Lost as error:
        one.outcome.lost.append(f"{one.number}: in {one.step}: {error}")


@contextmanager
def _running(folder: Path, nlu_url: str, database: str, api: TelegramApi) -> Iterator[Program]:
    program = Program(folder, nlu_url, database, api.url)
    program.start()
    try:
        yield program
    finally:
        program.kill()
