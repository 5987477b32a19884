"""Filling the index of search with articles that are stored: at the migration that makes it, and in a moved archive.

The statements are written out, since a migration meets tables that later ones have yet to change.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from storage.search_index import write_words
from tripoint.domain.searchwords import Verdict, moment_of, place_of, tags_of

_BATCH = 500
_TIMES = sa.select(
    sa.column("id", sa.Integer()),
    sa.column("published", sa.DateTime(timezone=True)),
    sa.column("first_seen_at", sa.DateTime(timezone=True)),
).select_from(sa.table("articles"))


def fill_index(connection: sa.Connection) -> Iterator[int]:
    """Index every article, in the order of their time; yield how many are done, now and then."""
    moments = [
        (moment_of(_utc(row.published), _utc(row.first_seen_at) or datetime.now(UTC)), row.id)
        for row in connection.execute(_TIMES)
    ]
    last, done = None, 0
    for rows in _batches(sorted(moments)):
        articles, verdicts, concepts = _read(connection, [id_ for _, id_ in rows])
        for moment, id_ in rows:
            wanted = place_of(moment, id_)
            last = wanted if last is None or wanted > last else last + 1
            title, text, source, language = articles[id_]
            score = max((each.score for each in verdicts.get(id_, ())), default=0.0)
            insert = "INSERT INTO search_docs (place, article_id, score) VALUES (:place, :article, :score)"
            connection.execute(sa.text(insert), {"place": last, "article": id_, "score": score})
            tags = tags_of(source, language, verdicts.get(id_, ()), concepts.get(id_, ()))
            write_words(connection, last, title, text, tags)
        done += len(rows)
        yield done


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def _batches(rows: list[tuple[datetime, int]]) -> Iterator[list[tuple[datetime, int]]]:
    for start in range(0, len(rows), _BATCH):
        yield rows[start : start + _BATCH]


def _read(connection: sa.Connection, ids: list[int]) -> tuple[dict[int, Any], dict[int, Any], dict[int, Any]]:
    of_them = sa.text("SELECT id, title, text, source, language FROM articles WHERE id IN :ids").bindparams(
        sa.bindparam("ids", ids, expanding=True)
    )
    articles = {row.id: (row.title, row.text, row.source, row.language) for row in connection.execute(of_them)}
    newest = " FROM assessments s JOIN articles a ON a.id = s.article_id AND a.revision = s.revision"
    judged = sa.text(f"SELECT a.id, s.topic, s.score, s.relevant{newest} WHERE a.id IN :ids").bindparams(
        sa.bindparam("ids", ids, expanding=True)
    )
    verdicts: dict[int, list[Verdict]] = {}
    for row in connection.execute(judged):
        verdicts.setdefault(row.id, []).append(Verdict(row.topic, row.score, bool(row.relevant)))
    hit = sa.text(
        f"SELECT DISTINCT a.id, h.concept{newest} JOIN hits h ON h.assessment_id = s.id WHERE a.id IN :ids"
    ).bindparams(sa.bindparam("ids", ids, expanding=True))
    concepts: dict[int, list[str]] = {}
    for row in connection.execute(hit):
        concepts.setdefault(row.id, []).append(row.concept)
    return articles, verdicts, concepts
