"""The packaged catalogue: broad enough, each address with where it was learned, and every pattern fit for its use."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest
from cssselect import HTMLTranslator

from crawler.outlet import site_of
from crawler.providers.archive import ArchiveProvider
from crawler.providers.site_search import SearchProvider
from tripoint.app.backfill.memory import RunMemory
from tripoint.app.seeds import load_seeds
from tripoint.app.wiring import utc_now
from tripoint.domain.archives import PAGES, is_index
from tripoint.domain.backfill import Wanted
from tripoint.domain.types import OUTLET_KINDS, Failure, Source
from tripoint.domain.when import Days

T = TypeVar("T")
SOURCES = load_seeds().sources
ADDRESSES = ("feeds", "sitemaps", "sections", "archives", "search")
DAYS = Days(date(2025, 12, 30), date(2026, 1, 3))

AT_HOME = {
    "AE": "Asia/Dubai", "BE": "Europe/Brussels", "BY": "Europe/Minsk", "CA": "America/Toronto", "DE": "Europe/Berlin",
    "FR": "Europe/Paris", "GB": "Europe/London", "HK": "Asia/Hong_Kong", "IN": "Asia/Kolkata", "JP": "Asia/Tokyo",
    "NL": "Europe/Amsterdam", "KG": "Asia/Bishkek", "KR": "Asia/Seoul", "KZ": "Asia/Almaty", "LV": "Europe/Riga", "PK": "Asia/Karachi",
    "QA": "Asia/Qatar", "RU": "Europe/Moscow", "SA": "Asia/Riyadh", "TR": "Europe/Istanbul", "US": "America/New_York",
    "VN": "Asia/Ho_Chi_Minh",
}  # fmt: skip
ELSEWHERE = {  # who states times of another place than the seat's
    "moscow-times": "Europe/Moscow",  # it sits in Amsterdam by now
    "sputnik-viet-nam": "Asia/Ho_Chi_Minh",
    "voa-news": "UTC",
    "voa-tieng-viet": "UTC",
}


def _count(language: str, kind: str = "", countries: str = "") -> int:
    return sum(
        each.language == language and kind in {"", each.kind} and (not countries or each.country in countries.split())
        for each in SOURCES
    )


def test_it_has_outlets_of_every_kind_in_both_languages() -> None:
    assert _count("vi") >= 30
    assert _count("en") >= 50
    vietnamese = {"daily": 10, "agency": 2, "army": 2, "police": 2, "broadcaster": 3, "portal": 5, "foreign-service": 4}
    assert {kind: _count("vi", kind) for kind in vietnamese if _count("vi", kind) < vietnamese[kind]} == {}
    places = {"PK": 12, "RU": 6, "US": 15, "IN": 6, "AE SA QA": 5, "KZ KG": 3}
    assert {place: _count("en", "", place) for place in places if _count("en", "", place) < places[place]} == {}
    english = {"trade": 10, "ministry": 4, "armed-forces": 2, "agency": 8}
    assert {kind: _count("en", kind) for kind in english if _count("en", kind) < english[kind]} == {}


def test_most_outlets_have_more_than_one_way_in() -> None:
    have = Counter((each.language, key) for each in SOURCES for key in ADDRESSES if getattr(each, key))
    least = {
        ("vi", "sections"): 30, ("vi", "sitemaps"): 15, ("vi", "archives"): 15, ("vi", "search"): 6,
        ("en", "sections"): 50, ("en", "sitemaps"): 20, ("en", "archives"): 12, ("en", "search"): 2,
    }  # fmt: skip
    assert {key: have[key] for key, number in least.items() if have[key] < number} == {}


@pytest.mark.parametrize("source", SOURCES, ids=lambda each: each.name)
def test_each_entry_says_where_it_was_learned_and_is_plausible(source: Source) -> None:
    assert source.kind in OUTLET_KINDS
    assert source.language in {"vi", "en"}
    assert source.timezone == ELSEWHERE.get(source.name, AT_HOME[source.country])
    assert not source.verified, "a live check of ours has to see it first, and its note belongs to a user's own seeds"
    said = dict(part.split(": ", 1) for part in source.learned.split("; "))
    assert list(said) == [key for key in ADDRESSES if getattr(source, key)]
    assert all(said.values())
    every = [url for _, url in source.listings]
    assert len(every) == len(set(every))
    assert bool(source.search) == bool(source.search_link)


def test_no_outlet_is_there_twice() -> None:
    sites = Counter(
        (str(urlsplit(each.homepage).hostname).removeprefix("www."), urlsplit(each.homepage).path.strip("/"))
        for each in SOURCES
    )
    assert [site for site, times in sites.items() if times > 1] == []
    shared = Counter(host for each in SOURCES for host in {str(urlsplit(each.homepage).hostname).removeprefix("www.")})
    assert {host for host, times in shared.items() if times > 1} <= {"bbc.com"}  # two services in two languages
    listings = Counter(url for each in SOURCES for _, url in each.listings)
    assert [url for url, times in listings.items() if times > 1] == []


class _Nobody:
    """Reads nothing: planning is pure."""

    async def run(self, work: Callable[..., T], *arguments: Any, subject: str) -> T | Failure:
        """Never be called."""
        raise AssertionError(subject)


def _is_of(address: str, source: Source) -> bool:
    site, home = site_of(address), site_of(source.homepage)
    return site == home or site.endswith(f".{home}") or home.endswith(f".{site}")


def _plain(address: str) -> bool:
    parts = urlsplit(address)
    left = set(re.findall(r"\{[^{}]*\}", address)) - set(PAGES)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not left and " " not in address


@pytest.mark.parametrize("source", [each for each in SOURCES if each.archives], ids=lambda each: each.name)
def test_a_search_of_the_past_can_ask_its_archive(source: Source) -> None:
    shards = ArchiveProvider(_Nobody(), RunMemory(utc_now)).shards(Wanted(DAYS, (source,), ()))
    addresses = [each.address for each in shards]
    assert addresses
    assert len(addresses) == len(set(addresses))
    assert all(_plain(each) for each in addresses)
    assert all(_is_of(each, source) for each in addresses)
    if not any(is_index(each) for each in source.archives):
        assert min(each.start.date() for each in shards) <= DAYS.first
        assert max(each.end.date() for each in shards) >= DAYS.end


@pytest.mark.parametrize("source", [each for each in SOURCES if each.search], ids=lambda each: each.name)
def test_a_search_of_the_past_can_ask_its_search_page(source: Source) -> None:
    (shard,) = SearchProvider(_Nobody()).shards(Wanted(DAYS, (source,), (), words=("tập trận",)))
    assert shard.address == "tập trận"
    assert _plain(source.search.replace("{query}", "x"))
    assert _is_of(source.search, source)
    HTMLTranslator().css_to_xpath(source.search_link)  # raises for what is no selector
