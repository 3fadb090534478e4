"""Advice for whoever changes a fee: which other ways of filing still have the amount that it had."""

from __future__ import annotations

from typing import Any

from actions.wording import dong, say
from bot.workbench.fields import told_choice


def fee_advice(held: Any, data: Any, fee: Any) -> str:
    """Say which ways of filing still have the amount that ``fee``, a part of ``data``, has in what holds.

    Empty where the amount is as it was, or no other way has it.
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
    return say("content.same_fee", ways=", ".join(others), amount=dong(was)) if others else ""


def _channels(data: Any) -> list[Any]:
    channels = data.get("channels") if isinstance(data, dict) else None
    return channels if isinstance(channels, list) else []


def _fees(channel: Any) -> list[Any]:
    fees = channel.get("fees")
    return fees if isinstance(fees, list) else []
