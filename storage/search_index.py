"""The index that search reads, written in the transaction that writes the article; no trigger folds any text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, func, select, text, update

from storage import tables as t
from storage.upsert import insert_for
from tripoint.domain.errors import StorageError
from tripoint.domain.searchwords import (
    Verdict,
    indexed_text,
    indexed_title,
    last_place_near,
    moment_of,
    place_of,
    span_tags,
    tags_of,
    title_tag,
)
from tripoint.domain.types import Article, Assessment

_TITLE_GAP = 8  # positions between title and text on PostgreSQL, so that no phrase spans both
_TRIES = 50  # of finding a place that no other process takes at the same moment

_SQLITE = text("INSERT INTO search_words (rowid, title, text, tags) VALUES (:place, :title, :text, :tags)")
_POSTGRESQL = text("INSERT INTO search_words (place, words) VALUES (:place, CAST(:words AS tsvector))")
_FORGET_WORDS = {
    "sqlite": text("DELETE FROM search_words WHERE rowid = :place"),
    "postgresql": text("DELETE FROM search_words WHERE place = :place"),
}
_FORGET = delete(t.search_docs).where(t.search_docs.c.article_id == bindparam("article"))


def is_compared(name: str | None, kind: str, _parents: object = None) -> bool:
    """Return whether Alembic compares this with `storage.tables`: the index and FTS5's shadows it would drop."""
    return not (kind == "table" and name is not None and name.startswith("search_words"))


def index_article(
    connection: Connection,
    article_id: int,
    article: Article,
    first_seen_at: datetime,
    assessments: Sequence[Assessment],
    *,
    is_changed: bool,
) -> None:
    """Put an article into the index, in the place of what stood there of it."""
    if is_changed:
        connection.execute(_FORGET, {"article": article_id})
    place = _take_place(connection, article_id, moment_of(article.published, first_seen_at), _score(assessments))
    tags = _tags(article.source, article.language, assessments)
    write_words(connection, place, t.clean(article.title), t.clean(article.text), tags)


def reindex_article(connection: Connection, article_id: int, assessments: Sequence[Assessment]) -> None:
    """Put an article, as it is stored, into the index with its judgements, all topics' of them."""
    row = connection.execute(select(t.articles).where(t.articles.c.id == article_id)).one()
    mine = t.search_docs.c.article_id == article_id
    place = connection.scalar(select(t.search_docs.c.place).where(mine))
    if place is None:
        place = _take_place(connection, article_id, moment_of(row.published, row.first_seen_at), _score(assessments))
    else:
        connection.execute(update(t.search_docs).where(mine).values(score=_score(assessments)))
        connection.execute(_FORGET_WORDS[connection.dialect.name], {"place": place})
    write_words(connection, place, row.title, row.text, _tags(row.source, row.language, assessments))


def write_words(connection: Connection, place: int, title: str, body: str, tags: Sequence[str]) -> None:
    """Write the words of a document that has a place, whose time is among its tags."""
    tags = [*tags, *span_tags(place)]
    words, more = indexed_title(title), indexed_text(body)
    if connection.dialect.name == "sqlite":
        row = {"title": " ".join(words), "text": " ".join(more), "tags": " ".join(tags)}
        connection.execute(_SQLITE, {"place": place, **row})
    else:
        connection.execute(_POSTGRESQL, {"place": place, "words": _tsvector(words, more, tags)})


def _tsvector(title: Sequence[str], body: Sequence[str], tags: Sequence[str]) -> str:
    """Return the words as PostgreSQL writes a tsvector, with positions and A for the title: its parser has no say.

    Its index knows neither positions nor A, for which it must look at each row: words of the title are tags, too.
    """
    at: dict[str, list[str]] = {}
    for position, word in enumerate(title, 1):
        at.setdefault(word, []).append(f"{position}A")
    for position, word in enumerate(body, len(title) + _TITLE_GAP):
        at.setdefault(word, []).append(str(position))
    placed = [f"'{word}':{','.join(positions)}" for word, positions in at.items()]
    in_title = [title_tag(word) for word in dict.fromkeys(title)]
    return " ".join([*placed, *(f"'{each}'" for each in (*tags, *in_title))])


def _take_place(connection: Connection, article_id: int, moment: datetime, score: float) -> int:
    """Take the place of an article's time, or where that is taken, as by many of one day without an hour, one after."""
    statement = insert_for(connection.dialect.name, t.search_docs)
    take = statement.on_conflict_do_nothing(index_elements=["place"]).returning(t.search_docs.c.place)
    place = place_of(moment, article_id)
    for _ in range(_TRIES):
        taken = connection.scalar(take, {"place": place, "article_id": article_id, "score": score})
        if taken is not None:
            return int(taken)
        near = t.search_docs.c.place.between(place, last_place_near(place))
        place = 1 + (connection.scalar(select(func.max(t.search_docs.c.place)).where(near)) or place)
    raise StorageError("too many processes index articles of one second", "try again")


def _score(assessments: Sequence[Assessment]) -> float:
    return max((each.score for each in assessments), default=0.0)


def _tags(source: str, language: str, assessments: Sequence[Assessment]) -> list[str]:
    verdicts = [Verdict(each.topic, each.score, each.relevant) for each in assessments]
    return tags_of(source, language, verdicts, {hit.concept for each in assessments for hit in each.hits})
