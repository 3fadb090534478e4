"""Whether somebody follows a channel's account, apart from whether they want announcements."""

import sqlalchemy as sa
from alembic import op

from knowledge.database import UtcTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this migration."""
    op.add_column(
        "conversations", sa.Column("follows", sa.Boolean(), nullable=False, server_default=sa.true())
    )
    op.add_column("conversations", sa.Column("follows_since", UtcTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Take this migration back."""
    op.drop_column("conversations", "follows_since")
    op.drop_column("conversations", "follows")
