"""Fetching by many, the scheduling side: what is due goes to workers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from scheduler.fetchers import FetchJob, FetchQueue
from tripoint.app.watch import groups
from tripoint.app.wiring import Works
from tripoint.domain.types import Source
from tripoint.domain.wish import AGAIN, GAPS, NEWS, Wish


class SharedFetching:
    """The scheduling side: offers what is due, takes back what a dead worker had, wakes the courier."""

    def __init__(self, queue: FetchQueue, works: Works, sources: Sequence[Source], say: Callable[[str], None]) -> None:
        """Hand out these sources; `say` hears of workers that fell silent."""
        self._queue = queue
        self._works = works
        self._sources = sources
        self._say = say
        self._swept_at = time.monotonic()
        self._looking = asyncio.Lock()
        self._key = _keys(works.seeds.sources)

    def renew(self, sources: Sequence[Source]) -> None:
        """Hand out these sources from now on; a worker that does not know one reads its seeds again."""
        self._sources = sources
        self._key = _keys(self._works.seeds.sources)

    async def poll(self, _stop: asyncio.Event) -> str:
        """Offer what has become due; returns a line, empty if nothing was."""
        return await self._offer(NEWS)

    async def revisit(self, _stop: asyncio.Event) -> str:
        """Offer the sources whose pages are to be looked at again."""
        return await self._offer(AGAIN)

    async def repair(self, _stop: asyncio.Event) -> str:
        """Offer the sources of which blind stretches are to be repaired."""
        return await self._offer(GAPS)

    async def _offer(self, wish: Wish) -> str:
        if self._looking.locked():
            return ""
        async with self._looking:
            if time.monotonic() - self._swept_at >= self._queue.beat_s:
                self._swept_at = time.monotonic()
                for name in await self._queue.sweep():
                    self._say(f"{name}: its worker fell silent; another reads on")
            held = await self._queue.held()
            due = await self._works.due([each for each in self._sources if each.name not in held], frozenset(), wish)
            offered = await self._queue.offer(FetchJob(each.name, self._key[each.name]) for each in due.sources)
            if await self._works.alerts_wait():
                self._works.courier.wake()
        return f"{offered} sources handed out" if offered else ""


def _keys(sources: Sequence[Source]) -> dict[str, str]:
    """Return one word for all sources that share hosts, by the name of each: the lock that only one may have."""
    parts = [(min(host for each in part for host in each.hosts), part) for part in groups(sources)]
    return {each.name: key for key, part in parts for each in part}
