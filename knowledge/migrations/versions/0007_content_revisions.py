"""Revisions of content, and what the content files said when they were last loaded."""

import sqlalchemy as sa
from alembic import op

from knowledge.database import UtcTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this migration."""
    op.create_table(
        "content_revisions",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("data", sa.JSON(), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("open_for", sa.String(length=144), nullable=True, unique=True),
        sa.Column("base_id", sa.Integer(), sa.ForeignKey("content_revisions.id"), nullable=True),
        sa.Column("publish_on", sa.Date(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=True),
        sa.Column("authors", sa.JSON(), nullable=False),
        sa.Column("reviewer", sa.Integer(), nullable=True),
        sa.Column("created_at", UtcTime(timezone=True), nullable=False),
        sa.Column("changed_at", UtcTime(timezone=True), nullable=False),
        sa.Column("decided_at", UtcTime(timezone=True), nullable=True, index=True),
    )
    op.create_index(
        "ix_content_revisions_record", "content_revisions", ["kind", "key", "state", "publish_on"]
    )
    op.create_table(
        "loaded_records",
        sa.Column("kind", sa.String(length=20), primary_key=True),
        sa.Column("key", sa.String(length=120), primary_key=True),
        sa.Column("data", sa.JSON(), nullable=True),
    )


def downgrade() -> None:
    """Take this migration back."""
    op.drop_table("loaded_records")
    op.drop_table("content_revisions")
