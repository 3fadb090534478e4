"""The desk at ``/desk``: where hotline staff see cases and answer them."""

from __future__ import annotations

import nicegui
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from nicegui import ui
from nicegui.translations import translations

from actions.wording import say
from bot.desk.screen import desk_page
from bot.desk.sign_in_pages import page, sign_in_routes
from bot.desk.single_sign_on_pages import CALLBACK, single_sign_on_routes
from bot.desk.staff_page import staff_page
from bot.hotline.openid import Client, Provider
from bot.settings import Settings
from bot.turn import Assistant

PATH = "/desk"


def add_desk(app: FastAPI, assistant: Assistant, settings: Settings) -> None:
    """Serve the desk."""
    lifetime = settings.staff_lifetime()
    is_secure, provider = settings.address().startswith("https:"), _provider(settings)
    sign_in_routes(app, assistant.engine, lifetime, is_secure=is_secure, has_sso=provider is not None)
    if provider:
        single_sign_on_routes(app, assistant.engine, lifetime, provider, is_secure=is_secure)
    desk_page(assistant, lifetime)
    staff_page(assistant, lifetime)
    translations["vi"] = {key: say(f"desk.{key}") for key in translations["en-US"]}  # NiceGUI has none
    nicegui.app.config.quasar_config["loadingBar"] = {"skipHijack": True}  # no screen reader could name it
    nicegui.app.exception_handler(404)(_tell_missing)
    nicegui.app.on_page_exception(_tell_broken)
    ui.run_with(
        app,
        mount_path=PATH,
        title="Trực tổng đài",
        language="vi",
        show_welcome_message=False,
        binding_refresh_interval=None,
    )


def _tell_missing(_request: Request, _error: Exception) -> HTMLResponse:
    """Say in Vietnamese that there is no such page."""
    words = {"title": say("desk.no_page"), "told": say("desk.no_page_hint"), "back": say("desk.to_start")}
    return page("told.html", 404, **words)


def _tell_broken() -> None:
    """Draw in place of a page that could not be built; why is in the log only."""
    ui.label(say("desk.page_broken"))
    ui.link(say("desk.to_start"), "/")


def _provider(settings: Settings) -> Provider | None:
    """Give who vouches for staff, when single sign-on is set."""
    issuer, client_id, secret = settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret
    if not (issuer and client_id and secret):
        return None
    callback = settings.address() + CALLBACK
    return Provider(Client(issuer, client_id, secret.get_secret_value(), callback))
