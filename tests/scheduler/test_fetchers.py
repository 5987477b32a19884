"""The queue that several fetchers share, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import psycopg
import pytest

from scheduler.fetchers import FetchJob, FetchQueue
from tests.postgres import new_database
from tripoint.domain.errors import StorageError

SILENT_S = 2.0
DEADLINE_S = 30.0


@pytest.fixture
def address(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the address of an empty PostgreSQL database."""
    return new_database(postgres, f"q{abs(hash(str(tmp_path_factory.mktemp('queue'))))}")


class Reading:
    """A fetch that notes who read what, and goes on only when it is let."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.done: list[str] = []
        self.together: list[frozenset[str]] = []
        self.go = asyncio.Event()
        self._now: set[str] = set()

    async def fetch(self, source: str) -> None:
        """Read a source."""
        self.begun.append(source)
        self._now.add(source)
        self.together.append(frozenset(self._now))
        await self.go.wait()
        self._now.discard(source)
        self.done.append(source)


@asynccontextmanager
async def working(queue: FetchQueue, fetch: Callable[[str], Awaitable[None]], at_once: int = 4) -> AsyncIterator[None]:
    """Run a worker beside the test."""
    stop = asyncio.Event()
    task = asyncio.create_task(queue.work(fetch, at_once, stop, 5.0))
    try:
        yield
    finally:
        stop.set()
        await task


async def until(true: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(DEADLINE_S):
        while not true():  # noqa: ASYNC110 - it holds by what other processes and threads do
            await asyncio.sleep(0.02)


async def until_empty(queue: FetchQueue) -> None:
    """Wait until nothing is in the queue."""
    async with asyncio.timeout(DEADLINE_S):
        while await queue.held():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def refused(address: str) -> int:
    """Count how often a worker took a source and put it back."""
    with psycopg.connect(address) as connection:
        row = connection.execute("SELECT sum(attempts) FROM tripoint_queue.procrastinate_jobs").fetchone()
    return int(row[0] or 0) - 1 if row else 0  # the sweep is one attempt too


def run(main: Callable[[], Awaitable[None]]) -> None:
    """Run a coroutine as a test."""

    async def bounded() -> None:
        async with asyncio.timeout(2 * DEADLINE_S):
            await main()

    asyncio.run(bounded())


def test_sources_that_share_a_host_are_read_one_after_the_other(address: str) -> None:
    async def main() -> None:
        reading = Reading()
        async with FetchQueue(address, SILENT_S).opened() as queue, working(queue, reading.fetch):
            jobs = [FetchJob("a", "h1"), FetchJob("b", "h1"), FetchJob("c", "h2")]
            assert await queue.offer(jobs) == 3
            await until(lambda: len(reading.begun) == 2)
            assert await queue.offer(jobs) <= 2  # what is being read may be offered again, what waits may not
            assert await queue.held() == {"a", "b", "c"}
            reading.go.set()
            await until(lambda: set(reading.done) == {"a", "b", "c"})
        assert not [each for each in reading.together if {"a", "b"} <= each]

    run(main)


def test_a_slow_worker_that_was_given_up_keeps_its_hosts_to_itself(address: str) -> None:
    async def main() -> None:
        first, second = Reading(), Reading()
        second.go.set()
        queue, other = FetchQueue(address, SILENT_S), FetchQueue(address, SILENT_S)
        async with queue.opened(), other.opened(), working(queue, first.fetch):
            await queue.offer([FetchJob("a", "h1")])
            await until(lambda: first.begun == ["a"])
            assert await queue.sweep() == []  # it reads slowly, and says that it lives
            [state] = await queue.workers()
            assert state.sources == ("a",)
            with psycopg.connect(address, autocommit=True) as connection:  # as if it had been silent for an hour
                connection.execute(
                    "UPDATE tripoint_queue.procrastinate_workers SET last_heartbeat = now() - interval '1 hour'"
                )
            assert await other.sweep() == ["a"]
            async with working(other, second.fetch):
                await until(lambda: bool(refused(address)))
                assert second.begun == []  # the first is slow and not dead: its hosts are still its own
                first.go.set()
                await until_empty(queue)
        assert first.done == ["a"]

    run(main)


def test_a_fetch_that_fails_leaves_nothing_behind(address: str) -> None:
    async def main() -> None:
        async def fail(_source: str) -> None:
            raise ValueError("a page that nobody foresaw")

        async with FetchQueue(address, SILENT_S).opened() as queue, working(queue, fail):
            await queue.offer([FetchJob("a", "h1")])
            await until_empty(queue)
            assert await queue.offer([FetchJob("a", "h1")]) == 1

    run(main)


def test_a_queue_of_another_version_is_made_anew(address: str) -> None:
    async def main() -> None:
        async with FetchQueue(address).opened() as queue:
            await queue.offer([FetchJob("a", "h1")])
        async with FetchQueue(address).opened() as queue:
            assert await queue.held() == {"a"}
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("COMMENT ON SCHEMA tripoint_queue IS 'procrastinate 0.1'")
        async with FetchQueue(address).opened() as queue:
            assert await queue.held() == frozenset()

    run(main)


def test_a_server_that_is_not_there_is_one_line() -> None:
    async def main() -> None:
        with pytest.raises(StorageError, match=r"the queue of sources: .*refused"):
            async with FetchQueue("postgresql://tripoint:secret@127.0.0.1:9/none").opened():
                pass

    run(main)
