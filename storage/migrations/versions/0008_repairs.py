"""How often a blind stretch was tried to be repaired, and when next."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("coverage", sa.Column("repair_tries", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("coverage", sa.Column("repair_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Remove them."""
    op.drop_column("coverage", "repair_at")
    op.drop_column("coverage", "repair_tries")
