"""Conversations as content editors write them: YAML under ``conversations/``, run through the whole turn."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from actions import INTENTS
from bot.inbox import Message
from bot.turn import Assistant, Reply

FOLDER = Path(__file__).with_name("conversations")


def _conversations() -> list[Any]:
    return [
        pytest.param(conversation, id=f"{path.stem}: {conversation['name']}")
        for path in sorted(FOLDER.glob("*.yml"))
        for conversation in yaml.safe_load(path.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize("conversation", _conversations())
def test_conversation(conversation: dict[str, Any], assistant: Assistant) -> None:
    on_that_day = replace(
        assistant,
        today=lambda: date.fromisoformat(str(conversation.get("today", "2026-11-22"))),
        province=assistant.library.catalogue.province(conversation.get("province", "vinh-phuc")),
    )
    conversation_id, reply = None, None
    for number, turn in enumerate(conversation["turns"], 1):
        message = Message("console", turn.get("say"), _pressed(turn, reply), conversation_id)
        reply = on_that_day.reply(message)
        conversation_id = reply.body["conversation_id"]
        _check(turn, reply, f"turn {number} ({turn.get('say') or turn.get('press')})")


def _pressed(turn: dict[str, Any], reply: Reply | None) -> str | None:
    if "press" not in turn:
        return turn.get("press_payload")
    assert reply is not None, "a conversation cannot start with a press"
    choices = {choice["title"]: choice["payload"] for choice in reply.messages[-1]["choices"]}
    assert turn["press"] in choices, f"no choice «{turn['press']}» among {list(choices)}"
    return str(choices[turn["press"]])


def _check(turn: dict[str, Any], reply: Reply, where: str) -> None:
    understanding, message = reply.body["understanding"], reply.messages[-1]
    procedure = understanding["procedure"]
    found = {
        "intent": understanding["intent"],
        "status": reply.body["status"],
        "procedure": procedure and procedure["code"],
        "topic": understanding["topic"],
    }
    expected = {name: turn[name] for name in found if name in turn}
    assert {name: found[name] for name in expected} == expected, f"{where}: {message['text']}"
    for words in turn.get("contains", []):
        assert words in message["text"], f"{where}: lacks «{words}»: {message['text']}"
    for words in turn.get("lacks", []):
        assert words not in message["text"], f"{where}: says «{words}»: {message['text']}"
    titles = [choice["title"] for choice in message["choices"]]
    assert set(turn.get("choices", [])) <= set(titles), f"{where}: offers {titles}"
    assert not set(turn.get("lacks_choices", [])) & set(titles), f"{where}: offers {titles}"
    numbers = [source["number"] for source in message["sources"]]
    assert set(turn.get("sources", [])) <= set(numbers), f"{where}: cites {numbers}"
    assert reply.body["status"] != "answered" or not (procedure or found["topic"]) or numbers, (
        f"{where}: no source"
    )


def test_there_are_sixty_conversations_covering_every_intent_on_both_days() -> None:
    conversations = [param.values[0] for param in _conversations()]
    asked = {turn.get("intent") for conversation in conversations for turn in conversation["turns"]}
    days = {str(conversation.get("today", "2026-11-22"))[:4] for conversation in conversations}
    assert len(conversations) >= 60
    assert asked >= INTENTS, f"never asked: {sorted(INTENTS - asked)}"
    assert {"2020", "2026"} <= days
