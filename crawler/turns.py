"""When each host was last asked, over all crawls of a process: each has a downloader of its own that does not know.

A crawl spaces its own requests by Scrapy's slots. This stands behind them, where a request is about to leave, and keeps
it back where another crawl, one that ended or one beside it, has asked the same host too short a time ago.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.http import Request, Response

_MOST_HOSTS = 4_096
_FORGOTTEN_S = 600.0  # no delay is as long


class Turns:
    """Hands out the moments at which hosts may be asked."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Take a clock and a way to wait, both in seconds."""
        self._clock = clock
        self._sleep = sleep
        self._asked: dict[str, tuple[float, float]] = {}  # host: when it was asked last, and the delay that it wants

    @property
    def remembered(self) -> int:
        """Return how many hosts are remembered."""
        return len(self._asked)

    async def take(self, host: str, delay_s: float) -> None:
        """Wait until so long has passed since a host was asked last; whoever comes first has the first turn."""
        now = self._clock()
        at = max(now, self._asked[host][0] + delay_s) if host in self._asked else now
        self._asked[host] = (at, delay_s)
        if len(self._asked) > _MOST_HOSTS:
            self._forget(now)
        if at > now:
            await self._sleep(at - now)

    async def rest(self, hosts: Iterable[str]) -> None:
        """Wait until each of these hosts may be asked by somebody who knows nothing of us."""
        ends = [sum(self._asked[each]) for each in hosts if each in self._asked]
        wait_s = max(ends, default=0.0) - self._clock()
        if wait_s > 0:
            await self._sleep(wait_s)

    def _forget(self, now: float) -> None:
        self._asked = {host: seen for host, seen in self._asked.items() if seen[0] > now - _FORGOTTEN_S}


class TurnHandler(HTTP11DownloadHandler):
    """Fetches over HTTP once it is the host's turn; the time of an answer is counted from then on."""

    def __init__(self, crawler: Any) -> None:
        super().__init__(crawler)
        self._turns: Turns = crawler.spider.turns

    async def download_request(self, request: Request) -> Response:
        """Fetch an address, by its slot's delay, which may be longer than that of the settings."""
        key = request.meta["download_slot"]
        delay_s = self._crawler.engine.downloader.slots[key].delay
        if delay_s > 0:
            await self._turns.take(key, delay_s)
        return await super().download_request(request)
