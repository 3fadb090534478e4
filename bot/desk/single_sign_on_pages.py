"""Signing in with an account of the authority: to the OpenID provider and back."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote, unquote

import structlog
from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import Engine

from actions.wording import say
from bot.desk.sign_in_pages import PATH, SSO, Field, after, check_origin, give_session, network_of, page
from bot.hotline.openid import LONGEST_SIGN_IN, OpenIdError, Provider, ProviderDown, begin
from bot.hotline.sign_in import SignInRefused
from bot.hotline.single_sign_on import admit, confirm_code
from bot.hotline.staff_sessions import Lifetime

log = structlog.get_logger()
CALLBACK, CODE = f"{SSO}/callback", f"{SSO}/code"
BEGUN = "desk_sso"  # the cookie; lax, since it is the provider that sends the browser back
THEN = "desk_sso_to"  # the cookie of the page to come to
LONGEST_PAGE = 500  # characters of its address
Parameter = Annotated[str, Query()]


def single_sign_on_routes(
    app: FastAPI, engine: Engine, lifetime: Lifetime, provider: Provider, *, is_secure: bool
) -> None:
    """Serve single sign-on."""

    @app.get(SSO, include_in_schema=False)
    def go_to_provider(to: Parameter = "/") -> Response:
        begun = begin()
        try:
            reply = RedirectResponse(provider.address(begun), 303, {"Cache-Control": "no-store"})
        except OpenIdError as error:
            return _told(error)
        for name, value in ((BEGUN, begun), (THEN, quote(to[:LONGEST_PAGE]))):
            reply.set_cookie(
                name, value, int(LONGEST_SIGN_IN.total_seconds()),
                path=SSO, httponly=True, secure=is_secure, samesite="lax",
            )  # fmt: skip
        return reply

    @app.get(CALLBACK, include_in_schema=False)
    def come_back(request: Request, state: Parameter = "", code: Parameter = "") -> Response:
        try:
            subject = provider.subject(request.cookies.get(BEGUN, ""), state, code)
        except OpenIdError as error:
            reply = _told(error)
        else:
            to, network = after(unquote(request.cookies.get(THEN, ""))), network_of(request)
            reply = _admitted(engine, lifetime, subject, network, to, is_secure=is_secure)
        for name in (BEGUN, THEN):
            reply.delete_cookie(name, path=SSO)
        return reply

    @app.post(CODE, include_in_schema=False)
    def take_code(request: Request, ticket: Field, code: Field, to: Field = "") -> Response:
        check_origin(request)
        try:
            token = confirm_code(engine, ticket, code, network_of(request), lifetime)
        except SignInRefused:
            trouble = say("accounts.sso_code_refused")
            facts = {"trouble": trouble, "ticket": ticket, "to": to, "back": say("accounts.sso_back")}
            return _page(401, "sso_code_title", **facts)
        reply = RedirectResponse(after(to.removeprefix(PATH)), 303)
        give_session(reply, token, is_secure=is_secure)
        return reply


def _admitted(
    engine: Engine, lifetime: Lifetime, subject: str, network: str | None, to: str, *, is_secure: bool
) -> HTMLResponse:
    """Let in whom the provider named, ask for their code, or say what the admin has to link."""
    admitted = admit(engine, subject, network, lifetime)
    if admitted is None:
        trouble, back = say("accounts.sso_not_linked"), say("accounts.sso_back")
        return _page(401, "sso_not_linked_title", trouble=trouble, subject=subject, back=back)
    if admitted.needs_code:
        return _page(200, "sso_code_title", ticket=admitted.token, to=to)
    # The browser came here from another site and would not send a strict cookie on: our own page leads on.
    reply = _page(200, "sso_done", go_on=say("accounts.sso_go_on"), to=to)
    give_session(reply, admitted.token, is_secure=is_secure)
    return reply


def _told(error: OpenIdError) -> HTMLResponse:
    log.warning("single_sign_on_failed", reason=str(error), kind=type(error).__name__)
    is_down = isinstance(error, ProviderDown)
    trouble = say("accounts.sso_down" if is_down else "accounts.sso_refused")
    status = 502 if is_down else 401
    return _page(status, "sso_failed_title", trouble=trouble, back=say("accounts.sso_back"))


def _page(status: int, title: str, **facts: str) -> HTMLResponse:
    reply = page("single_sign_on.html", status, title=say(f"accounts.{title}"), **facts)
    reply.headers["Cache-Control"] = "no-store"
    return reply
