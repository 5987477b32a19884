"""robots.txt, kept over many crawls and with its Crawl-delay applied, which Scrapy's own middleware does neither of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self
from urllib.parse import urlsplit

from protego import Protego
from scrapy import Request
from scrapy.exceptions import IgnoreRequest
from scrapy.http.request import NO_CALLBACK

from tripoint.domain.urls import host

_KEPT = timedelta(hours=24)  # RFC 9309, 2.4
_KEPT_UNREACHABLE = timedelta(minutes=10)
_MAX_BYTES = 500 * 1024  # RFC 9309, 2.5
_MAX_DELAY_S = 30.0


class RobotsForbidError(IgnoreRequest):
    """The site asks us not to fetch this."""


class HostHeldError(IgnoreRequest):
    """The host asked to be left alone for a while; what was asked of it stays pending."""


class RobotsUnreachableError(IgnoreRequest):
    """The site may forbid this, and cannot be asked now (RFC 9309, 2.3.1.4)."""


@dataclass(frozen=True, slots=True)
class _Rules:
    parser: Protego | None  #: None where the site could not be asked
    until: datetime


@dataclass(slots=True)
class RobotsCache:
    """What every site said, kept over the crawls of a process."""

    clock: Callable[[], datetime]
    rules: dict[str, _Rules] = field(default_factory=dict)
    locks: dict[str, asyncio.Lock] = field(default_factory=dict)


class RobotsMiddleware:
    """Asks each site once, refuses what it forbids, and slows down as it asks."""

    def __init__(self, crawler: Any, cache: RobotsCache, agent: str) -> None:
        self._crawler = crawler
        self._cache = cache
        self._agent = agent

    @classmethod
    def from_crawler(cls, crawler: Any) -> Self:
        """Build it for one crawl, over the cache that the spider brought along."""
        return cls(crawler, crawler.spider.robots_cache, crawler.settings["ROBOTSTXT_USER_AGENT"])

    async def process_request(self, request: Request) -> None:
        """Let a request pass, or raise why it may not."""
        if request.meta.get("dont_obey_robotstxt"):
            return
        request.meta.pop("autothrottle_dont_adjust_delay", None)
        parser = await self._parser(request)
        if parser is None:
            raise RobotsUnreachableError("robots.txt cannot be reached")
        if not parser.can_fetch(request.url, self._agent):
            raise RobotsForbidError("robots.txt forbids it")
        delay_s = parser.crawl_delay(self._agent)
        if delay_s:
            self._slow_down(request, min(float(delay_s), _MAX_DELAY_S))

    async def _parser(self, request: Request) -> Protego | None:
        parts = urlsplit(request.url)
        site = f"{parts.scheme}://{parts.netloc}"
        async with self._cache.locks.setdefault(site, asyncio.Lock()):
            known = self._cache.rules.get(site)
            if known is None or known.until <= self._cache.clock():
                parser = await self._ask(site)
                kept = _KEPT if parser is not None else _KEPT_UNREACHABLE
                known = _Rules(parser, self._cache.clock() + kept)
                self._cache.rules[site] = known
        return known.parser

    async def _ask(self, site: str) -> Protego | None:
        request = Request(f"{site}/robots.txt", priority=1000, meta={"dont_obey_robotstxt": True}, callback=NO_CALLBACK)
        try:
            response = await self._crawler.engine.download_async(request)
        except Exception:  # noqa: BLE001 - whatever kept us from asking, the answer is that we do not know
            return None
        if response.status >= 500 or response.status == 429:
            return None
        rules = response.body[:_MAX_BYTES].decode("utf-8", "replace") if response.status < 300 else ""
        return Protego.parse(rules)

    def _slow_down(self, request: Request, delay_s: float) -> None:
        request.meta["autothrottle_dont_adjust_delay"] = True  # it would go back to our own, shorter delay
        downloader = self._crawler.engine.downloader
        key = downloader.get_slot_key(request)
        slowest = max(delay_s, self._crawler.settings.getfloat("DOWNLOAD_DELAY"))
        downloader.per_slot_settings[key] = {"delay": slowest, "concurrency": 1, "jitter": 0.0}
        if key in downloader.slots:
            downloader.slots[key].delay = slowest
            downloader.slots[key].jitter = 0.0  # chance may make us wait half as long, and a site asked for all of it


class HoldMiddleware:
    """Keeps requests from a host that asked to be left alone while they were waiting their turn."""

    def __init__(self, held: Mapping[str, datetime], clock: Callable[[], datetime]) -> None:
        self._held = held
        self._clock = clock

    @classmethod
    def from_crawler(cls, crawler: Any) -> Self:
        """Build it for one crawl, over what its spider knows of hosts."""
        return cls(crawler.spider.held, crawler.spider.robots_cache.clock)

    def process_request(self, request: Request) -> None:
        """Let a request pass, or raise that its host is held."""
        until = self._held.get(host(request.url))
        if until is not None and until > self._clock():
            raise HostHeldError(f"the host asked to be left alone until {until:%Y-%m-%d %H:%M} UTC")
