"""One pass over sources: a Scrapy crawl on the running loop, ended early and cleanly when asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Sequence
from datetime import datetime, timedelta

from scrapy.crawler import AsyncCrawlerRunner

from crawler.errand import Errand
from crawler.extract.pool import ExtractionPool
from crawler.guard import AddressGuard, stand_guard
from crawler.report import CrawlReport, Event
from crawler.robots import RobotsCache
from crawler.settings import CrawlSettings, scrapy_settings
from crawler.spider import NewsSpider
from crawler.turns import Turns
from tripoint.domain.meter import Meter, SilentMeter
from tripoint.domain.ports import Frontier, Intake
from tripoint.domain.types import Source
from tripoint.domain.wish import ALL, Wish


class Crawler:
    """Crawls sources, as often as it is asked to, on one loop.

    What robots.txt said is kept in between, and when each host was last asked; both may be shared with who else asks.
    """

    def __init__(
        self,
        settings: CrawlSettings,
        extractor: ExtractionPool,
        frontier: Frontier,
        intake: Intake,
        clock: Callable[[], datetime],
        meter: Meter | None = None,
        robots_cache: RobotsCache | None = None,
        turns: Turns | None = None,
    ) -> None:
        self._settings = settings
        self._meter = meter or SilentMeter()
        self._extractor = extractor
        self._frontier = frontier
        self._intake = intake
        self._clock = clock
        self._robots_cache = robots_cache or RobotsCache(clock)
        self.turns = Turns() if turns is None else turns
        self._guard = AddressGuard(settings.allowed_hosts)

    def renew(self, settings: CrawlSettings) -> None:
        """Crawl by these settings from the next crawl on; those under way end as they were begun."""
        self._settings = settings
        self._guard = AddressGuard(settings.allowed_hosts)

    async def crawl(
        self,
        sources: Sequence[Source],
        watch: Callable[[Event], None] = lambda _event: None,
        stop: asyncio.Event | None = None,
        due: Container[str] | None = None,
        budget_s: float | None = None,
        wish: Wish = ALL,
        gaps: Container[str] = (),
    ) -> CrawlReport:
        """Poll every listing, or only those whose address is in `due`, and fetch what is pending.

        Where the `wish` is not for all, only that part is done. Blind stretches of listings in `gaps` are repaired
        though the listing is not visited; those of the others when it is, if gaps are wished for.
        After `budget_s` no page is begun any more, so that a source with a long Crawl-delay is not read for hours.
        Setting `stop` ends it soon; what was not finished stays pending. Raises what the intake raised.
        """
        errand = Errand(
            sources=[each for each in sources if each.enabled],
            settings=self._settings,
            extractor=self._extractor,
            frontier=self._frontier,
            intake=self._intake,
            robots_cache=self._robots_cache,
            turns=self.turns,
            guard=self._guard,
            clock=self._clock,
            watch=watch,
            report=CrawlReport(self._clock()),
            stop=asyncio.Event(),
            due=due,
            wish=wish,
            gaps=gaps,
            until=None if budget_s is None else self._clock() + timedelta(seconds=budget_s),
            meter=self._meter,
            held=dict(await self._frontier.held(self._clock())),
        )
        await self._run(errand, stop or asyncio.Event())
        if errand.fatal is not None:
            raise errand.fatal
        errand.report.finished_at = self._clock()
        return errand.report

    async def _run(self, errand: Errand, outer: asyncio.Event) -> None:
        stand_guard(self._guard)
        runner = AsyncCrawlerRunner(scrapy_settings(self._settings))
        crawl = asyncio.ensure_future(runner.crawl(NewsSpider, errand=errand))
        stops = [asyncio.create_task(outer.wait()), asyncio.create_task(errand.stop.wait())]
        try:
            await asyncio.wait({crawl, *stops}, return_when=asyncio.FIRST_COMPLETED)
            if not crawl.done():
                errand.report.stopped = True
                errand.stop.set()
                stops.append(asyncio.create_task(errand.started.wait()))
                await asyncio.wait({crawl, stops[-1]}, return_when=asyncio.FIRST_COMPLETED)
                await runner.stop()
            await crawl
        finally:
            for each in stops:
                each.cancel()
