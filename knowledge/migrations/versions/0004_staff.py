"""Staff accounts, their sessions, what they did, and sign-ins that failed."""

import sqlalchemy as sa
from alembic import op

from knowledge.database import UtcTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this migration."""
    op.create_table(
        "staff",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("login", sa.String(length=40), nullable=False, unique=True),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("totp_secret", sa.String(length=64), nullable=True),
        sa.Column("totp_used", sa.Integer(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", UtcTime(timezone=True), nullable=True),
        sa.Column("presence", sa.String(length=8), nullable=False),
        sa.Column("away_reason", sa.String(length=80), nullable=True),
        sa.Column("seen_at", UtcTime(timezone=True), nullable=True),
        sa.Column("telegram_id", sa.BigInteger(), nullable=True, unique=True),
        sa.Column("subject", sa.String(length=255), nullable=True, unique=True),
        sa.Column("removed_at", UtcTime(timezone=True), nullable=True),
        sa.Column("created_at", UtcTime(timezone=True), nullable=False),
    )
    op.create_table(
        "staff_sessions",
        sa.Column("token_hash", sa.String(length=64), primary_key=True),
        sa.Column("staff_id", sa.Integer(), sa.ForeignKey("staff.id"), nullable=False),
        sa.Column("started_at", UtcTime(timezone=True), nullable=False),
        sa.Column("seen_at", UtcTime(timezone=True), nullable=False),
        sa.Column("expires_at", UtcTime(timezone=True), nullable=False),
    )
    op.create_index("ix_staff_sessions_staff_id", "staff_sessions", ["staff_id"])
    op.create_index("ix_staff_sessions_expires_at", "staff_sessions", ["expires_at"])
    op.create_table(
        "staff_audit",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("at", UtcTime(timezone=True), nullable=False),
        sa.Column("staff_id", sa.Integer(), sa.ForeignKey("staff.id"), nullable=True),
        sa.Column("what", sa.String(length=40), nullable=False),
        sa.Column("about", sa.String(length=80), nullable=True),
        sa.Column("network", sa.String(length=64), nullable=True),
    )
    op.create_index("ix_staff_audit_at", "staff_audit", ["at"])
    op.create_index("ix_staff_audit_staff_id", "staff_audit", ["staff_id"])
    op.create_table(
        "sign_in_failures",
        sa.Column("network", sa.String(length=64), primary_key=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("since", UtcTime(timezone=True), nullable=False),
    )
    op.create_index("ix_sign_in_failures_since", "sign_in_failures", ["since"])


def downgrade() -> None:
    """Take this migration back; accounts do not come back."""
    for table in ("sign_in_failures", "staff_audit", "staff_sessions", "staff"):
        op.drop_table(table)
