"""Visits to listings: each is asked once a crawl, with its children and, where all of it is new, its further pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import scrapy
from scrapy.http import Response

from crawler.answers import failure_of_status, fresh_for_s
from crawler.errand import HANDLED, Errand, header, local_hour
from crawler.listings import MAX_CHILD_SITEMAPS, Listing
from crawler.repairs import Repairs
from crawler.report import Result
from crawler.robots import HostHeldError
from tripoint.domain.coverage import Span
from tripoint.domain.types import Candidate, Entered, Failure, Found, Poll, PollStatus, Source, Step, Validators

_DEEPEST = 2  # an index of sitemaps may name an index

Requests = AsyncIterator[Any]


class Visits:
    """Asks for listings and stores what they list; `then` goes on to the pages of a source whose listings are done."""

    def __init__(self, errand: Errand, then: Callable[[Source], Requests]) -> None:
        self._errand = errand
        self._then = then
        self._repairs = Repairs(errand, self._done)

    async def start(self, source: Source) -> Requests:
        """Ask for the listings of a source that are due, and for what gaps hid; then go on to its pages."""
        due = self._errand.due
        listings = [(kind, url) for kind, url in source.listings if due is None or url in due]
        self._errand.listings_left[source.name] = len(listings) + 1  # one of them is this beginning
        visited = {url for _, url in listings}
        for _, url in source.listings:
            if url in self._errand.gaps and url not in visited and self._repairs.knows_where(source, url):
                spans = await self._blind(url, self._errand.clock())
                for request in self._repairs.requests(source, url, url, spans):
                    yield request
        for kind, url in listings:
            yield await self._request(source, kind, url, depth=0)
        async for request in self._done(source):
            yield request

    async def _request(self, source: Source, kind: Found, url: str, *, depth: int) -> scrapy.Request:
        validators = await self._errand.frontier.validators(url)
        headers = {"If-None-Match": validators.etag, "If-Modified-Since": validators.last_modified}
        return scrapy.Request(
            url,
            headers={name: value for name, value in headers.items() if value},
            callback=self._on_listing,
            errback=self._on_error,
            dont_filter=True,
            meta={"handle_httpstatus_list": HANDLED},
            cb_kwargs={"source": source, "kind": kind, "url": url, "depth": depth},
        )

    async def _on_listing(self, response: Response, source: Source, kind: Found, url: str, depth: int) -> Requests:
        now, listing, entered = self._errand.clock(), Listing(), Entered()
        answered = True
        if response.status == 304:
            fresh_s = fresh_for_s(header(response, "Cache-Control"), header(response, "Expires"), now)
            await self._record(
                Poll(
                    url,
                    source.name,
                    kind,
                    now,
                    PollStatus.UNCHANGED,
                    fresh_for_s=fresh_s,
                    hour=local_hour(source, now),
                )
            )
        elif failure := failure_of_status(Step.LISTING, url, response.status, header(response, "Retry-After"), now):
            await self._errand.hold(response, failure, now)
            await self._record_failed(url, source, kind, failure)
            answered = False
        else:
            read = await self._read(response, source, kind, url, now)
            answered = read is not None
            listing, entered = read or (listing, entered)
        spans = await self._blind(url, now) if answered and depth == 0 else ()
        for request in self._repairs.requests(source, response.url, url, spans) if self._errand.wish.gaps else ():
            yield request
        if follows := self._further_page(source, listing, entered, 2, url, spans):
            yield follows
        for child in listing.sitemaps[:MAX_CHILD_SITEMAPS] if depth < _DEEPEST else ():
            self._errand.listings_left[source.name] += 1
            yield await self._request(source, kind, child, depth=depth + 1)
        async for request in self._done(source):
            yield request

    async def _blind(self, url: str, now: datetime) -> Sequence[Span]:
        is_try = self._errand.wish.gaps  # otherwise only the further pages of a section may show what was missed
        return await self._errand.stored(self._errand.frontier.to_repair(url, now, is_try=is_try)) or ()

    async def _read(
        self, response: Response, source: Source, kind: Found, url: str, now: datetime
    ) -> tuple[Listing, Entered] | None:
        content_type = header(response, "Content-Type")
        listing = await self._errand.extractor.entries(response.body, content_type, response.url, source, kind, now)
        if isinstance(listing, Failure):
            await self._record_failed(url, source, kind, listing)
            return None
        validators = Validators(header(response, "ETag"), header(response, "Last-Modified"))
        if listing.sitemaps:
            validators = Validators()  # an unchanged index may have changed children
        fresh_s = fresh_for_s(header(response, "Cache-Control"), header(response, "Expires"), now)
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
            hour=local_hour(source, now),
        )
        entered = await self._record(poll, listing.candidates)
        return listing, entered

    async def _record(self, poll: Poll, candidates: Sequence[Candidate] = ()) -> Entered:
        errand = self._errand
        entered = await errand.stored(errand.frontier.record_poll(poll, candidates, errand.room))
        if entered is None:
            return Entered()
        result, detail = {
            PollStatus.READ: (Result.LISTING_READ, f"{poll.listed} listed, {entered.new} new"),
            PollStatus.UNCHANGED: (Result.LISTING_UNCHANGED, "unchanged"),
            PollStatus.FAILED: (Result.LISTING_FAILED, poll.error),
        }[poll.status]
        errand.tell(result, poll.source, poll.url, detail)
        errand.took(entered, poll.source, poll.url)
        return entered

    async def _record_failed(self, url: str, source: Source, kind: Found, failure: Failure) -> None:
        now = self._errand.clock()
        poll = Poll(url, source.name, kind, now, PollStatus.FAILED, error=failure.reason, hour=local_hour(source, now))
        await self._record(replace(poll, retry_after_s=failure.retry_after_s))

    async def _on_error(self, failure: Any) -> Requests:
        arguments = failure.request.cb_kwargs
        source, url = arguments["source"], arguments["url"]
        if not failure.check(HostHeldError):
            await self._record_failed(url, source, arguments["kind"], self._errand.why(Step.LISTING, url, failure))
        async for request in self._done(source):
            yield request

    def _further_page(
        self, source: Source, listing: Listing, entered: Entered, number: int, url: str, spans: Sequence[Span]
    ) -> scrapy.Request | None:
        """Return the request for the next page of a section, as long as every entry of it is new to us."""
        all_new = listing.candidates and entered.new == len(listing.candidates)
        if not listing.next_page or not all_new or number > self._errand.settings.section_pages:
            return None
        self._errand.listings_left[source.name] += 1
        return scrapy.Request(
            listing.next_page,
            callback=self._on_further_page,
            errback=self._on_further_error,
            dont_filter=True,
            meta={"handle_httpstatus_list": HANDLED},
            cb_kwargs={"source": source, "number": number, "url": url, "spans": spans},
        )

    async def _on_further_page(
        self, response: Response, source: Source, number: int, url: str, spans: Sequence[Span]
    ) -> Requests:
        errand = self._errand
        content_type, now = header(response, "Content-Type"), errand.clock()
        wait = header(response, "Retry-After")
        found: Any = failure_of_status(Step.LISTING, response.url, response.status, wait, now)
        if found:
            await errand.hold(response, found, now)
        else:
            found = await errand.extractor.entries(
                response.body, content_type, response.url, source, Found.SECTION, now
            )
        if isinstance(found, Failure):
            errand.tell(Result.PAGE_UNREAD, source.name, response.url, found.reason)
        elif entered := await errand.stored(errand.frontier.enter(found.candidates, errand.room)):
            errand.tell(Result.PAGE_READ, source.name, response.url, f"page {number}: {entered.new} new")
            errand.took(entered, source.name, response.url)
            if entered.new + entered.left_out < len(found.candidates):
                await self._repairs.overlapped(source, url, spans, response.url, entered.new)
            if follows := self._further_page(source, found, entered, number + 1, url, spans):
                yield follows
        async for request in self._done(source):
            yield request

    async def _on_further_error(self, failure: Any) -> Requests:
        source = failure.request.cb_kwargs["source"]
        why = self._errand.why(Step.LISTING, failure.request.url, failure)
        self._errand.tell(Result.PAGE_UNREAD, source.name, failure.request.url, why.reason)
        async for request in self._done(source):
            yield request

    async def _done(self, source: Source) -> Requests:
        """Go on to the pages of a source once the last of its listings is done."""
        self._errand.listings_left[source.name] -= 1
        if self._errand.listings_left[source.name] == 0:
            async for request in self._then(source):
                yield request
