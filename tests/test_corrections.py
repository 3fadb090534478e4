"""Every question that was answered wrongly once is understood: published corrections, on the whole path."""

from __future__ import annotations

from typing import Any

import pytest

from bot.inbox import Message
from bot.turn import Assistant
from knowledge.catalogue_files import load_catalogue
from knowledge.records import Correction

CORRECTIONS = load_catalogue().corrections
KNOWN = {  # the check itself is checked by questions that are surely answered
    "khai-sinh": Correction(
        question="làm giấy khai sinh cho con cần gì", procedure="1.001193", intent="ask_documents"
    ),
    "bao-lau": Correction(question="đăng ký kết hôn mất bao lâu", procedure="1.000894"),
}


def faults(assistant: Assistant, correction: Correction) -> dict[str, tuple[str | None, str | None]]:
    """Ask a corrected question; give what is understood otherwise than expected: expected and got."""
    understood: Any = assistant.reply(Message("console", correction.question)).body["understanding"]
    got = {
        "intent": understood["intent"],
        "procedure": (understood["procedure"] or {}).get("code"),
        "topic": understood["topic"],
    }
    wanted = {name: getattr(correction, name) for name in got}
    return {name: (value, got[name]) for name, value in wanted.items() if value not in (None, got[name])}


@pytest.mark.parametrize("key", [*CORRECTIONS, *KNOWN])
def test_a_corrected_question_stays_right(assistant: Assistant, key: str) -> None:
    assert faults(assistant, {**KNOWN, **CORRECTIONS}[key]) == {}


def test_a_question_that_is_understood_otherwise_is_told(assistant: Assistant) -> None:
    wrong = KNOWN["bao-lau"].model_copy(update={"procedure": "1.001193", "intent": "ask_fee"})
    assert set(faults(assistant, wrong)) == {"procedure", "intent"}
