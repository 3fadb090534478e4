"""The assistant's own sentences, read from ``wording.yml``, and how it says days and amounts."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml

WORDING = Path(__file__).with_name("wording.yml")


@cache
def sentences() -> dict[str, str]:
    """Give every sentence by its dotted key (``talk.greet``)."""
    found: dict[str, str] = {}

    def gather(prefix: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                gather(f"{prefix}.{key}" if prefix else key, inner)
        else:
            found[prefix] = str(value)

    gather("", yaml.safe_load(WORDING.read_text(encoding="utf-8")))
    return found


def say(key: str, **values: object) -> str:
    """Say a sentence with its names filled in; raises KeyError for a sentence there is not."""
    return sentences()[key].format_map(values)


def button(intent: str) -> str:
    """Give the short title a choice for this intent carries."""
    return sentences()[f"intents.{intent}"]


def day(value: date) -> str:
    """Say a date as citizens write it: 1/4/2020."""
    return f"{value.day}/{value.month}/{value.year}"


def dong(amount: int) -> str:
    """Say an amount: 0 is free, 160000 is ``160.000 đ``."""
    return say("free") if amount == 0 else say("procedure.fee_amount", amount=thousands(amount))


def thousands(number: int) -> str:
    """Write a number as Vietnamese do: 160000 is ``160.000``."""
    return f"{number:,}".replace(",", ".")
