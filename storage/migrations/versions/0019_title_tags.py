"""On PostgreSQL the words of a title are tags, too: its index does not know where a word stands."""

from __future__ import annotations

from alembic import op

from storage.migrations.steps import by_articles

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tags, from the words that stand in titles."""
    if op.get_bind().dialect.name == "postgresql":
        tags = "SELECT array_agg('·t·' || lexeme) FROM unnest(ts_filter(words, '{a}'))"
        # A title without a word has no tags. What migration 0009 fills in one go with this one has them already.
        by_articles(
            f"UPDATE search_words SET words = words || array_to_tsvector(coalesce(({tags}), '{{}}'))"  # noqa: S608 - our own
            " WHERE place > :after AND place <= :until"
        )


def downgrade() -> None:
    """Leave the tags: they are in nobody's way."""
