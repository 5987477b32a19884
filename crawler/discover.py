"""Finding the listings of a site from its address: link tags, sitemaps in robots.txt, and paths that are common."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import scrapy
from protego import Protego
from scrapy.crawler import AsyncCrawlerRunner
from scrapy.http import Response

from crawler.answers import failure_of_error
from crawler.extract.pool import ExtractionPool
from crawler.guard import AddressGuard, stand_guard
from crawler.markup import decode, parse_html
from crawler.robots import RobotsCache
from crawler.settings import CrawlSettings, scrapy_settings
from crawler.turns import Turns
from tripoint.domain.text import one_line
from tripoint.domain.types import Failure, Found, Source, Step
from tripoint.domain.urls import host, normalise_url

_FEED_TYPES = ("application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml")
_COMMON = ("/feed/", "/rss", "/rss.xml", "/feed.xml", "/atom.xml", "/rss/home.rss", "/index.xml", "/feed.json")
_MOST_FEEDS = 12
_MOST_SITEMAPS = 4
_SAMPLE = 3


@dataclass(frozen=True, slots=True)
class FoundListing:
    """A listing that answers and holds something."""

    kind: Found
    url: str
    listed: int
    sample: tuple[str, ...]  #: its first titles


@dataclass(slots=True)
class Discovery:
    """What was found out about a site."""

    url: str
    name: str = ""  #: as the site calls itself
    language: str = ""  #: as its page says, "" where it does not
    listings: list[FoundListing] = field(default_factory=list)
    problem: str = ""  #: why its first page could not be read


@dataclass(slots=True)
class _Errand:
    found: Discovery
    extractor: ExtractionPool
    robots_cache: RobotsCache
    guard: AddressGuard
    clock: Callable[[], datetime]
    tried: set[str] = field(default_factory=set)


class DiscoverySpider(scrapy.Spider):
    """Asks a site for its first page and robots.txt, and then for everything that may be a listing."""

    name = "discovery"

    def __init__(self, errand: _Errand, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._errand = errand
        self.robots_cache = errand.robots_cache  # where `RobotsMiddleware` finds it
        self.turns = Turns()  # where `TurnHandler` finds it
        self.held: dict[str, datetime] = {}  # where `HoldMiddleware` finds it

    async def start(self) -> AsyncIterator[Any]:
        """Begin with the address that was given."""
        yield scrapy.Request(self._errand.found.url, callback=self._on_page, errback=self._on_error, dont_filter=True)

    async def _on_page(self, response: Response) -> AsyncIterator[Any]:
        found = self._errand.found
        content_type = (response.headers.get("Content-Type") or b"").decode("latin-1")
        if any(each in content_type for each in ("xml", "json")) and "html" not in content_type:
            await self._take(Found.FEED, response)
            return
        feeds = self._read_page(response, content_type)
        parts = urlsplit(response.url)
        site = f"{parts.scheme}://{parts.netloc}"
        for request in [self._request(Found.FEED, url) for url in feeds[:_MOST_FEEDS]]:
            if request:
                yield request
        yield scrapy.Request(
            f"{site}/robots.txt",
            callback=self._on_robots,
            errback=self._ignore,
            dont_filter=True,
            meta={"dont_obey_robotstxt": True, "handle_httpstatus_all": True},
        )
        if not feeds:
            for path in _COMMON:
                if request := self._request(Found.FEED, site + path):
                    yield request
        found.url = response.url

    def _read_page(self, response: Response, content_type: str) -> list[str]:
        """Take what the page says of itself, and return the feeds that its link tags name."""
        tree = parse_html(decode(response.body, content_type), response.url)
        if tree is None:
            self._errand.found.problem = "its first page holds nothing"
            return []
        names = [*tree.xpath('//meta[@property="og:site_name"]/@content'), tree.findtext(".//title") or ""]
        self._errand.found.name = next((one_line(str(each))[:80] for each in names if one_line(str(each))), "")
        self._errand.found.language = str(tree.get("lang") or "")[:2].lower()
        return [
            str(link.get("href"))
            for link in tree.iterfind(".//link[@href]")
            if "alternate" in str(link.get("rel", "")).lower() and str(link.get("type", "")).lower() in _FEED_TYPES
        ]

    async def _on_robots(self, response: Response) -> AsyncIterator[Any]:
        if response.status >= 300:
            return
        sitemaps = list(Protego.parse(response.body.decode("utf-8", "replace")).sitemaps)
        sitemaps.sort(key=lambda url: "news" not in url.lower())
        for url in sitemaps[:_MOST_SITEMAPS]:
            if request := self._request(Found.SITEMAP, url):
                yield request

    def _request(self, kind: Found, address: str) -> scrapy.Request | None:
        try:
            url = normalise_url(address, self._errand.found.url)
        except ValueError:
            return None
        if url in self._errand.tried:
            return None
        self._errand.tried.add(url)
        return scrapy.Request(
            url,
            callback=self._on_listing,
            errback=self._ignore,
            dont_filter=True,
            cb_kwargs={"kind": kind},
        )

    async def _on_listing(self, response: Response, kind: Found) -> None:
        await self._take(kind, response)

    async def _take(self, kind: Found, response: Response) -> None:
        errand = self._errand
        source = Source("found", "", "", "", "UTC", errand.found.url)
        content_type = (response.headers.get("Content-Type") or b"").decode("latin-1")
        listing = await errand.extractor.entries(
            response.body, content_type, response.url, source, kind, errand.clock()
        )
        if isinstance(listing, Failure) or not (listing.candidates or listing.sitemaps):
            return
        if any(each.url == response.url for each in errand.found.listings):
            return
        sample = tuple(each.title or each.url for each in listing.candidates[:_SAMPLE])
        listed = len(listing.candidates) or len(listing.sitemaps)
        errand.found.listings.append(FoundListing(kind, response.url, listed, sample))

    async def _on_error(self, failure: Any) -> None:
        """Remember why the site cannot be read."""
        url = failure.request.url
        reason = failure_of_error(Step.FETCH, url, failure.value).reason
        status = getattr(getattr(failure.value, "response", None), "status", None)
        refusal = self._errand.guard.refusal(host(url))
        self._errand.found.problem = refusal or (f"HTTP {status}" if status else reason)

    async def _ignore(self, failure: Any) -> None:
        """Pass over what was only a guess."""


async def discover(
    url: str, settings: CrawlSettings, extractor: ExtractionPool, clock: Callable[[], datetime]
) -> Discovery:
    """Find the feeds and sitemaps of a site, under the settings' politeness; nothing is stored."""
    guard = AddressGuard(settings.allowed_hosts)
    errand = _Errand(Discovery(url), extractor, RobotsCache(clock), guard, clock)
    stand_guard(guard)
    await AsyncCrawlerRunner(scrapy_settings(settings)).crawl(DiscoverySpider, errand=errand)
    errand.found.listings.sort(key=lambda each: (each.kind, -each.listed, each.url))
    return errand.found
