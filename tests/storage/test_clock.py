"""A clock that was ahead and is set back: what it planned comes near again, in its order, and nothing is asked at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from storage.alerts import AlertStore
from storage.clock import rewind
from storage.coverage import CoverageStore
from storage.database import Database, open_database
from storage.frontier import FrontierStore
from tests.storage.test_stores import NOW, alert, candidate
from tripoint.domain.types import Found, Plan, Poll, PollStatus

AHEAD = timedelta(hours=5)
LISTING, SLOW = "https://a.example/rss", "https://b.example/rss"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """Open an empty database."""
    opened = open_database(url)
    yield opened
    opened.close()


def visit(frontier: FrontierStore, url: str, at: timedelta, retry_after_s: float | None = None) -> None:
    poll = Poll(url, "a", Found.FEED, NOW + at, PollStatus.READ, listed=1)
    if retry_after_s:
        poll = replace(poll, status=PollStatus.FAILED, error="HTTP 429", retry_after_s=retry_after_s)
    frontier.record_poll(poll, [] if retry_after_s else [replace(candidate(), found_at=NOW + at)])


def test_listings_pages_and_alerts_do_not_wait_for_the_old_time(database: Database) -> None:
    frontier, outbox = FrontierStore(database), AlertStore(database)
    visit(frontier, LISTING, AHEAD - timedelta(minutes=5))
    visit(frontier, LISTING, AHEAD)
    visit(frontier, SLOW, AHEAD, retry_after_s=3600.0)
    frontier.hold("c.example", NOW + AHEAD + timedelta(minutes=20), "HTTP 429")
    outbox.queue([replace(alert("s"), queued_at=NOW + AHEAD)])
    tomorrow = Plan(NOW + AHEAD + timedelta(hours=9))
    outbox.queue([replace(alert("quiet", "night"), queued_at=NOW + AHEAD, plan=tomorrow)])
    both = [LISTING, SLOW]
    assert frontier.due(both, NOW + timedelta(hours=1)) == []

    assert rewind(database, NOW) == AHEAD
    assert rewind(database, NOW) == timedelta(0)
    assert frontier.due(both, NOW) == []  # no burst: each waits its own time from now on
    assert frontier.due(both, NOW + timedelta(minutes=31)) == [LISTING]
    assert frontier.due(both, NOW + timedelta(minutes=59), at_once=True) == [LISTING]  # what a server asked for holds
    assert frontier.due(both, NOW + timedelta(minutes=61)) == [LISTING, SLOW]
    assert set(frontier.held(NOW + timedelta(minutes=19))) == {"c.example"}
    assert not frontier.held(NOW + timedelta(minutes=21))
    assert [each.url for each in frontier.pending("a", NOW, 9)] == [candidate().url]
    assert [each.alert.key.story for each in outbox.claim(NOW, ["c", "night"], 9)] == ["s"]
    assert outbox.next_due(["night"]) == tomorrow.due_at  # a time of the day is the clock's
    spans = CoverageStore(database).since(NOW - timedelta(days=1))["a"]
    assert all(each.until <= NOW for each in spans)
    visit(frontier, LISTING, timedelta(minutes=10))
    assert frontier.due([LISTING], NOW + timedelta(minutes=11)) == []


def test_clocks_that_differ_a_little_move_nothing(database: Database) -> None:
    frontier = FrontierStore(database)
    visit(frontier, LISTING, timedelta(minutes=9))
    assert rewind(database, NOW) == timedelta(0)
