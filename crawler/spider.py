"""The spider: a thin shell over Scrapy that turns answers into our types and hands them to the ports."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import scrapy
from scrapy.http import Response

from crawler.answers import failure_of_status, is_no_page, kept_headers
from crawler.errand import HANDLED, Errand, header
from crawler.report import Result
from crawler.robots import HostHeldError
from crawler.settings import UNREAD, WINDOW
from crawler.visits import Visits
from tripoint.domain.text import one_line
from tripoint.domain.types import (
    Article,
    Candidate,
    Extraction,
    Failure,
    Found,
    NotArticle,
    NotArticleKind,
    Page,
    PlacementKind,
    Source,
    Step,
)
from tripoint.domain.urls import host

_PAGE_PRIORITY = -10  # so that what is new everywhere is known before many pages of one source are fetched


class NewsSpider(scrapy.Spider):
    """Polls the listings of its sources, then fetches what each source has pending."""

    name = "news"

    def __init__(self, errand: Errand, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._errand = errand
        self._visits = Visits(errand, self._page_requests)
        self.robots_cache = errand.robots_cache  # where `RobotsMiddleware` finds it
        self.turns = errand.turns  # where `TurnHandler` finds it
        self.held = errand.held  # where `HoldMiddleware` finds it
        self.meter = errand.meter  # where `MeterMiddleware` finds it

    async def start(self) -> AsyncIterator[Any]:
        """Begin with the listings of every source."""
        self._errand.started.set()
        for source in self._errand.sources:
            if self._errand.stop.is_set():
                return
            async for request in self._visits.start(source):
                yield request

    async def _page_requests(self, source: Source) -> AsyncIterator[Any]:
        limit, states = self._errand.settings.max_pages_per_source, self._errand.wish.states
        pending = await self._errand.frontier.pending(source.name, self._errand.clock(), limit, states)
        self._take(source, pending)
        for request in self._next_pages(source):
            yield request

    def _take(self, source: Source, candidates: Sequence[Candidate]) -> None:
        """Put pages of a source in line, as many as one crawl may fetch of it; the rest stays pending."""
        errand = self._errand
        some = candidates[: max(errand.settings.max_pages_per_source - errand.taken[source.name], 0)]
        errand.taken[source.name] += len(some)
        errand.waiting += len(some)
        errand.pages[source.name].extend(some)

    def _next_pages(self, source: Source) -> Iterator[scrapy.Request]:
        """Yield requests for the next pages of a source, a few at a time.

        One source with many pages must not fill the downloader, and a host that says "too many" can only be left
        alone if not everything was asked of it already. Nor may a fast host run far ahead of the readers: what was
        fetched and is not stored must be fetched again after a kill.
        """
        window = WINDOW * self._errand.settings.per_host
        under_way, unread = self._errand.under_way, self._errand.unread
        while (
            under_way[source.name] < window
            and under_way[source.name] + unread[source.name] < window + UNREAD
            and (request := self._next_page(source))
        ):
            yield request

    def _next_page(self, source: Source) -> scrapy.Request | None:
        """Return the request for the next page of a source, None where there is none for now."""
        errand = self._errand
        queue = errand.pages[source.name]
        is_late = errand.until is not None and errand.clock() >= errand.until
        while queue:
            candidate = queue.popleft()
            if errand.stop.is_set() or is_late or host(candidate.url) in errand.held:
                errand.waiting -= 1  # it stays pending
                continue
            errand.under_way[source.name] += 1
            return scrapy.Request(
                candidate.url,
                callback=self._on_page,
                errback=self._on_page_error,
                dont_filter=True,
                priority=_PAGE_PRIORITY,
                meta={"handle_httpstatus_list": HANDLED},
                cb_kwargs={"candidate": candidate, "source": source},
            )
        return None

    async def _on_page(self, response: Response, candidate: Candidate, source: Source) -> AsyncIterator[Any]:
        errand = self._errand
        now, content_type = errand.clock(), header(response, "Content-Type")
        errand.under_way[source.name] -= 1
        errand.unread[source.name] += 1
        failure = failure_of_status(Step.FETCH, candidate.url, response.status, header(response, "Retry-After"), now)
        found: Extraction
        page = None
        if failure is not None:
            await errand.hold(response, failure, now)
        for request in self._next_pages(source):
            yield request  # before this page is read: the host need not wait for that
        if failure is not None:
            found = failure
        elif is_no_page(content_type):
            found = NotArticle(response.url, NotArticleKind.EMPTY, f"not a web page but {one_line(content_type)[:60]}")
        else:
            page = Page(
                candidate.url,
                response.url,
                response.status,
                content_type,
                response.body,
                now,
                kept_headers(response.headers),
            )
            found = await errand.extractor.extract(page, candidate, source)
        is_to_follow = await self._finish(candidate, found, page)
        errand.unread[source.name] -= 1
        if is_to_follow:
            await self._follow_links(response, candidate, source)
        for request in self._next_pages(source):
            yield request

    async def _on_page_error(self, failure: Any) -> AsyncIterator[Any]:
        candidate, source = failure.request.cb_kwargs["candidate"], failure.request.cb_kwargs["source"]
        self._errand.under_way[source.name] -= 1
        for request in self._next_pages(source):
            yield request
        if failure.check(HostHeldError):
            self._errand.waiting -= 1  # it stays pending, and its attempts are not used up
            return
        await self._finish(candidate, self._errand.why(Step.FETCH, candidate.url, failure))

    async def _finish(self, candidate: Candidate, found: Extraction, page: Page | None = None) -> bool:
        """Hand over what a page gave; return whether its links are worth following."""
        errand = self._errand
        if errand.fatal is not None:
            return False  # the candidate stays pending
        errand.waiting -= 1
        try:
            match found:
                case Article():
                    kept = await errand.intake.article(candidate, found, page)
                    errand.report.alerts += kept.alerts_queued
                    known = kept.placement.kind is PlacementKind.DUPLICATE
                    errand.tell(Result.KNOWN if known else Result.ARTICLE, candidate.source, found.url, found.title)
                    return errand.settings.follow_links == "all" or kept.is_relevant
                case NotArticle():
                    await errand.intake.not_article(candidate, found)
                    errand.tell(Result.NOT_ARTICLE, candidate.source, found.url, f"{found.kind}: {found.reason}")
                case Failure():
                    await errand.intake.failure(candidate, found)
                    errand.tell(Result.FAILURE, candidate.source, found.subject, found.reason)
        except Exception as error:  # noqa: BLE001 - without a store nothing may go on; `Crawler.crawl` raises it
            errand.give_up(error)
        return False

    async def _follow_links(self, response: Response, candidate: Candidate, source: Source) -> None:
        """Take on the articles that an article links to, of its own outlet and one step from a listing."""
        errand = self._errand
        most = errand.settings.links_per_article
        if errand.settings.follow_links == "none" or candidate.found_by is Found.LINK or not most:
            return
        content_type = header(response, "Content-Type")
        found = await errand.extractor.entries(
            response.body, content_type, response.url, source, Found.LINK, errand.clock()
        )
        if isinstance(found, Failure):
            return  # the article itself was read; `extractor` gives up only on what takes too long
        entered = await errand.stored(errand.frontier.enter(found.candidates[:most], errand.room))
        if entered is None:
            return
        errand.took(entered, source.name, response.url)
        if entered.new:
            errand.tell(Result.LINKED, source.name, response.url, f"{entered.new} more by its links")
        self._take(source, entered.fresh)
