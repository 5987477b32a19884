"""What another threshold would change: the stored scores of a topic on either side of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, select, true

from storage import tables as t
from storage.database import Database

_NEWEST = and_(t.assessments.c.article_id == t.articles.c.id, t.assessments.c.revision == t.articles.c.revision)


@dataclass(frozen=True, slots=True)
class Scored:
    """An article with its newest score by one topic."""

    article_id: int
    title: str
    outlet: str
    language: str
    first_seen_at: datetime
    score: float


@dataclass(frozen=True, slots=True)
class Turned:
    """What a threshold would turn among the articles of a period."""

    judged: int
    relevant: int  #: as they were judged
    would_be: int  #: at that threshold
    gained: int
    lost: int
    examples: tuple[Scored, ...]  #: of both kinds, the nearest to the threshold first


class ScoreStore:
    """The newest scores."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def at_threshold(self, topic: str, threshold: float, since: datetime, limit: int = 20) -> Turned:
        """Return what a threshold would change for the articles first seen since then, from the stored scores."""
        a, score = t.assessments.c, t.assessments.c.score
        mine = and_(_NEWEST, a.topic == topic, t.articles.c.first_seen_at >= since, a.note == "")
        # All are gone through once: there may be hundreds of thousands.
        judged = select(t.articles.c.id, score, a.relevant).where(mine).cte("judged").prefix_with("MATERIALIZED").c
        above, nearest = judged.score >= threshold, func.abs(judged.score - threshold)
        gained, lost = and_(above, judged.relevant.is_(False)), and_(~above, judged.relevant.is_(True))
        conditions = {"relevant": judged.relevant, "would_be": above, "gained": gained, "lost": lost}
        counts = [func.count().filter(each).label(name) for name, each in conditions.items()]
        counted = select(func.count(judged.id).label("judged"), *counts).subquery()
        turned = select(judged.id, judged.score).where(gained | lost).order_by(nearest, judged.id.desc())
        examples = turned.limit(limit).subquery()
        columns = (t.articles.c.title, t.articles.c.outlet, t.articles.c.language, t.articles.c.first_seen_at)
        both = counted.outerjoin(examples, true()).outerjoin(t.articles, t.articles.c.id == examples.c.id)
        query = select(counted, examples.c.id, *columns, examples.c.score).select_from(both)
        ordered = query.order_by(func.abs(examples.c.score - threshold), examples.c.id.desc())
        with self._database.read() as connection:
            rows = connection.execute(ordered).all()
        first = rows[0]  # of as many as there are examples, or one without
        found = _scored([row[len(counted.c) :] for row in rows if row.id is not None])
        return Turned(first.judged, first.relevant, first.would_be, first.gained, first.lost, found)


def _scored(rows: Sequence[object]) -> tuple[Scored, ...]:
    return tuple(Scored(*row) for row in rows)  # type: ignore[misc]
