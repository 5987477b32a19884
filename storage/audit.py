"""What the archive knows of pages that others saw: the article with its best score, or what kept it from being one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from storage import tables as t
from storage.database import Database
from tripoint.domain.audit import Known

_CHUNK = 300
_a, _s = t.articles.c, t.assessments.c
_ARTICLES = (
    select(_a.id, _a.canonical_url, _a.url, _a.source, _a.title, _s.score, _s.threshold, _s.relevant)
    .select_from(
        t.articles.outerjoin(t.assessments, and_(_s.article_id == _a.id, _s.revision == _a.revision)),
    )
    .order_by(_s.score)
)


class AuditStore:
    """Looks pages up; writes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def by_address(self, pages: Mapping[str, str]) -> dict[str, Known]:
        """Return what is known of pages, given and returned by their canonical address, with the one that was named."""
        found: dict[str, Known] = {}
        with self._database.read() as connection:
            for some in _chunks(pages):
                found |= _articles(connection, some, pages)
                missing = {pages[page]: page for page in some if page not in found}
                found |= _frontier(connection, missing)
        return found

    def by_title(self, titles: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Known]:
        """Return what is known of articles by source and title, where an index hides or changes their address."""
        wanted = set(titles)
        found: dict[tuple[str, str], Known] = {}
        with self._database.read() as connection:
            for some in _chunks(sorted(wanted)):
                named = _a.title.in_([t.clean(title) for _, title in some])
                for row in connection.execute(_ARTICLES.where(named)):
                    if (row.source, row.title) in wanted:
                        found[row.source, row.title] = _known(row)
        return found


def _articles(connection: Connection, some: Sequence[str], pages: Mapping[str, str]) -> dict[str, Known]:
    by_url = {t.clean(pages[page]): page for page in some}
    is_one: ColumnElement[bool] = or_(_a.canonical_url.in_([t.clean(each) for each in some]), _a.url.in_(list(by_url)))
    rows = connection.execute(_ARTICLES.where(is_one)).all()
    return {(row.canonical_url if row.canonical_url in pages else by_url[row.url]): _known(row) for row in rows}


def _frontier(connection: Connection, missing: Mapping[str, str]) -> dict[str, Known]:
    f = t.frontier.c
    rows = connection.execute(
        select(f.url, f.state, f.reason).where(
            # What is done became an article, under another address than this one.
            f.url.in_([t.clean(each) for each in missing]),
            f.state != "done",
        )
    )
    return {missing[row.url]: Known(state=row.state, reason=row.reason) for row in rows}


def _known(row: Any) -> Known:
    """Return an article's judgement; rows come with the best score of its topics last."""
    return Known(row.id, row.score or 0.0, row.threshold or 0.0, bool(row.relevant))


def _chunks(items: Iterable[Any]) -> Iterable[list[Any]]:
    every = list(items)
    return (every[start : start + _CHUNK] for start in range(0, len(every), _CHUNK))
