"""Drives a house through the days: its own jobs by its own rules, at the times that the clock shows.

APScheduler is left out: it only wakes jobs, and takes no clock. What it would call is called here: the roster says what
is overdue, and runs it.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from scheduler.roster import Roster
from tests.soak.clock import Clock
from tests.soak.faults import Faults
from tests.soak.world import Publisher
from tripoint.app.jobs import WriterLedger, build_jobs
from tripoint.app.reload import Reloader
from tripoint.app.settings import Settings
from tripoint.app.watch import Watch
from tripoint.app.wiring import Works, opened_works
from tripoint.domain.errors import StorageError
from tripoint.domain.service import JobResult, JobRun

_DAY_S = 86_400.0
_SPREAD = 1.05  # a wait may be a twentieth longer, lest listings fire together
_LONGEST_FAILING_S = 6 * 3600.0
_REWOUND_S = 3 * 3600.0  # longer than any fault in which that cannot be written down
_TRIED = "select url, attempts, due_at from frontier where attempts > 0 and state in ('pending', 'failed')"


@dataclass(frozen=True, slots=True)
class Sample:
    """What the process held at the end of a day."""

    day: int
    resident_mb: float
    workers_mb: float  #: of the processes that read pages
    descriptors: int
    threads: int


@dataclass(frozen=True, slots=True)
class Neglect:
    """A listing that was not visited in time."""

    url: str
    waited_s: float
    allowed_s: float
    at_s: float  #: steady


@dataclass(slots=True)
class Diary:
    """What was seen on the way."""

    samples: list[Sample] = field(default_factory=list)
    neglected: list[Neglect] = field(default_factory=list)
    early: list[str] = field(default_factory=list)  #: pages that were asked for again before their time
    longest_s: float = 0.0  #: between two visits to a listing that answered
    polls: int = 0
    runs: Counter[JobResult] = field(default_factory=Counter)
    courier_failed: int = 0
    said: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Visits:
    """Looks from outside when each listing was visited, how long it had waited, and when pages were tried again."""

    file: Path
    clock: Clock
    step_s: float
    longest_s: float  #: by the settings
    diary: Diary
    storage_was_away_s: Callable[[float, float], float]  #: within a stretch of steady seconds
    _seen: dict[str, tuple[str, float, bool]] = field(default_factory=dict)  #: when, steady, whether it answered
    _tried: dict[str, tuple[int, str]] = field(default_factory=dict)  #: pages that failed: how often, and due when

    def look(self) -> None:
        """Compare with the last look."""
        with closing(sqlite3.connect(self.file)) as connection:
            rows = connection.execute("select url, polled_at, failures_in_a_row from listings").fetchall()
            tried = connection.execute(_TRIED).fetchall()
        self._compare_tries({url: (attempts, due_at) for url, attempts, due_at in tried})
        for url, polled_at, failures in rows:
            before = self._seen.get(url)
            if before is None or before[0] != polled_at:
                self._judge(url, before)
                self._seen[url] = (polled_at, self.clock.steady_s, not failures)
                self.diary.polls += 1

    def end(self) -> None:
        """Judge what is still waited for."""
        for url, before in self._seen.items():
            self._judge(url, before)

    def _compare_tries(self, tried: dict[str, tuple[int, str]]) -> None:
        """Find what was tried again though its time lay ahead; after a clock was set back, the house brings it near."""
        now, near_s = f"{self.clock():%F %T.%f}", self.clock.steady_s - _REWOUND_S
        was_set_back = any(at >= near_s for at, _ in self.clock.set_back_s)
        for url, (attempts, _) in tried.items() if not was_set_back else ():
            before, due_at = self._tried.get(url, (attempts, ""))
            if attempts > before and due_at > now:
                self.diary.early.append(f"{url} was tried again at {now}, and was due at {due_at}")
        self._tried = tried

    def _judge(self, url: str, before: tuple[str, float, bool] | None) -> None:
        if before is None:
            return
        _, since_s, answered = before
        now_s = self.clock.steady_s
        back_s = sum(by for at, by in self.clock.set_back_s if since_s <= at <= now_s)
        away_s = self.storage_was_away_s(since_s, now_s)
        allowed_s = (self.longest_s if answered else _LONGEST_FAILING_S) * _SPREAD + 2 * self.step_s + back_s
        waited_s = now_s - since_s - away_s
        if answered and not away_s and not back_s:
            self.diary.longest_s = max(self.diary.longest_s, waited_s)
        if waited_s > allowed_s:
            self.diary.neglected.append(Neglect(url, waited_s, allowed_s, now_s))


@dataclass(slots=True)
class Driver:
    """One life of the service, from a start to a stop."""

    settings: Callable[[], Settings]
    clock: Clock
    step_s: float  #: by which time goes on
    faults: Faults
    publisher: Publisher
    visits: Visits
    diary: Diary
    hiccup: Callable[[], float]  #: real seconds for which the disk is full within a step, mostly none
    tidy: Callable[[], None]  #: lets go of what the world around remembers
    _roster: Roster | None = None

    async def live(self, until_s: float, then: Sequence[tuple[float, Callable[[Reloader], object]]] = ()) -> None:
        """Live until that steady second; each of `then` is called at its own, in order."""
        settings, later = self.settings(), list(then)
        async with opened_works(settings, self.diary.said.append, clock=self.clock) as works:
            watch = Watch(works, works.seeds.sources, settings.crawl.concurrency)
            ledger = WriterLedger(works.writer, works.stores.jobs)
            self._roster = roster = Roster(build_jobs(settings, works, watch), ledger, self.clock, self._ran)
            await roster.derive()
            reloader = Reloader(works, settings, self.settings, (), self.diary.said.append)
            reloader.hear = (lambda plan: watch.renew(plan.sources),)
            while self.clock.steady_s < until_s:
                self.clock.go_on(self.step_s)
                self.faults.apply()
                self.publisher.publish(self.clock())
                while later and later[0][0] <= self.clock.steady_s:
                    later.pop(0)[1](reloader)
                    await reloader.reload()
                await self._step(works, roster)
                self.visits.look()
                if self.clock.steady_s % _DAY_S < self.step_s:
                    self.tidy()
                    self.diary.samples.append(_sample(int(self.clock.steady_s // _DAY_S), self.faults.outside.pid))

    def jumped(self) -> None:
        """Plan anew after the clock was set, as the service does at its pulse."""
        if self._roster is not None:
            self._roster.rewind()

    def _ran(self, run: JobRun) -> None:
        self.diary.runs[run.result] += 1

    async def _step(self, works: Works, roster: Roster) -> None:
        stop = asyncio.Event()
        hiccup_s = self.hiccup()
        ending = asyncio.create_task(self._hiccup(hiccup_s)) if hiccup_s and not self.faults.now else None
        for job in roster.overdue():
            await roster.run(job.name, stop)
        try:
            await works.deliver_now(stop)
        except StorageError:
            self.diary.courier_failed += 1
        if ending is not None:
            await ending

    async def _hiccup(self, seconds: float) -> None:
        """Fill the disk in the midst of the work, for a moment."""
        await asyncio.sleep(0.02)
        self.faults.disk.is_full = True
        await asyncio.sleep(seconds)
        self.faults.disk.is_full = False


def _sample(day: int, outside: int) -> Sample:
    gc.collect()
    workers_mb = sum(_resident_mb(each) for each in _descendants(os.getpid()) if each != outside)
    return Sample(
        day, _resident_mb(os.getpid()), workers_mb, len(os.listdir("/proc/self/fd")), threading.active_count()
    )


def _resident_mb(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:  # it has ended
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _descendants(pid: int) -> Iterator[int]:
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, children.read_text().split()):
                yield child
                yield from _descendants(child)
