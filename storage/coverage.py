"""The ledger of what was seen, one row a stretch, written in the transaction that records the visit."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from storage import tables as t
from storage.database import Database
from tripoint.domain.coverage import Span
from tripoint.domain.types import Poll, Repair


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


def blind_since(connection: Connection, url: str, until: datetime) -> datetime | None:
    """Return the start of the stretch of a listing that ends then and of which not everything was seen."""
    columns = t.coverage.c
    blind = select(columns.start).where(columns.url == url, columns.until == until, columns.is_seen.is_(False))
    found: datetime | None = connection.scalar(blind)
    return found


def repair_span(connection: Connection, repair: Repair, found: int) -> None:
    """Record that a stretch is seen after all, and by what."""
    columns = t.coverage.c
    mended = update(t.coverage).where(
        columns.url == repair.listing_url,
        columns.start >= repair.since,
        columns.until <= repair.until,
        columns.is_seen.is_(False),
    )
    connection.execute(mended.values(is_seen=True, reason=f"repaired from {repair.by}: {found} more"))


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
