"""Addresses in a record are opened as a citizen would; those inside the office are not."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.responses import RedirectResponse, Response

from bot.workbench.links import check_links, links_in
from tests.conftest import Serve, serve_app


def _pages() -> FastAPI:
    app = FastAPI()
    app.get("/good")(lambda: Response("ok"))
    app.get("/gone")(lambda: Response("no", 404))
    app.get("/moved")(lambda: RedirectResponse("/good"))
    app.get("/round")(lambda: RedirectResponse("/round"))
    app.get("/inside")(lambda: RedirectResponse("http://10.0.0.1/secret"))
    return app


def test_each_address_is_told_apart() -> None:
    serve: Serve = serve_app
    with serve(_pages()) as url:
        told = check_links(
            [f"{url}/{name}" for name in ("good", "gone", "moved", "round", "inside")],
            is_public=lambda host: host == "127.0.0.1",
        )
    assert list(told.values()) == [
        "",
        "trang báo lỗi 404",
        "",
        "không mở được",
        "là địa chỉ nội bộ, người dân không mở được",
    ]


def test_the_offices_own_network_is_not_opened() -> None:
    with serve_app(_pages()) as url:
        assert check_links([f"{url}/good"]) == {f"{url}/good": "là địa chỉ nội bộ, người dân không mở được"}


def test_a_name_that_does_not_exist_is_told() -> None:
    assert check_links(["http://khong-co.invalid/"]) == {"http://khong-co.invalid/": "không mở được"}


def test_links_are_found_everywhere_in_a_record() -> None:
    record = {"source": {"url": "https://a"}, "portals": [{"url": "https://b", "name": "x"}], "url": ""}
    assert list(links_in(record)) == ["https://a", "https://b"]
