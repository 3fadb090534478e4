"""Codes that bring a conversation to another place."""

import sqlalchemy as sa
from alembic import op

from knowledge.database import UtcTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this migration."""
    op.create_table(
        "move_codes",
        sa.Column("hashed", sa.String(length=64), primary_key=True),
        sa.Column(
            "conversation_id",
            sa.String(length=36),
            sa.ForeignKey("conversations.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("made_at", UtcTime(timezone=True), nullable=False),
    )
    op.create_index("ix_move_codes_conversation_id", "move_codes", ["conversation_id"])


def downgrade() -> None:
    """Take this migration back."""
    op.drop_table("move_codes")
