"""What scheduled revisions say once a draft that meets them is approved."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this migration."""
    op.add_column("content_revisions", sa.Column("settled", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Undo this migration."""
    op.drop_column("content_revisions", "settled")
