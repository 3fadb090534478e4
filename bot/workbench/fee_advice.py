"""Advice for whoever changes a fee: the text that sets it, and where the amount that it had still stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from actions.wording import dong, say, thousands
from bot.workbench.fields import told_choice

NOT_TOLD = ("source", "legal_basis")  # parts of a procedure that state no amount of today
SMALLEST = 1_000  # đồng that are recognised in words; below it a number may count anything
BESIDE = 40  # characters that are shown on each side


def fee_advice(held: Any, data: Any, fee: Any) -> str:
    """Say what to think of where ``fee``, a part of ``data``, has another amount than in what holds.

    Which text sets it, which other ways of filing still have the amount that it had, and where that amount
    still stands in words; empty where the amount is as it was.
    """
    now, before = _channels(data), {each.get("channel"): each for each in _channels(held)}
    own, number = next(
        ((each, n) for each in now for n, one in enumerate(_fees(each)) if one is fee), (None, 0)
    )
    old = _fees(before.get(own.get("channel"), {}))[number : number + 1] if own else []
    was = old[0].get("amount") if old else None
    if not isinstance(was, int) or was == fee.get("amount"):
        return ""
    others = [
        told_choice(str(each.get("channel")))
        for each in now
        if each is not own
        and any(one.get("amount") == was and one.get("what") == old[0].get("what") for one in _fees(each))
    ]
    told = [say("content.same_fee", ways=", ".join(others), amount=dong(was))] if others else []
    if not fee.get("basis"):
        told.append(say("content.fee_unfounded"))
    elif fee["basis"] == old[0].get("basis"):
        told.append(say("content.fee_same_basis", basis=fee["basis"]))
    if stated := next(filter(None, (_states(text, was) for text in _texts(data))), None):
        told.append(say("content.fee_in_words", amount=dong(was), text=_around(stated)))
    return "\n".join(told)


def advice_on(held: Any, data: Any) -> list[str]:
    """Give the advice on every fee of a record that becomes ``data``, each once."""
    fees = (fee for channel in _channels(data) for fee in _fees(channel))
    told = (line for fee in fees for line in fee_advice(held, data, fee).splitlines())
    return list(dict.fromkeys(told))


def _channels(data: Any) -> list[Any]:
    channels = data.get("channels") if isinstance(data, dict) else None
    return channels if isinstance(channels, list) else []


def _fees(channel: Any) -> list[Any]:
    fees = channel.get("fees")
    return fees if isinstance(fees, list) else []


def _texts(data: Any) -> Iterator[str]:
    """Yield whatever a record says in words."""
    if isinstance(data, str):
        yield data
    for each in data if isinstance(data, list) else ():
        yield from _texts(each)
    for name, each in data.items() if isinstance(data, dict) else ():
        if name not in NOT_TOLD:
            yield from _texts(each)


def _states(text: str, amount: int) -> re.Match[str] | None:
    """Find an amount in words: 10000, 10.000 or 10,000, not as a part of a longer number."""
    if amount < SMALLEST:
        return None
    written = "[.,]?".join(thousands(amount).split("."))
    return re.search(rf"(?<![\d.,/]){written}(?![\d/]|[.,]\d)", text)


def _around(stated: re.Match[str]) -> str:
    """Cut the words beside an amount out of its text."""
    cut = stated.string[max(0, stated.start() - BESIDE) : stated.end() + BESIDE]
    return " ".join(cut.split())
