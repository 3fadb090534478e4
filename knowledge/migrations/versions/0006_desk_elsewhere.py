"""Cases in topics of a Telegram group, who is typing, proposed answers, duty without a desk."""

import sqlalchemy as sa
from alembic import op

from knowledge.database import UtcTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this migration."""
    op.add_column("staff", sa.Column("there_until", UtcTime(timezone=True), nullable=True))
    op.create_table(
        "case_topics",
        sa.Column("case_id", sa.Integer(), sa.ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("thread_id", sa.Integer(), nullable=True, unique=True),
        sa.Column("card_id", sa.Integer(), nullable=True),
        sa.Column("told_event", sa.Integer(), nullable=False),
        sa.Column("sending_event", sa.Integer(), nullable=True),
        sa.Column("sending_at", UtcTime(timezone=True), nullable=True),
    )
    op.create_table(
        "typing",
        sa.Column(
            "conversation_id",
            sa.String(length=36),
            sa.ForeignKey("conversations.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("is_staff", sa.Boolean(), primary_key=True),
        sa.Column("at", UtcTime(timezone=True), nullable=False, index=True),
    )
    op.create_table(
        "proposals",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("case_id", sa.Integer(), sa.ForeignKey("cases.id", ondelete="SET NULL"), nullable=True),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("sources", sa.JSON(), nullable=False),
        sa.Column("staff_id", sa.Integer(), sa.ForeignKey("staff.id"), nullable=False),
        sa.Column("at", UtcTime(timezone=True), nullable=False, index=True),
    )


def downgrade() -> None:
    """Take this migration back."""
    op.drop_table("proposals")
    op.drop_table("typing")
    op.drop_table("case_topics")
    op.drop_column("staff", "there_until")
