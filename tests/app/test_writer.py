"""The writing thread: order, one transaction for calls that may share it, and a failure that stays its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, event, select

from storage import tables as t
from storage.database import Database, open_database
from storage.frontier import FrontierStore, enter_candidates
from tests.storage.test_stores import candidate
from tripoint.app.writer import Company, Writer


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """Open an empty database of each kind."""
    opened = open_database(url)
    yield opened
    opened.close()


@contextmanager
def counted(database: Database) -> Iterator[list[Connection]]:
    """Count the transactions that are committed meanwhile."""
    commits: list[Connection] = []
    count = commits.append  # one object, by which it is taken away again
    event.listen(database._engine, "commit", count)
    yield commits
    event.remove(database._engine, "commit", count)


def entering(database: Database, number: int) -> Callable[[], int]:
    """Return the call that enters a candidate, and fails on the thirteenth after having written it."""

    def enter() -> int:
        with database.write() as connection:
            enter_candidates(connection, [candidate(number)])
            if number == 13:
                raise ValueError("the thirteenth")
        return number

    return enter


def entered(database: Database) -> set[str]:
    with database.read() as connection:
        return set(connection.scalars(select(t.frontier.c.title)))


async def _all(writer: Writer, calls: list[Callable[[], int]]) -> list[int | BaseException]:
    return await asyncio.gather(*(writer.do_shared(each) for each in calls), return_exceptions=True)


def test_calls_that_come_together_share_one_transaction(database: Database) -> None:
    writer = Writer(database.together)
    with counted(database) as commits:
        found = asyncio.run(_all(writer, [entering(database, number) for number in range(10)]))
        writer.close()
    assert found == list(range(10))
    assert entered(database) == {f"T{number}" for number in range(10)}
    assert len(commits) < 10


def test_a_call_that_fails_fails_alone_and_leaves_nothing(database: Database) -> None:
    writer = Writer(database.together)
    found = asyncio.run(_all(writer, [entering(database, number) for number in range(10, 16)]))
    writer.close()
    assert [str(each) for each in found] == ["10", "11", "12", "the thirteenth", "14", "15"]
    assert entered(database) == {"T10", "T11", "T12", "T14", "T15"}


def test_calls_are_done_in_the_order_in_which_they_came() -> None:
    done: list[int] = []

    async def ask(writer: Writer) -> None:
        ways = [writer.do_shared, writer.do_shared, writer.do]
        await asyncio.gather(*(ways[number % 3](lambda n=number: done.append(n)) for number in range(50)))  # type: ignore[misc]

    writer = Writer()
    asyncio.run(ask(writer))
    writer.close()
    assert done == list(range(50))


def test_what_is_queued_is_done_before_the_thread_ends(database: Database) -> None:
    writer = Writer(database.together)

    async def ask() -> None:
        asked = [asyncio.ensure_future(writer.do_shared(entering(database, number))) for number in range(3)]
        await asyncio.sleep(0)
        writer.close()
        await asyncio.gather(*asked)

    asyncio.run(ask())
    assert entered(database) == {"T0", "T1", "T2"}


def test_nothing_is_told_as_done_that_could_not_be_committed(database: Database) -> None:
    @contextmanager
    def full() -> Iterator[None]:
        with database.together():
            yield
            raise OSError("the disk is full")

    writer = Writer(full)
    found = asyncio.run(_all(writer, [entering(database, number) for number in (1, 2, 13)]))
    writer.close()
    assert [str(each) for each in found] == ["1", "2", "the thirteenth"]  # each by itself
    assert entered(database) == {"T1", "T2"}


def test_what_is_written_together_is_read_by_its_own_thread_and_by_no_other(database: Database) -> None:
    frontier = FrontierStore(database)
    with database.together():
        frontier.enter([candidate(1)])
        assert entered(database) == {"T1"}
        assert asyncio.run(asyncio.to_thread(entered, database)) == set()
    assert asyncio.run(asyncio.to_thread(entered, database)) == {"T1"}


def test_who_waited_in_vain_three_times_waits_seldom_until_others_come() -> None:
    company = Company()
    waits = []
    for _ in range(40):
        waits.append(company.is_likely)
        company.met(0)
    assert [number for number, waited in enumerate(waits) if waited] == [0, 1, 2, 16, 32]
    company.met(1)
    assert company.is_likely
