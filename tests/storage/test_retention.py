"""Forgetting by age: what is old goes a few rows at a time; articles, what is relevant and what is to come stay."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from storage import retention
from storage import tables as t
from storage.alerts import AlertStore
from storage.articles import ArticleStore
from storage.database import Database, open_database
from storage.feedback import FeedbackStore
from storage.frontier import FrontierStore
from storage.retention import RetentionStore
from tests.storage.test_stores import NOW, alert, candidate, keep
from tripoint.app.retention import forget
from tripoint.app.settings import Settings, load_settings
from tripoint.app.writer import Writer
from tripoint.domain.types import AlertState, Delivery, Failure, Found, Outcome, Step

LATER = NOW + timedelta(days=1000)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """Open an empty database."""
    opened = open_database(url)
    yield opened
    opened.close()


def count(database: Database, table: Any) -> int:
    with database.read() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def run(database: Database, settings: Settings, now: Any = LATER) -> str:
    async def begin() -> str:
        with closing(Writer()) as writer:
            return await forget(settings, writer, RetentionStore(database), now, asyncio.Event())

    return asyncio.run(begin())


def fill(database: Database) -> None:
    """Store three articles with a page each, of which one is relevant and one was called so by a reader."""
    store = ArticleStore(database)
    for number in (1, 2, 3):
        keep(store, number)
        row = {
            "article_id": number,
            "revision": 1,
            "url": "u",
            "status": 200,
            "headers": [],
            "body": b"x",
            "sha256": "s",
        }
        with database.write() as connection:
            connection.execute(insert(t.evidence).values(**row, size=1, fetched_at=NOW))
    with database.write() as connection:
        connection.execute(update(t.assessments).where(t.assessments.c.article_id > 1).values(relevant=False))
        connection.execute(
            insert(t.failures).values(step="fetch", subject="u", source="a", reason="", retryable=True, at=NOW)
        )
        connection.execute(
            insert(t.coverage).values(url="l", source="a", start=NOW, until=NOW, is_seen=True, reason="")
        )
    FeedbackStore(database).record(3, "t", relevant=True, note="", at=NOW)


def test_what_is_old_goes_and_what_proves_something_or_is_to_come_stays(database: Database) -> None:
    fill(database)
    frontier, outbox = FrontierStore(database), AlertStore(database)
    frontier.enter([candidate(9), replace(candidate(8), found_by=Found.BACKFILL)])
    ArticleStore(database).keep_failure(
        replace(candidate(8), found_by=Found.BACKFILL), Failure(Step.FETCH, "u", "gone", retryable=False), NOW
    )
    outbox.queue([alert("told"), alert("waits", "d")])
    told, waits = (outbox.history(story=each)[0].queued.id for each in ("told", "waits"))
    outbox.settle(Delivery(told, 1, NOW, Outcome.TRANSIENT, "421"), AlertState.PENDING, NOW)
    outbox.settle(Delivery(told, 2, NOW, Outcome.ACCEPTED, "250"), AlertState.SENT, NOW)
    outbox.settle(Delivery(waits, 1, NOW, Outcome.TRANSIENT, "421"), AlertState.PENDING, NOW)
    settings = load_settings(None, {}, {})
    assert run(database, settings, NOW + timedelta(days=1)) == ""
    said = run(database, settings)
    assert said.startswith("forgotten: 1 pages of evidence, 3 addresses, ")
    assert "2 attempts to deliver" in said
    assert "1 stretches of coverage" in said
    assert run(database, settings) == ""
    assert count(database, t.articles) == 3
    assert count(database, t.evidence) == 2  # of the relevant one, and of the one that a reader called so
    assert frontier.states() == {"pending": 1, "failed": 1}  # what is to come, and what a search of the past counts
    assert count(database, t.deliveries) == 1
    assert {each.queued.state for each in outbox.history()} >= {AlertState.SENT, AlertState.PENDING}
    assert frontier.enter([candidate(1)]).new == 0  # an article is known by itself


def test_nothing_is_forgotten_where_the_settings_say_for_ever(database: Database) -> None:
    fill(database)
    for_ever = {f"{each}_days": 0 for each in ("evidence", "frontier", "failures", "attempts", "decisions", "coverage")}
    assert run(database, load_settings(None, {"retention": for_ever}, {})) == ""
    pages = load_settings(None, {"retention": for_ever, "evidence": {"keep_days": 30}}, {})
    assert run(database, pages) == "forgotten: 3 old pages of evidence"


def test_much_is_forgotten_in_many_short_steps(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CHUNK", 2)
    with database.write() as connection:
        for number in range(5):
            connection.execute(
                insert(t.failures).values(
                    step="fetch", subject=f"{number}", source="a", reason="", retryable=True, at=NOW
                )
            )
    store = RetentionStore(database)
    step = store.forget("failures", LATER)
    assert (step.rows, count(database, t.failures)) == (2, 3)
    assert "5 failures" not in run(database, load_settings(None, {}, {}))
    assert count(database, t.failures) == 0
