"""The doctor: each part that is set up is looked at, and of what is wrong it says what to do."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext

import pytest
from pydantic import SecretStr
from sqlalchemy import inspect

from bot.doctor import Finding, examine
from bot.settings import Settings
from bot.start import open_engine
from bot.zalo_tokens import ZaloToken
from knowledge.database import now, open_database, transaction
from tests.conftest import free_port
from tests.servers.telegram_api import TelegramApi
from tests.servers.zalo_bot import TOKEN, ZaloBotServer


@pytest.fixture
def at_home(settings: Settings, tmp_path: Path, nlu_url: str) -> Settings:
    """Settings with a database of the test's own, and Telegram set up."""
    database = f"sqlite:///{tmp_path / 'doctor.db'}"
    known = settings.model_copy(update={"database_url": database, "nlu_url": nlu_url})
    open_engine(known).dispose()  # as the assistant's first start
    return known


def seen(settings: Settings, **more: object) -> dict[str, Finding]:
    """Look at everything; give what was seen last of each part."""
    return {finding.part: finding for finding in examine(settings.model_copy(update=more))}


def test_where_all_is_well_nothing_is_bad_and_what_is_off_is_said(at_home: Settings) -> None:
    found = seen(at_home)
    assert [each for each in found.values() if each.is_bad] == []
    assert str(found["telegram"]).startswith("ok  telegram: ") and "polling" in str(found["telegram"])
    assert str(found["zalo_bot"]) == "--  zalo_bot: not set up (ZALO_BOT_TOKEN)"
    assert "bot staff add" in found["staff"].told


def test_a_database_of_another_release_is_left_as_it_is(at_home: Settings, tmp_path: Path) -> None:
    finding = seen(at_home, database_url=f"sqlite:///{tmp_path / 'empty.db'}")["database"]
    assert finding.is_bad and "start the assistant" in finding.told
    with open_database(f"sqlite:///{tmp_path / 'empty.db'}").connect() as connection:
        assert inspect(connection).get_table_names() == []


@pytest.mark.parametrize(
    ("part", "what", "words"),
    [
        ("database", {"database_url": "mysql://x"}, "DATABASE_URL"),
        ("knowledge", {"province": "atlantis"}, "atlantis"),
        ("nlu", {"nlu_url": f"http://127.0.0.1:{free_port()}"}, "python -m nlu serve"),
        ("telegram", {"telegram_token": SecretStr("1:wrong")}, "TELEGRAM_TOKEN"),
        ("telegram", {"telegram_api": f"http://127.0.0.1:{free_port()}"}, "TELEGRAM_API"),
        ("sms", {"sms_gateway_url": f"http://127.0.0.1:{free_port()}/send"}, "not reached"),
        ("public address", {"public_url": f"http://127.0.0.1:{free_port()}"}, "proxy"),
        ("settings", {"oidc_client_id": "x"}, "OIDC_ISSUER"),
        ("settings", {"zalo_oa_secret_key": SecretStr("x")}, "ZALO_OA_APP_ID"),
        ("settings", {"telegram_mode": "webhook"}, "TELEGRAM_WEBHOOK_URL"),
        ("zalo_oauth", {"zalo_oa_app_id": "7", "zalo_oauth": f"http://127.0.0.1:{free_port()}"}, "way out"),
    ],
)
def test_what_is_wrong_is_named_with_what_to_do(
    at_home: Settings, part: str, what: dict[str, object], words: str
) -> None:
    finding = seen(at_home, **what)[part]
    assert finding.is_bad and words in finding.told
    assert "wrong" not in finding.told, "no token is told"


def test_a_webhook_that_leads_elsewhere_is_told(at_home: Settings, api: TelegramApi) -> None:
    api.webhook.url = "https://cu.example/telegram/webhook"
    assert "cu.example" in seen(at_home)["telegram"].told
    by_webhook = {"telegram_mode": "webhook", "telegram_webhook_url": "https://hoi.example/"}
    finding = seen(at_home, **by_webhook)["telegram"]
    assert finding.is_bad and "not to https://hoi.example/telegram/webhook" in finding.told
    api.webhook.url = "https://hoi.example/telegram/webhook"
    assert not seen(at_home, **by_webhook)["telegram"].is_bad


