"""``python -m bot doctor``: looks at every part that is set up, and says what is wrong and what to do.

Nothing told holds a token or a password.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from sqlalchemy import Engine, func, select

from bot.channels import settings_faults
from bot.hotline.staff import Staff
from bot.settings import Settings
from bot.start import StartError, catalogue_of, check_single_sign_on, checked_url
from bot.telegram_channel import WEBHOOK_PATH as TELEGRAM_PATH
from bot.zalo_bot_channel import WEBHOOK_PATH as ZALO_BOT_PATH
from bot.zalo_tokens import WARNED_FROM, ZaloToken
from knowledge.catalogue import UnknownProvince
from knowledge.content_files import ContentError
from knowledge.database import DatabaseUnavailable, is_migrated, now, open_database, reading
from nlu.client import NluClient

PATIENCE = 10  # seconds for an answer from outside
MOST_OFF = 60  # seconds that the clock may be off
RENEWED_BEFORE = timedelta(days=21)  # a certificate's end
QUEUED_LONG = 100  # updates that wait at a platform

RunCheck = Callable[["Examination"], Iterator["Finding"]]


@dataclass(frozen=True)
class Finding:
    """What was seen of one part; of a bad one, ``told`` says what to do."""

    part: str
    told: str
    is_bad: bool = False
    is_off: bool = False  # not set up, which may be as it is meant

    def __str__(self) -> str:
        mark = "!!" if self.is_bad else "--" if self.is_off else "ok"
        return f"{mark}  {self.part}: {self.told}"


@dataclass
class Examination:
    """One look at everything: what was heard of others' clocks is kept for the end."""

    settings: Settings
    offsets: list[float] = field(default_factory=list)  # seconds that ours is ahead of theirs

    def call(self, method: str, url: str, *, is_ours: bool = False, **how: Any) -> requests.Response:
        """Call an address and compare the clocks, unless it is ours; raises requests.RequestException."""
        reply = requests.request(method, url, timeout=PATIENCE, **how)
        half_way = time.time() - reply.elapsed.total_seconds() / 2
        if not is_ours and (theirs := reply.headers.get("Date")):
            self.offsets.append(half_way - parsedate_to_datetime(theirs).timestamp())
        return reply


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at each part in turn; yields what was seen as soon as it is."""
    examination = Examination(settings)
    for check in CHECKS:
        yield from check(examination)


def _database(examination: Examination) -> Iterator[Finding]:
    try:
        engine = open_database(checked_url(examination.settings.database_url))
        is_newest = is_migrated(engine)
    except (StartError, DatabaseUnavailable) as error:
        yield Finding("database", f"{error}; check DATABASE_URL and that the database runs", is_bad=True)
        return
    if not is_newest:  # nothing is changed here: an older release may be at work
        told = f"{engine.dialect.name}, not at the newest schema: start the assistant, which migrates it"
        yield Finding("database", told, is_bad=True)
        return
    yield Finding("database", f"{engine.dialect.name}, at the newest schema")
    yield from _knowledge(examination.settings, engine)
    yield from _staff(engine)
    if examination.settings.zalo_oa_app_id:
        yield from _zalo_tokens(engine, examination.settings.zalo_oa_app_id)
    engine.dispose()


def _knowledge(settings: Settings, engine: Engine) -> Iterator[Finding]:
    try:
        catalogue = catalogue_of(settings, engine)
        province = catalogue.province(settings.province)
    except (ContentError, UnknownProvince) as error:
        yield Finding("knowledge", f"{error}; run `python -m knowledge check`", is_bad=True)
        return
    written = len(catalogue.procedures.written)
    yield Finding("knowledge", f"{written} procedures with a record of their own, for {province.name}")


def _staff(engine: Engine) -> Iterator[Finding]:
    here = select(func.count()).select_from(Staff).where(Staff.removed_at.is_(None))
    with reading(engine) as session:
        count = session.scalar(here) or 0
    hint = "no account yet, so that no person takes over: `python -m bot staff add`"
    yield Finding("staff", f"{count} accounts" if count else hint, is_off=not count)


def _zalo_tokens(engine: Engine, app_id: str) -> Iterator[Finding]:
    with reading(engine) as session:
        row = session.get(ZaloToken, app_id)
    if row is None:
        yield Finding("zalo_oa", "no token kept yet: start the assistant, then look again", is_bad=True)
    elif row.access_token is None and row.refused_at is None:
        told = "no access token yet: start the assistant; if it runs, see its log and the way to ZALO_OAUTH"
        yield Finding("zalo_oa", told, is_bad=True)
    elif row.refused_at is not None:
        told = f"Zalo refused the refresh token on {row.refused_at:%Y-%m-%d}: get a new one (docs/zalo-oa.md)"
        yield Finding("zalo_oa", f"{told} and set ZALO_OA_REFRESH_TOKEN", is_bad=True)
    elif (age := now() - row.refreshed_at) > WARNED_FROM:
        told = f"the tokens were not renewed for {age.days} days, and end after 90: look at the log"
        yield Finding("zalo_oa", told, is_bad=True)
    else:
        yield Finding("zalo_oa", f"tokens renewed on {row.refreshed_at:%Y-%m-%d %H:%M} UTC")


def _nlu(examination: Examination) -> Iterator[Finding]:
    url = examination.settings.nlu_url
    is_ready = NluClient(url).is_ready()
    hint = f"nothing understands at {url}: start `python -m nlu serve` (`make run` does), or set NLU_URL"
    yield Finding("nlu", f"ready at {url}" if is_ready else hint, is_bad=not is_ready)


def _bots(examination: Examination) -> Iterator[Finding]:
    settings = examination.settings
    for part, path in {"telegram": TELEGRAM_PATH, "zalo_bot": ZALO_BOT_PATH}.items():
        token, api, mode, url = (
            getattr(settings, f"{part}_{name}") for name in ("token", "api", "mode", "webhook_url")
        )
        if token is None:
            yield Finding(part, f"not set up ({part.upper()}_TOKEN)", is_off=True)
            continue
        base, hook = f"{api.rstrip('/')}/bot{token.get_secret_value()}", f"{(url or '').rstrip('/')}{path}"
        yield from _bot(examination, part, base, hook, is_webhook=mode == "webhook")


def _bot(examination: Examination, part: str, base: str, hook: str, *, is_webhook: bool) -> Iterator[Finding]:
    """Ask a bot platform who the bot is, and where updates go."""
    try:
        me, webhook = (_result(examination.call("POST", f"{base}/{name}")) for name in _CALLS)
    except requests.RequestException as error:  # its own words hold the token
        told = f"not reached ({type(error).__name__}): check this machine's way out, and {part.upper()}_API"
        yield Finding(part, told, is_bad=True)
        return
    if me is None:
        yield Finding(part, f"the token is refused: set {part.upper()}_TOKEN to the right one", is_bad=True)
        return
    name = me.get("username") or me.get("account_name")
    there = (webhook or {}).get("url") or ""
    waiting = (webhook or {}).get("pending_update_count") or 0
    if is_webhook and there != hook:
        told = f"updates go to {there or 'nobody'}, not to {hook}: start the assistant, which sets this"
        yield Finding(part, told, is_bad=True)
    elif not is_webhook and there:
        told = f"updates go to {there}: the assistant takes that away at its start, when it fetches them"
        yield Finding(part, told, is_bad=True)
    elif waiting > QUEUED_LONG:
        yield Finding(part, f"{waiting} updates wait: does the assistant run?", is_bad=True)
    else:
        yield Finding(part, f"{name}, by {'webhook' if is_webhook else 'polling'}")


def _result(reply: requests.Response) -> dict[str, Any] | None:
    """Read a bot platform's envelope; ``None`` when it refuses."""
    if reply.status_code >= 500:
        reply.raise_for_status()
    told = reply.json()
    result = told.get("result") if told.get("ok") else None
    return result if isinstance(result, dict) else None


