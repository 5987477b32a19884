"""The service: passes follow each other, a stop waits for work and not for ever, a failure ends it with its reason."""

from __future__ import annotations

import asyncio
import time

import pytest

from scheduler.service import Service, ServiceSettings


def run(service: Service) -> None:
    asyncio.run(asyncio.wait_for(service.run(), timeout=20))


async def until_stopped(stop: asyncio.Event) -> None:
    await stop.wait()


def test_a_pass_runs_at_once_and_again() -> None:
    passes = []

    async def crawl(stop: asyncio.Event) -> None:
        passes.append(1)
        if len(passes) == 2:
            service.stop()

    service = Service(crawl, until_stopped, ServiceSettings(interval_s=1, stop_within_s=5))
    run(service)
    assert len(passes) == 2


def test_a_stop_lets_a_pass_end() -> None:
    """Trap: APScheduler cancels coroutine jobs when it shuts down."""
    ended = []

    async def crawl(stop: asyncio.Event) -> None:
        service.stop()
        await stop.wait()
        await asyncio.sleep(0)
        ended.append("cleanly")

    service = Service(crawl, until_stopped, ServiceSettings(interval_s=60, stop_within_s=5))
    run(service)
    assert ended == ["cleanly"]


def test_a_pass_that_will_not_end_is_cancelled() -> None:
    seen = []

    async def crawl(stop: asyncio.Event) -> None:
        service.stop()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    service = Service(crawl, until_stopped, ServiceSettings(interval_s=60, stop_within_s=0.1))
    run(service)
    assert seen == ["cancelled"]


@pytest.mark.parametrize("guilty", ["crawl", "deliver"])
def test_a_failure_ends_the_service_with_its_reason(guilty: str) -> None:
    async def fail(stop: asyncio.Event) -> None:
        raise RuntimeError("disk full")

    crawl, deliver = (fail, until_stopped) if guilty == "crawl" else (until_stopped, fail)
    with pytest.raises(RuntimeError, match="disk full"):
        run(Service(crawl, deliver, ServiceSettings(interval_s=60, stop_within_s=5)))


def test_a_pass_is_made_up_for_after_a_stall() -> None:
    """Trap: APScheduler drops a run that is a second late, as after a laptop's sleep or a slow disk."""
    passes = []

    async def crawl(stop: asyncio.Event) -> None:
        passes.append(time.monotonic())
        if len(passes) == 1:
            asyncio.get_running_loop().call_later(0.9, time.sleep, 2.5)  # the loop stands still over the due time
        else:
            service.stop()

    service = Service(crawl, until_stopped, ServiceSettings(interval_s=2, stop_within_s=5))
    run(service)
    assert passes[1] - passes[0] < 3.9  # made up at once; a run that is dropped would wait for the next, at 4 s
