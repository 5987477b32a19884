"""The watching itself: reads whatever is due, each host by one crawl at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from crawler.report import CrawlReport, Event
from tripoint.app.wiring import Works
from tripoint.domain.types import Source

_GROUPS_AT_ONCE = 16
_BUDGET_S = 300.0  # for the pages of one source at a time; the rest stays pending for its next turn

Told = Callable[[Sequence[Source], CrawlReport], None]


class Watch:
    """Reads the sources that are due; passes may overlap, and never ask one host beside each other."""

    def __init__(self, works: Works, sources: Sequence[Source], show: Callable[[Event], None], told: Told) -> None:
        """Watch these sources; `show` hears of every page, `told` of every group of sources that was read."""
        self._works = works
        self._sources = tuple(sources)
        self._show = show
        self._told = told
        self._busy: set[str] = set()  # hosts that a pass is asking
        self._turns = asyncio.Semaphore(_GROUPS_AT_ONCE)

    async def one_pass(self, stop: asyncio.Event) -> str:
        """Read what is due, a slow source keeping no other waiting; returns a line, empty if nothing was due."""
        due = await self._works.due(self._sources, self._busy)
        chosen = [each for each in due.sources if not each.hosts & self._busy]
        for each in chosen:
            self._busy.update(each.hosts)
        reports = await asyncio.gather(*(self._one_group(group, due.listings, stop) for group in groups(chosen)))
        pages, queued = sum(each.pages for each in reports), sum(each.alerts for each in reports)
        return f"{len(chosen)} sources, {pages} pages, {queued} alerts queued" if chosen else ""

    async def _one_group(self, group: list[Source], due: frozenset[str], stop: asyncio.Event) -> CrawlReport:
        """Read sources that share a host, in a crawl of their own."""
        try:
            async with self._turns:
                report = await self._works.crawler.crawl(group, self._show, stop, due, _BUDGET_S)
                await self._works.look_after(group)
        finally:
            self._busy.difference_update(*(each.hosts for each in group))
        self._told(group, report)
        return report


def groups(sources: Sequence[Source]) -> list[list[Source]]:
    """Return the sources parted so that no two parts share a host."""
    parts: list[tuple[set[str], list[Source]]] = []
    for source in sources:
        touching = [part for part in parts if part[0] & source.hosts]
        parts = [part for part in parts if not part[0] & source.hosts]
        names = set(source.hosts).union(*(hosts for hosts, _ in touching))
        parts.append((names, [*(each for _, members in touching for each in members), source]))
    return [members for _, members in parts]
