"""Telling fees with the text that sets each and from when, and what the answer then rests on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from actions import telling
from actions.request import Known
from actions.wording import day, dong, say, sentences
from knowledge.records import Channel, ChannelName, Fee, OfficialText, Procedure

UNITS = frozenset(
    {"bản", "bộ", "giấy", "hồ sơ", "lần", "người", "sổ", "thẻ", "trang", "trường hợp", "tờ", "xe"}
)
_NUMBER = re.compile(r"\d[\d.]*(?:/\d{4})?/([A-ZĐ]+)[\w-]*")


@dataclass(frozen=True)
class Basis:
    """The text that sets a fee, as people name it, and the day from which it sets the fee so, if stated."""

    name: str
    since: date | None
    text: OfficialText

    def __str__(self) -> str:
        since = say("procedure.fee_since", day=day(self.since)) if self.since else ""
        return say("procedure.fee_basis", text=self.name, since=since)


def tell_fees(known: Known, procedure: Procedure, channel: ChannelName | None = None) -> str:
    """Tell the fees of each channel, once when they agree; amounts that are over are told only as over."""
    shared = _shared_basis(known, procedure, channel)
    told = {
        say(f"channels.{item.channel}"): _fees_of(known, procedure, item, shared)
        for item in _channels(procedure, channel)
    }
    below = [say("procedure.fee_by", basis=shared)] if shared else []
    below += _fees_over(_channels(procedure, channel), known.today)
    below = [f"\n{line}" for line in below]
    if not told:
        return say("procedure.fee_all", fees=say("not_stated"))
    if len(set(told.values())) == 1:
        return "\n".join((_fees_of_all(next(iter(told.values()))), *below))
    lines = [
        say("procedure.fee_line", channel=channel, fees=_indented(lines)) for channel, lines in told.items()
    ]
    return "\n".join((say("procedure.fee"), *lines, *below))


def fee_sources(
    known: Known, procedure: Procedure, channel: ChannelName | None = None, *, only_fees: bool = False
) -> tuple[str, tuple[OfficialText, ...]]:
    """Tell what an answer with fees rests on, and give it as sources.

    A text that set a fee after the month in which the record's source was read stands for that fee itself:
    the source cannot have said so. ``only_fees``: the answer states nothing else.
    """
    bases = [_basis(known, procedure, fee) for fee in _told(known, procedure, channel)]
    newer = [basis for basis in bases if basis and _is_newer(basis, procedure)]
    texts = tuple(dict.fromkeys(basis.text for basis in newer))
    if only_fees and newer and len(newer) == len(bases):
        return "", texts
    told = telling.provenance(procedure, is_rest=bool(newer))
    return told, (*texts, procedure.as_source())


def states_amount(known: Known, procedure: Procedure, channel: ChannelName) -> bool:
    """Tell whether an amount is stated for a way of filing on this day."""
    return any(fee.amount is not None for fee in _told(known, procedure, channel))


def _is_newer(basis: Basis, procedure: Procedure) -> bool:
    began = basis.since or basis.text.in_force_from or basis.text.issued_on
    return began is not None and f"{began:%Y-%m}" > procedure.source.state_of


def _basis(known: Known, procedure: Procedure, fee: Fee) -> Basis | None:
    if fee.basis is None:
        return None
    kind, number = _kind_and_number(fee.basis)
    listed = known.catalogue.official_texts.get(number or fee.basis)
    is_law = listed is not None and listed.title.startswith(say("text_kinds.law"))
    name = f"{listed.title if listed and is_law else kind} {number}" if fee.basis == number else fee.basis
    titles = {basis.number: basis.title for basis in procedure.legal_basis or ()}
    text = listed or OfficialText(title=titles.get(number or fee.basis, kind), number=number)
    return Basis(name, fee.valid_from, text)


def _kind_and_number(basis: str) -> tuple[str, str | None]:
    """Read what kind of text is meant and its number; one without a number is what it is called."""
    found = _NUMBER.search(basis)
    if found is None:
        return basis, None
    return sentences().get(f"text_kinds.{found[1]}", say("text_kinds.other")), found[0]


def _channels(procedure: Procedure, channel: ChannelName | None) -> list[Channel]:
    return [item for item in procedure.channels or () if channel in (None, item.channel)]


def _told(known: Known, procedure: Procedure, channel: ChannelName | None) -> list[Fee]:
    """List the different fees of these days, by whatever way of filing or by one."""
    held = (_current(item, known.today) for item in _channels(procedure, channel))
    return list(dict.fromkeys(fee for fees in held for fee in fees))


def _current(channel: Channel, today: date) -> Iterable[Fee]:
    return [fee for fee in channel.fees or () if not fee.is_expired(today) and not fee.is_future(today)]


def _shared_basis(known: Known, procedure: Procedure, channel: ChannelName | None) -> Basis | None:
    """Give the basis of several fees that all have the same, to be said once."""
    told = _told(known, procedure, channel)
    bases = {_basis(known, procedure, fee) for fee in told}
    return bases.pop() if len(bases) == 1 and len(told) > 1 else None


def _fees_of(known: Known, procedure: Procedure, channel: Channel, shared: Basis | None) -> tuple[str, ...]:
    told = []
    for fee in _current(channel, known.today):
        basis = None if shared else _basis(known, procedure, fee)
        line = _fee(fee)
        told.append(f"{line} ({basis})" if basis and str(fee.basis) not in line else line)
    return tuple(told) or (say("not_stated"),)


def _fees_of_all(lines: tuple[str, ...]) -> str:
    if len(lines) == 1:
        return say("procedure.fee_all", fees=lines[0])
    return "\n".join((say("procedure.fee"), telling.bullets(lines)))


def _indented(lines: tuple[str, ...]) -> str:
    return f" {lines[0]}" if len(lines) == 1 else "".join(f"\n  - {line}" for line in lines)


def _fee(fee: Fee) -> str:
    """Say ``what: amount``; where ``what`` itself tells what the portal says, it stands alone."""
    if fee.amount is None and fee.what and _tells_itself(fee.what):
        return fee.what
    amount = say("not_stated") if fee.amount is None else dong(fee.amount)
    if fee.amount and fee.what in UNITS:
        return f"{amount}/{fee.what}"
    return f"{fee.what}: {amount}" if fee.what else amount


def _tells_itself(what: str) -> bool:
    return "Cổng" in what


def _fees_over(channels: list[Channel], today: date) -> list[str]:
    over = [
        say(
            "procedure.fee_over",
            amount=dong(fee.amount),
            what=fee.what or say("procedure.fee_any"),
            day=day(fee.valid_to),
        )
        for channel in channels
        for fee in channel.fees or ()
        if fee.valid_to and fee.amount is not None and fee.is_expired(today)
    ]
    return list(dict.fromkeys(over))
