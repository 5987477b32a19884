"""Forgetting: what goes, what stays, and that no address is forgotten with it; on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import text, update

from storage import pruning
from storage import tables as t
from storage.alerts import AlertStore
from storage.backfill import stored_pages
from storage.database import Database, open_database
from storage.feedback import FeedbackStore
from storage.frontier import FrontierStore
from storage.pruning import PruneStore, Wanted
from tests.house import House
from tests.newsroom import NewsroomThread
from tests.storage.test_search import NOW, database, find, judged, keep  # noqa: F401 - fixtures
from tests.storage.test_stores import alert
from tripoint.domain.types import AlertState, Candidate, Found

OLD, YOUNG = 400, 10


def put(database: Database, key: str, score: float, *, days: float, story: str = "") -> int:  # noqa: F811
    """Keep an article that was first seen so many days ago."""
    number = keep(database, key, f"Tập trận {key}", "Trực thăng Mi-35.", judged(score, "actor.x"))
    seen = {"first_seen_at": NOW - timedelta(days=days), "story": story or key}
    with database.write() as connection:
        connection.execute(update(t.articles).where(t.articles.c.id == number).values(seen))
    return number


@pytest.fixture
def mixed(database: Database) -> Database:  # noqa: F811
    """Return an archive with an article of each kind; only `dull` and `low` may go unasked."""
    put(database, "dull", 0.3, days=OLD)
    put(database, "low", 0.05, days=OLD)
    put(database, "fresh", 0.3, days=YOUNG)
    put(database, "relevant", 0.9, days=OLD)
    put(database, "told", 0.3, days=OLD)
    put(database, "waiting", 0.3, days=OLD)
    put(database, "beside", 0.3, days=OLD, story="relevant")
    put(database, "early", 0.3, days=OLD, story="fresh")
    judged_by_a_person = put(database, "judged", 0.3, days=OLD)
    FeedbackStore(database).record(judged_by_a_person, "t", relevant=False, note="", at=NOW)
    store = AlertStore(database)
    store.queue([alert("told"), alert("waiting")])
    with database.write() as connection:
        sent = update(t.alerts).where(t.alerts.c.story == "told").values(state=AlertState.SENT)
        connection.execute(sent)
        connection.execute(
            t.failures.insert().values(
                step="fetch", subject="x", source="a", reason="x", retryable=False, at=NOW - timedelta(days=OLD)
            )
        )
    return database


def stored(database: Database) -> list[str]:  # noqa: F811
    with database.read() as connection:
        titles = connection.scalars(text("SELECT title FROM articles"))
        return sorted(each.removeprefix("Tập trận ") for each in titles)


BEFORE = NOW - timedelta(days=180)
KEPT = ["beside", "early", "fresh", "judged", "relevant", "told", "waiting"]


def gone(database: Database, wanted: Wanted) -> dict[str, int]:  # noqa: F811
    """Forget, see that the count before was right, and return how many rows of each table went."""
    store = PruneStore(database)
    said = store.count(wanted)
    *_, last = store.prune(wanted)
    assert last == said
    return {table: rows for table, rows in last.items() if rows}


def test_what_nobody_was_told_of_goes_and_all_else_stays(mixed: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "_STORIES_AT_ONCE", 1)
    went = gone(mixed, Wanted(BEFORE))
    assert went.pop("failures") == 1
    assert went == {"articles": 2, "revisions": 2, "assessments": 2, "hits": 2, "search_docs": 2}
    assert stored(mixed) == KEPT
    assert gone(mixed, Wanted(BEFORE)) == {}


def test_only_what_scored_less(mixed: Database) -> None:
    gone(mixed, Wanted(BEFORE, below=0.1))
    assert stored(mixed) == sorted([*KEPT, "dull"])


def test_asked_for_it_takes_what_was_relevant_and_told_but_nothing_that_waits(mixed: Database) -> None:
    gone(mixed, Wanted(BEFORE, relevant_too=True))
    assert stored(mixed) == ["early", "fresh", "judged", "waiting"]
    with mixed.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM alerts")) == 2  # what was told is not told again


def test_the_index_of_search_follows(mixed: Database) -> None:
    assert len(find(mixed, "tap tran")) == 9
    gone(mixed, Wanted(BEFORE))
    assert len(find(mixed, "tap tran")) == 7
    with mixed.read() as connection:
        counts = [
            connection.scalar(text(f"SELECT count(*) FROM {each}"))  # noqa: S608
            for each in ("articles", "search_docs", "search_words")
        ]
    assert counts == [7, 7, 7]
    assert keep(mixed, "later", "Tập trận later", "x") > 0
    assert "later" in find(mixed, "tap tran")


def test_no_listing_makes_a_forgotten_article_new(mixed: Database) -> None:
    """Neither by the address that it had, nor by one that leads to the same page, nor by a search of the past."""
    gone(mixed, Wanted(BEFORE))
    frontier = FrontierStore(mixed)
    listed = [
        Candidate(url, "a", Found.FEED, NOW)
        for url in ("https://a.example/dull", "https://a.example/dull?utm_source=x", "https://a.example/low#top")
    ]
    assert frontier.enter(listed).new == 0
    with mixed.read() as connection:
        assert stored_pages(connection, ["https://a.example/dull"]) == {}
    assert not frontier.pending("a", NOW, 10)
    assert frontier.enter([Candidate("https://a.example/unknown", "a", Found.FEED, NOW)]).new == 1


def test_a_page_that_was_to_be_looked_at_again_is_not(mixed: Database) -> None:
    with mixed.write() as connection:
        again = (
            update(t.frontier).where(t.frontier.c.url == "https://a.example/dull").values(state="again", due_at=BEFORE)
        )
        connection.execute(again)
    gone(mixed, Wanted(BEFORE))
    assert not FrontierStore(mixed).pending("a", NOW, 10)


def test_it_may_be_stopped_at_any_time(mixed: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "_STORIES_AT_ONCE", 1)
    next(PruneStore(mixed).prune(Wanted(BEFORE)))
    assert len(stored(mixed)) == len(KEPT) + 1
    gone(mixed, Wanted(BEFORE))
    assert stored(mixed) == KEPT


@pytest.mark.one_database("what the verb asks and says; what it prunes is tested above")
def test_the_verb_asks_first_and_says_what_goes(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = open_database(house.database)
    put(opened, "dull", 0.3, days=OLD)
    put(opened, "relevant", 0.9, days=OLD)
    opened.close()
    asked = ("prune", "--older-than", "2026-06-01")
    assert "nobody can be asked here" in house.said(*asked)
    assert "name 7d or more" in house.said("prune", "--older-than", "1d", "--yes")
    assert "is no time" in house.said("prune", "--older-than", "soon", "--yes")
    tried = json.loads(house.said(*asked, "--dry-run", "--json"))
    assert (tried["dry_run"], tried["rows"]["articles"], tried["rows"]["hits"]) == (True, 1, 1)
    assert house.rows("SELECT count(*) FROM articles") == [(2,)]
    done = json.loads(house.said(*asked, "--yes", "--json"))
    assert done["rows"] == tried["rows"]
    assert "articles\t1" in house.said(*asked, "--relevant-too", "--yes")
    assert house.rows("SELECT count(*) FROM articles") == [(0,)]


@pytest.mark.one_database("a crawl of the whole house")
def test_a_crawl_after_it_fetches_and_tells_nothing_anew(reading_house: House, room: NewsroomThread) -> None:
    house = reading_house
    house.run("crawl", "--quiet")
    told = house.rows("SELECT count(*) FROM alerts WHERE state = 'sent'")
    assert told > [(0,)]
    stored_before = house.rows("SELECT count(*) FROM articles")
    with closing(sqlite3.connect(house.folder / "tripoint.db")) as connection:
        connection.execute("UPDATE articles SET first_seen_at = '2020-01-01 00:00:00.000000'")
        connection.execute("UPDATE listings SET etag = '', last_modified = ''")
        connection.commit()
    pruned = json.loads(house.said("prune", "--older-than", "2021-01-01", "--relevant-too", "--yes", "--json"))
    assert [(pruned["rows"]["articles"],)] == stored_before
    house.run("crawl", "--quiet")
    assert house.rows("SELECT count(*) FROM articles") == [(0,)]
    assert house.rows("SELECT count(*) FROM alerts WHERE state = 'sent'") == told
    assert house.rows("SELECT count(*) FROM frontier WHERE state IN ('pending', 'again')") == [(0,)]
