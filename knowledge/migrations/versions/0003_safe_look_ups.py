"""Dossiers' states by source, counted look-ups, followed dossiers and the outbox."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from knowledge.database import UtcTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this migration; imported dossiers are taken over, what was remembered without proof is not."""
    op.drop_table("remembered_dossiers")
    op.create_table(
        "stored_keys",
        sa.Column("name", sa.String(length=32), primary_key=True),
        sa.Column("value", sa.String(length=64), nullable=False),
    )
    op.create_table(
        "dossier_states",
        sa.Column("code", sa.String(length=64), primary_key=True),
        sa.Column("source", sa.String(length=16), primary_key=True),
        sa.Column("as_of", UtcTime(timezone=True), nullable=False),
        sa.Column("dossier", sa.JSON(), nullable=False),
        sa.Column("factors", sa.JSON(), nullable=False),
    )
    op.create_index("ix_dossier_states_as_of", "dossier_states", ["as_of"])
    _take_over_imported()
    op.drop_table("dossiers")
    op.create_table(
        "look_up_buckets",
        sa.Column("name", sa.String(length=80), primary_key=True),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("since", UtcTime(timezone=True), nullable=False),
        sa.Column("pauses", sa.Integer(), nullable=False),
        sa.Column("closed_until", UtcTime(timezone=True), nullable=True),
    )
    op.create_table(
        "look_up_audit",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("at", UtcTime(timezone=True), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("person", sa.String(length=32), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
    )
    op.create_index("ix_look_up_audit_at", "look_up_audit", ["at"])
    op.create_index("ix_look_up_audit_person", "look_up_audit", ["person", "code", "at"])
    op.create_table(
        "watched_dossiers",
        sa.Column("code", sa.String(length=64), primary_key=True),
        sa.Column("next_at", UtcTime(timezone=True), nullable=False),
        sa.Column("seen", sa.String(length=64), nullable=True),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
    )
    op.create_index("ix_watched_dossiers_next_at", "watched_dossiers", ["next_at"])
    op.create_table(
        "followed_dossiers",
        sa.Column("conversation_id", sa.String(length=36), primary_key=True),
        sa.Column("code", sa.String(length=64), primary_key=True),
        sa.Column("since", UtcTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], ondelete="CASCADE"),
    )
    op.create_index("ix_followed_dossiers_code", "followed_dossiers", ["code"])
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("key", sa.String(length=160), nullable=False, unique=True),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.Column("conversation_id", sa.String(length=36), nullable=True),
        sa.Column("message", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("not_before", UtcTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("queued_at", UtcTime(timezone=True), nullable=False),
        sa.Column("changed_at", UtcTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], ondelete="CASCADE"),
    )
    op.create_index("ix_outbox_state_not_before", "outbox", ["state", "not_before"])
    op.create_index("ix_outbox_conversation_id", "outbox", ["conversation_id"])


def _take_over_imported() -> None:
    columns: tuple[sa.ColumnClause[Any], ...] = (
        sa.column("code"), sa.column("procedure"), sa.column("status"),
        sa.column("appointed_on", sa.Date()), sa.column("updated_at", UtcTime(timezone=True)),
    )  # fmt: skip
    states = sa.table(
        "dossier_states", sa.column("code"), sa.column("source"),
        sa.column("as_of", UtcTime(timezone=True)), sa.column("dossier", sa.JSON()),
        sa.column("factors", sa.JSON()),
    )  # fmt: skip
    for row in op.get_bind().execute(sa.select(*columns).select_from(sa.table("dossiers"))).all():
        appointed = f"{row.appointed_on}T00:00:00+07:00" if row.appointed_on else None
        told = {"code": row.code, "procedure": row.procedure, "status": row.status, "appointed": appointed}
        op.execute(
            sa.insert(states).values(
                code=row.code, source="files", as_of=row.updated_at, dossier=told, factors=[]
            )
        )


def downgrade() -> None:
    """Take this migration back; what was remembered before it does not come back."""
    for table in (
        "outbox",
        "followed_dossiers",
        "watched_dossiers",
        "look_up_audit",
        "look_up_buckets",
        "dossier_states",
        "stored_keys",
    ):
        op.drop_table(table)
    op.create_table(
        "dossiers",
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("procedure", sa.String(length=500), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("appointed_on", sa.Date(), nullable=True),
        sa.Column("updated_at", UtcTime(timezone=True), nullable=False),
        sa.CheckConstraint("status BETWEEN 1 AND 10", name="ck_dossiers_status"),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_table(
        "remembered_dossiers",
        sa.Column("conversation_id", sa.String(length=36), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("conversation_id", "code"),
    )
