"""The spider: a thin shell over Scrapy that turns answers into our types and hands them to the ports."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import scrapy
from scrapy.http import Response

from crawler.answers import failure_of_error, failure_of_status, fresh_for_s, hold_s, is_no_page
from crawler.extract.pool import ExtractionPool
from crawler.guard import AddressGuard
from crawler.listings import MAX_CHILD_SITEMAPS
from crawler.report import CrawlReport, Event, Result
from crawler.robots import HostHeldError, RobotsCache
from crawler.settings import CrawlSettings
from tripoint.domain.ports import Frontier, Intake
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
    Poll,
    PollStatus,
    Repair,
    Source,
    Step,
    Validators,
)
from tripoint.domain.urls import host

T = TypeVar("T")

_HANDLED = [304, *range(400, 600)]
_REPAIR_SITEMAPS = 3  # asked for what a listing may have dropped
_SLACK = timedelta(minutes=10)  # clocks of publishers differ
_WINDOW = 2  # requests under way to a source for each that its host may have in flight
_PAGE_PRIORITY = -10  # so that what is new everywhere is known before many pages of one source are fetched


@dataclass(slots=True)
class Errand:
    """All that one crawl needs and tells; handed to the spider, which Scrapy insists on building itself."""

    sources: Sequence[Source]
    settings: CrawlSettings
    extractor: ExtractionPool
    frontier: Frontier
    intake: Intake
    robots_cache: RobotsCache
    guard: AddressGuard
    clock: Callable[[], datetime]
    watch: Callable[[Event], None]
    report: CrawlReport
    stop: asyncio.Event
    due: Container[str] | None  #: the listings to poll, None for all
    held: dict[str, datetime]  #: hosts that asked to be left alone, and until when
    started: asyncio.Event = field(default_factory=asyncio.Event)  #: Scrapy can be stopped from here on, not before
    until: datetime | None = None  #: from then on no page is begun; what is left stays pending
    waiting: int = 0
    pages: defaultdict[str, deque[Candidate]] = field(default_factory=lambda: defaultdict(deque))  #: left, by source
    fatal: BaseException | None = None
    listings_left: Counter[str] = field(default_factory=Counter)

    def tell(self, result: Result, source: str, url: str, detail: str = "") -> None:
        """Count an event and show it."""
        event = Event(result, source, url, one_line(detail), self.waiting)
        self.report.count(event)
        self.watch(event)


class NewsSpider(scrapy.Spider):
    """Polls the listings of its sources, then fetches what each source has pending."""

    name = "news"

    def __init__(self, errand: Errand, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._errand = errand
        self.robots_cache = errand.robots_cache  # where `RobotsMiddleware` finds it
        self.held = errand.held  # where `HoldMiddleware` finds it

    async def start(self) -> AsyncIterator[Any]:
        """Ask for every listing; a source without one goes straight to its pages."""
        self._errand.started.set()
        for source in self._errand.sources:
            if self._errand.stop.is_set():
                return
            due = self._errand.due
            listings = [(kind, url) for kind, url in source.listings if due is None or url in due]
            self._errand.listings_left[source.name] = len(listings)
            for kind, url in listings:
                yield await self._listing_request(source, kind, url, is_child=False)
            if not listings:
                async for request in self._page_requests(source):
                    yield request

    async def _listing_request(self, source: Source, kind: Found, url: str, *, is_child: bool) -> scrapy.Request:
        validators = await self._errand.frontier.validators(url)
        headers = {"If-None-Match": validators.etag, "If-Modified-Since": validators.last_modified}
        return scrapy.Request(
            url,
            headers={name: value for name, value in headers.items() if value},
            callback=self._on_listing,
            errback=self._on_listing_error,
            dont_filter=True,
            meta={"handle_httpstatus_list": _HANDLED},
            cb_kwargs={"source": source, "kind": kind, "url": url, "is_child": is_child},
        )

    async def _on_listing(
        self, response: Response, source: Source, kind: Found, url: str, is_child: bool
    ) -> AsyncIterator[Any]:
        now = self._errand.clock()
        children: tuple[str, ...] = ()
        if response.status == 304:
            fresh_s = fresh_for_s(_header(response, "Cache-Control"), _header(response, "Expires"), now)
            await self._record(
                Poll(url, source.name, kind, now, PollStatus.UNCHANGED, fresh_for_s=fresh_s, hour=_hour(source, now))
            )
        elif failure := failure_of_status(Step.LISTING, url, response.status, _header(response, "Retry-After"), now):
            await self._hold(response, failure, now)
            await self._record_failed(url, source, kind, failure)
        else:
            children = await self._read_listing(response, source, kind, url, now)
            if not is_child and (since := await self._stored(self._errand.frontier.blind_since(url, now))):
                for sitemap in self._sitemaps(source, response.url)[:_REPAIR_SITEMAPS]:
                    self._errand.listings_left[source.name] += 1
                    yield self._repair_request(
                        source, Repair(url, source.name, since, now, sitemap, reaches_back=False)
                    )
        for child in () if is_child else children[:MAX_CHILD_SITEMAPS]:
            self._errand.listings_left[source.name] += 1
            yield await self._listing_request(source, kind, child, is_child=True)
        async for request in self._listing_done(source):
            yield request

    async def _read_listing(
        self, response: Response, source: Source, kind: Found, url: str, now: datetime
    ) -> tuple[str, ...]:
        content_type = _header(response, "Content-Type")
        listing = await self._errand.extractor.entries(response.body, content_type, response.url, source, kind, now)
        if isinstance(listing, Failure):
            await self._record_failed(url, source, kind, listing)
            return ()
        validators = Validators(_header(response, "ETag"), _header(response, "Last-Modified"))
        if listing.sitemaps:
            validators = Validators()  # an unchanged index may have changed children
        fresh_s = fresh_for_s(_header(response, "Cache-Control"), _header(response, "Expires"), now)
        poll = Poll(
            url,
            source.name,
            kind,
            now,
            PollStatus.READ,
            validators,
            len(listing.candidates),
            fresh_for_s=max(fresh_s, listing.ttl_s or 0),
            moved_to=response.url if response.url != url else "",
            hour=_hour(source, now),
        )
        await self._record(poll, listing.candidates)
        return listing.sitemaps

    def _sitemaps(self, source: Source, url: str) -> list[str]:
        """Return the sitemaps of a source: those of the catalogue, and those that its robots.txt names."""
        parts = urlsplit(url)
        rules = self._errand.robots_cache.rules.get(f"{parts.scheme}://{parts.netloc}")
        named = list(rules.parser.sitemaps) if rules and rules.parser else []
        same_site = [each for each in named if host(each) in source.hosts]
        return list(dict.fromkeys([*source.sitemaps, *same_site]))

    def _repair_request(self, source: Source, repair: Repair, *, is_child: bool = False) -> scrapy.Request:
        return scrapy.Request(
            repair.by,
            callback=self._on_repair,
            errback=self._on_repair_error,
            dont_filter=True,
            meta={"handle_httpstatus_list": _HANDLED},
            cb_kwargs={"source": source, "repair": repair, "is_child": is_child},
        )

    async def _on_repair(
        self, response: Response, source: Source, repair: Repair, is_child: bool
    ) -> AsyncIterator[Any]:
        """Take from a sitemap what was published in a stretch of which the listing may have dropped something."""
        now = self._errand.clock()
        found: Any = failure_of_status(Step.LISTING, repair.by, response.status, _header(response, "Retry-After"), now)
        if not found:
            found = await self._errand.extractor.entries(
                response.body, _header(response, "Content-Type"), response.url, source, Found.SITEMAP, now
            )
        if isinstance(found, Failure):
            self._errand.tell(Result.LISTING_FAILED, source.name, repair.by, f"no repair: {found.reason}")
        else:
            await self._repair(repair, found.candidates)
            for child in () if is_child else found.sitemaps[:MAX_CHILD_SITEMAPS]:
                self._errand.listings_left[source.name] += 1
                yield self._repair_request(source, replace(repair, by=child), is_child=True)
        async for request in self._listing_done(source):
            yield request

    async def _repair(self, repair: Repair, listed: Sequence[Candidate]) -> None:
        since = repair.since - _SLACK
        inside = [each for each in listed if each.published and since <= each.published <= repair.until + _SLACK]
        done = replace(repair, reaches_back=any(each.published and each.published < since for each in listed))
        new = await self._stored(self._errand.frontier.repair(done, inside))
        if new is None:
            return
        self._errand.report.candidates += new
        if done.reaches_back:
            span = f"{repair.since:%Y-%m-%d %H:%M} to {repair.until:%H:%M} UTC"
            self._errand.tell(Result.REPAIRED, repair.source, repair.by, f"{span}: {new} more of {repair.listing_url}")

    async def _on_repair_error(self, failure: Any) -> AsyncIterator[Any]:
        arguments = failure.request.cb_kwargs
        source, repair = arguments["source"], arguments["repair"]
        if not failure.check(HostHeldError):
            why = self._why(Step.LISTING, repair.by, failure)
            self._errand.tell(Result.LISTING_FAILED, source.name, repair.by, f"no repair: {why.reason}")
        async for request in self._listing_done(source):
            yield request

    async def _on_listing_error(self, failure: Any) -> AsyncIterator[Any]:
        arguments = failure.request.cb_kwargs
        source, url = arguments["source"], arguments["url"]
        if not failure.check(HostHeldError):
            await self._record_failed(url, source, arguments["kind"], self._why(Step.LISTING, url, failure))
        async for request in self._listing_done(source):
            yield request

    async def _record_failed(self, url: str, source: Source, kind: Found, failure: Failure) -> None:
        now, wait_s = self._errand.clock(), failure.retry_after_s
        hour = _hour(source, now)
        await self._record(
            Poll(
                url,
                source.name,
                kind,
                now,
                PollStatus.FAILED,
                error=failure.reason,
                retry_after_s=wait_s,
                hour=hour,
            )
        )

    async def _hold(self, response: Response, failure: Failure, now: datetime) -> None:
        """Leave a host alone that said that it was asked too much; what is still to be asked of it stays pending."""
        seconds = hold_s(response.status, failure.retry_after_s)
        if not seconds:
            return
        name, until = host(response.url), now + timedelta(seconds=seconds)
        self._errand.held[name] = until
        await self._stored(self._errand.frontier.hold(name, until, failure.reason))

    async def _record(self, poll: Poll, candidates: Sequence[Candidate] = ()) -> None:
        new = await self._stored(self._errand.frontier.record_poll(poll, candidates))
        if new is None:
            return
        self._errand.report.candidates += new
        result, detail = {
            PollStatus.READ: (Result.LISTING_READ, f"{poll.listed} listed, {new} new"),
            PollStatus.UNCHANGED: (Result.LISTING_UNCHANGED, "unchanged"),
            PollStatus.FAILED: (Result.LISTING_FAILED, poll.error),
        }[poll.status]
        self._errand.tell(result, poll.source, poll.url, detail)

    async def _listing_done(self, source: Source) -> AsyncIterator[Any]:
        """Go on to the pages of a source once the last of its listings is done."""
        self._errand.listings_left[source.name] -= 1
        if self._errand.listings_left[source.name] == 0:
            async for request in self._page_requests(source):
                yield request

    async def _page_requests(self, source: Source) -> AsyncIterator[Any]:
        limit = self._errand.settings.max_pages_per_source
        pending = await self._errand.frontier.pending(source.name, self._errand.clock(), limit)
        self._errand.waiting += len(pending)
        self._errand.pages[source.name].extend(pending)
        # A few at a time: one source with many pages must not fill the downloader, and a host that says "too many"
        # can only be left alone if not everything was asked of it already.
        for _ in range(_WINDOW * self._errand.settings.per_host):
            if request := self._next_page(source):
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
            return scrapy.Request(
                candidate.url,
                callback=self._on_page,
                errback=self._on_page_error,
                dont_filter=True,
                priority=_PAGE_PRIORITY,
                meta={"handle_httpstatus_list": _HANDLED},
                cb_kwargs={"candidate": candidate, "source": source},
            )
        return None

    async def _on_page(self, response: Response, candidate: Candidate, source: Source) -> AsyncIterator[Any]:
        now = self._errand.clock()
        content_type = _header(response, "Content-Type")
        failure = failure_of_status(Step.FETCH, candidate.url, response.status, _header(response, "Retry-After"), now)
        found: Extraction
        if failure is not None:
            await self._hold(response, failure, now)
        if request := self._next_page(source):
            yield request  # before this page is read: the host need not wait for that
        if failure is not None:
            found = failure
        elif is_no_page(content_type):
            found = NotArticle(response.url, NotArticleKind.EMPTY, f"not a web page but {one_line(content_type)[:60]}")
        else:
            page = Page(candidate.url, response.url, response.status, content_type, response.body, now)
            found = await self._errand.extractor.extract(page, candidate, source)
        await self._finish(candidate, found)

    async def _on_page_error(self, failure: Any) -> AsyncIterator[Any]:
        candidate, source = failure.request.cb_kwargs["candidate"], failure.request.cb_kwargs["source"]
        if request := self._next_page(source):
            yield request
        if failure.check(HostHeldError):
            self._errand.waiting -= 1  # it stays pending, and its attempts are not used up
            return
        await self._finish(candidate, self._why(Step.FETCH, candidate.url, failure))

    def _why(self, step: Step, url: str, failure: Any) -> Failure:
        """Return what kept an answer from coming; the request is the last one, after any redirects."""
        if refusal := self._errand.guard.refusal(host(failure.request.url)):
            return Failure(step, url, refusal, retryable=False)
        return failure_of_error(step, url, failure.value)

    async def _finish(self, candidate: Candidate, found: Extraction) -> None:
        errand = self._errand
        if errand.fatal is not None:
            return  # the candidate stays pending
        errand.waiting -= 1
        try:
            match found:
                case Article():
                    kept = await errand.intake.article(candidate, found)
                    errand.report.alerts += kept.alerts_queued
                    known = kept.placement.kind is PlacementKind.DUPLICATE
                    errand.tell(Result.KNOWN if known else Result.ARTICLE, candidate.source, found.url, found.title)
                case NotArticle():
                    await errand.intake.not_article(candidate, found)
                    errand.tell(Result.NOT_ARTICLE, candidate.source, found.url, f"{found.kind}: {found.reason}")
                case Failure():
                    await errand.intake.failure(candidate, found)
                    errand.tell(Result.FAILURE, candidate.source, found.subject, found.reason)
        except Exception as error:  # noqa: BLE001 - without a store nothing may go on; `Crawler.crawl` raises it
            self._give_up(error)

    async def _stored(self, work: Awaitable[T]) -> T | None:
        """Return what the store answers, or None after giving up: without a store nothing may go on."""
        try:
            return await work
        except Exception as error:  # noqa: BLE001 - `Crawler.crawl` raises it
            self._give_up(error)
            return None

    def _give_up(self, error: BaseException) -> None:
        self._errand.fatal = self._errand.fatal or error
        self._errand.stop.set()


def _hour(source: Source, now: datetime) -> int:
    return now.astimezone(ZoneInfo(source.timezone)).hour


def _header(response: Response, name: str) -> str:
    value = response.headers.get(name)
    return value.decode("latin-1") if value else ""
