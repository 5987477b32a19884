"""What one crawl needs and tells: handed to the spider, which Scrapy insists on building itself."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable, Container, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from scrapy.http import Response

from crawler.answers import failure_of_error, hold_s
from crawler.extract.pool import ExtractionPool
from crawler.guard import AddressGuard
from crawler.report import CrawlReport, Event, Result
from crawler.robots import RobotsCache
from crawler.settings import CrawlSettings
from crawler.turns import Turns
from tripoint.domain.meter import Meter, SilentMeter
from tripoint.domain.ports import Frontier, Intake
from tripoint.domain.text import one_line
from tripoint.domain.types import Candidate, Entered, Failure, Source, Step
from tripoint.domain.urls import host
from tripoint.domain.wish import Wish

T = TypeVar("T")

HANDLED = [304, *range(400, 600)]  # statuses that are answers to us, and no errors of Scrapy's


@dataclass(slots=True)
class Errand:
    """All that one crawl needs and tells."""

    sources: Sequence[Source]
    settings: CrawlSettings
    extractor: ExtractionPool
    frontier: Frontier
    intake: Intake
    robots_cache: RobotsCache
    turns: Turns
    guard: AddressGuard
    clock: Callable[[], datetime]
    watch: Callable[[Event], None]
    report: CrawlReport
    stop: asyncio.Event
    due: Container[str] | None  #: the listings to poll, None for all
    wish: Wish
    gaps: Container[str]  #: listings of which blind stretches are repaired without a visit
    held: dict[str, datetime]  #: hosts that asked to be left alone, and until when
    meter: Meter = field(default_factory=SilentMeter)
    started: asyncio.Event = field(default_factory=asyncio.Event)  #: Scrapy can be stopped from here on, not before
    until: datetime | None = None  #: from then on no page is begun; what is left stays pending
    waiting: int = 0
    pages: defaultdict[str, deque[Candidate]] = field(default_factory=lambda: defaultdict(deque))  #: left, by source
    fatal: BaseException | None = None
    listings_left: Counter[str] = field(default_factory=Counter)
    taken: Counter[str] = field(default_factory=Counter)  #: pages that this crawl is to fetch, by source
    under_way: Counter[str] = field(default_factory=Counter)  #: requests for pages, by source
    unread: Counter[str] = field(default_factory=Counter)  #: pages that were fetched and are not stored yet, by source

    def tell(self, result: Result, source: str, url: str, detail: str = "") -> None:
        """Count an event and show it."""
        event = Event(result, source, url, one_line(detail), self.waiting)
        self.report.count(event)
        self.watch(event)

    @property
    def room(self) -> int:
        """How many more addresses this crawl may take on."""
        return max(self.settings.max_new_per_run - self.report.candidates, 0)

    def took(self, entered: Entered, source: str, url: str) -> None:
        """Count what was taken on, and say what a bound left out."""
        self.report.candidates += entered.new
        if entered.left_out:
            self.tell(Result.BOUND, source, url, entered.said)

    async def stored(self, work: Awaitable[T]) -> T | None:
        """Return what the store answers, or None after giving up: without a store nothing may go on."""
        try:
            return await work
        except Exception as error:  # noqa: BLE001 - `Crawler.crawl` raises it
            self.give_up(error)
            return None

    def give_up(self, error: BaseException) -> None:
        """End the crawl with an error."""
        self.fatal = self.fatal or error
        self.stop.set()

    async def hold(self, response: Response, failure: Failure, now: datetime) -> None:
        """Leave a host alone that said that it was asked too much; what is still to be asked of it stays pending."""
        seconds = hold_s(response.status, failure.retry_after_s)
        if not seconds:
            return
        name, until = host(response.url), now + timedelta(seconds=seconds)
        self.held[name] = until
        await self.stored(self.frontier.hold(name, until, failure.reason))

    def why(self, step: Step, url: str, failure: Any) -> Failure:
        """Return what kept an answer from coming; the request is the last one, after any redirects."""
        if refusal := self.guard.refusal(host(failure.request.url)):
            return Failure(step, url, refusal, retryable=False)
        return failure_of_error(step, url, failure.value)


def local_hour(source: Source, now: datetime) -> int:
    """Return the hour of an outlet's day."""
    return now.astimezone(ZoneInfo(source.timezone)).hour


def header(response: Response, name: str) -> str:
    """Return a header of an answer, "" where it has none."""
    value = response.headers.get(name)
    return value.decode("latin-1") if value else ""
