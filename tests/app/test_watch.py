"""Watching: polls, repairs and looks again run beside each other, and never two of them on one host."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

from crawler.report import CrawlReport
from tripoint.app.watch import Watch, groups
from tripoint.app.wiring import Due, Works
from tripoint.domain.types import Source
from tripoint.domain.wish import AGAIN, GAPS, NEWS, Wish


def source(name: str, host: str) -> Source:
    return Source(name, name, "en", "GB", "UTC", f"https://{host}/", feeds=(f"https://{host}/{name}.xml",))


SOURCES = (source("a", "one.example"), source("b", "one.example"), source("c", "two.example"))


class FakeWorks:
    """Has everything to do after a long downtime, and sees which hosts are asked beside each other."""

    def __init__(self) -> None:
        self.crawler = self
        self.asked: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.done: list[tuple[str, Wish]] = []
        self.left = {(each.name, wish) for each in SOURCES for wish in (NEWS, AGAIN, GAPS)}

    async def due(self, sources: Sequence[Source], busy: set[str], wish: Wish) -> Due:
        """Return what is left of a kind, on hosts that nobody asks."""
        found = [each for each in sources if (each.name, wish) in self.left and not each.hosts & busy]
        return Due(tuple(found), frozenset(), frozenset())

    async def crawl(self, group: Sequence[Source], *rest: Any) -> CrawlReport:
        """Take some turns of the loop, on the hosts of a group."""
        wish = next(each for each in rest if isinstance(each, Wish))
        hosts = set().union(*(each.hosts for each in group))
        self.asked.update(hosts)
        self.most |= self.asked
        for _ in range(20):
            await asyncio.sleep(0)
        self.asked.subtract(hosts)
        for each in group:
            self.left.discard((each.name, wish))
            self.done.append((each.name, wish))
        return CrawlReport(datetime.now(UTC))

    async def look_after(self, sources: Sequence[Source]) -> None:
        """Do nothing."""


def test_sources_that_share_a_host_are_read_together_and_the_first_stay_first() -> None:
    far = source("d", "three.example")
    first, second, third = SOURCES
    assert groups([far, second, third, first]) == [[far], [second, first], [third]]


def test_no_host_is_asked_by_two_jobs_at_once_and_everything_is_done() -> None:
    works = FakeWorks()

    async def catch_up() -> None:
        watch, stop = Watch(cast("Works", works), SOURCES, 8), asyncio.Event()
        while works.left:
            jobs = (watch.poll, watch.repair, watch.revisit, watch.poll)
            await asyncio.gather(*(each(stop) for each in jobs))

    asyncio.run(asyncio.wait_for(catch_up(), 30))
    assert set(works.most.values()) == {1}, works.most
    assert Counter(works.done) == Counter({(each.name, wish): 1 for each in SOURCES for wish in (NEWS, AGAIN, GAPS)})
    assert [wish for name, wish in works.done if name == "c"] == [NEWS, GAPS, AGAIN]  # the most important first
