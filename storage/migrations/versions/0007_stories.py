"""Signatures by which articles are grouped into stories, agencies, and corrections of the grouping."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables and columns."""
    with op.batch_alter_table("articles") as articles:
        articles.add_column(sa.Column("is_material", sa.Boolean(), nullable=False, server_default=sa.false()))
        articles.add_column(sa.Column("because", sa.Text(), nullable=False, server_default=""))
        articles.add_column(sa.Column("wire", sa.String(length=60), nullable=False, server_default=""))
        articles.add_column(sa.Column("wire_country", sa.String(length=2), nullable=False, server_default=""))
        articles.add_column(sa.Column("wire_how", sa.String(length=10), nullable=False, server_default=""))
    op.create_table(
        "signatures",
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("bags", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["articles.id"], name=op.f("fk_signatures_article_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("article_id", name=op.f("pk_signatures")),
    )
    op.create_index(op.f("ix_signatures_at"), "signatures", ["at"], unique=False)
    op.create_table(
        "story_corrections",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("batch", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.String(length=10), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("was", sa.String(length=64), nullable=False),
        sa.Column("becomes", sa.String(length=64), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["article_id"], ["articles.id"], name=op.f("fk_story_corrections_article_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_story_corrections")),
    )
    op.create_index(op.f("ix_story_corrections_batch"), "story_corrections", ["batch"], unique=False)


def downgrade() -> None:
    """Remove them."""
    op.drop_table("story_corrections")
    op.drop_table("signatures")
    with op.batch_alter_table("articles") as articles:
        for name in ("wire_how", "wire_country", "wire", "because", "is_material"):
            articles.drop_column(name)
