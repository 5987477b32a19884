"""The jobs of the service, in one list: who adds one adds it here."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, time
from functools import partial
from typing import TYPE_CHECKING

from scheduler.jobs import AtLocalTime, Every, Importance, Job
from tripoint.app.settings import Settings
from tripoint.app.writer import Writer
from tripoint.domain.service import JobRun

if TYPE_CHECKING:
    from storage.service import JobStore
    from tripoint.app.watch import Watch
    from tripoint.app.wiring import Works

_LOOK_S = 15.0  # how often it is asked what is due
_PASSES_AT_ONCE = 64  # a slow source keeps its pass going, and must not keep the others waiting


def build_jobs(settings: Settings, works: Works, watch: Watch) -> list[Job]:
    """Return every job of the service."""
    run = settings.run

    async def wake(_stop: asyncio.Event) -> str:
        """Look whether an alert waits that nobody was woken for, as one that another process queued."""
        works.courier.wake()
        return ""

    async def upkeep(_stop: asyncio.Event) -> str:
        return await works.writer.do(works.stores.database.maintain)

    return [
        Job("deliver", "hands due alerts to their channels", Every(60), wake, Importance.ALERTS),
        Job(
            "poll",
            "reads listings that are due, the pages they list, gaps, and pages to be looked at again",
            Every(min(_LOOK_S, run.min_interval_s, run.interval_s)),
            watch.one_pass,
            Importance.NEWS,
            at_once=_PASSES_AT_ONCE,
        ),
        Job(
            "maintain",
            "keeps the database's statistics and log small",
            AtLocalTime((time(3, 40),), run.timezone),
            upkeep,
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
