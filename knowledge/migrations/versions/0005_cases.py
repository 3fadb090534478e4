"""Cases that people take over, their history, and messages that are sent at night too."""

import sqlalchemy as sa
from alembic import op

from knowledge.database import UtcTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this migration."""
    op.create_table(
        "cases",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column(
            "conversation_id",
            sa.String(length=36),
            sa.ForeignKey("conversations.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("open_for", sa.String(length=36), nullable=True, unique=True),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("province", sa.String(length=40), nullable=False),
        sa.Column("why", sa.String(length=16), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("procedure", sa.String(length=16), nullable=True),
        sa.Column("dossier", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("is_silencing", sa.Boolean(), nullable=False),
        sa.Column("owner_id", sa.Integer(), sa.ForeignKey("staff.id"), nullable=True),
        sa.Column("team", sa.String(length=40), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("opened_at", UtcTime(timezone=True), nullable=False),
        sa.Column("deadline", UtcTime(timezone=True), nullable=True),
        sa.Column("is_deadline_told", sa.Boolean(), nullable=False),
        sa.Column("taken_at", UtcTime(timezone=True), nullable=True),
        sa.Column("answered_at", UtcTime(timezone=True), nullable=True),
        sa.Column("closed_at", UtcTime(timezone=True), nullable=True),
        sa.Column("closing", sa.String(length=16), nullable=True),
        sa.Column("consented_at", UtcTime(timezone=True), nullable=True),
        sa.Column("rating", sa.String(length=16), nullable=True),
        sa.Column("rating_words", sa.Text(), nullable=True),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_cases_conversation_id", "cases", ["conversation_id"])
    op.create_index("ix_cases_owner_id", "cases", ["owner_id"])
    op.create_index("ix_cases_opened_at", "cases", ["opened_at"])
    op.create_index("ix_cases_state_priority", "cases", ["state", "priority", "opened_at"])
    op.create_table(
        "case_events",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("case_id", sa.Integer(), sa.ForeignKey("cases.id", ondelete="CASCADE"), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=True, unique=True),
        sa.Column("at", UtcTime(timezone=True), nullable=False),
        sa.Column("staff_id", sa.Integer(), sa.ForeignKey("staff.id"), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("more", sa.JSON(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_case_events_case_id_id", "case_events", ["case_id", "id"])
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    with op.batch_alter_table(
        "outbox",
        recreate="always" if is_sqlite else "never",  # so that no number is given twice
        table_kwargs={"sqlite_autoincrement": True},
    ) as outbox:
        outbox.add_column(sa.Column("at_night", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Take this migration back."""
    with op.batch_alter_table("outbox") as outbox:
        outbox.drop_column("at_night")
    op.drop_table("case_events")
    op.drop_table("cases")
