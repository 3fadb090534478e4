"""Addresses in a record are opened as a citizen would; those inside the office are not."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse

from bot.workbench.links import Opening, check_links, is_public, links_in
from tests.conftest import serve_app

PRIVATE = "là địa chỉ nội bộ, người dân không mở được"
UNREACHABLE = "không mở được"
ODD = "viết chưa đúng; địa chỉ cần bắt đầu bằng https:// hoặc http://, tiếp theo là tên trang"
HERE = Opening(is_public=lambda address: address == "127.0.0.1")


def _pages() -> FastAPI:
    """Pages good and bad; ``/asked`` answers only under its own name."""
    app = FastAPI()
    app.get("/good")(lambda: Response("ok"))
    app.get("/gone")(lambda: Response("no", 404))
    app.get("/moved")(lambda: RedirectResponse("/good"))
    app.get("/round")(lambda: RedirectResponse("/round"))
    app.get("/inside")(lambda: RedirectResponse("http://10.0.0.1/secret"))
    app.get("/by-name")(lambda: RedirectResponse("http://trong.example/secret"))
    app.get("/file")(lambda: RedirectResponse("file:///etc/passwd"))
    app.get("/asked")(_asked)
    app.get("/endless")(lambda: StreamingResponse(iter(lambda: b"x" * 65_536, b"")))
    return app


def _asked(request: Request) -> Response:
    return Response(status_code=200 if request.headers["host"].startswith("trang.example:") else 400)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve_app(_pages()) as served:
        yield served


@contextmanager
def _dripping() -> Iterator[str]:
    """Serve a page whose head comes a byte at a time, and never ends."""
    is_over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            talk, _ = server.accept()
            with talk:
                talk.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while not is_over.wait(0.05):
                    talk.sendall(b"x")

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        finally:
            is_over.set()
            thread.join()


def test_each_address_is_told_apart(url: str) -> None:
    pages = ("good", "gone", "moved", "round", "inside", "file", "endless")
    told = check_links([f"{url}/{name}" for name in pages], HERE)
    assert list(told.values()) == [
        "", "trang báo lỗi 404", "", UNREACHABLE, PRIVATE, ODD, "",
    ]  # fmt: skip


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "[::ffff:127.0.0.1]"])
def test_the_offices_own_network_is_not_opened(url: str, host: str) -> None:
    link = url.replace("127.0.0.1", host)
    assert check_links([f"{link}/good"]) == {f"{link}/good": PRIVATE}


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3", "172.16.0.1", "192.168.1.1", "127.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fec0::1",
        "ff02::1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:a00:1::",
        "2001::1", "2001:db8::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_of_the_internet_are_told(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "203.162.0.181", "2001:4860:4860::8888", "2405:4800::1"])
def test_addresses_of_the_internet_are_opened(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "link",
    [
        "http://dichvucong.gov.vn\\@127.0.0.1/", "http://dichvucong.gov.vn@127.0.0.1/", "http:\\\\127.0.0.1/",
        "ftp://dichvucong.gov.vn/", "file:///etc/passwd", "javascript:alert(1)",
        "http:///etc", "dichvucong.gov.vn", "http://dichvucong.gov.vn:99999/", "http://[::1",
    ],
)  # fmt: skip
def test_an_address_that_could_be_read_in_two_ways_is_not_opened(link: str) -> None:
    assert check_links([link], HERE) == {link: ODD}


def test_the_address_that_was_checked_is_the_one_that_is_opened(url: str) -> None:
    """A name that changes its address between the check and the opening gains nothing by it."""
    answers = iter((["127.0.0.1"], ["10.0.0.1"]))

    async def resolve(host: str, port: int) -> list[str]:
        assert host == "trang.example"
        return next(answers)

    link = f"{url}/asked".replace("127.0.0.1", "trang.example")
    assert check_links([link], Opening(HERE.is_public, resolve)) == {link: ""}
    assert next(answers) == ["10.0.0.1"]  # asked for only once


def test_a_page_that_leads_to_a_name_inside_is_not_followed(url: str) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["10.0.0.1" if host == "trong.example" else host]

    assert check_links([f"{url}/by-name"], Opening(HERE.is_public, resolve)) == {f"{url}/by-name": PRIVATE}


def test_a_name_with_one_address_inside_is_not_opened(url: str) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1", "10.0.0.1"]

    link = f"{url}/asked".replace("127.0.0.1", "trang.example")
    assert check_links([link], Opening(HERE.is_public, resolve)) == {link: PRIVATE}


def test_a_certificate_is_checked_against_the_name(tmp_path: Path) -> None:
    """The server is told the name, though its checked address is opened, and has to prove that name."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=x"
    files = ["-addext", "subjectAltName=DNS:trang.example", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    opening = Opening(HERE.is_public, _at_home, trusted=ssl.create_default_context(cafile=str(certificate)))
    with _secure(certificate, key) as (port, told):
        good, other = f"https://trang.example:{port}/", f"https://khac.example:{port}/"
        assert check_links([good, other], opening) == {good: "", other: UNREACHABLE}
    assert sorted(told) == ["khac.example", "trang.example"]


async def _at_home(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


@contextmanager
def _secure(certificate: Path, key: Path) -> Iterator[tuple[int, list[str]]]:
    """Serve over TLS; give the port, and the names that were asked for."""
    told: list[str] = []
    secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secure.load_cert_chain(certificate, key)
    secure.sni_callback = lambda _socket, name, _context: told.append(name)  # type: ignore[func-returns-value]
    with HTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as server:
        server.socket = secure.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port, told
        finally:
            server.shutdown()
            thread.join()


def test_the_second_address_of_a_name_is_tried(url: str) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"]  # nothing answers at the first

    link = f"{url}/asked".replace("127.0.0.1", "trang.example")
    assert check_links([link], Opening(lambda address: True, resolve)) == {link: ""}


def test_a_proxy_of_the_environment_is_not_asked(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert check_links([f"{url}/good"], HERE) == {f"{url}/good": ""}


def test_a_page_that_never_ends_its_head_is_given_up() -> None:
    with _dripping() as link:
        began = time.monotonic()
        assert check_links([link], Opening(HERE.is_public, each=0.5)) == {link: UNREACHABLE}
        assert time.monotonic() - began < 5


def test_a_check_ends_in_time_and_says_what_was_left_out(url: str) -> None:
    skipped = "chưa mở thử, vì mỗi lần chỉ thử được 2 liên kết đầu trong 1 giây"
    with _dripping() as slow:
        links = [f"{url}/good", slow, f"{url}/gone"]
        told = check_links(links, Opening(HERE.is_public, all_links=1.0, most=2))
    assert list(told.values()) == ["", skipped, skipped]


def test_a_name_that_does_not_exist_is_told() -> None:
    assert check_links(["http://khong-co.invalid/"]) == {"http://khong-co.invalid/": UNREACHABLE}


def test_links_are_found_everywhere_in_a_record() -> None:
    record = {"source": {"url": "https://a"}, "portals": [{"url": "https://b", "name": "x"}], "url": ""}
    assert list(links_in(record)) == ["https://a", "https://b"]
    notice = {
        "link": "https://c",
        "text": "Xem [trang](https://d/e) và [đây](https://f).",
        "sms": "https://g",
    }
    assert list(links_in([notice])) == ["https://c", "https://d/e", "https://f"]
