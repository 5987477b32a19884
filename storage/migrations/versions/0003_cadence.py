"""When each listing is due, and which hosts asked to be left alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TIMES = ("due_at", "held_until", "last_answer_at", "last_new_at")


def upgrade() -> None:
    """Add what is remembered of a listing between two visits, and the table of hosts."""
    with op.batch_alter_table("listings") as listings:
        listings.add_column(sa.Column("interval_s", sa.Float(), nullable=True))
        listings.add_column(sa.Column("rate", sa.Float(), nullable=True))
        for name in _TIMES:
            listings.add_column(sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "hosts",
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_hosts")),
    )


def downgrade() -> None:
    """Remove them."""
    op.drop_table("hosts")
    with op.batch_alter_table("listings") as listings:
        for name in ("interval_s", "rate", *_TIMES):
            listings.drop_column(name)
