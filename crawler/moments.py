"""Reading times as outlets write them: day first in Vietnamese, the outlet's zone where none is named."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Moment:
    """A time in UTC; of a day without a time, its beginning in the outlet's zone."""

    at: datetime
    date_only: bool = False


_ISO = re.compile(
    r"^\s*(\d{4})-(\d{1,2})-(\d{1,2})(?:[T\s]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*(Z|[+-]\d{2}:?\d{2}|[+-]\d{2}|UTC|GMT)?)?\s*$",
    re.IGNORECASE,
)
_OFFSET = r"\(?\s*(?:GMT|UTC)\s*(?P<offset>[+-]\s*\d{1,2}(?::?\d{2})?)?\s*\)?"
_CLOCK = r"(?P<hour>\d{1,2})\s*(?:[:hg]|giờ)\s*(?P<minute>\d{2})(?::(?P<second>\d{2}))?(?:\s*(?P<half>AM|PM|SA|CH)\b)?"
_DAY = (
    r"(?:ngày\s+)?(?P<day>\d{1,2})\s*(?:[/.-]|\s+tháng\s+)\s*(?P<month>\d{1,2})"
    r"\s*(?:[/.-]|\s+năm\s+|,\s*)\s*(?P<year>20\d{2}|19\d{2})(?!\d)"
)
_BETWEEN = r"[\s,|\-–—·•]{1,8}(?:vào\s+)?(?:lúc\s+)?"
_WEEKDAY = r"(?:(?:thứ\s+\w+|chủ\s+nhật|cn)[\s,]{1,3})?"
_DAY_THEN_CLOCK = re.compile(rf"(?<!\d){_DAY}(?:{_BETWEEN}{_CLOCK})?(?:\s*{_OFFSET})?", re.IGNORECASE)
_CLOCK_THEN_DAY = re.compile(rf"(?<!\d){_CLOCK}(?:\s*{_OFFSET})?{_BETWEEN}{_WEEKDAY}{_DAY}", re.IGNORECASE)


def read_iso(text: str, zone: ZoneInfo) -> Moment | None:
    """Read ISO 8601 as JSON-LD, meta tags, Atom and sitemaps write it; without an offset it is the outlet's time."""
    found = _ISO.match(text)
    if not found:
        return None
    year, month, day, hour, minute, second = (int(each) if each else 0 for each in found.groups()[:6])
    try:
        if found[4] is None:
            return Moment(datetime(year, month, day, tzinfo=zone).astimezone(UTC), date_only=True)
        named = _offset(found[7]) if found[7] else None
        return Moment(datetime(year, month, day, hour, minute, min(second, 59), tzinfo=named or zone).astimezone(UTC))
    except (ValueError, OverflowError):
        return None


def _offset(text: str) -> timezone | None:
    digits = re.sub(r"[\s:]", "", text.upper())
    if digits in {"Z", "UTC", "GMT"}:
        return UTC
    found = re.fullmatch(r"([+-])(\d{1,2})(\d{2})?", digits)
    if not found:
        return None
    minutes = int(found[2]) * 60 + int(found[3] or 0)
    try:
        return timezone(timedelta(minutes=-minutes if found[1] == "-" else minutes))
    except ValueError:
        return None


def read_rfc822(text: str, zone: ZoneInfo) -> Moment | None:
    """Read the date of RSS (RFC 822); `-0000` and no offset are the outlet's time."""
    try:
        found = parsedate_to_datetime(text.strip())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    try:
        return Moment((found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC))
    except (ValueError, OverflowError):
        return None


def read_day_first(text: str, zone: ZoneInfo) -> Moment | None:
    """Read the first day-first date of a text, such as `Thứ năm, 09/08/2018, 15:15 (GMT+7)`."""
    found = [each for each in (_CLOCK_THEN_DAY.search(text), _DAY_THEN_CLOCK.search(text)) if each]
    if not found:
        return None
    first = min(found, key=lambda each: (each.start(), each.re is not _CLOCK_THEN_DAY))
    parts = first.groupdict()
    try:
        day = date(int(parts["year"]), int(parts["month"]), int(parts["day"]))
        if not parts["hour"]:
            return Moment(datetime.combine(day, time(), zone).astimezone(UTC), date_only=True)
        clock = time(_hour(int(parts["hour"]), parts["half"] or ""), int(parts["minute"]), int(parts["second"] or 0))
        offset = _offset(parts["offset"]) if parts["offset"] else None
        return Moment(datetime.combine(day, clock, offset or zone).astimezone(UTC))
    except (ValueError, OverflowError):
        return None


def _hour(hour: int, half: str) -> int:
    """Return the hour of the day; outlets do write `15:15 PM`."""
    afternoon = half.upper() in {"PM", "CH"}
    morning = half.upper() in {"AM", "SA"}
    if afternoon and hour < 12:
        return hour + 12
    return 0 if morning and hour == 12 else hour


def read_any(text: str, zone: ZoneInfo, day_first: bool = True) -> Moment | None:
    """Read a machine's or a person's date by the rules above, the strictest first."""
    text = text.strip()[:200]
    return read_iso(text, zone) or read_rfc822(text, zone) or (read_day_first(text, zone) if day_first else None)