def test_the_zalo_bot_is_asked_who_it_is(at_home: Settings) -> None:
    with ZaloBotServer() as zalo:
        known = {"zalo_bot_api": zalo.url, "zalo_bot_token": SecretStr(TOKEN)}
        assert seen(at_home, **known)["zalo_bot"].told == "bot.hoimotcua, by polling"
        assert seen(at_home, **{**known, "zalo_bot_token": SecretStr("wrong")})["zalo_bot"].is_bad


def test_tokens_of_zalo_that_are_refused_or_near_their_end_are_told(at_home: Settings) -> None:
    with _site() as url:
        known = {"zalo_oa_app_id": "7", "zalo_api": url}
        assert "start the assistant" in _of(at_home, known)
        engine = open_engine(at_home)
        with transaction(engine) as session:
            session.add(ZaloToken(app_id="7", seed="s", refresh_token="r", refreshed_at=now()))
        assert "no access token yet" in _of(at_home, known)
        with transaction(engine) as session:
            session.get_one(ZaloToken, "7").access_token = "a"  # noqa: S105 - of a made-up account
        assert "tokens renewed on" in _of(at_home, known)
        with transaction(engine) as session:
            session.get_one(ZaloToken, "7").refreshed_at = now() - timedelta(days=70)
        assert "not renewed for 70 days" in _of(at_home, known)
        with transaction(engine) as session:
            session.get_one(ZaloToken, "7").refused_at = now()
        assert "ZALO_OA_REFRESH_TOKEN" in _of(at_home, known)
        engine.dispose()


def _of(settings: Settings, known: dict[str, object]) -> str:
    """Give what is told of the account's tokens, which comes before whether Zalo is reached."""
    told = examine(settings.model_copy(update=known))
    return next(finding.told for finding in told if finding.part == "zalo_oa")


@pytest.mark.parametrize(("off", "is_bad"), [(0, False), (-600, True), (600, True)])
def test_the_clock_is_compared_with_others(at_home: Settings, off: int, is_bad: bool) -> None:
    with _site() as ours, _site(off) as theirs:
        alone = {"telegram_token": None, "public_url": ours, "sms_gateway_url": theirs}
        found = seen(at_home, **alone)
    assert found["clock"].is_bad is is_bad
    assert ("timedatectl" in found["clock"].told) is is_bad
    assert not found["public address"].is_bad


@pytest.mark.parametrize(("days", "is_bad"), [(60, False), (10, True)])
def test_a_certificate_near_its_end_is_told(
    at_home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, is_bad: bool
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=x"
    files = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), "-days", str(days), *files], check=True, capture_output=True)
    with _site(certificate=certificate, key=key) as url:
        known = {"telegram_token": None, "public_url": url}
        assert "renew it, with the whole chain" in seen(at_home, **known)["public address"].told
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        found = seen(at_home, **known)
    assert not found["public address"].is_bad
    assert found["certificate"].is_bad is is_bad


@contextmanager
def _site(off: int = 0, certificate: Path | None = None, key: Path | None = None) -> Iterator[str]:
    """Serve ``/healthz`` by a clock that is ``off`` by so many seconds; over TLS with a certificate."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(200)
            self.send_header("Date", format_datetime(now() + timedelta(seconds=off), usegmt=True))
            self.end_headers()
            self.wfile.write(b'{"status": "ok"}')

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        if certificate:
            secure = SSLContext(PROTOCOL_TLS_SERVER)
            secure.load_cert_chain(certificate, key)
            server.socket = secure.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            host = "localhost" if certificate else "127.0.0.1"
            yield f"{'https' if certificate else 'http'}://{host}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
