"""The service: jobs follow each other, a stop waits for work and not for ever, and only what is vital ends it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from scheduler.jobs import Every, Job
from scheduler.roster import Roster
from scheduler.service import Service, ServiceSettings
from tests.scheduler.test_jobs import Ledger
from tripoint.domain.errors import BusyError, StorageError

Work = Callable[[asyncio.Event], Awaitable[str]]


def utc_now() -> datetime:
    return datetime.now(UTC)


async def until_stopped(stop: asyncio.Event) -> None:
    await stop.wait()


async def no_beat() -> None:
    """Beat without a word."""


def service_of(
    work: Work,
    every_s: float = 60,
    stop_within_s: float = 5,
    deliver: Callable[[asyncio.Event], Awaitable[None]] = until_stopped,
    clock: Callable[[], datetime] = utc_now,
    beat: Callable[[], Awaitable[None]] = no_beat,
    pulse_s: float = 0.05,
) -> Service:
    roster = Roster([Job("crawl", "crawls", Every(every_s), work)], Ledger(), clock)
    return Service(roster, deliver, ServiceSettings(stop_within_s, pulse_s, first_rest_s=0.01), clock, beat)


def run(service: Service) -> None:
    asyncio.run(asyncio.wait_for(service.run(), timeout=60))


def test_a_pass_runs_at_once_and_again() -> None:
    passes = []

    async def crawl(stop: asyncio.Event) -> str:
        passes.append(1)
        if len(passes) == 3:
            service.stop()
        return ""

    service = service_of(crawl, every_s=0.2)
    run(service)
    assert len(passes) == 3


def test_a_stop_lets_a_pass_end() -> None:
    """Trap: APScheduler cancels coroutine jobs when it shuts down."""
    ended = []

    async def crawl(stop: asyncio.Event) -> str:
        service.stop()
        await stop.wait()
        await asyncio.sleep(0)
        ended.append("cleanly")
        return ""

    service = service_of(crawl)
    run(service)
    assert ended == ["cleanly"]


def test_a_pass_that_will_not_end_is_cancelled() -> None:
    seen = []

    async def crawl(stop: asyncio.Event) -> str:
        service.stop()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise
        return ""

    service = service_of(crawl, stop_within_s=0.1)
    run(service)
    assert seen == ["cancelled"]


def test_a_job_that_fails_is_tried_again_and_ends_nothing() -> None:
    tries = []

    async def fail(stop: asyncio.Event) -> str:
        tries.append(1)
        if len(tries) == 3:
            service.stop()
        raise StorageError("database or disk is full")

    service = service_of(fail, every_s=0.05)
    run(service)
    assert len(tries) == 3


def test_a_courier_that_the_store_fails_is_started_again() -> None:
    tries = []

    async def deliver(stop: asyncio.Event) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise StorageError("database or disk is full")
        service.stop()

    service = service_of(until_stopped_work, deliver=deliver)
    run(service)
    assert len(tries) == 3


async def until_stopped_work(stop: asyncio.Event) -> str:
    await stop.wait()
    return ""


@pytest.mark.parametrize("guilty", ["deliver", "beat"])
def test_what_is_vital_ends_the_service_with_its_reason(guilty: str) -> None:
    async def beat() -> None:
        raise BusyError("the lock was lost")

    async def deliver(stop: asyncio.Event) -> None:
        raise BusyError("the lock was lost")

    service = service_of(until_stopped_work, **{guilty: beat if guilty == "beat" else deliver})  # type: ignore[arg-type]
    with pytest.raises(BusyError, match="the lock was lost"):
        run(service)


def test_a_pass_is_made_up_for_after_a_stall() -> None:
    """Trap: APScheduler drops a run that is a second late, as after a laptop's sleep or a slow disk."""
    passes = []

    async def crawl(stop: asyncio.Event) -> str:
        passes.append(time.monotonic())
        if len(passes) == 1:
            asyncio.get_running_loop().call_later(0.2, time.sleep, 2.5)  # the loop stands still over the due time
        else:
            service.stop()
        return ""

    service = service_of(crawl, every_s=1, pulse_s=60)
    run(service)
    assert len(passes) == 2


def test_a_clock_set_back_by_hours_stops_no_job() -> None:
    """APScheduler alone would wait until the old time comes round again."""
    passes: list[datetime] = []
    back = timedelta(0)

    def clock() -> datetime:
        return utc_now() + back

    async def crawl(stop: asyncio.Event) -> str:
        nonlocal back
        passes.append(clock())
        back = timedelta(hours=-5)
        if len(passes) == 3:
            service.stop()
        return ""

    service = service_of(crawl, every_s=0.3, clock=clock)
    run(service)
    assert passes[-1] < passes[0]
