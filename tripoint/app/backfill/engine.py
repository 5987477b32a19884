"""Working through a search of the past: ask a window, enter what it names, fetch the pages, and again.

Every step is in the ledger before the next begins, so that the process may be killed between any two.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from crawler.outlet import is_own
from storage.backfill import BackfillStore, Job, Placed, Window
from tripoint.app.backfill.frontier import JobFrontier
from tripoint.app.writer import Writer
from tripoint.domain.backfill import Counted, Find, FindState, Provider, Shard, ShardState, Sought, Wanted, is_inside
from tripoint.domain.ports import Intake
from tripoint.domain.types import Article, Failure, Kept, Page, Source
from tripoint.domain.urls import canonical_url, host

if TYPE_CHECKING:
    from crawler.ask import Asker
    from crawler.crawl import Crawler
    from crawler.extract.pool import ExtractionPool
    from crawler.report import Event

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Tools:
    """What the engine works with; built in the wiring."""

    asker: Asker
    crawler: Crawler
    extractor: ExtractionPool
    intake: Intake
    frontier: JobFrontier
    store: BackfillStore
    writer: Writer
    clock: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one run may do at a time."""

    at_once: int = 8  #: windows of one provider that are asked beside each other
    batch: int = 400  #: new pages after which they are fetched before more is asked


class Watch:
    """What a run tells while it goes on; a display overrides what it shows."""

    def provider(self, name: str, windows: int) -> None:
        """A provider's turn began, with so many windows to ask."""

    def remark(self, line: str) -> None:
        """Something is worth a line."""

    def kept(self, kept: Kept) -> None:
        """An article was stored."""

    def window(self, window: Window, left: int) -> None:
        """A window was settled; so many of its provider are left."""

    def page(self, event: Event) -> None:
        """A page was fetched and read."""

    def within(self, shard: Shard, share: float) -> None:
        """A window that is long was done to this share, 0 to 1."""


class Engine:
    """Works through one job; each provider by itself, the newest windows first."""

    def __init__(
        self, tools: Tools, job: Job, wanted: Wanted, watch: Watch, stop: asyncio.Event, limits: Limits = Limits()
    ) -> None:
        self._tools = tools
        self._job = job
        self._wanted = wanted
        self._watch = watch
        self._stop = stop
        self._limits = limits
        self._by_host = by_host(wanted.sources)
        self._failed: set[int] = set()  # windows that this run asked in vain: the next run asks them again

    async def run(self, providers: Sequence[Provider]) -> None:
        """Ask every open window and fetch what they name, until nothing is left that can be done now."""
        for each in providers:
            shards = each.shards(self._wanted)
            await self._do(partial(self._tools.store.enter, self._job.id, shards))
        await self._pages()  # what an earlier run left
        for each in providers:
            await self._provider(each)
        await self._snapshots()

    async def _provider(self, provider: Provider) -> None:
        while not self._is_over():
            windows = await self._do(partial(self._tools.store.windows, self._job.id, [provider.name], only_open=True))
            windows = [each for each in windows if each.id not in self._failed]
            if not windows:
                return
            self._watch.provider(provider.name, len(windows))
            new, left = 0, len(windows)
            for start in range(0, len(windows), self._limits.at_once):
                if self._is_over() or new >= self._limits.batch:
                    break
                chunk = windows[start : start + self._limits.at_once]
                settled = await asyncio.gather(*(self._window(provider, each) for each in chunk))
                left -= len(chunk)
                for each in settled:
                    new += each.new
                    self._watch.window(each, left)
            await self._pages()

    async def _window(self, provider: Provider, window: Window) -> Window:
        await self._do(partial(self._tools.store.begin, window.id))
        try:
            sought = await provider.search(window.shard, self._wanted, self._tools.asker)
        except Exception as error:  # noqa: BLE001 - the edge: a provider's nonsense costs its window and nothing else
            sought = Sought(state=ShardState.FAILED, reason=f"{type(error).__name__}: {error}"[:200])
        if sought.state is ShardState.FAILED:
            self._failed.add(window.id)
        finds = [placed(each, self._by_host) for each in sought.finds]
        return await self._do(
            partial(self._tools.store.settle, window, self._job.id, sought, finds, self._tools.clock())
        )

    async def _pages(self) -> None:
        """Fetch the pages that are due, until none is or nothing more can be had now."""
        while not self._is_over():
            waiting = await self._do(partial(self._tools.store.sources, self._job.id, self._tools.clock()))
            sources = [each for each in self._wanted.sources if each.name in waiting]
            if not sources:
                return
            report = await self._tools.crawler.crawl(sources, self._watch.page, self._stop, due=())
            if not report.results:
                return

    async def _snapshots(self) -> None:
        """Take the text of pages that are gone from the copies that an archive of the web has of them."""
        for candidate, snapshot in await self._do(partial(self._tools.store.gone, self._job.id)):
            if self._is_over():
                return
            source = source_of(candidate.url, self._by_host)
            answer = await self._tools.asker.get(snapshot)
            if source is None or isinstance(answer, Failure):
                continue
            now = self._tools.clock()
            page = Page(candidate.url, candidate.url, 200, answer.content_type, answer.body, now)
            found = await self._tools.extractor.extract(page, candidate, source)
            if isinstance(found, Article):
                await self._tools.intake.article(candidate, found)
            elif not isinstance(found, Failure):
                await self._tools.intake.not_article(candidate, found)

    def _is_over(self) -> bool:
        return self._stop.is_set() or self._tools.frontier.is_spent

    async def _do(self, work: Callable[[], T]) -> T:
        return await self._tools.writer.do(work)


def counted(store: BackfillStore, job: Job, wanted: Wanted) -> list[Counted]:
    """Return how each provider did, with the articles that were published on other days."""
    zones = {each.name: each.timezone for each in wanted.sources}
    outside: dict[str, int] = {}
    for provider, source, published in store.times(job.id):
        if not is_inside(published, zones.get(source, "UTC"), wanted.days):
            outside[provider] = outside.get(provider, 0) + 1
    return [replace(each, outside=outside.get(each.provider, 0)) for each in store.counted(job.id)]


def by_host(sources: Sequence[Source]) -> dict[str, list[Source]]:
    """Return sources by the sites of their homepages and listings."""
    found: dict[str, list[Source]] = {}
    for each in sources:
        for site in {_site(url): None for url in (each.homepage, *(url for _, url in each.listings))}:
            found.setdefault(site, []).append(each)
    return found


def source_of(url: str, by_host: Mapping[str, Sequence[Source]]) -> Source | None:
    """Return whose page an address is: a site may hold services in two languages, each in its own folder."""
    sources = by_host.get(_site(url), ())
    return next((each for each in sources if is_own(url, each)), next(iter(sources), None))


def _site(url: str) -> str:
    """Return host and port by which pages of one site are known, whatever sister of it they were found on."""
    try:
        return canonical_url(url).split("/")[2]
    except ValueError:
        return host(url)


def placed(find: Find, by_host: Mapping[str, Sequence[Source]]) -> Placed:
    """Return a find with its source, and what can be done about it."""
    if find.is_opaque:
        source = source_of(find.host, by_host) if find.host else None
        return Placed(find, FindState.OPAQUE, source.name if source else "")
    found = source_of(find.url, by_host)
    return Placed(find, FindState.PAGE, found.name) if found else Placed(find, FindState.ELSEWHERE)
