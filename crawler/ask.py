"""Asking servers one question after the other, over Scrapy: its guard, robots.txt and delays hold here too."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import scrapy
from scrapy.crawler import AsyncCrawlerRunner
from scrapy.http import Response

from crawler.answers import failure_of_error, failure_of_status, hold_s, part_of
from crawler.attempts import PATIENCE_S, insist
from crawler.guard import AddressGuard, stand_guard
from crawler.robots import HostHeldError, RobotsCache
from crawler.settings import CrawlSettings, scrapy_settings
from crawler.turns import Turns
from tripoint.domain.backfill import Answer, Patience
from tripoint.domain.meter import SilentMeter
from tripoint.domain.ports import Frontier
from tripoint.domain.types import Failure, Step
from tripoint.domain.urls import host

_ATTEMPTS = 4


@dataclass(frozen=True, slots=True)
class AskSettings:
    """How often and how patiently servers are asked."""

    crawl: CrawlSettings
    retry_s: float = 5.0  #: before a question is repeated; doubles each time


@dataclass(slots=True)
class _Errand:
    robots_cache: RobotsCache
    turns: Turns
    held: dict[str, datetime]
    started: asyncio.Event = field(default_factory=asyncio.Event)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    engine: Any = None


class AskSpider(scrapy.Spider):
    """Keeps an engine open for questions until it is told that there are no more."""

    name = "ask"

    def __init__(self, errand: _Errand, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._errand = errand
        self.robots_cache = errand.robots_cache  # where `RobotsMiddleware` finds it
        self.turns = errand.turns  # where `TurnHandler` finds it
        self.meter = SilentMeter()  # where `MeterMiddleware` finds it: what is counted is the news of today
        self.held = errand.held  # where `HoldMiddleware` finds it

    async def start(self) -> AsyncIterator[Any]:
        """Yield nothing, and end when the last question was asked."""
        self._errand.engine = self.crawler.engine
        self._errand.started.set()
        await self._errand.done.wait()
        no_requests: tuple[scrapy.Request, ...] = ()
        for each in no_requests:
            yield each


class Asker:
    """Fetches addresses for the providers of past news."""

    def __init__(
        self,
        settings: AskSettings,
        errand: _Errand,
        guard: AddressGuard,
        frontier: Frontier,
        clock: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._errand = errand
        self._guard = guard
        self._frontier = frontier
        self._clock = clock
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.asked = 0  #: questions that were sent

    async def get(
        self,
        url: str,
        *,
        pause_s: float = 0.0,
        part: tuple[int, int] | None = None,
        patience: Patience | None = None,
    ) -> Answer | Failure:
        """Fetch an address; what a server refuses for now is asked again a few times, as late as it asks."""
        request = _request(url, part, patience)
        return await insist(
            lambda: self._once(request, pause_s, part),
            attempts=patience.attempts if patience else _ATTEMPTS,
            first_wait_s=self._settings.retry_s,
        )

    async def _once(self, request: scrapy.Request, pause_s: float, part: tuple[int, int] | None) -> Answer | Failure:
        if not pause_s:
            return await self._fetch(request, part)
        async with self._turns[host(request.url)]:
            found = await self._fetch(request, part)
            await asyncio.sleep(pause_s)  # after the answer, so that the server sees at least as much between two
            return found

    async def _fetch(self, request: scrapy.Request, part: tuple[int, int] | None) -> Answer | Failure:
        url = request.url
        self.asked += 1
        try:
            response: Response = await self._errand.engine.download_async(request.copy())
        except HostHeldError as error:
            return Failure(Step.LISTING, url, str(error), retryable=False)
        except Exception as error:  # noqa: BLE001 - the edge: whatever keeps an answer from coming becomes a value
            if refusal := self._guard.refusal(host(url)):
                return Failure(Step.LISTING, url, refusal, retryable=False)
            return failure_of_error(Step.LISTING, url, error)
        now, retry_after = self._clock(), _header(response, "Retry-After")
        if part and response.status in {206, 416}:
            return part_of(url, response.status, _header(response, "Content-Range"), response.body, part[0])
        if failure := failure_of_status(Step.LISTING, url, response.status, retry_after, now):
            if (seconds := hold_s(response.status, failure.retry_after_s)) > PATIENCE_S and failure.retry_after_s:
                self._errand.held[host(url)] = now + timedelta(seconds=seconds)
                await self._frontier.hold(host(url), now + timedelta(seconds=seconds), failure.reason)
            return failure
        return Answer(response.url, response.status, _header(response, "Content-Type"), response.body)


def _request(url: str, part: tuple[int, int] | None, patience: Patience | None) -> scrapy.Request:
    headers = {"Range": f"bytes={part[0]}-{part[1]}", "Accept-Encoding": "identity"} if part else {}
    meta: dict[str, Any] = {"handle_httpstatus_all": True}
    if patience:
        meta |= {"download_timeout": patience.timeout_s, "download_maxsize": patience.most_bytes}
    return scrapy.Request(url, headers=headers, dont_filter=True, meta=meta)


def _header(response: Response, name: str) -> str:
    value = response.headers.get(name)
    return value.decode("latin-1") if value else ""


@asynccontextmanager
async def opened_asker(
    settings: AskSettings, frontier: Frontier, robots_cache: RobotsCache, turns: Turns, clock: Callable[[], datetime]
) -> AsyncIterator[Asker]:
    """Keep an engine open for questions, on the running loop."""
    errand = _Errand(robots_cache, turns, dict(await frontier.held(clock())))
    guard = AddressGuard(settings.crawl.allowed_hosts)
    stand_guard(guard)
    runner = AsyncCrawlerRunner(scrapy_settings(settings.crawl))
    crawl = asyncio.ensure_future(runner.crawl(AskSpider, errand=errand))
    begun = asyncio.create_task(errand.started.wait())
    try:
        await asyncio.wait({crawl, begun}, return_when=asyncio.FIRST_COMPLETED)
        yield Asker(settings, errand, guard, frontier, clock)
    finally:
        begun.cancel()
        errand.done.set()
        await crawl
