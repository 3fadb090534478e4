"""Announcements and who takes them, numbers for SMS, the pace of each channel, and what is sent first."""

import sqlalchemy as sa
from alembic import op

from knowledge.database import UtcTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this migration."""
    op.create_table(
        "announcements",
        sa.Column("id", sa.String(length=40), primary_key=True),
        sa.Column("queued_at", UtcTime(timezone=True), nullable=False),
        sa.Column("ends_at", UtcTime(timezone=True), nullable=False),
        sa.Column("closed_at", UtcTime(timezone=True), nullable=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("left_out", sa.Integer(), nullable=False),
    )
    op.create_table(
        "announcement_texts",
        sa.Column("announcement", sa.String(length=40), primary_key=True),
        sa.Column("channel", sa.String(length=16), primary_key=True),
        sa.Column("message", sa.JSON(), nullable=False),
    )
    op.create_table(
        "sms_numbers",
        sa.Column("phone", sa.String(length=16), primary_key=True),
        sa.Column("added_at", UtcTime(timezone=True), nullable=False),
    )
    op.create_table(
        "channel_paces",
        sa.Column("channel", sa.String(length=16), primary_key=True),
        sa.Column("free_at", UtcTime(timezone=True), nullable=False),
    )
    op.add_column(
        "conversations",
        sa.Column("takes_announcements", sa.Boolean(), nullable=False, server_default=sa.true()),
    )
    op.add_column("outbox", sa.Column("announcement", sa.String(length=40), nullable=True))
    op.drop_index("ix_outbox_state_not_before", "outbox")
    op.create_index("ix_outbox_due", "outbox", ["state", "channel", "at_night", "not_before", "id"])
    is_one = sa.text("announcement IS NOT NULL")
    op.create_index(
        "ix_outbox_announcement",
        "outbox",
        ["announcement", "state"],
        sqlite_where=is_one,
        postgresql_where=is_one,
    )
    is_none = sa.text("announcement IS NULL")
    op.create_index(
        "ix_outbox_unsettled", "outbox", ["state"], sqlite_where=is_none, postgresql_where=is_none
    )


def downgrade() -> None:
    """Take this migration back."""
    op.drop_index("ix_outbox_unsettled", "outbox")
    op.drop_index("ix_outbox_announcement", "outbox")
    op.drop_index("ix_outbox_due", "outbox")
    op.create_index("ix_outbox_state_not_before", "outbox", ["state", "not_before"])
    op.drop_column("outbox", "announcement")
    op.drop_column("conversations", "takes_announcements")
    for table in ("channel_paces", "sms_numbers", "announcement_texts", "announcements"):
        op.drop_table(table)
