"""Alembic's entry: runs migrations on the connection that ``bot.store.migrate`` hands over."""

from alembic import context

import bot.store
from knowledge.database import Base

connection = context.config.attributes["connection"]
assert bot.store.Turn.metadata is Base.metadata  # every table is known  # noqa: S101
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
