"""What publishers' archives said while a search of the past goes on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "backfill_answers",
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["backfill_jobs.id"], name=op.f("fk_backfill_answers_job_id_backfill_jobs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "address", name=op.f("pk_backfill_answers")),
    )
    op.create_index("ix_backfill_answers_at_size", "backfill_answers", ["at", "size"])


def downgrade() -> None:
    """Remove it."""
    op.drop_table("backfill_answers")
