"""Alerts that other channels get too, since their own stays down."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    with op.batch_alter_table("alerts") as alerts:
        alerts.add_column(sa.Column("escalated_at", sa.DateTime(timezone=True), nullable=True))
        alerts.add_column(sa.Column("escalated_from", sa.Integer(), nullable=True))
    op.create_index(op.f("ix_alerts_escalated_from"), "alerts", ["escalated_from"], unique=False)


def downgrade() -> None:
    """Remove them."""
    op.drop_index(op.f("ix_alerts_escalated_from"), table_name="alerts")
    with op.batch_alter_table("alerts") as alerts:
        for name in ("escalated_from", "escalated_at"):
            alerts.drop_column(name)
