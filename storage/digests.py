"""What is held for a digest becomes one alert when it is due, in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select, update

from storage import tables as t
from storage.alert_rows import item_of
from storage.database import Database
from storage.queue import queue_alerts
from tripoint.domain.digests import VOLUME_DAYS, Held, Period
from tripoint.domain.types import Alert, AlertState

_OLD_WAITS = timedelta(hours=24)  # at most, however long old reports keep coming

Tell = Callable[[Held], Alert]
"""Makes the alert of a digest; pure."""


class DigestStore:
    """The digests that are due."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def flush(self, now: datetime, tell: Tell, *, old_too: bool = False) -> int:
        """Queue every digest that is due, and return how many; with `old_too` the summary of old reports as well."""
        with self._database.write() as connection:
            due = _due(connection, now, old_too=old_too)
            for rule, channel, period in due:
                _flush(connection, now, tell, (rule, channel, Period(period)))
        return len(due)

    def next_due(self) -> datetime | None:
        """Return when the next digest may be due."""
        c = t.alerts.c
        with self._database.read() as connection:
            due: datetime | None = connection.scalar(
                select(func.min(c.next_attempt_at)).where(c.state == AlertState.HELD)
            )
            return due


def _due(connection: Connection, now: datetime, *, old_too: bool) -> list[tuple[str, str, str]]:
    c = t.alerts.c
    first, last = func.min(c.next_attempt_at), func.max(c.next_attempt_at)
    rested = or_(last <= now, func.min(c.queued_at) <= now - _OLD_WAITS)
    is_old = c.period == Period.OLD
    is_due = or_(and_(~is_old, first <= now), is_old if old_too else and_(is_old, rested))
    groups = (
        select(c.rule, c.channel, c.period)
        .where(c.state == AlertState.HELD)
        .group_by(c.rule, c.channel, c.period)
        .having(is_due)
        .order_by(c.rule, c.channel, c.period)
    )
    return [(row.rule, row.channel, row.period) for row in connection.execute(groups)]


def _flush(connection: Connection, now: datetime, tell: Tell, group: tuple[str, str, Period]) -> None:
    rule, channel, period = group
    c = t.alerts.c
    mine = [c.state == AlertState.HELD, c.rule == rule, c.channel == channel, c.period == period]
    if period not in {Period.OLD, Period.OVERFLOW}:  # what waits for the next day's digest stays
        mine.append(c.next_attempt_at <= now)
    rows = [dict(row) for row in connection.execute(select(t.alerts).where(*mine).order_by(c.id)).mappings()]
    items = tuple(item_of(row) for row in rows)
    since = min(row["queued_at"] for row in rows)
    held = Held(rule, channel, period, since, items, _relevant_at(connection, now, items))
    alert = tell(held)
    queue_alerts(connection, [alert])
    key = alert.key
    same: dict[str, Any] = {"story": key.story, "rule": key.rule, "channel": key.channel, "kind": key.kind}
    digest_id = connection.scalar(select(c.id).where(*(c[name] == value for name, value in same.items())))
    told = update(t.alerts).where(c.id.in_([row["id"] for row in rows]))
    connection.execute(told.values(state=AlertState.DIGESTED, digest_id=digest_id))


def _relevant_at(connection: Connection, now: datetime, items: tuple[Any, ...]) -> tuple[datetime, ...]:
    """Return when the relevant reports of the topics of a digest were published, over what its chart shows."""
    topics = {each.evidence.topic for each in items}
    at = func.coalesce(t.articles.c.published, t.articles.c.first_seen_at, type_=t.UtcDateTime)
    of_topics = (
        select(t.assessments.c.id)
        .where(
            t.assessments.c.article_id == t.articles.c.id,
            t.assessments.c.revision == t.articles.c.revision,
            t.assessments.c.relevant,
            t.assessments.c.topic.in_(topics),
        )
        .exists()
    )
    since = now - timedelta(days=VOLUME_DAYS + 1)
    query = select(at).where(at >= since, at <= now, of_topics)
    return tuple(connection.scalars(query))
