"""What to do with stored times after the clock was set back: nothing waits for a moment that an hour ago was near."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, or_, select, update

from storage import tables as t
from storage.database import Database
from tripoint.domain.types import AlertState

SLACK = timedelta(minutes=10)
"""Clocks of machines that share a database may differ by so much; then listings wait at most so much longer."""


def rewind(database: Database, now: datetime) -> timedelta:
    """Bring near what a clock that was ahead put far away; return by how much, nothing where no clock was.

    A visit that lies ahead shows it. What waits is moved by as much as the newest visit is ahead, so that each waits
    about as long as it would have, and what a server asked for still holds. What happened counts as happened now.
    """
    listings = t.listings.c
    with database.read() as connection:
        newest: datetime | None = connection.scalar(select(func.max(listings.polled_at)))
    if newest is None or newest <= now + SLACK:
        return timedelta(0)
    back = newest - now
    with database.write() as connection:
        for column in (listings.due_at, listings.held_until, t.hosts.c.held_until, t.coverage.c.repair_at):
            _nearer(connection, column, back, now)
        _nearer(connection, t.channel_states.c.resume_at, back, now)
        _nearer(connection, t.frontier.c.due_at, back, now, t.frontier.c.state.in_(("pending", "again")))
        a = t.alerts.c  # what quiet hours hold waits for a time of the day, which no clock moves
        is_no_plan = or_(a.due_at.is_(None), a.due_at <= a.queued_at, a.attempts > 0)
        _nearer(connection, a.next_attempt_at, back, now, (a.state == AlertState.PENDING) & is_no_plan)
        past = (
            listings.polled_at,
            listings.last_answer_at,
            listings.last_new_at,
            t.coverage.c.start,
            t.coverage.c.until,
        )
        for column in past:
            connection.execute(update(column.table).where(column > now).values({column: now}))
    return back


def _nearer(connection: Connection, column: Any, back: timedelta, now: datetime, *only: Any) -> None:
    """Move times that lie ahead, row by row: dates are text on SQLite, with which it cannot reckon."""
    table = column.table
    keys = list(table.primary_key.columns)
    rows = connection.execute(select(*keys, column.label("at")).where(column > now, *only)).all()
    for row in rows:
        mine = [key == value for key, value in zip(keys, row, strict=False)]
        connection.execute(update(table).where(*mine).values({column: row.at - back}))