def _outside(examination: Examination) -> Iterator[Finding]:
    """Call what is only to be reached: gateways and sign-in."""
    settings = examination.settings
    addresses = {
        "zalo_oa": settings.zalo_api if settings.zalo_oa_app_id else None,
        "zalo_oauth": settings.zalo_oauth if settings.zalo_oa_app_id else None,
        "sms": settings.sms_gateway_url,
        "single sign-on": settings.oidc_issuer,
    }
    for part, address in addresses.items():
        if address is None:
            yield Finding(part, "not set up", is_off=True)
            continue
        try:
            examination.call("GET", address)
        except requests.RequestException as error:
            told = f"{address} is not reached ({type(error).__name__}): check this machine's way out"
            yield Finding(part, f"{told}, and the address", is_bad=True)
        else:
            yield Finding(part, f"{address} is reached")


def _public(examination: Examination) -> Iterator[Finding]:
    """Open the assistant as citizens do, and look at the certificate."""
    url = examination.settings.public_url
    if url is None:
        yield Finding("public address", "not set (PUBLIC_URL): links lead to this machine alone", is_off=True)
        return
    try:
        reply = examination.call("GET", f"{url}/healthz", is_ours=True)
        is_ours = reply.ok and reply.json() == {"status": "ok"}
    except requests.exceptions.SSLError:
        told = f"the certificate of {url} is not valid: renew it, with the whole chain"
        yield Finding("public address", told, is_bad=True)
        return
    except (requests.RequestException, ValueError) as error:
        told = (
            f"{url} does not lead here ({type(error).__name__}): check the name, the proxy and the firewall"
        )
        yield Finding("public address", told, is_bad=True)
        return
    told = f"{url} leads here" if is_ours else f"{url} leads to something else: check the proxy"
    yield Finding("public address", told, is_bad=not is_ours)
    if url.startswith("https://"):
        yield _certificate(url)


