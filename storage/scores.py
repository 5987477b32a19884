"""What another threshold would change: the stored scores of a topic on either side of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, select

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
        above = score >= threshold
        gained, lost = and_(above, a.relevant.is_(False)), and_(~above, a.relevant.is_(True))
        counted = select(
            func.count(),
            func.count().filter(a.relevant),
            func.count().filter(above),
            func.count().filter(gained),
            func.count().filter(lost),
        ).where(mine)
        columns = (t.articles.c.title, t.articles.c.outlet, t.articles.c.language, t.articles.c.first_seen_at)
        nearest = func.abs(score - threshold)
        turned = (
            select(t.articles.c.id, *columns, score)
            .where(mine, gained | lost)
            .order_by(nearest, t.articles.c.id.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            numbers = connection.execute(counted).one()
            return Turned(*numbers, examples=_scored(connection.execute(turned).all()))


def _scored(rows: Sequence[object]) -> tuple[Scored, ...]:
    return tuple(Scored(*row) for row in rows)  # type: ignore[misc]
