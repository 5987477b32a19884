"""How much came on each day, for a chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import func, select

from storage import tables as t
from storage.database import Database
from storage.relevant import IS_RELEVANT


@dataclass(frozen=True, slots=True)
class Day:
    """What was first seen on one day, in UTC."""

    date: date
    articles: int
    relevant: int
    stories: int  #: of the relevant articles


class VolumeStore:
    """Counts by day."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def by_day(self, last: date, days: int) -> Sequence[Day]:
        """Return so many days, oldest first; a day without news is there too."""
        dates = [last - timedelta(days=days - 1 - number) for number in range(days)]
        starts = [datetime(each.year, each.month, each.day, tzinfo=UTC) for each in dates]
        seen_at = t.articles.c.first_seen_at
        end = starts[-1] + timedelta(days=1)
        relevant = select(seen_at, t.articles.c.story).where(IS_RELEVANT, seen_at >= starts[0], seen_at < end)
        told: dict[date, list[str]] = {each: [] for each in dates}
        with self._database.read() as connection:
            for row in connection.execute(relevant):
                told[row.first_seen_at.date()].append(row.story)
            return [
                Day(
                    day,
                    # A range of its index a day: grouping by a day is written differently in each database.
                    connection.scalar(select(func.count()).where(seen_at >= start, seen_at < start + timedelta(days=1)))
                    or 0,
                    len(told[day]),
                    len(set(told[day])),
                )
                for day, start in zip(dates, starts, strict=True)
            ]
