"""Who has a message that others of its channel lack."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    with op.batch_alter_table("alerts") as alerts:
        alerts.add_column(sa.Column("taken", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Remove it."""
    with op.batch_alter_table("alerts") as alerts:
        alerts.drop_column("taken")
