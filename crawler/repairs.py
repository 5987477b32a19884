"""Repairs of blind stretches: what a listing may have dropped is looked for where the outlet keeps it longer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import scrapy
from scrapy.http import Response

from crawler.answers import failure_of_status
from crawler.errand import HANDLED, Errand, header
from crawler.listings import MAX_CHILD_SITEMAPS
from crawler.report import Result
from crawler.robots import HostHeldError
from tripoint.domain.archives import addresses, has_pages, is_by_day
from tripoint.domain.coverage import Span
from tripoint.domain.types import Candidate, Entered, Failure, Found, Repair, Source, Step
from tripoint.domain.urls import host
from tripoint.domain.when import Days

_MOST_SITEMAPS = 3
_MOST_ARCHIVE_PAGES = 7
_SLACK = timedelta(minutes=10)  # clocks of publishers differ


class Repairs:
    """Looks for what was missed, in the crawl that noticed it; `done` is told of each answer."""

    def __init__(self, errand: Errand, done: Callable[[Source], AsyncIterator[Any]]) -> None:
        self._errand = errand
        self._done = done

    def knows_where(self, source: Source, listing_url: str) -> bool:
        """Return whether it is known where an outlet keeps more; its robots.txt, which may say so, was read or not."""
        parts = urlsplit(listing_url)
        is_read = f"{parts.scheme}://{parts.netloc}" in self._errand.robots_cache.rules
        return is_read or bool(source.sitemaps or source.archives)

    def requests(
        self, source: Source, answered: str, listing_url: str, spans: Sequence[Span]
    ) -> Iterator[scrapy.Request]:
        """Return what to ask for the blind stretches of a listing that answered from an address."""
        for span in spans:
            for sitemap in self._sitemaps(source, answered)[:_MOST_SITEMAPS]:
                self._errand.listings_left[source.name] += 1
                repair = Repair(listing_url, source.name, span.start, span.until, sitemap, reaches_back=False)
                yield self._request(source, repair)
            if days := self._archive_pages(source, span):
                self._errand.listings_left[source.name] += 1
                repair = Repair(listing_url, source.name, span.start, span.until, days[0], reaches_back=False)
                yield self._archive_request(source, repair, days)

    def _archive_pages(self, source: Source, span: Span) -> tuple[str, ...]:
        """Return the pages of the archive that hold a stretch, a day each; none where they are too many.

        What holds a month would bring all of it, most of which nobody missed.
        """
        zone = ZoneInfo(source.timezone)
        start, until = ((each).astimezone(zone).date() for each in (span.start - _SLACK, span.until + _SLACK))
        days = Days(start, until + timedelta(days=1))
        for pattern in source.archives:
            if is_by_day(pattern) and not has_pages(pattern):
                pages = tuple(address for _, address in addresses(pattern, days, source.timezone))
                return pages if len(pages) <= _MOST_ARCHIVE_PAGES else ()
        return ()

    def _archive_request(self, source: Source, repair: Repair, left: tuple[str, ...]) -> scrapy.Request:
        return scrapy.Request(
            left[0],
            callback=self._on_archive,
            errback=self._on_error,
            dont_filter=True,
            meta={"handle_httpstatus_list": HANDLED},
            cb_kwargs={"source": source, "repair": replace(repair, by=left[0]), "left": left},
        )

    async def _on_archive(
        self, response: Response, source: Source, repair: Repair, left: tuple[str, ...]
    ) -> AsyncIterator[Any]:
        """Take all that the archive lists of the days of a stretch; after the last of them nothing is missing."""
        now, url = self._errand.clock(), repair.by
        found: Any = failure_of_status(Step.LISTING, url, response.status, header(response, "Retry-After"), now)
        if found:
            await self._errand.hold(response, found, now)
        else:
            kind = Found.SITEMAP if b"<urlset" in response.body[:4000] else Found.SECTION
            found = await self._errand.extractor.entries(
                response.body, header(response, "Content-Type"), response.url, source, kind, now
            )
        if isinstance(found, Failure):
            self._errand.tell(Result.LISTING_FAILED, source.name, url, f"no repair: {found.reason}")
        else:
            entered = await self._mend(replace(repair, reaches_back=len(left) == 1), found.candidates)
            if entered and not entered.left_out and left[1:]:
                self._errand.listings_left[source.name] += 1
                yield self._archive_request(source, replace(repair, found=repair.found + entered.new), left[1:])
        async for request in self._done(source):
            yield request

    async def overlapped(self, source: Source, listing_url: str, spans: Sequence[Span], by: str, found: int) -> None:
        """Count the newest stretch as seen after all: a further page of the section held what was known before."""
        for span in spans[:1]:
            repair = Repair(listing_url, source.name, span.start, span.until, by, reaches_back=True, found=found)
            await self._mend(repair, ())

    def _sitemaps(self, source: Source, url: str) -> list[str]:
        """Return the sitemaps of a source: those of the catalogue, and those that its robots.txt names."""
        parts = urlsplit(url)
        rules = self._errand.robots_cache.rules.get(f"{parts.scheme}://{parts.netloc}")
        named = list(rules.parser.sitemaps) if rules and rules.parser else []
        same_site = [each for each in named if host(each) in source.hosts]
        return list(dict.fromkeys([*source.sitemaps, *same_site]))

    def _request(self, source: Source, repair: Repair, *, is_child: bool = False) -> scrapy.Request:
        return scrapy.Request(
            repair.by,
            callback=self._on_answer,
            errback=self._on_error,
            dont_filter=True,
            meta={"handle_httpstatus_list": HANDLED},
            cb_kwargs={"source": source, "repair": repair, "is_child": is_child},
        )

    async def _on_answer(
        self, response: Response, source: Source, repair: Repair, is_child: bool
    ) -> AsyncIterator[Any]:
        now = self._errand.clock()
        found: Any = failure_of_status(Step.LISTING, repair.by, response.status, header(response, "Retry-After"), now)
        if found:
            await self._errand.hold(response, found, now)
        else:
            found = await self._errand.extractor.entries(
                response.body, header(response, "Content-Type"), response.url, source, Found.SITEMAP, now
            )
        if isinstance(found, Failure):
            self._errand.tell(Result.LISTING_FAILED, source.name, repair.by, f"no repair: {found.reason}")
        else:
            await self._from_sitemap(repair, found.candidates)
            for child in () if is_child else found.sitemaps[:MAX_CHILD_SITEMAPS]:
                self._errand.listings_left[source.name] += 1
                yield self._request(source, replace(repair, by=child), is_child=True)
        async for request in self._done(source):
            yield request

    async def _from_sitemap(self, repair: Repair, listed: Sequence[Candidate]) -> None:
        """Take what was published in the stretch."""
        since = repair.since - _SLACK
        inside = [each for each in listed if each.published and since <= each.published <= repair.until + _SLACK]
        reaches_back = any(each.published and each.published < since for each in listed)
        await self._mend(replace(repair, reaches_back=reaches_back), inside)

    async def _mend(self, repair: Repair, candidates: Sequence[Candidate]) -> Entered | None:
        errand = self._errand
        entered = await errand.stored(errand.frontier.repair(repair, candidates, errand.room))
        if entered is None:
            return None
        errand.took(entered, repair.source, repair.by)
        if entered.mended:
            span = f"{repair.since:%Y-%m-%d %H:%M} to {repair.until:%H:%M} UTC"
            found = f"{repair.found + entered.new} more of {repair.listing_url}"
            errand.tell(Result.REPAIRED, repair.source, repair.by, f"{span}: {found}")
        return entered

    async def _on_error(self, failure: Any) -> AsyncIterator[Any]:
        arguments = failure.request.cb_kwargs
        source, repair = arguments["source"], arguments["repair"]
        if not failure.check(HostHeldError):
            why = self._errand.why(Step.LISTING, repair.by, failure)
            self._errand.tell(Result.LISTING_FAILED, source.name, repair.by, f"no repair: {why.reason}")
        async for request in self._done(source):
            yield request
