"""Several processes write at once: each article is there once, is told once, and is found."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from storage.alerts import AlertStore
from storage.articles import ArticleStore
from storage.database import open_database
from storage.search import SearchQuery, SearchStore
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
