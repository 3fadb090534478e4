"""The one database, SQLite (WAL) or PostgreSQL: the base of every table, migrations and transactions.

DatabaseUnavailable
└── the database cannot be reached or written
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import Connection, DateTime, Engine, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

_ONLY_READS, _WRITES = "only_reads", "writes"
PATIENCE = 15.0  # seconds that a writer waits for the others
CONNECTIONS = 40  # as many as the web server has threads
MIGRATION_LOCK = 1_001_193  # any number of our own
MIGRATIONS = Path(__file__).with_name("migrations")


class DatabaseUnavailable(Exception):
    """The database cannot be used right now."""


class KnowledgeSettings(BaseSettings):
    """What the knowledge is told from outside: read from the environment, then from ``.env``."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    database_url: str = Field(
        "sqlite:///hoi-mot-cua.db", description="SQLite file, or postgresql://user:password@host/name"
    )
    content: Path | None = Field(None, description="another content folder than the project's own")


class Base(DeclarativeBase):
    """The declarative base of all tables."""


class UtcTime(TypeDecorator[datetime]):
    """A moment in UTC; SQLite forgets the zone, so it is kept in UTC and the zone put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Keep the moment in UTC, whatever zone it was told in."""
        return value.astimezone(UTC) if value is not None else None

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
        connect_args={"timeout": PATIENCE, "isolation_level": None},
    )

    @event.listens_for(engine, "connect")
    def _use_write_ahead_log(connection: Any, _record: object) -> None:
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=NORMAL"):
            connection.execute(f"PRAGMA {pragma}")
        connection.create_function("lower", 1, _lower, deterministic=True)  # SQLite's own knows no Đ

    writing = (
        threading.Lock()
    )  # SQLite lets writers try again and again, and starves some; a lock queues them

    @event.listens_for(engine, "begin")
    def _take_the_write_lock(connection: Connection) -> None:
        """Two turns of one conversation wait for each other, as they do in PostgreSQL."""
        if connection.get_execution_options().get(_ONLY_READS):
            connection.exec_driver_sql("BEGIN")
            return
        if not connection.info.get(_WRITES):
            if not writing.acquire(timeout=PATIENCE):
                raise DatabaseUnavailable("database: database is locked")
            connection.info[_WRITES] = True
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    @event.listens_for(engine, "checkin")
    def _let_the_next_write(_connection: Any, record: ConnectionPoolEntry) -> None:
        if record.info.pop(_WRITES, None):
            writing.release()

    return engine


def _lower(text: object) -> object:
    return text.lower() if isinstance(text, str) else text


def now() -> datetime:
    """Give this moment in UTC, for stamps only; rules take ``today`` as an argument."""
    return datetime.now(UTC)


def migrate(engine: Engine) -> None:
    """Bring the database to the newest schema."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with reachable(), engine.begin() as connection:
        if engine.dialect.name == "postgresql":  # replicas that start together wait for each other
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def is_migrated(engine: Engine) -> bool:
    """Tell whether the database is at the newest schema; raises DatabaseUnavailable."""
    newest = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    with reachable(), engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == newest


@contextmanager
def reachable() -> Iterator[None]:
    """Turn a driver's failure to reach the database into DatabaseUnavailable."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise DatabaseUnavailable(f"database: {error.orig}") from error
    except PoolTimeout as error:
        raise DatabaseUnavailable("database: every connection is busy") from error


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """Open a session that is committed at its end; raises DatabaseUnavailable."""
    with reachable(), Session(engine, expire_on_commit=False) as session, session.begin():
        yield session


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """Open a session that only reads, also while this thread writes; raises DatabaseUnavailable."""
    only_reads = engine.execution_options(**{_ONLY_READS: True})
    with reachable(), Session(only_reads) as session:
        yield session


def insert_or(session: Session, table: type[Base]) -> Any:
    """Begin an INSERT that can say what to do on conflict, as the session's database writes it."""
    return (postgresql if session.get_bind().dialect.name == "postgresql" else sqlite).insert(table)


def is_ready(engine: Engine) -> bool:
    """Tell whether the database answers."""
    try:
        with transaction(engine) as session:
            session.execute(text("SELECT 1"))
    except DatabaseUnavailable:
        return False
    return True
