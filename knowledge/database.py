"""The one database, SQLite (WAL) or PostgreSQL, and the base of every table."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, DateTime, Engine, create_engine, event
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

CONNECTIONS = 40  # as many as the web server has threads


class Base(DeclarativeBase):
    """The declarative base of all tables."""


class UtcTime(TypeDecorator[datetime]):
    """A moment in UTC; SQLite forgets the zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give the moment with its zone."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def open_database(url: str) -> Engine:
    """Open an engine for ``sqlite:///…`` or ``postgresql+psycopg://…``; nothing is created."""
    if not url.startswith("sqlite"):
        return create_engine(
            url.replace("postgresql://", "postgresql+psycopg://"),
            pool_size=CONNECTIONS,
            pool_pre_ping=True,
            hide_parameters=True,  # what citizens write must not reach a log
            connect_args={"connect_timeout": 5},
        )
    engine = create_engine(
        url,
        pool_size=CONNECTIONS,
        hide_parameters=True,
        connect_args={"timeout": 15, "isolation_level": None},
    )

    @event.listens_for(engine, "connect")
    def _use_write_ahead_log(connection: Any, _record: object) -> None:
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=NORMAL"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _take_the_write_lock(connection: Connection) -> None:
        """Two turns of one conversation wait for each other, as they do in PostgreSQL."""
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def now() -> datetime:
    """Give this moment in UTC, for stamps only; rules take ``today`` as an argument."""
    return datetime.now(UTC)
