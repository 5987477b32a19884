"""The ledger of what was seen, one row a stretch, written in the transaction that records the visit."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, insert, select, update

from storage import tables as t
from storage.database import Database
from tripoint.domain.coverage import Span
from tripoint.domain.types import Poll, Repair

_RETRY = (timedelta(hours=1), timedelta(hours=6), timedelta(hours=24))
_REPAIRABLE = timedelta(days=3)
_AT_ONCE = 2  # stretches that one visit looks for


def record_span(connection: Connection, poll: Poll, span: Span) -> None:
    """Write a stretch inside the caller's transaction; one that goes on where the last ended becomes part of it."""
    columns = t.coverage.c
    last = select(columns.id).where(
        columns.url == poll.url,
        columns.until == span.start,
        columns.is_seen == span.is_seen,
        columns.reason == span.reason,
    )
    found = connection.scalar(last)
    if found is not None:
        connection.execute(update(t.coverage).where(columns.id == found).values(until=span.until))
        return
    row = {"url": poll.url, "source": poll.source, "start": span.start, "until": span.until}
    connection.execute(insert(t.coverage).values(**row, is_seen=span.is_seen, reason=span.reason))


def listings_to_repair(connection: Connection, now: datetime) -> set[str]:
    """Return the listings of which it is time to repair a stretch."""
    return set(connection.scalars(select(t.coverage.c.url).where(*_is_open(now), _is_due(now)).distinct()))


def open_blind(connection: Connection, url: str, now: datetime) -> list[Span]:
    """Return the stretches of a listing that may still be repaired, newest first."""
    mine = select(t.coverage).where(t.coverage.c.url == url, *_is_open(now))
    rows = connection.execute(mine.order_by(t.coverage.c.until.desc()).limit(_AT_ONCE))
    return [Span(row.start, row.until, is_seen=False, reason=row.reason) for row in rows]


def _is_open(now: datetime) -> tuple[ColumnElement[bool], ...]:
    columns = t.coverage.c
    return columns.is_seen.is_(False), columns.repair_tries < len(_RETRY) + 1, columns.until >= now - _REPAIRABLE


def _is_due(now: datetime) -> ColumnElement[bool]:
    return t.coverage.c.repair_at.is_(None) | (t.coverage.c.repair_at <= now)


def take_blind(connection: Connection, url: str, now: datetime) -> list[Span]:
    """Return the stretches of a listing that it is time to repair, newest first, and count the attempt.

    A sitemap may be down when it is needed, so each stretch is tried again after an hour, six and a day; later it is
    out of what a news sitemap holds.
    """
    columns = t.coverage.c
    due = (columns.url == url, *_is_open(now), _is_due(now))
    query = select(t.coverage).where(*due).order_by(columns.until.desc()).limit(_AT_ONCE)
    spans = []
    for row in connection.execute(query).all():
        wait = _RETRY[min(row.repair_tries, len(_RETRY) - 1)]
        tried = {"repair_tries": row.repair_tries + 1, "repair_at": now + wait}
        connection.execute(update(t.coverage).where(columns.id == row.id).values(**tried))
        spans.append(Span(row.start, row.until, is_seen=False, reason=row.reason))
    return spans


def repair_span(connection: Connection, repair: Repair, found: int) -> bool:
    """Record that a stretch is seen after all, and by what; return whether it was not so before."""
    columns = t.coverage.c
    mended = update(t.coverage).where(
        columns.url == repair.listing_url,
        columns.start >= repair.since,
        columns.until <= repair.until,
        columns.is_seen.is_(False),
    )
    said = f"repaired from {repair.by}: {repair.found + found} more"
    return connection.execute(mended.values(is_seen=True, reason=said)).rowcount > 0


class CoverageStore:
    """What was seen of each source."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def since(self, start: datetime) -> dict[str, list[Span]]:
        """Return the stretches of every source that reach past a moment, in their order."""
        columns = t.coverage.c
        query = select(t.coverage).where(columns.until >= start).order_by(columns.source, columns.start, columns.id)
        found: dict[str, list[Span]] = {}
        with self._database.read() as connection:
            for row in connection.execute(query):
                found.setdefault(row.source, []).append(Span(row.start, row.until, row.is_seen, row.reason))
        return found
