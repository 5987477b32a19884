"""The index that search reads, filled with what is stored."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.migrations.steps import told
from storage.search_fill import fill_index

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables and fill them."""
    op.create_table(
        "search_docs",
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["articles.id"], name=op.f("fk_search_docs_article_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_search_docs")),
        sa.UniqueConstraint("article_id", name=op.f("uq_search_docs_article_id")),
    )
    if op.get_bind().dialect.name == "sqlite":
        # The words come folded and parted by spaces: this tokenizer splits there and changes nothing. A trigger follows
        # whatever deletes an article; a batch rebuild of `search_docs` would drop it, and must make it anew.
        op.execute("CREATE VIRTUAL TABLE search_words USING fts5(title, text, tags, tokenize = 'ascii')")
        op.execute(
            "CREATE TRIGGER search_docs_forget AFTER DELETE ON search_docs BEGIN"
            " DELETE FROM search_words WHERE rowid = old.place; END"
        )
    else:
        op.execute(
            "CREATE TABLE search_words (place bigint PRIMARY KEY"
            " REFERENCES search_docs (place) ON DELETE CASCADE, words tsvector NOT NULL)"
        )
        op.execute("CREATE INDEX ix_search_words_words ON search_words USING gin (words)")
    tell = told()
    total = op.get_bind().scalar(sa.text("SELECT count(*) FROM articles")) or 0
    for done in fill_index(op.get_bind()):
        tell(done, total)


def downgrade() -> None:
    """Remove them."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER search_docs_forget")
    op.execute("DROP TABLE search_words")
    op.drop_table("search_docs")
