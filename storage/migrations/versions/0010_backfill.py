"""Jobs that search the past, their windows, and what was found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    text = sa.Text()
    op.create_table(
        "backfill_jobs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backfill_jobs")),
        sa.UniqueConstraint("key", name=op.f("uq_backfill_jobs_key")),
    )
    op.create_table(
        "backfill_windows",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("query", text, nullable=False),
        sa.Column("start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("address", text, nullable=False),
        sa.Column("cursor", text, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.Column("new", sa.Integer(), nullable=False),
        sa.Column("reason", text, nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["job_id"], ["backfill_jobs.id"], name=op.f("fk_backfill_windows_job_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backfill_windows")),
        sa.UniqueConstraint(
            "job_id",
            "provider",
            "query",
            "start",
            "until",
            name=op.f("uq_backfill_windows_job_id_provider_query_start_until"),
        ),
    )
    op.create_table(
        "backfill_finds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("window_id", sa.Integer(), nullable=False),
        sa.Column("page", text, nullable=False),
        sa.Column("url", text, nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("title", text, nullable=False),
        sa.Column("outlet", text, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("was_known", sa.Boolean(), nullable=False),
        sa.Column("snapshot", text, nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["job_id"], ["backfill_jobs.id"], name=op.f("fk_backfill_finds_job_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["window_id"], ["backfill_windows.id"], name=op.f("fk_backfill_finds_window_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["article_id"], ["articles.id"], name=op.f("fk_backfill_finds_article_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backfill_finds")),
        sa.UniqueConstraint("job_id", "page", name=op.f("uq_backfill_finds_job_id_page")),
    )
    op.create_index("ix_backfill_finds_window_id", "backfill_finds", ["window_id"], unique=False)
    op.create_index("ix_backfill_finds_url", "backfill_finds", ["url"], unique=False)
    op.create_index("ix_backfill_finds_article_id", "backfill_finds", ["article_id"], unique=False)


def downgrade() -> None:
    """Remove them."""
    for table in ("backfill_finds", "backfill_windows", "backfill_jobs"):
        op.drop_table(table)
