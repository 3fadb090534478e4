"""The widget on other sites: who may ask, what their pages fetch, and a page that shows it (``/demo``)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse
from jinja2 import Environment, FileSystemLoader
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from actions.places import open_portals
from actions.wording import say
from bot.turn import Assistant

WEB = Path(__file__).with_name("web")
PANEL = "widget_panel.js"
API = "/api/v1/"
FETCHED = ("/widget.css", f"/{PANEL}")
KEPT = "max-age=600"  # seconds a browser keeps the panel, which is fetched at every opening otherwise
_IMPORT = re.compile(r'^import .* from "\./(.+\.js)";\n', re.MULTILINE)
_LEFT_OUT = re.compile(r"^ */\*\*.*?\*/\n", re.MULTILINE | re.DOTALL)  # doc comments
_TEMPLATES = Environment(loader=FileSystemLoader(Path(__file__).with_name("pages")), autoescape=True)


class WebFiles(StaticFiles):
    """The web folder as it is, but for the panel, which comes in one piece with what it imports."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Give a file, or the panel."""
        if path != PANEL:
            return await super().get_response(path, scope)
        return Response(join(PANEL, []), media_type="text/javascript", headers={"Cache-Control": KEPT})


def join(name: str, joined: list[str]) -> str:
    """Write a module after those it imports, each once and without its doc comments."""
    if name in joined:
        return ""
    joined.append(name)
    source = (WEB / name).read_text(encoding="utf-8")
    before = (join(each, joined) for each in _IMPORT.findall(source))
    return "".join(before) + _LEFT_OUT.sub("", _IMPORT.sub("", source))


class ListedSites:
    """Lets pages of the listed sites ask, and refuses what pages of others send."""

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        self._app, self._origins = app, origins
        self._shared = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Content-Type", "Idempotency-Key"],
            expose_headers=["Retry-After"],
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102
        if scope["type"] != "http" or not scope["path"].startswith((API, *FETCHED)):
            return await self._app(scope, receive, send)

        async def with_vary(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if "origin" not in headers.get("Vary", "").lower():
                    headers.add_vary_header("Origin")
            await send(message)

        origin = Headers(scope=scope).get("origin")
        if scope["method"] in ("GET", "HEAD") or is_listed(scope, origin, self._origins):
            return await self._shared(scope, receive, with_vary)
        return await _refusal(str(origin))(scope, receive, with_vary)


def is_listed(scope: Scope, origin: str | None, origins: tuple[str, ...]) -> bool:
    """Tell whether a page may ask: it is ours, it is listed, or it is no page at all."""
    headers = Headers(scope=scope)
    if origin is None or origin in origins or headers.get("sec-fetch-site") == "same-origin":
        return True
    return origin.partition("://")[2] == headers.get("host")


def _refusal(origin: str) -> JSONResponse:
    detail = say("widget.not_listed", origin=origin)
    body = {"type": "about:blank", "title": "Lỗi", "status": 403, "detail": detail}
    return JSONResponse(body, 403, media_type="application/problem+json")


def widget_routes(app: FastAPI, assistant: Assistant, origins: tuple[str, ...]) -> None:
    """Serve what the launcher asks first, and the demonstration."""

    @app.get(f"{API}widget")
    def widget(request: Request, province: str = "") -> JSONResponse:
        """Tell the portal of a province pack, and why this site may not ask, where it may not."""
        catalogue = assistant.library.catalogue
        pack = catalogue.provinces.get(province, catalogue.national)
        portals = open_portals(catalogue, pack, assistant.today())
        told = {
            "portal": {"name": portals[0].name, "url": portals[0].url} if portals else None,
            "trouble": _trouble(request, province),
        }
        return JSONResponse(told, headers={"Access-Control-Allow-Origin": "*"})

    def _trouble(request: Request, province: str) -> str | None:
        origin, ours = request.headers.get("origin"), assistant.province.id
        if not is_listed(request.scope, origin, origins):
            return say("widget.not_listed", origin=origin)
        return None if province == ours else say("widget.other_province", province=province, ours=ours)

    @app.get("/demo")
    def demo() -> HTMLResponse:
        """Show a made-up news site with the widget in it."""
        facts: dict[str, Any] = {"province": assistant.province}
        return HTMLResponse(_TEMPLATES.get_template("demo.html").render(facts))
