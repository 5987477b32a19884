"""The watching itself: reads whatever is due, each host by one crawl at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from crawler.report import CrawlReport, Event
from tripoint.app.wiring import Due, Works
from tripoint.domain.types import Source
from tripoint.domain.wish import AGAIN, GAPS, NEWS, Wish

_BUDGET_S = 300.0  # for the pages of one source at a time; the rest stays pending for its next turn


@dataclass(frozen=True, slots=True)
class Ears:
    """Who hears of the watching."""

    page: Callable[[Event], None]  #: every page and listing
    group: Callable[[Sequence[Source], CrawlReport], None]  #: sources that were read in one crawl
    pass_over: Callable[[], None]  #: a pass ended


NOBODY = Ears(lambda _event: None, lambda _group, _report: None, lambda: None)


class Watch:
    """Reads the sources that are due; passes may overlap, and never ask one host beside each other."""

    def __init__(self, works: Works, sources: Sequence[Source], at_once: int, ears: Ears = NOBODY) -> None:
        """Watch these sources, so many groups of them `at_once`."""
        self._works = works
        self._sources = tuple(sources)
        self._ears = ears
        self._busy: set[str] = set()  # hosts that a pass is asking; another beside it would ask them twice as often
        self._turns = asyncio.Semaphore(at_once)

    def renew(self, sources: Sequence[Source]) -> None:
        """Read these sources from the next pass on."""
        self._sources = tuple(sources)

    async def poll(self, stop: asyncio.Event) -> str:
        """Read what is due, a slow source keeping no other waiting; returns a line, empty if nothing was due."""
        return await self._read(NEWS, stop)

    async def revisit(self, stop: asyncio.Event) -> str:
        """Look again at pages of which it is time; returns a line, empty if there was none."""
        return await self._read(AGAIN, stop)

    async def repair(self, stop: asyncio.Event) -> str:
        """Look for what blind stretches hid; returns a line, empty if there was none."""
        return await self._read(GAPS, stop)

    async def _read(self, wish: Wish, stop: asyncio.Event) -> str:
        due = await self._works.due(self._sources, self._busy, wish)
        chosen = [each for each in due.sources if not each.hosts & self._busy]
        if not chosen:
            return ""
        for each in chosen:
            self._busy.update(each.hosts)
        crawls = [self._one_group(group, due, wish, stop) for group in groups(chosen)]
        ends = await asyncio.gather(*crawls, return_exceptions=True)  # one that fails leaves none running unseen
        self._ears.pass_over()
        reports = [each for each in ends if isinstance(each, CrawlReport)]
        for end in ends:
            if isinstance(end, BaseException):
                raise end
        pages, queued = sum(each.pages for each in reports), sum(each.alerts for each in reports)
        return f"{len(chosen)} sources, {pages} pages, {queued} alerts queued"

    async def _one_group(self, group: list[Source], due: Due, wish: Wish, stop: asyncio.Event) -> CrawlReport:
        """Read sources that share a host, in a crawl of their own: a slow one keeps no other waiting."""
        try:
            async with self._turns:
                report = await self._works.crawler.crawl(
                    group, self._ears.page, stop, due.listings, _BUDGET_S, wish, due.gaps
                )
                await self._works.look_after(group)
        finally:
            self._busy.difference_update(*(each.hosts for each in group))
        self._ears.group(group, report)
        return report


def groups(sources: Sequence[Source]) -> list[list[Source]]:
    """Return the sources parted so that no two parts share a host, in the order of the first of each."""
    parts: list[tuple[set[str], list[Source]]] = []
    for source in sources:
        touching = [part for part in parts if part[0] & source.hosts]
        parts = [part for part in parts if not part[0] & source.hosts]
        names = set(source.hosts).union(*(hosts for hosts, _ in touching))
        parts.append((names, [*(each for _, members in touching for each in members), source]))
    places = {each.name: number for number, each in enumerate(sources)}
    ordered = [sorted(members, key=lambda each: places[each.name]) for _, members in parts]
    return sorted(ordered, key=lambda members: places[members[0].name])
