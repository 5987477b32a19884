"""The service: looks at an interval what is due, and delivers alerts, in one process, until it is asked to stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from apscheduler.events import EVENT_JOB_ERROR, JobExecutionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = logging.getLogger(__name__)

Crawl = Callable[[asyncio.Event], Awaitable[None]]
"""One pass over the sources; returns soon after the event is set, and leaves unfinished work pending."""

Deliver = Callable[[asyncio.Event], Awaitable[None]]
"""Delivers alerts until the event is set."""


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """When the service does what."""

    interval_s: float  #: between the starts of two passes
    stop_within_s: float  #: that work in flight gets to end
    passes_at_once: int = 64  #: a slow source keeps its pass going, and must not keep the others waiting


class Service:
    """Starts a pass now and at every interval, beside a courier that never stops; passes may overlap."""

    def __init__(self, crawl: Crawl, deliver: Deliver, settings: ServiceSettings) -> None:
        self._crawl = crawl
        self._deliver = deliver
        self._settings = settings
        self._stop = asyncio.Event()
        self._passes: set[asyncio.Task[None]] = set()
        self._fatal: BaseException | None = None

    def stop(self) -> None:
        """Ask for a clean end; may be called from a signal handler of the loop, and more than once."""
        self._stop.set()

    async def run(self) -> None:
        """Run until `stop`; raises what the courier or a pass could not go on after."""
        scheduler = self._scheduler()
        deliver = asyncio.create_task(self._guard(self._deliver(self._stop)), name="courier")
        scheduler.start()
        try:
            await self._stop.wait()
        finally:
            # APScheduler cancels coroutine jobs when it shuts down, so it is paused, joined and only then shut.
            scheduler.pause()
            await self._join({*self._passes, deliver})
            scheduler.shutdown(wait=False)
        if self._fatal is not None:
            raise self._fatal

    def _scheduler(self) -> AsyncIOScheduler:
        scheduler = AsyncIOScheduler(timezone=UTC)
        scheduler.add_listener(self._log_error, EVENT_JOB_ERROR)
        scheduler.add_job(
            self._pass,
            "interval",
            id="crawl",
            seconds=self._settings.interval_s,
            next_run_time=datetime.now(UTC),
            max_instances=1_000,  # `_pass` keeps the number down, and APScheduler would log each run that it refuses
            coalesce=True,
            misfire_grace_time=None,  # the default of one second would skip a pass after any stall
        )
        return scheduler

    async def _pass(self) -> None:
        if self._stop.is_set() or len(self._passes) >= self._settings.passes_at_once:
            return
        task = asyncio.create_task(self._guard(self._crawl(self._stop)), name="crawl")
        self._passes.add(task)
        task.add_done_callback(self._passes.discard)
        await asyncio.shield(task)

    async def _guard(self, work: Awaitable[None]) -> None:
        """Let an error end the service: going on without storage or courier would be silent blindness."""
        try:
            await work
        except Exception as error:  # noqa: BLE001 - the edge: raised again out of `run`
            self._fatal = self._fatal or error
            self._stop.set()

    async def _join(self, tasks: set[asyncio.Task[None]]) -> None:
        _, late = await asyncio.wait(tasks, timeout=self._settings.stop_within_s)
        for task in late:
            log.warning("%s did not end in time; its unfinished work stays pending", task.get_name())
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    @staticmethod
    def _log_error(event: JobExecutionEvent) -> None:
        log.error("job %s failed: %s", event.job_id, event.exception)
