"""The search index knows stretches of time as tags, and on SQLite the beginnings of words, so that it need not walk."""

from __future__ import annotations

from alembic import op

from storage.migrations.steps import by_articles

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_SPAN = 8 * 86_400 * 4096  # places, as `tripoint.domain.searchwords` had them when this was written
_TAGS = f"'·span·' || (place / {_SPAN})", f"'·spans·' || (place / {_SPAN * 16})"


def upgrade() -> None:
    """Make the index anew from its own words."""
    if op.get_bind().dialect.name == "sqlite":
        # What migration 0009 fills in one go with this one has the tags already.
        spans = " || ' ' || ".join(each.replace("place", "rowid") for each in _TAGS)
        _rebuild(", prefix = '2 3'", f"CASE WHEN instr(tags, '·span·') THEN tags ELSE trim(tags || ' ' || {spans}) END")
    else:
        # A row of more than two kilobytes would be packed away from its table, where the planner does not see what it
        # costs to look at: it would read through the whole table. Those of most articles are less than a page.
        op.execute("ALTER TABLE search_words SET (toast_tuple_target = 8160)")
        both = ", ".join(_TAGS)
        by_articles(
            f"UPDATE search_words SET words = words || array_to_tsvector(ARRAY[{both}])"  # noqa: S608 - our own
            " WHERE place > :after AND place <= :until"
        )


def downgrade() -> None:
    """Forget the beginnings; the tags are in nobody's way."""
    if op.get_bind().dialect.name == "sqlite":
        _rebuild("", "tags")
    else:
        op.execute("ALTER TABLE search_words RESET (toast_tuple_target)")


def _rebuild(option: str, tags: str) -> None:
    op.execute("DROP TRIGGER search_docs_forget")
    op.execute(f"CREATE VIRTUAL TABLE search_words_new USING fts5(title, text, tags, tokenize = 'ascii'{option})")
    stretch = "FROM search_words WHERE rowid > :after AND rowid <= :until ORDER BY rowid"
    copied = f"SELECT rowid, title, text, {tags} {stretch}"
    by_articles(f"INSERT INTO search_words_new (rowid, title, text, tags) {copied}")
    op.execute("DROP TABLE search_words")
    op.execute("ALTER TABLE search_words_new RENAME TO search_words")
    op.execute(
        "CREATE TRIGGER search_docs_forget AFTER DELETE ON search_docs BEGIN"
        " DELETE FROM search_words WHERE rowid = old.place; END"
    )
