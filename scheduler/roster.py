"""The jobs of a running service: when each is due, what became of its last run, and making up for what was missed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from scheduler.jobs import Job, after_failure, first_run, in_order, is_missed, next_run
from tripoint.domain.errors import SettingsError, StorageError, TripointError
from tripoint.domain.service import JobResult, JobRun
from tripoint.domain.text import one_line

log = logging.getLogger(__name__)

_WRITE_AGAIN = timedelta(minutes=10)  # what had nothing to do is written down no more often than this
_PATIENCE_S = 60.0  # the next missed job starts then at the latest, though the one before is still under way


class JobLedger(Protocol):
    """Where the service keeps what became of its jobs."""

    async def due_times(self) -> dict[str, datetime]:
        """Return when each job that ran before is due."""
        ...

    async def plan(self, due: dict[str, tuple[str, datetime]]) -> None:
        """Write rule and due time of every job, and forget those that are not among them."""
        ...

    async def record(self, run: JobRun, due_at: datetime) -> None:
        """Write what became of a run, and when the job is due next."""
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """How a job does, as this process knows it."""

    job: Job
    due_at: datetime
    running: int
    last: JobRun | None
    failures: int  #: in a row


async def _nothing() -> None:
    """Have nothing to wait for."""


class Roster:
    """Runs jobs by their rules and remembers how they went; a job that fails never ends the others."""

    def __init__(
        self,
        jobs: Sequence[Job],
        ledger: JobLedger,
        clock: Callable[[], datetime],
        watch: Callable[[JobRun], None] = lambda _run: None,
    ) -> None:
        """Keep these jobs; `watch` hears of every run."""
        names = Counter(each.name for each in jobs)
        if len(names) != len(jobs):
            raise ValueError(f"job names repeat: {[name for name, times in names.items() if times > 1]}")
        self._jobs = {each.name: each for each in jobs}
        self._ledger = ledger
        self._clock = clock
        self._watch = watch
        self._due: dict[str, datetime] = {}
        self._on_retry: Callable[[str, datetime], None] = lambda _name, _due: None
        self._running: Counter[str] = Counter()
        self._last: dict[str, JobRun] = {}
        self._failures: Counter[str] = Counter()
        self._written: dict[str, datetime] = {}
        self._in_line: set[str] = set()  # missed, and more important ones come first

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The jobs."""
        return tuple(self._jobs.values())

    def job(self, name: str) -> Job:
        """Return the job of a name; raises `SettingsError` where there is none."""
        if name not in self._jobs:
            raise SettingsError(f"there is no job `{name}`", f"known are {', '.join(sorted(self._jobs))}")
        return self._jobs[name]

    def standings(self) -> list[Standing]:
        """Return how each job does, the most important first."""
        return [
            Standing(
                job, self._due[job.name], self._running[job.name], self._last.get(job.name), self._failures[job.name]
            )
            for job in in_order((each for each in self._jobs.values() if each.name in self._due), self._due)
        ]

    async def derive(self) -> None:
        """Take from the ledger when each job is due, by its rules; the ledger then knows every job."""
        stored, now = await self._ledger.due_times(), self._clock()
        self._due = {name: first_run(job, stored.get(name), now) for name, job in self._jobs.items()}
        await self._ledger.plan({name: (str(job.trigger), self._due[name]) for name, job in self._jobs.items()})

    def on_retry(self, hear: Callable[[str, datetime], None]) -> None:
        """Let somebody hear when a job that failed is tried again."""
        self._on_retry = hear

    def rewind(self) -> None:
        """Reckon anew after the clock was set back: nothing waits longer than its own rule says from now on."""
        now = self._clock()
        self._due = {name: min(due, next_run(self._jobs[name], now)) for name, due in self._due.items()}

    def due_at(self, name: str) -> datetime:
        """Return when a job is due."""
        return self._due[name]

    def overdue(self) -> list[Job]:
        """Return the jobs that are due now, in the order in which they are to be done."""
        now = self._clock()
        return in_order((job for name, job in self._jobs.items() if self._due[name] <= now), self._due)

    async def catch_up(self, stop: asyncio.Event, first: Callable[[], Awaitable[None]] = _nothing) -> None:
        """Do what is overdue in order of importance, one after another, without waiting for ever for a slow one.

        What is still in line is not begun before its turn, though its time comes round again; who asks for it gets it.
        `first` is waited for before any of it, and no longer than for a job.
        """
        missed = self.overdue()
        self._in_line = {each.name for each in missed}
        stopped = asyncio.create_task(stop.wait())
        begun: list[asyncio.Future[Any]] = [asyncio.ensure_future(first())]
        try:
            await self._patiently(begun[0], stopped)
            begun[0].cancel()
            for job in missed:
                if stop.is_set():
                    break
                self._in_line.discard(job.name)
                if self._due[job.name] <= self._clock():  # or somebody asked for it meanwhile
                    begun.append(asyncio.create_task(self.run(job.name, stop), name=job.name))
                    await self._patiently(begun[-1], stopped)
            await asyncio.gather(*begun[1:])
        finally:
            self._in_line.clear()
            for each in (stopped, *begun):
                each.cancel()  # what is done is not touched by it

    async def _patiently(self, work: asyncio.Future[Any], stopped: asyncio.Future[Any]) -> None:
        await asyncio.wait({work, stopped}, timeout=_PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)

    async def run(self, name: str, stop: asyncio.Event, *, asked: bool = False) -> JobRun | None:
        """Run a job now, whether due or `asked` for; None where as many as are allowed are under way already.

        None too where it was missed and is in line behind more important ones, unless it is asked for.
        """
        job, now = self.job(name), self._clock()
        if name in self._in_line and not asked:
            return None
        due = self._due.get(name, now)
        self._due[name] = next_run(job, now)
        if self._running[name] >= job.at_once:
            return None
        if not asked and is_missed(job, due, now):
            run = JobRun(name, now, 0.0, JobResult.SKIPPED, f"was due at {due:%Y-%m-%d %H:%M} UTC")
        else:
            run = await self._work(job, now, stop)
        await self._settle(run)
        return run

    async def _work(self, job: Job, now: datetime, stop: asyncio.Event) -> JobRun:
        self._running[job.name] += 1
        begun = time.monotonic()
        try:
            result, detail = JobResult.DONE, await job.work(stop)
        except TripointError as error:
            result, detail = JobResult.FAILED, str(error)
            log.error("job %s failed: %s", job.name, one_line(str(error)))
        except Exception as error:
            result, detail = JobResult.FAILED, f"{type(error).__name__}: {error}"
            log.error("job %s failed", job.name, exc_info=error)
        finally:
            self._running[job.name] -= 1
        return JobRun(job.name, now, time.monotonic() - begun, result, one_line(detail)[:500])

    async def _settle(self, run: JobRun) -> None:
        failed = run.result is JobResult.FAILED
        recovered = bool(self._failures[run.name]) and not failed
        self._failures[run.name] = self._failures[run.name] + 1 if failed else 0
        if failed:
            due = after_failure(self._jobs[run.name], self._failures[run.name], self._clock())
            self._due[run.name] = due
            self._on_retry(run.name, due)
        self._last[run.name] = run
        self._watch(run)
        written = self._written.get(run.name)
        idle = run.result is JobResult.DONE and not run.detail and not recovered
        if idle and written and timedelta(0) <= run.started_at - written < _WRITE_AGAIN:
            return
        try:
            await self._ledger.record(run, self._due[run.name])
        except StorageError as error:
            log.error("what became of job %s could not be written down: %s", run.name, error)
        else:
            self._written[run.name] = run.started_at
