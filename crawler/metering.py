"""Counts answers as they come off the wire: pages, listings, robots.txt and each step of a redirect."""

from __future__ import annotations

from typing import Any, Self

from scrapy.exceptions import IgnoreRequest, NotConfigured
from scrapy.http import Request, Response

from tripoint.domain.meter import Meter


class MeterMiddleware:
    """Stands next to the downloader, before anything is unpacked or followed."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    @classmethod
    def from_crawler(cls, crawler: Any) -> Self:
        """Build it for one crawl, over the meter that its spider brought along."""
        meter = getattr(crawler.spider, "meter", None)
        if meter is None:
            raise NotConfigured("this crawl is not metered")
        return cls(meter)

    def process_response(self, request: Request, response: Response) -> Response:
        """Count an answer."""
        del request
        self._meter.answered(response.status, len(response.body))
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Count a fetch that nobody answered; what was never sent is none."""
        del request
        if not isinstance(exception, IgnoreRequest):
            self._meter.answered(0, 0)
