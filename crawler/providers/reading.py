"""What providers share: reading in a worker, dates in addresses, and whether an entry can be what is wanted."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, Protocol, TypeVar
from zoneinfo import ZoneInfo

from tripoint.domain.backfill import Wanted
from tripoint.domain.text import fold, strip_marks
from tripoint.domain.types import Failure, Source
from tripoint.domain.when import Days

T = TypeVar("T")
# Parted, month and day may have one digit; run together they have two, or 1115 could be read in three ways.
_URL_DAY = re.compile(
    r"(?<!\d)(19[89]\d|20\d\d)"
    r"(?:[-/_](1[0-2]|0?[1-9])(?:[-/_](3[01]|[12]\d|0?[1-9]))?|[-/_]?(1[0-2]|0[1-9])(3[01]|[12]\d|0[1-9])?)(?!\d)"
)


class Reader(Protocol):
    """Reads answers in worker processes: `crawler.extract.pool.ExtractionPool`."""

    async def run(self, work: Callable[..., T], *arguments: Any, subject: str) -> T | Failure:
        """Call a function of a module there."""
        ...


def days_in(url: str) -> Days | None:
    """Return the day or month that an address names, such as `/2018/08/09/` or `sitemap-2018-08.xml`."""
    found = _URL_DAY.search(url.split("://", 1)[-1].partition("/")[2])
    if not found:
        return None
    year, month, day = int(found[1]), int(found[2] or found[4]), found[3] or found[5]
    try:
        if day:
            first = date(year, month, int(day))
            return Days(first, first + timedelta(days=1))
        return Days(date(year, month, 1), date(year + month // 12, month % 12 + 1, 1))
    except ValueError:
        return None


def overlap(one: Days, other: Days) -> bool:
    """Return whether two stretches of days share one."""
    return one.first < other.end and other.first < one.end


def may_be_inside(url: str, published: datetime | None, changed: datetime | None, source: Source, days: Days) -> bool:
    """Return whether an entry can be of these days: by its own time, by its address, or since it changed later."""
    zone = ZoneInfo(source.timezone)
    if published is not None:
        return days.first <= published.astimezone(zone).date() < days.end
    if (named := days_in(url)) is not None:
        return overlap(named, days)
    return changed is None or changed.astimezone(zone).date() >= days.first


def names_words(title: str, url: str, wanted: Wanted) -> bool:
    """Return whether title or address hold every word of a person's query; true where neither says anything."""
    if not wanted.words:
        return True
    slug = re.sub(r"[^a-z0-9]+", " ", strip_marks(url.split("://", 1)[-1].partition("/")[2]).lower())
    if not title and not re.search(r"[a-z]+ [a-z]+ [a-z]+", slug):
        return True
    said = f" {strip_marks(fold(title).text)} {slug} "
    return all(strip_marks(fold(each).text) in said for each in wanted.words)
