"""The pages of relevant articles, kept as evidence."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table; what is stored already has no page."""
    op.create_table(
        "evidence",
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["articles.id"], name=op.f("fk_evidence_article_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("article_id", "revision", name=op.f("pk_evidence")),
    )
    op.create_index(op.f("ix_evidence_fetched_at"), "evidence", ["fetched_at"], unique=False)


def downgrade() -> None:
    """Remove it."""
    op.drop_table("evidence")
