"""Dates as people write them, in English and Vietnamese; what can be read in two ways is asked back about."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from tripoint.domain.errors import MendError

_MONTHS = "january february march april may june july august september october november december".split()
_MONTH_NAMES = {name[:length]: at for at, name in enumerate(_MONTHS, 1) for length in range(3, len(name) + 1)}
_NAME = r"(?P<name>[a-z]{3,9})\.?"
_MEND = "write it like 2018, 2018-08, 2018-08-09, yesterday, last month, 30d or tháng 8 năm 2018"
_UNITS = {
    **dict.fromkeys(("d", "day", "days", "ngày"), "day"),
    **dict.fromkeys(("w", "week", "weeks", "tuần"), "week"),
    **dict.fromkeys(("m", "month", "months", "tháng"), "month"),
    **dict.fromkeys(("y", "year", "years", "năm"), "year"),
}
_NAMED = {
    "today": ("day", 0),
    "hôm nay": ("day", 0),
    "yesterday": ("day", 1),
    "hôm qua": ("day", 1),
    "hôm kia": ("day", 2),
    "this week": ("week", 0),
    "tuần này": ("week", 0),
    "last week": ("week", 1),
    "tuần trước": ("week", 1),
    "tuần qua": ("week", 1),
    "this month": ("month", 0),
    "tháng này": ("month", 0),
    "last month": ("month", 1),
    "tháng trước": ("month", 1),
    "this year": ("year", 0),
    "năm nay": ("year", 0),
    "last year": ("year", 1),
    "năm ngoái": ("year", 1),
    "năm trước": ("year", 1),
}


@dataclass(frozen=True, slots=True)
class Days:
    """A stretch of whole days."""

    first: date
    end: date  #: the day after the last

    @property
    def last(self) -> date:
        """Return the last day of it."""
        return self.end - timedelta(days=1)

    def __str__(self) -> str:
        return f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"


def read_days(text: str, today: date) -> Days:
    """Return the day, month or year that a person means.

    Raises `MendError` for what is no date, and with both readings for what may be two.
    """
    said = " ".join(text.lower().split())
    if said in _NAMED:
        unit, back = _NAMED[said]
        return _unit(unit, back, today)
    for pattern, read in _FORMS:
        if found := pattern.fullmatch(said):
            try:
                return read(found, today)
            except (ValueError, OverflowError) as error:
                raise MendError(f'"{text}" is no day of the calendar', _MEND) from error
    raise MendError(f'"{text}" is no date that I can read', _MEND)


def _unit(unit: str, back: int, today: date) -> Days:
    """Return the day, week (from Monday), month or year so many before the one of today."""
    if unit == "day":
        return _day(today - timedelta(days=back))
    if unit == "week":
        monday = today - timedelta(days=today.weekday(), weeks=back)
        return Days(monday, monday + timedelta(weeks=1))
    if unit == "month":
        year, month = divmod(today.year * 12 + today.month - 1 - back, 12)
        return _month(year, month + 1)
    return _year(today.year - back)


def _day(day: date) -> Days:
    return Days(day, day + timedelta(days=1))


def _month(year: int, month: int) -> Days:
    first = date(year, month, 1)
    return Days(first, date(year + month // 12, month % 12 + 1, 1))


def _year(year: int) -> Days:
    return Days(date(year, 1, 1), date(year + 1, 1, 1))


def _numbers(found: re.Match[str], _today: date) -> Days:
    year, month, day = (int(found[key]) if found[key] else 0 for key in ("year", "month", "day"))
    if day:
        return _day(date(year, month, day))
    return _month(year, month) if month else _year(year)


def _either_order(found: re.Match[str], _today: date) -> Days:
    """Read 25/8/2018 and 8/25/2018, and refuse to guess at 7/8/2018."""
    one, other, year = int(found["one"]), int(found["other"]), int(found["year"])
    if one <= 12 and other <= 12 and one != other:
        by_day, by_month = date(year, other, one), date(year, one, other)
        day_first = f"{by_day.day} {_MONTHS[other - 1].title()}"
        raise MendError(
            f'"{found[0]}" may be {day_first} or {_MONTHS[one - 1].title()} {by_month.day}',
            f"write {by_day} or {by_month}",
        )
    return _day(date(year, other, one) if other <= 12 else date(year, one, other))


def _named_month(found: re.Match[str], _today: date) -> Days:
    month, year = _MONTH_NAMES.get(found["name"], 0), int(found["year"])
    day = found.groupdict().get("day")
    return _day(date(year, month, int(day))) if day else _month(year, month)


def _ago(found: re.Match[str], today: date) -> Days:
    unit, back = _UNITS[found["unit"]], int(found["number"])
    if unit in {"day", "week"}:
        return _day(today - timedelta(days=back * (7 if unit == "week" else 1)))
    there = _unit(unit, back, today)
    if unit == "year":
        there = _month(there.first.year, today.month)
    return _day(min(there.first + timedelta(days=today.day - 1), there.last))


_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], date], Days]], ...] = (
    (re.compile(r"(?P<year>\d{4})(?:[-/.](?P<month>\d{1,2})(?:[-/.](?P<day>\d{1,2}))?)?"), _numbers),
    (re.compile(r"(?P<day>(?!))?(?P<month>\d{1,2})[-/.](?P<year>\d{4})"), _numbers),
    (re.compile(r"(?:năm )(?P<year>\d{4})(?P<month>(?!))?(?P<day>(?!))?"), _numbers),
    (
        re.compile(
            r"(?:(?:ngày )?(?P<day>\d{1,2})[ ,/-]{1,3})?tháng (?P<month>\d{1,2})(?:,? năm |[ ,/-]{1,3})(?P<year>\d{4})"
        ),
        _numbers,
    ),
    (re.compile(r"(?:ngày )?(?P<one>\d{1,2})[-/.](?P<other>\d{1,2})[-/.](?P<year>\d{4})"), _either_order),
    (re.compile(rf"(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th)? (?:of )?)?{_NAME},? (?P<year>\d{{4}})"), _named_month),
    (re.compile(rf"{_NAME} (?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<year>\d{{4}})"), _named_month),
    (re.compile(r"(?P<number>\d{1,4}) ?(?P<unit>days?|weeks?|months?|years?|[dwmy])(?: ago)?"), _ago),
    (re.compile(r"(?P<number>\d{1,4}) (?P<unit>ngày|tuần|tháng|năm) (?:trước|qua)"), _ago),
)
