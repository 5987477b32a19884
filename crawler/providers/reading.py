"""What providers share: reading in a worker, dates in addresses, and whether an entry can be what is wanted."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, Protocol, TypeVar
from zoneinfo import ZoneInfo

from tripoint.domain.backfill import Wanted
from tripoint.domain.text import fold, strip_marks
from tripoint.domain.types import Failure, Source
from tripoint.domain.when import Days

T = TypeVar("T")
_URL_DAY = re.compile(  # parted, `2018-8-9`, or not, `20180809`; `2024_2` is the second part of a year
    r"(?<!\d)(?P<year>19[89]\d|20\d\d)"
    r"(?:[-/](?P<month>1[0-2]|0?[1-9])(?:[-/_](?P<day>3[01]|[12]\d|0?[1-9]))?"
    r"|[-/_]?(?P<month_2>1[0-2]|0[1-9])(?:[-/_]?(?P<day_2>3[01]|[12]\d|0[1-9]))?)(?!\d)"
)
_LAST_DAY = re.compile(r"-(0?[1-9]|[12]\d|3[01])(?!\d)")


class Reader(Protocol):
    """Reads answers in worker processes: `crawler.extract.pool.ExtractionPool`."""

    async def run(self, work: Callable[..., T], *arguments: Any, subject: str) -> T | Failure:
        """Call a function of a module there."""
        ...


def days_in(url: str) -> Days | None:
    """Return the days that an address names, such as `/2018/08/09/`, `sitemap-2018-08.xml` or `2018-8-6-10.xml`."""
    path = url.split("://", 1)[-1].partition("/")[2]
    found = _URL_DAY.search(path)
    if not found:
        return None
    try:
        first, is_day = _date(found)
        if not is_day:
            return Days(first, date(first.year + first.month // 12, first.month % 12 + 1, 1))
        return Days(first, max(_last_day(path, found.end(), first), first) + timedelta(days=1))
    except ValueError:
        return None


def _date(found: re.Match[str]) -> tuple[date, bool]:
    """Return the day that was found, the first of a month where it names none, and whether it names one."""
    day = found["day"] or found["day_2"]
    return date(int(found["year"]), int(found["month"] or found["month_2"]), int(day or 1)), bool(day)


def _last_day(path: str, end: int, first: date) -> date:
    """Return the last day that an address names: another after a dash, or a second date; else the first."""
    if other := _URL_DAY.search(path, end):
        last, is_day = _date(other)
        return last if is_day else first
    number = _LAST_DAY.match(path, end)
    is_day = number is not None and int(number[1]) <= monthrange(first.year, first.month)[1]
    return first.replace(day=int(number[1])) if number and is_day else first


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
