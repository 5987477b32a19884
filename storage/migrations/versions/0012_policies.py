"""Digests in the outbox, why an article was told or not, and the state of channels."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and tables."""
    with op.batch_alter_table("alerts") as alerts:
        alerts.add_column(sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
        alerts.add_column(sa.Column("period", sa.String(length=10), nullable=False, server_default=""))
        alerts.add_column(sa.Column("digest", sa.JSON(), nullable=True))
        alerts.add_column(sa.Column("digest_id", sa.Integer(), nullable=True))
    op.create_index(op.f("ix_alerts_digest_id"), "alerts", ["digest_id"], unique=False)
    op.create_table(
        "alert_decisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rule", sa.String(length=100), nullable=False),
        sa.Column("channel", sa.String(length=100), nullable=False),
        sa.Column("verdict", sa.String(length=20), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["article_id"], ["articles.id"], name=op.f("fk_alert_decisions_article_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_decisions")),
    )
    op.create_index(op.f("ix_alert_decisions_article_id"), "alert_decisions", ["article_id"], unique=False)
    op.create_table(
        "channel_states",
        sa.Column("channel", sa.String(length=100), nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("resume_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_channel_states")),
    )


def downgrade() -> None:
    """Remove them."""
    for name in ("channel_states", "alert_decisions"):
        op.drop_table(name)
    op.drop_index(op.f("ix_alerts_digest_id"), table_name="alerts")
    with op.batch_alter_table("alerts") as alerts:
        for name in ("digest_id", "digest", "period", "due_at"):
            alerts.drop_column(name)
