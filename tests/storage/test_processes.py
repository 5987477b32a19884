"""Several processes write at once: each article is there once, is told once, and is found."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from storage.alerts import AlertStore
from storage.articles import ArticleStore
from storage.database import Database, open_database
from storage.search import SearchQuery, SearchStore
from tests.postgres import new_database
from tripoint.app.writer import Writer
from tripoint.domain.errors import ConflictError
from tripoint.domain.types import AlertState

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 120
SHARED, OWN = 25, 10

# Each keeps the same articles in an order of its own, and some that only it has; it begins when its input ends.
WRITER = """
import sys
from storage.articles import ArticleStore
from storage.database import open_database
from tests.storage.test_stores import keep
url, own = sys.argv[1], int(sys.argv[2])
store = ArticleStore(open_database(url))
print("ready", flush=True)
sys.stdin.read()
for number in range({shared}):
    keep(store, (number * 7 + own) % {shared})
for number in range({own}):
    keep(store, 1000 * own + number)
"""


@pytest.mark.parametrize("writers", [3])
def test_processes_that_write_at_once_keep_each_article_once(url: str, writers: int) -> None:
    database = open_database(url)
    code = WRITER.format(shared=SHARED, own=OWN)
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, url, str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        for number in range(1, writers + 1)
    ]
    try:
        for each in started:
            assert each.stdout is not None
            assert each.stdout.readline() == "ready\n"
        for each in started:
            assert each.stdin is not None
            each.stdin.close()
            each.stdin = None
        told = [each.communicate(timeout=DEADLINE_S)[1] for each in started]
        assert [each.returncode for each in started] == [0] * writers, told
    finally:
        for each in started:
            each.kill()
            each.wait()
    counts = ArticleStore(database).counts()
    assert (counts.articles, counts.revisions) == (SHARED + writers * OWN, SHARED + writers * OWN)
    stories = {each.story for each in ArticleStore(database).recent(1000)}
    assert AlertStore(database).counts()[AlertState.PENDING] == len(stories)
    assert len(SearchStore(database).find(SearchQuery("body", limit=1000)).hits) == counts.articles
    database.close()


@pytest.mark.one_database("SQLite has one writer at a time")
def test_writers_that_wait_for_each_other_both_get_through(postgres: str, tmp_path: Path) -> None:
    """Two write the same rows in opposite order: PostgreSQL ends one of them, and its writer does it again."""
    address = new_database(postgres, f"d{abs(hash(str(tmp_path)))}")
    first, second = open_database(address), open_database(address)
    with first.write() as connection:
        connection.execute(text("CREATE TABLE pair (id int PRIMARY KEY, value int)"))
        connection.execute(text("INSERT INTO pair VALUES (1, 0), (2, 0)"))
    both_hold_one = threading.Barrier(2)
    conflicts: list[ConflictError] = []

    def add(database: Database, order: tuple[int, int]) -> Callable[[], None]:
        tries = iter(range(10))

        def work() -> None:
            try:
                with database.write() as connection:
                    connection.execute(text("UPDATE pair SET value = value + 1 WHERE id = :id"), {"id": order[0]})
                    if next(tries) == 0:
                        both_hold_one.wait(DEADLINE_S)
                    connection.execute(text("UPDATE pair SET value = value + 1 WHERE id = :id"), {"id": order[1]})
            except ConflictError as error:
                conflicts.append(error)
                raise

        return work

    async def main() -> None:
        writers = Writer(), Writer()
        try:
            await asyncio.gather(writers[0].do(add(first, (1, 2))), writers[1].do(add(second, (2, 1))))
        finally:
            for each in writers:
                each.close()

    asyncio.run(main())
    with first.read() as connection:
        assert [tuple(row) for row in connection.execute(text("SELECT id, value FROM pair ORDER BY id"))] == [
            (1, 2),
            (2, 2),
        ]
    assert conflicts  # one, or more where the one that was ended began anew before the other was through
    for each in (first, second):
        each.close()
