"""Telling a procedure's facts in words; what the record does not state is said to be unknown."""

from __future__ import annotations

from datetime import date

from actions.wording import day, dong, say
from knowledge.records import Case, Channel, ChannelName, Document, Fee, Portal, Procedure

LONGEST_FORM = 60  # characters of a form's name that still fit into the line of its paper


def bullets(lines: tuple[str, ...] | list[str]) -> str:
    """Write lines as a Markdown list."""
    return "\n".join(f"- {line}" for line in lines)


def numbered(lines: tuple[str, ...]) -> str:
    """Write lines as a numbered Markdown list."""
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, 1))


def papers(case: Case, *, only_case: bool, channel: ChannelName | None = None) -> str:
    """Tell the documents one case requires, by whatever way of filing or by one."""
    head = say("procedure.papers") if only_case else say("procedure.papers_of_case", case=case.name)
    if case.documents is None:
        return f"{head}\n{say('not_stated_on_portal')}"
    return "\n".join((head, *(_paper(document, channel) for document in case.papers(channel))))


def _paper(document: Document, channel: ChannelName | None) -> str:
    form = f" — {named}" if (named := form_name(document)) else ""
    note = f". _{document.note.rstrip('.')}._" if document.note else ""
    count = f" ({counted})" if (counted := paper_count(document, channel)) else ""
    return say("procedure.paper", name=document.name.rstrip("."), form=form, count=count, notes=note)


def paper_count(document: Document, channel: ChannelName | None) -> str:
    """Tell how many originals and copies are needed, or that it is only shown, and by which way."""
    counts = [
        *([say("procedure.original", count=document.originals)] if document.originals else []),
        *([say("procedure.copy", count=document.copies)] if document.copies else []),
    ]
    notes = [
        *([say("procedure.show")] if document.action == "show" else []),
        *([", ".join(counts)] if counts and document.action == "submit" else []),
        *(
            [say("procedure.only", channels=_channel_words(document))]
            if document.only and not channel
            else []
        ),
    ]
    return "; ".join(notes)


def form_name(document: Document) -> str:
    """Give the form's name where it has a number (CT01), which people ask for at the counter."""
    form = document.form or ""
    has_number = any(letter.isdigit() for letter in form)
    return form if has_number and len(form) <= LONGEST_FORM else ""


def _channel_words(document: Document) -> str:
    return ", ".join(say(f"procedure.only_{channel}") for channel in document.only)


def fees(procedure: Procedure, today: date, channel: ChannelName | None = None) -> str:
    """Tell the fees of each channel, once when they agree; amounts that are over are told only as over."""
    told = {
        say(f"channels.{item.channel}"): _fees_of(item, today)
        for item in procedure.channels or ()
        if channel in (None, item.channel)
    }
    over = _fees_over(procedure, today)
    if not told:
        return say("procedure.fee_all", fees=say("not_stated"))
    if len(set(told.values())) == 1:
        return "\n".join((_fees_of_all(next(iter(told.values()))), *over))
    lines = [
        say("procedure.fee_line", channel=channel, fees=_indented(lines)) for channel, lines in told.items()
    ]
    return "\n".join((say("procedure.fee"), *lines, *over))


def _fees_of(channel: Channel, today: date) -> tuple[str, ...]:
    current = [fee for fee in channel.fees or () if not fee.is_expired(today) and not fee.is_future(today)]
    return tuple(map(_fee, current)) or (say("not_stated"),)


def _fees_of_all(lines: tuple[str, ...]) -> str:
    if len(lines) == 1:
        return say("procedure.fee_all", fees=lines[0])
    return "\n".join((say("procedure.fee"), bullets(lines)))


def _indented(lines: tuple[str, ...]) -> str:
    return f" {lines[0]}" if len(lines) == 1 else "".join(f"\n  - {line}" for line in lines)


def _fee(fee: Fee) -> str:
    """Say ``what: amount``; where ``what`` itself tells what the portal says, it stands alone."""
    if fee.amount is None and fee.what and _tells_itself(fee.what):
        return fee.what
    amount = say("not_stated") if fee.amount is None else dong(fee.amount)
    return f"{fee.what}: {amount}" if fee.what else amount


def _tells_itself(what: str) -> bool:
    return "Cổng" in what


def _fees_over(procedure: Procedure, today: date) -> list[str]:
    over = [
        say(
            "procedure.fee_over",
            amount=dong(fee.amount),
            what=fee.what or say("procedure.fee_any"),
            day=day(fee.valid_to),
        )
        for channel in procedure.channels or ()
        for fee in channel.fees or ()
        if fee.valid_to and fee.amount is not None and fee.is_expired(today)
    ]
    return [f"\n{line}" for line in dict.fromkeys(over)]


def time_limits(procedure: Procedure, channel: ChannelName | None = None) -> str:
    """Tell the time limit of each channel."""
    told = [
        (item.channel, item.time_limit or say("not_stated"))
        for item in procedure.channels or ()
        if channel in (None, item.channel)
    ]
    if not told:
        return say("procedure.time_all", time=say("not_stated"))
    if len({time for _, time in told}) == 1:
        return say("procedure.time_all", time=told[0][1])
    lines = [say("procedure.time_line", channel=say(f"channels.{name}"), time=time) for name, time in told]
    return "\n".join((say("procedure.time"), *lines))


def where(procedure: Procedure) -> str:
    """Tell where to file."""
    return say("procedure.where", where=procedure.where or say("not_stated"))


def online(procedure: Procedure, portal: Portal | None) -> str:
    """Tell whether it can be filed online, and where."""
    if portal is None or procedure.channel("online") is None:
        return say("procedure.online_no")
    return say("procedure.online_yes", portal=portal.name, url=procedure.source.url)


def provenance(procedure: Procedure) -> str:
    """Tell as of when the facts stand."""
    year, month = procedure.source.state_of.split("-")
    return say("procedure.state_of", month=f"{int(month)}/{year}")
