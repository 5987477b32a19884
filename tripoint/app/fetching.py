"""Fetching by many: their queue, and what a worker does with a source."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from tripoint.app.settings import Settings
from tripoint.domain.errors import HandBackError, MendError, SettingsError
from tripoint.domain.types import Source

if TYPE_CHECKING:
    from crawler.report import CrawlReport
    from scheduler.fetchers import FetchQueue
    from tripoint.app.wiring import Works

BUDGET_S = 300.0  # for the pages of one source at a time; the rest stays pending for its next turn


def open_queue(settings: Settings) -> FetchQueue:
    """Return the queue of this database, not opened yet; raises `SettingsError` where there can be none."""
    from storage.database import driver_address

    try:
        from scheduler.fetchers import FetchQueue
    except ModuleNotFoundError as error:
        mend = 'install it with: pip install "tripoint[workers]"'
        raise SettingsError(f"fetching by workers needs {error.name}", mend) from error
    address = driver_address(settings.database_url)
    if address is None:
        mend = (
            "set database.url to a PostgreSQL, or run.fetchers to own; `tripoint migrate-archive` copies what you have"
        )
        raise SettingsError("several fetchers share their work through PostgreSQL, and this is SQLite", mend)
    return FetchQueue(address, settings.run.worker_silent_s)


class WorkerFetching:
    """A worker's side: reads one source as a crawl of its own, and ends the worker where storage fails."""

    def __init__(
        self,
        works: Works,
        stop: asyncio.Event,
        told: Callable[[Source, CrawlReport], None],
        lost: Callable[[Exception], None],
        reload: Callable[[], Awaitable[object]],
    ) -> None:
        """Tell of each source that was read, and of what ends the worker; `reload` reads the seeds again."""
        self._works = works
        self._stop = stop
        self._told = told
        self._lost = lost
        self._reload = reload
        self._turn = asyncio.Lock()

    async def fetch(self, name: str) -> None:
        """Read what is due of a source; one that this worker's catalogue lacks, though read again, ends it."""
        try:
            source = self._known(name) or await self._learned(name)
            if source is None:
                mend = "give every worker the same seeds as `tripoint run`"
                raise SettingsError(f"this worker's seeds have no source `{name}`", mend)
            due = await self._works.due([source], frozenset())
            if not due.sources or self._stop.is_set():
                return
            report = await self._works.crawler.crawl(
                [source], stop=self._stop, due=due.listings, budget_s=BUDGET_S, gaps=due.gaps
            )
            await self._works.look_after([source])
            await self._works.crawler.turns.rest(source.hosts)  # who reads there next does not know when we asked
        except HandBackError:
            raise
        except Exception as error:
            self._lost(error)
            raise
        self._told(source, report)

    def _known(self, name: str) -> Source | None:
        return next((each for each in self._works.seeds.sources if each.name == name), None)

    async def _learned(self, name: str) -> Source | None:
        """Look once more, since the service may have been told of it just now; raises `HandBackError`.

        A file that is broken here ends nothing: this worker goes on with what it knows.
        """
        async with self._turn:
            if source := self._known(name):  # another that was unknown had them read
                return source
            try:
                await self._reload()
            except MendError as error:
                raise HandBackError(f"`{name}` is not known here, and the seeds cannot be read") from error
            return self._known(name)
