"""Telling a procedure's facts in words; what the record does not state is said to be unknown."""

from __future__ import annotations

from urllib.parse import urlsplit

from actions.wording import say
from knowledge.records import Case, ChannelName, Document, Portal, Procedure

PORTAL = "dichvucong.gov.vn"
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
    page = procedure.source.url if is_on_portal(procedure) else portal.url
    return say("procedure.online_yes", portal=portal.name, url=page)


def provenance(procedure: Procedure, *, is_rest: bool = False) -> str:
    """Tell as of when the facts stand, or the rest of them, and by which source."""
    source = procedure.source
    year, month = source.state_of.split("-")
    number = f", {source.number}" if source.number else ""
    return say(
        "procedure.state_of_rest" if is_rest else "procedure.state_of",
        source=say("procedure.portal") if is_on_portal(procedure) else f"{source.title}{number}",
        month=f"{int(month)}/{year}",
    )


def is_on_portal(procedure: Procedure) -> bool:
    """Tell whether the record was read on the national portal, not in a text."""
    return urlsplit(procedure.source.url).hostname == PORTAL
