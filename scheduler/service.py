"""The service: jobs at their times, the courier beside them, and a pulse, in one process until it is asked to stop."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from scheduler.jobs import Job, next_run
from scheduler.roster import Roster
from tripoint.domain.errors import StorageError

log = logging.getLogger(__name__)

Deliver = Callable[[asyncio.Event], Awaitable[None]]
"""Delivers alerts until the event is set."""

Beat = Callable[[], Awaitable[None]]
"""Called again and again; raises what the service cannot go on after, such as a lock that was lost."""


async def _always() -> None:
    """Raise nothing: what cannot be lost needs no look."""


_ALONE_S = 1.0  # between two looks whether this process may still act
_JUMP_S = 30.0  # clocks are set by less than this all the time
_LONGEST_REST_S = 60.0


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """How the service lives."""

    stop_within_s: float  #: that work in flight gets to end
    pulse_s: float = 5.0
    first_rest_s: float = 1.0  #: before the courier is started again; doubles up to a minute


class _ByRule(BaseTrigger):  # type: ignore[misc]
    """APScheduler's view of our rule; a time that passed unseen counts once, however often it came."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """Return when the job is due after the time before, and never a time that has passed."""
        return next_run(self._job, max(previous_fire_time or now, now))


class Service:
    """Runs jobs and the courier until `stop`; a job that fails is told and tried again, and ends nothing."""

    def __init__(
        self,
        roster: Roster,
        deliver: Deliver,
        settings: ServiceSettings,
        clock: Callable[[], datetime],
        beat: Beat,
        still_alone: Beat = _always,
        delivered: Beat = _always,
    ) -> None:
        """Beat at every pulse; ask each second, and before each job, whether this is `still_alone`.

        What was missed is made up for once the alerts that waited are `delivered`, or their channels refused them.
        """
        self._roster = roster
        self._deliver = deliver
        self._settings = settings
        self._clock = clock
        self._beat = beat
        self._still_alone = still_alone
        self._delivered = delivered
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._fatal: BaseException | None = None

    def stop(self) -> None:
        """Ask for a clean end; may be called from a signal handler of the loop, and more than once."""
        self._stop.set()

    @property
    def stopping(self) -> asyncio.Event:
        """Set once the service is to end."""
        return self._stop

    async def run(self) -> None:
        """Run until `stop`; raises what the service could not go on after."""
        await self._roster.derive()
        scheduler = AsyncIOScheduler(timezone=UTC)
        self._start(self._keep_delivering(), "courier")
        now = self._clock()
        for job in self._roster.jobs:
            due = self._roster.due_at(job.name)
            scheduler.add_job(
                self._fire,
                _ByRule(job),
                args=[job.name],
                id=job.name,
                next_run_time=due if due > now else next_run(job, now),  # what is overdue is made up for above
                max_instances=1_000,  # the roster counts, and APScheduler would log each run that it refuses
                coalesce=True,
                misfire_grace_time=None,  # the default of one second would skip a run after any stall
            )
        self._roster.on_retry(lambda name, due: scheduler.modify_job(name, next_run_time=max(due, self._clock())))
        scheduler.start()
        self._start(self._roster.catch_up(self._stop, self._delivered), "what was missed")
        self._start(self._pulse(scheduler), "pulse")
        if self._still_alone is not _always:
            self._start(self._stay_alone(), "lock")
        try:
            await self._stop.wait()
        finally:
            # APScheduler cancels coroutine jobs when it shuts down, so it is paused, joined and only then shut.
            scheduler.pause()
            await self._join(set(self._tasks))
            scheduler.shutdown(wait=False)
        if self._fatal is not None:
            raise self._fatal

    async def ask(self, name: str) -> str:
        """Run a job that somebody asked for; returns a line about how it went."""
        run = await self._roster.run(name, self._stop, asked=True)
        if run is None:
            return f"{name} is under way already"
        return f"{name}: {run.result} in {run.duration_s:.1f} s" + (f": {run.detail}" if run.detail else "")

    def _start(self, work: Any, name: str) -> None:
        """Run something that the service cannot do without."""
        task = asyncio.create_task(self._guard(work), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fire(self, name: str) -> None:
        if self._stop.is_set():
            return
        task = asyncio.create_task(self._guard(self._run(name)), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await asyncio.shield(task)

    async def _run(self, name: str) -> None:
        await self._still_alone()
        await self._roster.run(name, self._stop)

    async def _stay_alone(self) -> None:
        """Notice soon that the lock was lost, also while long jobs run: they end by `stop`."""
        while not self._stop.is_set():
            await self._still_alone()
            await self._rest(_ALONE_S)

    async def _keep_delivering(self) -> None:
        """Start the courier again after the store failed it: a full disk is emptied some day."""
        rest_s = self._settings.first_rest_s
        while not self._stop.is_set():
            begun = time.monotonic()
            try:
                await self._deliver(self._stop)
            except StorageError as error:
                log.error("the courier rests %g s: %s", rest_s, error)
            if time.monotonic() - begun > _LONGEST_REST_S:
                rest_s = self._settings.first_rest_s
            await self._rest(rest_s)
            rest_s = min(2 * rest_s, _LONGEST_REST_S)

    async def _pulse(self, scheduler: AsyncIOScheduler) -> None:
        """Beat at a steady rate, and notice a clock that was set, which APScheduler would wait out."""
        wall, steady = self._clock(), time.monotonic()
        while not self._stop.is_set():
            await self._beat()
            await self._rest(self._settings.pulse_s)
            passed = (self._clock() - wall).total_seconds()
            jumped_s = passed - (time.monotonic() - steady)
            wall, steady = self._clock(), time.monotonic()
            if abs(jumped_s) >= _JUMP_S:
                log.warning("the clock was set by %+.0f s; the jobs are planned anew", jumped_s)
                self._replan(scheduler)

    def _replan(self, scheduler: AsyncIOScheduler) -> None:
        self._roster.rewind()
        for job in self._roster.jobs:
            scheduler.modify_job(job.name, next_run_time=max(self._roster.due_at(job.name), self._clock()))

    async def _rest(self, seconds: float) -> None:
        stopped = asyncio.create_task(self._stop.wait())
        await asyncio.wait({stopped}, timeout=seconds)
        stopped.cancel()

    async def _guard(self, work: Awaitable[object]) -> None:
        """Let an error end the service: going on without courier, pulse or lock would be silent blindness."""
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
