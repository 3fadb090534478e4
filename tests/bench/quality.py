"""Quality: how often the right procedure and intent are found, on questions the model never saw."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from actions import INTENTS
from actions.payloads import read_payload
from bot.inbox import Message
from bot.turn import Assistant
from knowledge.dossiers import DossierSettings
from knowledge.library import open_library
from nlu.contract import ROOT
from tests.conftest import build, opened_database

QUESTIONS = ROOT / "tests" / "whole_path.yml"
OUTCOMES = ("right_procedure", "asked_back_with_it", "wrong_procedure", "other")


def read_questions() -> list[dict[str, str]]:
    """Read the cold questions, each with the procedure and the intent that are meant."""
    return list(yaml.safe_load(QUESTIONS.read_text(encoding="utf-8")))


def measure_whole_path(nlu_url: str, folder: Path) -> dict[str, Any]:
    """Ask every cold question in a new conversation of the whole assistant; count what came back."""
    library = open_library()
    with opened_database("sqlite", folder) as engine:
        assistant = build(library, nlu_url, engine, DossierSettings(_env_file=None))
        asked = [(question, _ask(assistant, question["text"])) for question in read_questions()]
    outcomes = [(judge(body, question["procedure"]), question, body) for question, body in asked]
    counts = Counter(outcome for outcome, _, _ in outcomes)
    right_intents = sum(body["understanding"]["intent"] == question["intent"] for question, body in asked)
    return {
        "questions": len(asked),
        **{outcome: counts[outcome] for outcome in OUTCOMES},
        "intent_accuracy": round(right_intents / len(asked), 4),
        "missed": [
            {"text": question["text"], "meant": question["procedure"], "outcome": outcome,
             "said": body["understanding"]["procedure"], "status": body["status"]}
            for outcome, question, body in outcomes if outcome in ("wrong_procedure", "other")
        ],
    }  # fmt: skip


def _ask(assistant: Assistant, text: str) -> dict[str, Any]:
    return assistant.reply(Message("console", text)).body


def judge(body: dict[str, Any], meant: str) -> str:
    """Tell whether an answer asserts the procedure meant, offers it, asserts another, or none of these."""
    if asserted := body["understanding"]["procedure"]:
        return "right_procedure" if asserted["code"] == meant else "wrong_procedure"
    readings = [
        read_payload(choice["payload"], INTENTS)
        for message in body["messages"]
        for choice in message["choices"]
    ]
    offered = {reading.first("procedure") for reading in readings}
    return "asked_back_with_it" if body["status"] == "asked_back" and meant in offered else "other"
