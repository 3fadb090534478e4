"""What content files said of a record before: an older folder does not bring it back."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this migration."""
    op.add_column("loaded_records", sa.Column("said", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    """Take this migration back."""
    op.drop_column("loaded_records", "said")
