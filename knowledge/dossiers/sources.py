"""Asking an outside system of dossiers over HTTP: in time, again where it is safe, and not while it is down.

SourceDown
└── NotUnderstood: it answered, but not with what its protocol promises
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Protocol, TypeVar
from urllib.request import getproxies

import requests
import stamina
import urllib3
from circuitbreaker import CircuitBreaker
from requests.adapters import HTTPAdapter

from knowledge.dossiers.dossier import HERE, State

T = TypeVar("T")

LIMIT = 3.0  # seconds for one call
CONNECT_LIMIT = 1.5  # seconds of them for reaching the server
TRIES = 3
LARGEST_REPLY = 2_000_000  # bytes
FAILURES = 5  # in a row, after which the source is left alone
REST = 15.0  # seconds that it is left alone
POOL = 512  # connections kept, as many as look-ups at once
SAFE_STATUS = frozenset({500, 502, 503, 504})

stamina.instrumentation.set_on_retry_hooks([])  # what it would log could name a code


class SourceDown(Exception):
    """The source cannot be asked right now; the words name no code and no person."""


class NotUnderstood(SourceDown):
    """The source answered with something else than its protocol promises."""


class _TryAgain(SourceDown):
    """A failure after which the same call is safe: nothing was answered, and looking up changes nothing."""


class Source(Protocol):
    """A system that knows dossiers."""

    name: str

    def find(self, code: str) -> State | None:
        """Give the state of a dossier, nothing when there is none with this code; raises SourceDown."""


class HttpSource:
    """One outside server: its connections, its limits and its circuit breaker."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._http = requests.Session()
        self._http.trust_env, self._http.proxies = False, dict(getproxies())  # read once, not in every call
        self._http.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("http://", "https://"):
            self._http.mount(scheme, HTTPAdapter(pool_connections=4, pool_maxsize=POOL))
        self._signing_in = threading.Lock()
        self._no_sign_in_before = 0.0
        self._breaker = CircuitBreaker(FAILURES, int(REST), SourceDown, name)

    @property
    def is_left_alone(self) -> bool:
        """Tell whether it failed so often lately that it is not asked for a while."""
        return bool(self._breaker.opened)

    def within_breaker(self, call: Callable[[], T]) -> T:
        """Make a call unless the source is left alone; raises SourceDown."""
        if self.is_left_alone:
            raise SourceDown(f"{self.name}: left alone after {FAILURES} failures")
        with self._breaker:
            return call()

    @contextmanager
    def signing_in(self) -> Iterator[None]:
        """Let one sign in for all; raises SourceDown for whoever would wait too long."""
        if not self._signing_in.acquire(timeout=LIMIT):
            raise SourceDown(f"{self.name}: signing in takes longer than {LIMIT:.0f} s")
        try:
            yield
        finally:
            self._signing_in.release()

    def check_sign_in(self) -> None:
        """Raise SourceDown when signing in failed a moment ago: the others need not all try in vain."""
        if time.monotonic() < self._no_sign_in_before:
            raise SourceDown(f"{self.name}: signing in failed a moment ago")

    def sign_in_failed(self) -> None:
        """Let nobody sign in for a moment."""
        self._no_sign_in_before = time.monotonic() + LIMIT

    def fetch_sign_in(self, method: str, url: str, **options: Any) -> tuple[int, Any]:
        """Fetch as ``fetch`` does, and let nobody sign in for a moment when it fails."""
        self.check_sign_in()
        try:
            return self.fetch(method, url, **options)
        except SourceDown:
            self.sign_in_failed()
            raise

    def fetch(self, method: str, url: str, **options: Any) -> tuple[int, Any]:
        """Call until there is a reply: its HTTP status and its JSON (none of an error); raises SourceDown.

        A call that was not answered in time is not made again: whoever waits has waited long enough.
        """
        for attempt in stamina.retry_context(
            _TryAgain, attempts=TRIES, timeout=LIMIT, wait_initial=0.05, wait_max=0.5, wait_jitter=0.2
        ):
            with attempt:
                return self._call(method, url, options)
        raise AssertionError  # retry_context either returns or raises

    def _call(self, method: str, url: str, options: dict[str, Any]) -> tuple[int, Any]:
        deadline = time.monotonic() + LIMIT
        try:
            with self._http.request(
                method, url, timeout=(CONNECT_LIMIT, LIMIT), stream=True, allow_redirects=False, **options
            ) as response:
                if response.status_code in SAFE_STATUS:
                    raise _TryAgain(f"{self.name}: HTTP {response.status_code}")
                body = self._whole_body(response, deadline)
        except (requests.Timeout, urllib3.exceptions.TimeoutError):
            raise SourceDown(f"{self.name}: no reply within {LIMIT:.0f} s") from None
        except (
            requests.RequestException,
            urllib3.exceptions.HTTPError,
            OSError,
        ) as error:  # its words hold the address, and so the code
            raise _TryAgain(f"{self.name}: {type(error).__name__}") from None
        if response.status_code >= 400:
            return response.status_code, None
        try:
            return response.status_code, json.loads(body)
        except ValueError:
            raise NotUnderstood(f"{self.name}: the reply is not JSON") from None

    def _whole_body(self, response: requests.Response, deadline: float) -> bytes:
        body = b""
        while piece := response.raw.read1(16_384, decode_content=True):  # what is there, without waiting
            body += piece
            if len(body) > LARGEST_REPLY:
                raise NotUnderstood(f"{self.name}: the reply is larger than {LARGEST_REPLY} bytes")
            if time.monotonic() > deadline:
                raise SourceDown(f"{self.name}: no whole reply within {LIMIT:.0f} s")
        return body


def read_moment(value: Any) -> datetime | None:
    """Read ``yyyyMMddHHmmss`` (also without the time) or ISO 8601; a time without zone is Việt Nam's.

    Raises NotUnderstood for anything else that is not empty.
    """
    text = str(value or "").strip()
    if not text:
        return None
    try:
        if text.isdecimal():
            moment = datetime.strptime(text, "%Y%m%d%H%M%S" if len(text) == 14 else "%Y%m%d")
        else:
            moment = datetime.fromisoformat(text)
    except ValueError:
        raise NotUnderstood("a date is neither yyyyMMddHHmmss nor ISO 8601") from None
    return moment.replace(tzinfo=HERE) if moment.tzinfo is None else moment.astimezone(HERE)