def _certificate(url: str) -> Finding:
    parts = urlsplit(url)
    where = (parts.hostname or "", parts.port or 443)
    trusting = ssl.create_default_context()
    try:
        with (
            socket.create_connection(where, PATIENCE) as line,
            trusting.wrap_socket(line, server_hostname=where[0]) as secure,
        ):
            shown = secure.getpeercert() or {}
    except OSError as error:
        told = f"not seen ({type(error).__name__}): a proxy may stand before it"
        return Finding("certificate", told, is_off=True)
    left = timedelta(seconds=ssl.cert_time_to_seconds(str(shown["notAfter"])) - time.time())
    hint = ": renew it now" if left < RENEWED_BEFORE else ""
    return Finding("certificate", f"ends in {left.days} days{hint}", is_bad=bool(hint))


def _clock(examination: Examination) -> Iterator[Finding]:
    """Compare the clock with those of the servers that were called; the nearest to ours counts."""
    if not examination.offsets:
        yield Finding("clock", "not compared: nothing outside is set up", is_off=True)
        return
    off = min(examination.offsets, key=abs)
    told = f"{abs(off):.0f} s {'ahead' if off > 0 else 'behind'}"
    if abs(off) > MOST_OFF:
        told += ": signatures and sign-ins fail; let the machine set its clock (`timedatectl set-ntp true`)"
    yield Finding("clock", told, is_bad=abs(off) > MOST_OFF)


def _settings(examination: Examination) -> Iterator[Finding]:
    faults = list(settings_faults(examination.settings))
    try:
        check_single_sign_on(examination.settings)
    except StartError as error:
        faults.append(str(error))
    told = "; ".join(faults) or f"province {examination.settings.province}"
    yield Finding("settings", told, is_bad=bool(faults))


_CALLS = ("getMe", "getWebhookInfo")
CHECKS: tuple[RunCheck, ...] = (
    _settings, _database, _nlu, _bots, _outside, _public, _clock,
)  # fmt: skip
