"""A page that kills or hangs its reader is tried twice, then shown and left alone; all others are read as ever."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from storage.articles import ArticleStore
from storage.database import open_database
from storage.frontier import FrontierStore
from tests.house import House
from tests.newsroom import DeskOutlet, NewsroomThread
from tests.operation.poisoned import HANGS, KILLS
from tests.storage.test_stores import NOW, candidate
from tripoint.domain.types import Failure, Step

ROOT = Path(__file__).resolve().parents[2]


class Driven:
    """The house of `tests.operation.poisoned`, crawled when told."""

    def __init__(self, house: House) -> None:
        file = house.command("crawl")[-2]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.operation.poisoned", file],
            cwd=ROOT,
            env=house.environ(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def crawl(self, after_s: float) -> dict[str, int]:
        """Let time pass, then crawl what is due; returns the counted results."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{after_s}\n")
        self._process.stdin.flush()
        found: dict[str, int] = json.loads(self._process.stdout.readline())
        return found

    def end(self) -> None:
        """Let it end."""
        self._process.communicate(timeout=60)
        assert self._process.returncode == 0


def test_two_tries_then_quarantine_and_the_rest_unharmed(
    house: House, desk: list[DeskOutlet], room: NewsroomThread
) -> None:
    outlet = desk[1].outlet
    house.reads([(outlet, room.base(outlet.name))])
    house.settings["crawl"] |= {"extract_timeout_s": 3.0, "follow_links": "none", "revisit_h": []}
    articles = [each.page for each in desk[1].pages if each.kind == "article"]
    poison = {articles[0].path: KILLS, articles[1].path: HANGS}
    for page in articles[:2]:
        body = page.body(room.base(outlet.name)).replace(b"</body>", poison[page.path] + b"</body>")
        room.publish(outlet.name, replace(page, html=body))
    fetched = lambda: [room.count(outlet.name, path) for path in poison]  # noqa: E731
    driven = Driven(house)

    # All others are stored in the first pass, though two workers were lost in it.
    assert driven.crawl(0)["failures"] == 2
    stored = house.rows("select count(*) from articles")[0][0]
    assert stored == len(articles) - 2
    assert fetched() == [1, 1]
    assert house.json("sources", "quarantine") == []

    # The second try comes when it is due, and is the last one.
    assert driven.crawl(600)["failures"] == 2
    shown = house.json("sources", "quarantine")
    assert {(each["url"].removeprefix(room.base(outlet.name)), each["source"]) for each in shown} == {
        (path, outlet.name) for path in poison
    }
    reasons = " ".join(each["reason"] for each in shown)
    assert "longer than 3 s" in reasons
    assert "the worker that read it died" in reasons
    for _ in range(2):
        assert "failures" not in driven.crawl(12 * 3600)
    assert fetched() == [2, 2]

    # Mended and released by a person, a page is an article like any other.
    room.publish(outlet.name, articles[0])
    number = next(each["id"] for each in shown if each["url"].endswith(articles[0].path))
    assert house.json("sources", "quarantine", "--release", str(number)) == {"released": 1}
    driven.crawl(3600)
    assert fetched() == [3, 2]
    assert house.rows("select count(*) from articles") == [(stored + 1,)]
    assert len(house.json("sources", "quarantine")) == 1
    assert (
        "no page 99999 is under quarantine" in house.run("sources", "quarantine", "--release", "99999", code=2).stderr
    )
    driven.end()


def test_other_failures_do_not_count_and_a_release_begins_anew(url: str) -> None:
    database = open_database(url)
    frontier, articles = FrontierStore(database), ArticleStore(database)
    page = candidate(1)
    frontier.enter([page])
    poison = Failure(Step.EXTRACT, page.url, "the worker that read it died", retryable=True, is_poison=True)
    busy = Failure(Step.FETCH, page.url, "HTTP 503", retryable=True)
    for failure in (busy, poison, busy):
        articles.keep_failure(page, failure, NOW)
        assert frontier.states() == {"pending": 1}
    articles.keep_failure(page, poison, NOW)
    assert frontier.states() == {"quarantined": 1}
    (shown,) = frontier.quarantined(page.source)
    assert (shown.url, shown.since, frontier.quarantined("another")) == (page.url, NOW, [])
    assert frontier.release([shown.id, 99], NOW) == 1
    articles.keep_failure(page, poison, NOW)
    assert frontier.states() == {"pending": 1}
    database.close()
