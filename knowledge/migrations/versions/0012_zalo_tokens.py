"""Zalo's tokens, one row an app."""

import sqlalchemy as sa
from alembic import op

from knowledge.database import UtcTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this migration."""
    op.create_table(
        "zalo_tokens",
        sa.Column("app_id", sa.String(length=64), primary_key=True),
        sa.Column("seed", sa.String(length=64), nullable=False),
        sa.Column("access_token", sa.Text(), nullable=True),
        sa.Column("refresh_token", sa.Text(), nullable=False),
        sa.Column("expires_at", UtcTime(timezone=True), nullable=True),
        sa.Column("refreshed_at", UtcTime(timezone=True), nullable=False),
        sa.Column("leased_until", UtcTime(timezone=True), nullable=True),
        sa.Column("refused_at", UtcTime(timezone=True), nullable=True),
    )


def downgrade() -> None:
    """Take this migration back."""
    op.drop_table("zalo_tokens")
