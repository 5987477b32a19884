"""Addresses of publishers' archives: a pattern with places for a day, or the address of an index; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tripoint.domain.when import Days

BY_DAY = ("{DD}", "{D}", "{START}", "{END}", "{SERIAL}")
BY_MONTH = ("{MM}", "{M}", "{MON}", "{MONTH}")
BY_YEAR = ("{YYYY}",)
PAGES = ("{page}", "{PP}")  #: the number of a page, from 1 and from 01
PLACES = (*BY_YEAR, *BY_MONTH, *BY_DAY, *PAGES)

_MONTHS = (
    "january february march april may june july august september october november december".split()
)  # in English, whatever the locale
_EPOCH_OF_SERIALS = date(1899, 12, 30)
_WHOLE = frozenset({"{YYYY}", "{START}", "{SERIAL}"})  # one of these tells the year


def fault_of(pattern: str) -> str:
    """Return what is wrong with the places of an archive's address, "" if nothing is."""
    places = re.findall(r"\{[^{}]*\}", pattern)
    if unknown := next((each for each in places if each not in PLACES), ""):
        return f"has a place {unknown} that I do not know"
    dated = [each for each in places if each not in PAGES]
    if dated and not _WHOLE.intersection(dated):
        return "has a day or month and no {YYYY}"
    return ""


def is_index(pattern: str) -> bool:
    """Return whether it is no pattern but one address, whose children say of which days they are."""
    return not any(each in pattern for each in (*BY_YEAR, *BY_MONTH, *BY_DAY))


def is_by_day(pattern: str) -> bool:
    """Return whether each address of a pattern holds one day."""
    return any(each in pattern for each in BY_DAY)


def addresses(pattern: str, days: Days, zone: str = "UTC") -> Iterator[tuple[Days, str]]:
    """Yield each address of a pattern with the days that it stands for, the newest first; an index stands for all."""
    if is_index(pattern):
        yield days, pattern
        return
    at = days.last
    while at >= days.first:
        if is_by_day(pattern):
            span = Days(at, at + timedelta(days=1))
        elif any(each in pattern for each in BY_MONTH):
            span = Days(at.replace(day=1), date(at.year + at.month // 12, at.month % 12 + 1, 1))
        else:
            span = Days(date(at.year, 1, 1), date(at.year + 1, 1, 1))
        yield span, _filled(pattern, span.first, ZoneInfo(zone))
        at = span.first - timedelta(days=1)


def numbered(address: str, page: int) -> str:
    """Return the address of a page of an archive."""
    return address.replace("{page}", str(page)).replace("{PP}", f"{page:02}")


def has_pages(address: str) -> bool:
    """Return whether an address has further pages."""
    return any(each in address for each in PAGES)


def _filled(pattern: str, day: date, zone: ZoneInfo) -> str:
    month = _MONTHS[day.month - 1]
    values = {
        "{YYYY}": f"{day.year}",
        "{MM}": f"{day.month:02}",
        "{M}": f"{day.month}",
        "{MON}": month[:3],
        "{MONTH}": month,
        "{DD}": f"{day.day:02}",
        "{D}": f"{day.day}",
        "{START}": f"{_seconds(day, zone)}",
        "{END}": f"{_seconds(day + timedelta(days=1), zone) - 1}",
        "{SERIAL}": f"{(day - _EPOCH_OF_SERIALS).days}",
    }
    return re.sub(r"\{[^{}]*\}", lambda place: values.get(place[0], place[0]), pattern)


def _seconds(day: date, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, time(), zone).timestamp())
