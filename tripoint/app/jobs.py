"""The jobs of the service, in one list: who adds one adds it here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, time
from functools import partial
from typing import TYPE_CHECKING, Protocol

from scheduler.jobs import AtLocalTime, Every, Importance, Job, Work
from storage.upkeep import maintain
from tripoint.app.retention import forget
from tripoint.app.selfcheck import self_check
from tripoint.app.settings import Settings
from tripoint.app.writer import Writer
from tripoint.domain.service import JobRun

if TYPE_CHECKING:
    from storage.service import JobStore
    from tripoint.app.wiring import Works
    from tripoint.domain.types import Source

_LOOK_S = 1.0  # how often it is asked what is due
_HEAR_S = 2.0  # between two looks for alerts that other processes queued
_TEND_S = 15.0  # between two looks at what is held for digests, and at channels that stay down
_TRY_S = 60.0  # between two looks at templates of a person
_LISTEN_S = 600.0  # between two looks at how much comes of each topic
_REPAIR_S = 30.0  # between two looks for gaps; one that a visit found is looked for so soon
_REVISIT_S = 60.0  # between two looks for pages to be looked at again
_PASSES_AT_ONCE = 64  # a slow source keeps its pass going, and must not keep the others waiting


class Polling(Protocol):
    """What reads the sources, or has them read."""

    async def poll(self, stop: asyncio.Event) -> str:
        """Begin what is due; returns a line, empty if nothing was."""
        ...

    async def revisit(self, stop: asyncio.Event) -> str:
        """Look again at pages of which it is time; returns a line, empty if there was none."""
        ...

    async def repair(self, stop: asyncio.Event) -> str:
        """Look for what blind stretches hid; returns a line, empty if there was none."""
        ...

    def renew(self, sources: Sequence[Source]) -> None:
        """Read these sources from now on."""
        ...


def _queueing(work: Callable[[], Awaitable[int]]) -> Work:
    """Return the job of what queues alerts and returns how many."""

    async def queue(_stop: asyncio.Event) -> str:
        queued = await work()
        return f"{queued} queued" if queued else ""

    return queue


def build_jobs(
    settings: Settings, works: Works, watch: Polling, read: Callable[[], Settings] | None = None
) -> list[Job]:
    """Return every job of the service; `read` reads the settings again, where they may have been edited since."""
    run, begun = settings.run, works.clock()

    async def wake(_stop: asyncio.Event) -> str:
        """Look whether an alert waits that nobody was woken for, as one that another process queued."""
        if await works.alerts_wait():
            works.courier.wake()
        return ""

    async def poll(stop: asyncio.Event) -> str:
        await works.mend_times()
        return await watch.poll(stop)

    async def retention(stop: asyncio.Event) -> str:
        return await forget(works.settings, works.writer, works.stores.retention, works.clock(), stop)

    async def selfcheck(_stop: asyncio.Event) -> str:
        return await self_check(works, begun, read or (lambda: works.settings))

    async def upkeep(_stop: asyncio.Event) -> str:
        return await works.writer.do(partial(maintain, works.stores.database))

    return [
        Job("deliver", "hands due alerts to their channels", Every(_HEAR_S), wake, Importance.ALERTS),
        Job(
            "poll",
            "reads listings that are due, and the pages that they list",
            Every(min(_LOOK_S, run.min_interval_s, run.interval_s)),
            works.pulse.watching(poll),
            Importance.NEWS,
            at_once=_PASSES_AT_ONCE,
        ),
        Job(
            "escalate",
            "tells other channels what waits for one that stays down",
            Every(_TEND_S),
            _queueing(works.escalate),
            Importance.ALERTS,
        ),
        Job(
            "templates",
            "tells the operator of templates of yours that break, and that work again",
            Every(_TRY_S),
            _queueing(works.tell_of_templates),
            Importance.ALERTS,
        ),
        Job(
            "digests",
            "sends the digests that are due",
            Every(_TEND_S),
            _queueing(works.tell_together),
            Importance.DIGESTS,
        ),
        Job(
            "repair", "looks for what blind stretches hid", Every(_REPAIR_S), watch.repair, Importance.REPAIR, at_once=8
        ),
        Job(
            "revisit",
            "looks again at relevant pages for changes",
            Every(_REVISIT_S),
            watch.revisit,
            Importance.REVISIT,
            at_once=8,
        ),
        Job(
            "rhythms",
            "judges whether topics are louder than usual, or silent",
            Every(_LISTEN_S),
            _queueing(works.listen_to_topics),
            Importance.DIGESTS,
        ),
        Job(
            "retention",
            "forgets old evidence, addresses, failures, attempts and ledgers; never articles",
            AtLocalTime((time(3, 10),), run.timezone),
            retention,
        ),
        Job(
            "maintain",
            "keeps the database's statistics and log small",
            AtLocalTime((time(3, 40),), run.timezone),
            upkeep,
        ),
        Job(
            "selfcheck",
            "looks at database, disk, clock, channels, sources, jobs, settings and seeds, and tells what went bad",
            AtLocalTime((time(6, 30),), run.timezone),
            selfcheck,
        ),
    ]


class WriterLedger:
    """The ledger of jobs as the service sees it."""

    def __init__(self, writer: Writer, jobs: JobStore) -> None:
        self._writer = writer
        self._jobs = jobs

    async def due_times(self) -> dict[str, datetime]:
        """Return when each job that ran before is due."""
        return await self._writer.do(self._jobs.due_times)

    async def plan(self, due: Mapping[str, tuple[str, datetime]]) -> None:
        """Write rule and due time of every job, and forget those that are not among them."""
        await self._writer.do(partial(self._jobs.plan, due))

    async def record(self, run: JobRun, due_at: datetime) -> None:
        """Write what became of a run, and when the job is due next."""
        await self._writer.do(partial(self._jobs.record, run, due_at))
