"""Fingerprints of texts, and what an article is to its story."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table and the columns; what is stored counts as new."""
    with op.batch_alter_table("articles") as articles:
        articles.add_column(sa.Column("placement", sa.String(length=20), nullable=False, server_default="new"))
        articles.add_column(sa.Column("what_is_new", sa.Text(), nullable=False, server_default=""))
        articles.add_column(sa.Column("copy_of", sa.Integer(), nullable=True))
    op.create_table(
        "fingerprints",
        sa.Column("key", sa.BigInteger(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["articles.id"], name=op.f("fk_fingerprints_article_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", "article_id", name=op.f("pk_fingerprints")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_fingerprints_article_id"), "fingerprints", ["article_id"], unique=False)


def downgrade() -> None:
    """Remove them."""
    op.drop_table("fingerprints")
    with op.batch_alter_table("articles") as articles:
        for name in ("copy_of", "what_is_new", "placement"):
            articles.drop_column(name)
