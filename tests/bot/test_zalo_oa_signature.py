"""The signature of Zalo's events: over the raw body, nothing stored without it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.settings import SettingsError
from bot.turn import Assistant
from bot.zalo_oa_channel import NEEDED, WEBHOOK_PATH, ZaloOa, signature
from tests.bot.watch_run import Clock
from tests.bot.zalo_run import LAN, conversations, oa_channel, oa_settings, turns
from tests.servers.zalo_oa import APP_ID, SECRET_KEY, ZaloOaServer, sign

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)
OBJECTS = st.dictionaries(st.text(min_size=1, max_size=8), JSON, max_size=5)


@pytest.fixture
def zalo() -> Iterator[ZaloOaServer]:
    """Zalo at noon."""
    with ZaloOaServer(Clock()) as server:
        yield server


@pytest.fixture
def client(assistant: Assistant, zalo: ZaloOaServer) -> TestClient:
    """The webhook without the background, for many events of which none is to be answered."""
    app = FastAPI()
    ZaloOa(assistant, oa_settings(zalo.url), zalo.clock).add_routes(app)
    return TestClient(app)


def _stamp(zalo: ZaloOaServer, **later: float) -> str:
    return str(int((zalo.clock() + timedelta(**later)).timestamp() * 1000))


def _post(client: TestClient, body: bytes, mark: str, timestamp: str = "") -> int:
    headers = {"X-ZEvent-Signature": mark} | ({"X-ZEvent-Timestamp": timestamp} if timestamp else {})
    return client.post(WEBHOOK_PATH, content=body, headers=headers).status_code


@settings(deadline=None)
@given(st.binary(), st.text("0123456789", max_size=13))
def test_both_sides_sign_alike(body: bytes, timestamp: str) -> None:
    assert signature(APP_ID, body, timestamp, SECRET_KEY) == sign(body, timestamp)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(event=OBJECTS, data=st.data())
def test_only_the_very_bytes_that_were_signed_are_taken(
    client: TestClient, zalo: ZaloOaServer, event: dict[str, Any], data: st.DataObject
) -> None:
    stamp = _stamp(zalo)
    body = json.dumps({**event, "event_name": "khong_co", "timestamp": stamp}).encode()
    mark = f"mac={sign(body, stamp)}"
    assert _post(client, body, mark) == 200
    place = data.draw(st.integers(0, len(body) - 1))
    changed = bytearray(body)
    changed[place] ^= data.draw(st.integers(1, 255))
    assert _post(client, bytes(changed), mark) == 403
    reordered = json.dumps(dict(reversed(json.loads(body).items()))).encode()
    assert _post(client, reordered, mark) == 403
    assert _post(client, body + b" ", mark) == 403
    assert _post(client, body, f"mac={sign(body, stamp, data.draw(st.text(max_size=30)))}") == 403


def test_the_time_that_is_signed_may_stand_in_the_header(client: TestClient, zalo: ZaloOaServer) -> None:
    body = json.dumps({"event_name": "khong_co", "timestamp": _stamp(zalo)}).encode()
    header = _stamp(zalo, seconds=1)
    assert _post(client, body, f"mac={sign(body, header)}", header) == 200
    assert _post(client, body, f"mac={sign(body, header)}") == 403


@pytest.mark.parametrize(
    ("later", "status"),
    [
        ({"minutes": -10}, 200),
        ({"minutes": 10}, 200),
        ({"hours": -2, "minutes": -1}, 200),  # Zalo's last attempt, and a clock ten minutes off
        ({"hours": -3, "seconds": -1}, 403),
        ({"minutes": 16}, 403),
        ({"days": -30}, 403),
    ],
)
def test_an_event_is_replayed_in_vain_once_zalo_would_not_send_it_any_more(
    client: TestClient, zalo: ZaloOaServer, later: dict[str, float], status: int
) -> None:
    stamp = _stamp(zalo, **later)
    body = json.dumps({"event_name": "khong_co", "timestamp": stamp}).encode()
    assert _post(client, body, f"mac={sign(body, stamp)}") == status


@pytest.mark.parametrize("mark", ["", "mac=", "mac=đ", f"mac={'0' * 64}", "sha256=abc"])
@pytest.mark.parametrize(
    "body", [b"", b"[1]", b"\xff", b"[" * 5000, b'{"timestamp": 99999999999999999999999999999999}']
)
def test_what_is_not_signed_is_refused(client: TestClient, mark: str, body: bytes) -> None:
    assert client.post(
        WEBHOOK_PATH, content=body, headers={"X-ZEvent-Signature": mark.encode()}
    ).status_code == (403)


@pytest.mark.parametrize("body", [b"[1]", b"null", b"7", b"\xff", b"{}", b'{"event_name": {"a": 1}}'])
def test_a_signed_body_that_is_no_event_does_no_harm(
    client: TestClient, zalo: ZaloOaServer, body: bytes
) -> None:
    stamp = _stamp(zalo)
    assert _post(client, body, f"mac={sign(body, stamp)}", stamp) == 200


def test_a_refused_event_leaves_nothing_behind(assistant: Assistant, zalo: ZaloOaServer) -> None:
    with oa_channel(assistant, zalo) as url:
        right = zalo.says(LAN, "xin chào")
        zalo.wait_for_message(LAN)
        event = json.loads(right.body)
        event["message"] = {"msg_id": "another", "text": "tôi muốn hỏi"}
        forged = json.dumps(event).encode()
        for headers in ({}, right.headers):
            assert requests.post(url, data=forged, headers=headers, timeout=10).status_code == 403
    assert len(turns(assistant)) == len(conversations(assistant)) == 1
    assert len(zalo.received(LAN)) == 1


def test_a_body_of_a_megabyte_is_refused_while_it_is_read(assistant: Assistant, zalo: ZaloOaServer) -> None:
    read = 0

    def pieces() -> Iterator[bytes]:
        nonlocal read
        for _ in range(1024):
            read += 1
            yield b" " * 1024

    with oa_channel(assistant, zalo) as url:
        try:
            assert requests.post(url, data=pieces(), timeout=10).status_code == 413
        except requests.ConnectionError:  # the line was closed before all was written
            assert read < 1024
        assert zalo.says(LAN, "xin chào").statuses == [200]
    assert len(turns(assistant)) == 1


@pytest.mark.parametrize("missing", NEEDED)
def test_a_missing_setting_is_named_before_anything_starts(assistant: Assistant, missing: str) -> None:
    with pytest.raises(SettingsError, match=f"^{missing.upper()} not set"):
        ZaloOa(assistant, oa_settings("http://127.0.0.1:9", **{missing: None}))
