"""The desk at ``/desk``: where hotline staff see cases and answer them."""

from __future__ import annotations

from fastapi import FastAPI
from nicegui import ui

from bot.desk.screen import desk_page
from bot.desk.sign_in_pages import sign_in_routes
from bot.settings import Settings
from bot.turn import Assistant

PATH = "/desk"


def add_desk(app: FastAPI, assistant: Assistant, settings: Settings) -> None:
    """Serve the desk."""
    lifetime = settings.staff_lifetime()
    sign_in_routes(app, assistant.engine, lifetime, is_secure=settings.address().startswith("https:"))
    desk_page(assistant, lifetime)
    ui.run_with(
        app,
        mount_path=PATH,
        title="Trực tổng đài",
        language="vi",
        show_welcome_message=False,
        binding_refresh_interval=None,
    )
