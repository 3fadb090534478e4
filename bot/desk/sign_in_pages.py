"""Signing in to the desk: plain pages with forms, and a cookie that scripts cannot read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode, urlsplit

import segno
from fastapi import FastAPI, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from sqlalchemy import Engine
from starlette.exceptions import HTTPException

from actions.wording import say
from bot.hotline.accounts import set_presence
from bot.hotline.second_factor import begin_second_factor, confirm_second_factor
from bot.hotline.sign_in import SignInRefused, sign_in
from bot.hotline.staff import StaffError
from bot.hotline.staff_sessions import Lifetime, Signed, csrf_matches, csrf_of, sign_out, who
from knowledge.database import transaction

COOKIE, PATH = "desk", "/desk"
SIGN_IN, SIGN_OUT, SECOND_FACTOR = "/desk/sign-in", "/desk/sign-out", "/desk/second-factor"
SSO = "/desk/sso"
_TEMPLATES = Environment(loader=FileSystemLoader(Path(__file__).parents[1] / "pages"), autoescape=True)
Field = Annotated[str, Form()]


def page_of(request: Request) -> str:
    """Tell which page was asked for, below the desk's path."""
    path = request.url.path.removeprefix(PATH)
    return f"{path}?{request.url.query}" if request.url.query else path


def then_to(address: str, page: str) -> str:
    """Write an address from which one comes to a page in the end."""
    return f"{address}?{urlencode({'to': page})}" if page != "/" else address


def after(to: str) -> str:
    """Give where signing in leads: always below the desk's path."""
    return PATH + (to if to.startswith("/") else "/")


def _title(to: str) -> str:
    """Name the page that signing in leads to."""
    if to.startswith("/content"):
        return say("content.title")
    return say("accounts.title" if to.startswith("/staff") else "desk.title")


def sign_in_routes(
    app: FastAPI, engine: Engine, lifetime: Lifetime, *, is_secure: bool, has_sso: bool = False
) -> None:
    """Serve signing in and out, and setting up the second factor."""

    @app.get("/desk", include_in_schema=False)
    def go_to_desk() -> RedirectResponse:
        return RedirectResponse("/desk/", 307)

    @app.get(SIGN_IN, include_in_schema=False)
    def show_sign_in(request: Request, to: str = "/") -> Response:
        if who(engine, request.cookies.get(COOKIE, ""), lifetime, is_use=False):
            return RedirectResponse(after(to), 303)
        return page("sign_in.html", title=_title(to), sso=then_to(SSO, to) if has_sso else "")

    @app.post(SIGN_IN, include_in_schema=False)
    def take_sign_in(
        request: Request, login: Field, password: Field, code: Field = "", to: str = "/"
    ) -> Response:
        check_origin(request)
        try:
            token = sign_in(engine, login, password, code or None, network_of(request), lifetime)
        except SignInRefused as error:
            facts = {"trouble": str(error), "login": login, "title": _title(to)}
            return page("sign_in.html", 401, sso=then_to(SSO, to) if has_sso else "", **facts)
        reply = RedirectResponse(after(to), 303)
        give_session(reply, token, is_secure=is_secure)
        return reply

    @app.post(SIGN_OUT, include_in_schema=False)
    def take_sign_out(request: Request, csrf: Field) -> Response:
        token, signed = _signed(request, engine, lifetime, csrf)
        with transaction(engine) as session:
            set_presence(session, signed.staff_id, "off")
        sign_out(engine, token)
        reply = RedirectResponse(SIGN_IN, 303)
        reply.delete_cookie(COOKIE, path="/desk")
        return reply

    @app.get(SECOND_FACTOR, include_in_schema=False)
    def show_second_factor(request: Request, to: str = "/") -> Response:
        token = request.cookies.get(COOKIE, "")
        signed = who(engine, token, lifetime)
        if signed is None or not signed.needs_second_factor:
            return RedirectResponse(after(to) if signed else then_to(SIGN_IN, to), 303)
        return _second_factor_page(engine, token, signed)

    @app.post(SECOND_FACTOR, include_in_schema=False)
    def take_second_factor(
        request: Request, csrf: Field, secret: Field, code: Field, to: str = "/"
    ) -> Response:
        token, signed = _signed(request, engine, lifetime, csrf)
        try:
            with transaction(engine) as session:
                confirm_second_factor(session, signed.staff_id, secret, code, keep=token)
        except StaffError as error:
            return _second_factor_page(engine, token, signed, secret, error.shown)
        return RedirectResponse(after(to), 303)


def _signed(request: Request, engine: Engine, lifetime: Lifetime, csrf: str) -> tuple[str, Signed]:
    """Give who sent a form that our own page made; anybody else is refused."""
    check_origin(request)
    token = request.cookies.get(COOKIE, "")
    signed = who(engine, token, lifetime)
    if signed is None or not csrf_matches(token, csrf):
        raise HTTPException(403, say("desk.form_refused"))
    return token, signed


def give_session(reply: Response, token: str, *, is_secure: bool) -> None:
    """Let a browser keep a session's token."""
    reply.set_cookie(COOKIE, token, httponly=True, secure=is_secure, samesite="lax", path="/desk")


def network_of(request: Request) -> str | None:
    """Give the network address that a request came from."""
    return request.client.host if request.client else None


def check_origin(request: Request) -> None:
    """Refuse a form that another site sent; old browsers that do not tell are let through."""
    origin = request.headers.get("origin")
    if origin and urlsplit(origin).netloc != request.headers.get("host"):
        raise HTTPException(403, say("desk.form_refused"))


def _second_factor_page(
    engine: Engine, token: str, signed: Signed, secret: str = "", trouble: str = ""
) -> HTMLResponse:
    with transaction(engine) as session:
        secret, uri = begin_second_factor(session, signed.staff_id, secret)
    picture = Markup(segno.make(uri).svg_inline(scale=4))  # noqa: S704  (our own drawing)
    facts = {"secret": secret, "picture": picture, "csrf": csrf_of(token), "name": signed.name}
    return page("second_factor.html", 401 if trouble else 200, trouble=trouble, **facts)


def page(template: str, status: int = 200, **facts: object) -> HTMLResponse:
    """Draw one of the plain pages."""
    return HTMLResponse(_TEMPLATES.get_template(template).render(**facts), status)
