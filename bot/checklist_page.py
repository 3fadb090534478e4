"""``GET /checklist/{code}``: the papers of one case and way of filing, as a page to print on A4."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import segno
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from starlette.exceptions import HTTPException

from actions import telling
from actions.checklists import CHANNELS, PAGES, page_path
from actions.fees import fee_sources, tell_fees
from actions.request import Known
from actions.wording import day, say
from bot.telegram_text import as_html
from bot.turn import Assistant
from knowledge.records import Case, ChannelName, Document, Procedure

_TEMPLATES = Environment(loader=FileSystemLoader(Path(__file__).with_name("pages")), autoescape=True)


def checklist_route(app: FastAPI, assistant: Assistant) -> None:
    """Serve the checklists."""

    @app.get(PAGES + "/{code}")
    def checklist(code: str, case: str = "", channel: str = "") -> HTMLResponse:
        """Show the papers as they are required today."""
        procedure = assistant.library.catalogue.procedures.on(code, assistant.today())
        if procedure is None:
            raise HTTPException(404, say("checklist.unknown"))
        chosen = procedure.case(case)
        by = next((one for one in CHANNELS if one == channel and procedure.channel(one)), None)
        if (case and chosen is None) or (channel and by is None):
            raise HTTPException(404, say("checklist.unknown"))
        facts = _facts(assistant, procedure, chosen, by)
        return HTMLResponse(_TEMPLATES.get_template("checklist.html").render(facts))


def _facts(
    assistant: Assistant, procedure: Procedure, chosen: Case | None, channel: ChannelName | None
) -> dict[str, Any]:
    today, cases = assistant.today(), (chosen,) if chosen else procedure.cases
    address = assistant.address + page_path(procedure, chosen, channel)
    known = Known(assistant.library, assistant.pack, today)
    rests_on, sources = fee_sources(known, procedure, channel)
    told = [
        telling.time_limits(procedure, channel),
        tell_fees(known, procedure, channel),
        *([telling.where(procedure)] if channel != "online" else []),
    ]
    return {
        "name": procedure.name,
        "channel": say(f"channels.{channel}") if channel else "",
        "cases": [_case(case, channel, is_only=len(procedure.cases) == 1) for case in cases],
        "not_stated": say("not_stated_on_portal"),
        "facts": [Markup(as_html(block)) for block in told],  # noqa: S704  (it escapes what it writes)
        "made_on": day(today),
        "state_of": Markup(as_html(rests_on)),  # noqa: S704
        "sources": sources,
        "address": address,
        "qr": segno.make(address, error="m").svg_data_uri(scale=4, border=2),
    }


def _case(case: Case, channel: ChannelName | None, *, is_only: bool) -> dict[str, Any]:
    papers = [_paper(paper, channel) for paper in case.papers(channel)]
    return {"name": "" if is_only else case.name, "papers": papers}


def _paper(paper: Document, channel: ChannelName | None) -> dict[str, str]:
    return {
        "name": paper.name.rstrip("."),
        "count": telling.paper_count(paper, channel),
        "form": telling.form_name(paper),
        "note": paper.note or "",
    }
