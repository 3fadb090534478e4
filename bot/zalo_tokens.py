"""Zalo's tokens: kept in the database, because the refresh token can be used once and then changes.

One process at a time asks for a new pair, by a lease that ends by itself; no transaction is open meanwhile.
The access token before dies at that moment, so that whoever was refused with it takes the one stored since.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
import structlog
from sqlalchemy import Engine, String, Text, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from actions.wording import say
from bot.answering import persist
from bot.outbox import NotNow, Recipient, queue
from knowledge.database import Base, UtcTime, insert_or, now, reading, transaction

log = structlog.get_logger()

LEASE = timedelta(minutes=2)  # longer than the call and storing what it gave take
A_MOMENT = timedelta(seconds=2)  # until another process has the new pair
AFTER_REFUSAL = timedelta(minutes=10)
EARLY = timedelta(hours=2)  # before the access token ends
LIFE = timedelta(days=90)  # of a refresh token
WARNED_FROM = timedelta(days=30)  # since the last refresh


class ZaloToken(Base):
    """The newest pair of tokens of one app."""

    __tablename__ = "zalo_tokens"

    app_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    seed: Mapped[str] = mapped_column(String(64))  # the fingerprint of the setting it began with
    access_token: Mapped[str | None] = mapped_column(Text)
    refresh_token: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime | None] = mapped_column(UtcTime)
    refreshed_at: Mapped[datetime] = mapped_column(UtcTime)
    leased_until: Mapped[datetime | None] = mapped_column(UtcTime)
    refused_at: Mapped[datetime | None] = mapped_column(UtcTime)


@dataclass(frozen=True)
class App:
    """Who asks for tokens, and where."""

    app_id: str
    secret: str = field(repr=False)
    seed: str = field(repr=False)  # the refresh token that the settings give
    address: str
    staff_chat: int | None = None


def troubles(session: Session, at: datetime) -> tuple[str, ...]:
    """Say to staff what is wrong with the tokens of each app; nothing where all is well."""
    told = []
    for row in session.scalars(select(ZaloToken).order_by(ZaloToken.app_id)):
        if row.refused_at is not None:
            told.append(say("desk.zalo_refused"))
        elif (age := at - row.refreshed_at) >= WARNED_FROM:
            told.append(_overdue(age))
    return tuple(told)


def _overdue(age: timedelta) -> str:
    return say("staff.zalo_overdue", days=age.days, left=max(0, (LIFE - age).days))


@dataclass(frozen=True)
class _Pair:
    access: str
    refresh: str
    lasts: timedelta


class _Refused(Exception):
    """Zalo takes the refresh token no more, or the app's secret is wrong; names Zalo's error."""


class Tokens:
    """The tokens of one app, as one process uses them."""

    def __init__(
        self, engine: Engine, app: App, client: httpx.AsyncClient, clock: Callable[[], datetime] = now
    ) -> None:
        self._engine, self._app, self._client, self._clock = engine, app, client, clock
        self._mine = ZaloToken.app_id == app.app_id
        self._refreshing: asyncio.Task[str] | None = None
        self._warned = ""

    def plant(self) -> None:
        """Store the settings' refresh token, unless it is the one that the stored pair came from."""
        at, seed = self._clock(), hashlib.sha256(self._app.seed.encode()).hexdigest()
        fresh = {
            "seed": seed, "access_token": None, "refresh_token": self._app.seed, "expires_at": None,
            "refreshed_at": at, "leased_until": None, "refused_at": None,
        }  # fmt: skip
        with transaction(self._engine) as session:
            row = insert_or(session, ZaloToken).values(app_id=self._app.app_id, **fresh)
            session.execute(row.on_conflict_do_nothing(index_elements=["app_id"]))
            session.execute(update(ZaloToken).where(self._mine, ZaloToken.seed != seed).values(**fresh))

    async def current(self) -> str:
        """Give the access token, a new one when it has ended; raises NotNow."""
        row = await asyncio.to_thread(self._row)
        if row.access_token and row.expires_at and row.expires_at > self._clock():
            return row.access_token
        return await self.renewed(row.access_token)

    async def renewed(self, refused: str | None) -> str:
        """Give another access token than the refused one; raises NotNow."""
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._renew(refused))
        return await asyncio.shield(self._refreshing)  # a new pair that is not stored would be lost

    async def keep_fresh(self) -> None:
        """Refresh before the access token ends, and warn staff when that fails for long."""
        row = await asyncio.to_thread(self._row)
        if row.expires_at is None or row.expires_at < self._clock() + EARLY:
            try:
                await self.renewed(row.access_token)
            except NotNow as error:
                log.warning("zalo_not_refreshed", error=str(error))
        await asyncio.to_thread(self._warn)

    async def close(self) -> None:
        """Wait for a new pair that is on its way."""
        if self._refreshing:
            await asyncio.wait([self._refreshing])

    async def _renew(self, refused: str | None) -> str:
        known, refresh_token = await asyncio.to_thread(self._claim, refused)
        if known:
            return known
        try:
            pair = await self._ask(refresh_token)
        except _Refused as error:
            await asyncio.to_thread(self._note_refused, refresh_token, str(error))
            raise NotNow(f"refresh token refused: {error}", self._clock() + AFTER_REFUSAL) from None
        except NotNow:
            await asyncio.to_thread(self._change, refresh_token, leased_until=None)
            raise
        await persist(lambda: asyncio.to_thread(self._keep, refresh_token, pair))
        log.info("zalo_refreshed")
        return pair.access

    def _claim(self, refused: str | None) -> tuple[str | None, str]:
        """Give the access token that was stored since, or lease the refresh token; raises NotNow."""
        at = self._clock()
        with transaction(self._engine) as session:
            row = session.get_one(ZaloToken, self._app.app_id)
            if row.access_token not in (None, refused) and row.expires_at and row.expires_at > at:
                return row.access_token, row.refresh_token
            if row.refused_at and at < row.refused_at + AFTER_REFUSAL:
                raise NotNow("refresh token refused", row.refused_at + AFTER_REFUSAL)
            is_free = or_(ZaloToken.leased_until.is_(None), ZaloToken.leased_until < at)
            lease = update(ZaloToken).where(self._mine, ZaloToken.refresh_token == row.refresh_token, is_free)
            leased = session.execute(lease.values(leased_until=at + LEASE).returning(ZaloToken.app_id))
            if leased.first() is None:
                raise NotNow("tokens are being refreshed", at + A_MOMENT)
            return None, row.refresh_token

    async def _ask(self, refresh_token: str) -> _Pair:
        """Change the refresh token for a new pair; raises _Refused and NotNow."""
        form = {
            "refresh_token": refresh_token,
            "app_id": self._app.app_id,
            "grant_type": "refresh_token",
        }
        url = f"{self._app.address.rstrip('/')}/v4/oa/access_token"
        try:
            reply = await self._client.post(url, data=form, headers={"secret_key": self._app.secret})
        except httpx.HTTPError as error:
            raise NotNow(f"OAuth: {type(error).__name__}") from None
        if reply.status_code >= 500:
            raise NotNow(f"OAuth: HTTP {reply.status_code}")
        return _read_pair(reply)

    def _keep(self, refresh_token: str, pair: _Pair) -> None:
        at = self._clock()
        self._change(
            refresh_token, access_token=pair.access, refresh_token=pair.refresh, refreshed_at=at,
            expires_at=at + pair.lasts, leased_until=None, refused_at=None,
        )  # fmt: skip

    def _change(self, refresh_token: str, /, **values: Any) -> None:
        """Change the row, unless another refresh token stands there by now."""
        with transaction(self._engine) as session:
            mine = update(ZaloToken).where(self._mine, ZaloToken.refresh_token == refresh_token)
            session.execute(mine.values(**values))

    def _row(self) -> ZaloToken:
        with reading(self._engine) as session:
            return session.get_one(ZaloToken, self._app.app_id)

    def _note_refused(self, refresh_token: str, why: str) -> None:
        at = self._clock()
        log.error("zalo_refresh_refused", error=why)
        self._change(refresh_token, leased_until=None, refused_at=at)
        with transaction(self._engine) as session:
            self._tell_staff(session, f"refused:{at:%Y-%m-%d}", say("staff.zalo_refused", why=why))

    def _warn(self) -> None:
        """Warn once a week when nothing was refreshed for long."""
        at = self._clock()
        age = at - self._row().refreshed_at
        week = "{}-{}".format(*at.isocalendar())
        if age < WARNED_FROM or week == self._warned:
            return
        self._warned = week
        log.error("zalo_refresh_overdue", days=age.days)
        with transaction(self._engine) as session:
            self._tell_staff(session, f"overdue:{week}", _overdue(age))

    def _tell_staff(self, session: Session, key: str, text: str) -> None:
        if self._app.staff_chat is not None:
            recipient = Recipient("telegram", str(self._app.staff_chat))
            queue(session, f"zalo:{self._app.app_id}:{key}", recipient, {"text": text})


def _read_pair(reply: httpx.Response) -> _Pair:
    """Read a new pair; raises _Refused and NotNow."""
    try:
        told = dict(reply.json())
    except (ValueError, TypeError):
        raise NotNow(f"OAuth: HTTP {reply.status_code} without JSON") from None
    try:
        lasts = timedelta(seconds=int(told["expires_in"]))
        return _Pair(str(told["access_token"]), str(told["refresh_token"]), lasts)
    except (ValueError, KeyError, TypeError):
        why = told.get("error_name") or told.get("error") or f"HTTP {reply.status_code}"
        raise _Refused(str(why)[:100]) from None
