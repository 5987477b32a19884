"""Dates as people write them."""

from __future__ import annotations

from datetime import date

import pytest

from crawler.providers.reading import days_in
from tripoint.domain.errors import MendError
from tripoint.domain.when import read_days

TODAY = date(2026, 11, 25)  # a Wednesday

READ = [
    ("2018", "2018-01-01", "2018-12-31"),
    ("năm 2018", "2018-01-01", "2018-12-31"),
    ("2018-08", "2018-08-01", "2018-08-31"),
    ("2018-8", "2018-08-01", "2018-08-31"),
    ("2018/12", "2018-12-01", "2018-12-31"),
    ("2018-08-09", "2018-08-09", "2018-08-09"),
    ("2018.8.9", "2018-08-09", "2018-08-09"),
    ("8/2018", "2018-08-01", "2018-08-31"),
    ("tháng 8/2018", "2018-08-01", "2018-08-31"),
    ("Tháng 8 năm 2018", "2018-08-01", "2018-08-31"),
    ("ngày 9 tháng 8 năm 2018", "2018-08-09", "2018-08-09"),
    ("9 tháng 8, 2018", "2018-08-09", "2018-08-09"),
    ("August 2018", "2018-08-01", "2018-08-31"),
    ("aug 2018", "2018-08-01", "2018-08-31"),
    ("9 Aug 2018", "2018-08-09", "2018-08-09"),
    ("9th of August 2018", "2018-08-09", "2018-08-09"),
    ("August 9, 2018", "2018-08-09", "2018-08-09"),
    ("25/8/2018", "2018-08-25", "2018-08-25"),
    ("8/25/2018", "2018-08-25", "2018-08-25"),
    ("7/7/2018", "2018-07-07", "2018-07-07"),
    ("today", "2026-11-25", "2026-11-25"),
    ("hôm nay", "2026-11-25", "2026-11-25"),
    ("Yesterday", "2026-11-24", "2026-11-24"),
    ("hôm qua", "2026-11-24", "2026-11-24"),
    ("this week", "2026-11-23", "2026-11-29"),
    ("last week", "2026-11-16", "2026-11-22"),
    ("tuần trước", "2026-11-16", "2026-11-22"),
    ("last month", "2026-10-01", "2026-10-31"),
    ("tháng trước", "2026-10-01", "2026-10-31"),
    ("last year", "2025-01-01", "2025-12-31"),
    ("năm ngoái", "2025-01-01", "2025-12-31"),
    ("3 days ago", "2026-11-22", "2026-11-22"),
    ("30d", "2026-10-26", "2026-10-26"),
    ("2w", "2026-11-11", "2026-11-11"),
    ("9 months ago", "2026-02-25", "2026-02-25"),
    ("2 years ago", "2024-11-25", "2024-11-25"),
    ("3 ngày trước", "2026-11-22", "2026-11-22"),
    ("2 tháng trước", "2026-09-25", "2026-09-25"),
    ("29/2/2020", "2020-02-29", "2020-02-29"),
]


@pytest.mark.parametrize(("said", "first", "last"), READ)
def test_a_date_is_read(said: str, first: str, last: str) -> None:
    days = read_days(said, TODAY)
    assert (days.first.isoformat(), days.last.isoformat()) == (first, last)


def test_the_last_day_of_a_short_month_stands_for_one_that_it_lacks() -> None:
    assert read_days("9 months ago", date(2026, 11, 30)).first == date(2026, 2, 28)


def test_two_readings_are_asked_back_about() -> None:
    with pytest.raises(MendError) as caught:
        read_days("7/8/2018", TODAY)
    assert str(caught.value) == '"7/8/2018" may be 7 August or July 8 — write 2018-08-07 or 2018-07-08'


@pytest.mark.parametrize("said", ["", "soon", "18-08", "2018-13", "31/2/2018", "2018-02-30", "7/8/18", "Augustus 2018"])
def test_what_is_no_date_is_refused_in_one_line(said: str) -> None:
    with pytest.raises(MendError) as caught:
        read_days(said, TODAY)
    assert "\n" not in str(caught.value)
    assert "write it like" in str(caught.value)


@pytest.mark.parametrize(
    ("path", "first", "last"),
    [
        ("/2019/11/11/a-story-5/", "2019-11-11", "2019-11-11"),
        ("/2019/12/24/", "2019-12-24", "2019-12-24"),
        ("/2019/1/15/a", "2019-01-15", "2019-01-15"),
        ("/2018/8/9/a", "2018-08-09", "2018-08-09"),
        ("/news/2018/10/a", "2018-10-01", "2018-10-31"),
        ("/sitemap-2018-12.xml", "2018-12-01", "2018-12-31"),
        ("/a-story-20181130.htm", "2018-11-30", "2018-11-30"),
        ("/a_201810", "2018-10-01", "2018-10-31"),
        ("/2018/1103/a", "2018-11-03", "2018-11-03"),
    ],
)
def test_the_day_in_an_address_is_read(path: str, first: str, last: str) -> None:
    days = days_in(f"https://a.example{path}")
    assert days is not None
    assert (days.first.isoformat(), days.last.isoformat()) == (first, last)


@pytest.mark.parametrize(
    "path", ["/story-2018", "/2018-13", "/20181", "/2018115", "/120181130", "/2018/02/30/a", "/a-2019113"]
)
def test_other_numbers_are_no_days(path: str) -> None:
    assert days_in(f"https://a.example{path}") is None
