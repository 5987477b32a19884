"""How much there is of everything, for gauges: read in one go, and never by a walk through texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, text

from storage import tables as t
from storage.database import Database
from storage.frontier import QUARANTINED
from tripoint.domain.types import AlertState


@dataclass(frozen=True, slots=True)
class Figures:
    """What the database holds at one moment."""

    articles: int
    relevant: int
    waiting: int  #: pages that were listed and not yet read
    revisits: int  #: pages that will be looked at again
    quarantined: int  #: pages that nobody reads any more, since they killed or hung who did
    alerts: Mapping[AlertState, int]
    failing_channels: frozenset[str]
    answered_at: Mapping[str, datetime]  #: by source: the last time that a listing of it answered as it should
    health: Mapping[str, str]  #: by source: its state
    bytes: int  #: on disk, as far as the database says


def read_figures(database: Database) -> Figures:
    """Return the figures of now."""
    states = select(t.frontier.c.state, func.count()).where(t.frontier.c.state.in_(("pending", "again", QUARANTINED)))
    answered = select(t.listings.c.source, func.max(t.listings.c.last_answer_at)).group_by(t.listings.c.source)
    relevant = select(func.count(func.distinct(t.assessments.c.article_id))).where(t.assessments.c.relevant)
    alerts = select(t.alerts.c.state, func.count()).group_by(t.alerts.c.state)
    health = select(t.source_health.c.source, t.source_health.c.state)
    failing = select(t.channel_states.c.channel).where(t.channel_states.c.failing_since.is_not(None))
    size = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
    if not database.is_sqlite:
        size = "SELECT pg_database_size(current_database())"
    with database.read() as connection:
        frontier = {row[0]: row[1] for row in connection.execute(states.group_by(t.frontier.c.state))}
        counted = {AlertState(state): number for state, number in connection.execute(alerts)}
        return Figures(
            articles=connection.scalar(select(func.count()).select_from(t.articles)) or 0,
            relevant=connection.scalar(relevant) or 0,
            waiting=frontier.get("pending", 0),
            revisits=frontier.get("again", 0),
            quarantined=frontier.get(QUARANTINED, 0),
            alerts={state: counted.get(state, 0) for state in AlertState},
            failing_channels=frozenset(connection.scalars(failing)),
            answered_at={source: at for source, at in connection.execute(answered) if at is not None},
            health={row.source: row.state for row in connection.execute(health)},
            bytes=connection.scalar(text(size)) or 0,
        )
