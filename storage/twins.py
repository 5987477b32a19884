"""Copies of a text: an index of a few numbers an article, and a look-up whose cost does not grow with the archive."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, func, literal_column, select, union_all

from storage import tables as t
from storage.upsert import insert_for
from tripoint.domain.types import Article, Twin
from tripoint.stories.fingerprint import SHARED_KEYS

# A phrase that an outlet prints under everything gives many articles one key. The newest of them are looked at and no
# others, so that a look-up costs the same in a large archive: copies of one text come within days.
_NEWEST = 50
_LIKELIEST = 8

_TWIN = (t.articles.c.id, t.articles.c.story, t.articles.c.outlet, t.articles.c.title, t.articles.c.text)
_SAME_TEXT = (
    select(*_TWIN, t.articles.c.content_hash)
    .where(t.articles.c.content_hash == bindparam("hash"))
    .order_by(t.articles.c.id)
    .limit(1)
)
_FORGET = delete(t.fingerprints).where(t.fingerprints.c.article_id == bindparam("article"))


def find_twins(connection: Connection, article: Article, keys: Sequence[int]) -> tuple[Twin, ...]:
    """Return articles that have the same text, else those that share keys with it, likeliest first."""
    same = connection.execute(_SAME_TEXT, {"hash": article.content_hash}).first()
    if same:
        return (Twin(*same),)
    if len(keys) < SHARED_KEYS:
        return ()
    rows = connection.execute(_sharing(len(keys)), {f"key{n}": key for n, key in enumerate(keys)})
    return tuple(Twin(*row) for row in rows)


@cache
def _sharing(keys: int) -> Select[Any]:
    """Return the query for the articles that share keys; built once for each number of keys."""
    newest = [
        select(
            select(t.fingerprints.c.article_id)
            .where(t.fingerprints.c.key == bindparam(f"key{number}"))
            .order_by(t.fingerprints.c.article_id.desc())
            .limit(_NEWEST)
            .subquery(f"with{number}")
        )
        for number in range(keys)
    ]
    found = union_all(*newest).subquery("found")
    shared = func.count(literal_column("1"))
    likeliest = (
        select(found.c.article_id, shared.label("shared"))
        .group_by(found.c.article_id)
        .having(shared >= SHARED_KEYS)
        .order_by(shared.desc(), found.c.article_id.desc())
        .limit(_LIKELIEST)
        .subquery("likeliest")
    )
    return (
        select(*_TWIN, t.articles.c.content_hash)
        .join(likeliest, likeliest.c.article_id == t.articles.c.id)
        .order_by(likeliest.c.shared.desc(), t.articles.c.id)
    )


def write_keys(connection: Connection, article_id: int, keys: Sequence[int], *, is_changed: bool) -> None:
    """Index an article by its keys, in the place of those of its earlier text."""
    if is_changed:
        connection.execute(_FORGET, {"article": article_id})
    if keys:
        rows = [{"key": key, "article_id": article_id} for key in keys]
        connection.execute(insert_for(connection.dialect.name, t.fingerprints), rows)
