"""Fetching by many: their queue, and what a worker does with a source."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from tripoint.app.settings import Settings
from tripoint.domain.errors import SettingsError
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
    ) -> None:
        self._works = works
        self._stop = stop
        self._told = told
        self._lost = lost
        self._by_name = {each.name: each for each in works.seeds.sources}

    async def fetch(self, name: str) -> None:
        """Read what is due of a source; one that this worker's catalogue lacks is an error that ends it."""
        try:
            source = self._by_name.get(name)
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
        except Exception as error:
            self._lost(error)
            raise
        self._told(source, report)
