"""Addresses of archives: what stands for which days, and what an index of sitemaps is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

import pytest

from crawler.providers.archive import ArchiveProvider
from crawler.providers.reading import days_in
from tripoint.app.backfill.engine import by_host, source_of
from tripoint.app.backfill.memory import RunMemory
from tripoint.app.wiring import utc_now
from tripoint.domain.archives import addresses, fault_of
from tripoint.domain.backfill import Answer, ShardState, Sought, Wanted
from tripoint.domain.types import Failure, Source
from tripoint.domain.when import Days

T = TypeVar("T")
HANOI = "Asia/Ho_Chi_Minh"
DAYS = Days(date(2018, 8, 30), date(2018, 9, 2))

PATTERNS = [
    ("https://x.example/{YYYY}/{MM}/{DD}", 3, "https://x.example/2018/09/01"),
    ("https://x.example/{YYYY}/{M}/{D}/all", 3, "https://x.example/2018/9/1/all"),
    ("https://x.example/s-{YYYY}-{M}.xml", 2, "https://x.example/s-2018-9.xml"),
    ("https://x.example/{YYYY}_{MON}.xml", 2, "https://x.example/2018_sep.xml"),
    (
        "https://x.example/{YYYY}/{MM}/{DD}-{MONTH}-{YYYY}",
        3,
        "https://x.example/2018/09/01-september-2018",
    ),
    ("https://x.example/y-{YYYY}.xml", 1, "https://x.example/y-2018.xml"),
    ("https://x.example/from/{START}/to/{END}", 3, "https://x.example/from/1535734800/to/1535821199"),
    ("https://x.example/starttime-{SERIAL}.cms", 3, "https://x.example/starttime-43344.cms"),
    ("https://x.example/index.xml", 1, "https://x.example/index.xml"),
]


@pytest.mark.parametrize(("pattern", "number", "newest"), PATTERNS)
def test_a_pattern_gives_an_address_a_day_a_month_or_a_year(pattern: str, number: int, newest: str) -> None:
    assert fault_of(pattern) == ""
    found = list(addresses(pattern, DAYS, HANOI))
    assert (len(found), found[0][1]) == (number, newest)
    assert found[-1][0].first <= DAYS.first
    assert found[0][0].end >= DAYS.end


@pytest.mark.parametrize(
    ("pattern", "said"),
    [("https://x.example/{MM}/{DD}", "no {YYYY}"), ("https://x.example/{YYYY}/{day}", "{day} that I do not know")],
)
def test_a_pattern_that_names_no_day_is_refused(pattern: str, said: str) -> None:
    assert said in fault_of(pattern)


NAMED = [
    ("https://x.example/2018/08/09/a-story", "2018-08-09", "2018-08-09"),
    ("https://x.example/sitemap-2018-08.xml", "2018-08-01", "2018-08-31"),
    ("https://x.example/sitemaps-2018-8-6-10.xml", "2018-08-06", "2018-08-10"),
    ("https://x.example/sitemaps-2018-12-26-31.xml", "2018-12-26", "2018-12-31"),
    ("https://x.example/s.xml?date_start=20180801&date_end=20180831", "2018-08-01", "2018-08-31"),
    ("https://x.example/2018/12/09/a-story", "2018-12-09", "2018-12-09"),
    ("https://x.example/20181112-a-story", "2018-11-12", "2018-11-12"),
    ("https://x.example/archive/2018-11", "2018-11-01", "2018-11-30"),
    ("https://x.example/2018/8/9/10-people-hurt", "2018-08-09", "2018-08-09"),
    ("https://x.example/sitemap_2018_02.xml", "2018-02-01", "2018-02-28"),
]


@pytest.mark.parametrize(("url", "first", "last"), NAMED)
def test_an_address_names_its_days(url: str, first: str, last: str) -> None:
    days = days_in(url)
    assert days is not None
    assert (days.first.isoformat(), days.last.isoformat()) == (first, last)


@pytest.mark.parametrize("url", ["https://x.example/sitemap_2018_2.xml", "https://x.example/post-sitemap12.xml"])
def test_the_part_of_a_year_is_no_month(url: str) -> None:
    assert days_in(url) is None


class Inline:
    """Reads here and now."""

    async def run(self, work: Callable[..., T], *arguments: Any, subject: str) -> T | Failure:
        """Call it."""
        return work(*arguments)


@dataclass(slots=True)
class Pages:
    """Answers with what it was given, and remembers what it was asked."""

    bodies: dict[str, str]
    asked: list[str] = field(default_factory=list)

    async def get(self, url: str, *, pause_s: float = 0.0, part: tuple[int, int] | None = None) -> Answer | Failure:
        """Answer."""
        self.asked.append(url)
        return Answer(url, 200, "application/xml", self.bodies[url].encode())


def _source(**listings: tuple[str, ...]) -> Source:
    return Source("x", "X", "vi", "VN", HANOI, "https://x.example/", **listings)


def _search(source: Source, days: Days, bodies: dict[str, str]) -> tuple[list[Sought], list[str]]:
    """Ask every shard, and the shards that these give; return the answers and what was asked."""
    wanted, pages, provider = Wanted(days, (source,), ()), Pages(bodies), ArchiveProvider(Inline(), RunMemory(utc_now))

    async def ask() -> list[Sought]:
        left, found = list(provider.shards(wanted)), []
        while left:
            sought = await provider.search(left.pop(0), wanted, pages)
            found.append(sought)
            left += sought.split
        return found

    return asyncio.run(ask()), pages.asked


def _sitemap(*entries: tuple[str, str]) -> str:
    lines = "".join(f"<url><loc>{url}</loc><lastmod>{changed}</lastmod></url>" for url, changed in entries)
    return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{lines}</urlset>'


def test_an_index_is_asked_for_the_shelves_of_the_days_and_no_others() -> None:
    """As the sitemaps of a platform that many Vietnamese papers share: five days a shelf."""
    index, base = "https://x.example/sitemap.xml", "https://x.example/s/sitemaps-2018-8"
    shelves = [f"{base}-1-5.xml", f"{base}-6-10.xml", f"{base}-11-15.xml", "https://x.example/sitemaps/category.rss"]
    locs = "".join(f"<sitemap><loc>{each}</loc><lastmod>2018-08-05</lastmod></sitemap>" for each in shelves)
    page = "https://x.example/a-story-about-it-100.htm"
    bodies = {
        index: f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{locs}</sitemapindex>',
        shelves[1]: _sitemap((page, "2018-08-08T09:00+07:00"), ("https://x.example/old-1.htm", "2018-08-06")),
    }
    days = Days(date(2018, 8, 8), date(2018, 8, 10))
    found, asked = _search(_source(archives=(index,)), days, bodies)
    assert asked == [index, shelves[1]]
    assert [each.url for sought in found for each in sought.finds] == [page]
    assert all(each.state is ShardState.DONE for each in found)


def test_a_sitemap_of_recent_news_is_no_archive_and_says_so() -> None:
    news = "https://x.example/google-news.xml"
    bodies = {
        news: _sitemap(("https://x.example/a-100.htm", "2026-11-24"), ("https://x.example/b-101.htm", "2026-11-23"))
    }
    (found,), _ = _search(_source(sitemaps=(news,)), Days(date(2018, 8, 1), date(2018, 9, 1)), bodies)
    assert (found.state, found.reason) == (ShardState.CAPPED, "it reaches back to 2026-11-23 only")


def test_of_two_services_on_one_site_the_folder_tells() -> None:
    """Trap: a page in English was kept as one of the Vietnamese service, and judged in the wrong language."""
    english = Source("en", "N", "en", "GB", "Europe/London", "https://n.example/news")
    vietnamese = Source("vi", "N", "vi", "GB", "Europe/London", "https://n.example/vietnamese")
    sites = by_host([english, vietnamese])
    assert source_of("https://n.example/vietnamese/a-1", sites) == vietnamese
    assert source_of("https://n.example/news/a-1", sites) == english
    assert source_of("https://n.example/sport/a-1", sites) == english
    assert source_of("https://other.example/news/a-1", sites) is None
