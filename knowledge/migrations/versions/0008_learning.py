"""What became of unanswered questions; models, their activations and trainings."""

import sqlalchemy as sa
from alembic import op

from knowledge.database import UtcTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this migration."""
    op.create_table(
        "settled_questions",
        sa.Column("words", sa.String(length=300), primary_key=True),
        sa.Column("how", sa.String(length=16), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.Integer(), sa.ForeignKey("staff.id"), nullable=False),
        sa.Column("at", UtcTime(timezone=True), nullable=False),
    )
    op.create_table(
        "nlu_models",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(length=80), nullable=False, unique=True),
        sa.Column("file", sa.LargeBinary(), nullable=False),
        sa.Column("staff_id", sa.Integer(), sa.ForeignKey("staff.id"), nullable=True),
        sa.Column("made_at", UtcTime(timezone=True), nullable=False),
        sa.Column("report", sa.JSON(), nullable=True),
    )
    op.create_table(
        "model_activations",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("model_id", sa.Integer(), sa.ForeignKey("nlu_models.id"), nullable=False),
        sa.Column("staff_id", sa.Integer(), sa.ForeignKey("staff.id"), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(timezone=True), nullable=False),
    )
    op.create_table(
        "model_trainings",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("doing", sa.String(length=200), nullable=False),
        sa.Column("progress", sa.Float(), nullable=False),
        sa.Column("staff_id", sa.Integer(), sa.ForeignKey("staff.id"), nullable=False),
        sa.Column("started_at", UtcTime(timezone=True), nullable=False),
        sa.Column("seen_at", UtcTime(timezone=True), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.Column("model_id", sa.Integer(), sa.ForeignKey("nlu_models.id"), nullable=True),
    )
    op.add_column("proposals", sa.Column("settled_at", UtcTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Take this migration back."""
    op.drop_column("proposals", "settled_at")
    for table in ("model_trainings", "model_activations", "nlu_models", "settled_questions"):
        op.drop_table(table)
