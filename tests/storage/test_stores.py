"""The stores on SQLite and on a real PostgreSQL: one transaction an article, each alert once, no lost lock."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event

from storage import tables
from storage.alerts import AlertStore
from storage.articles import MAX_ATTEMPTS, ArticleStore
from storage.database import Database, migration_config, newest_version, open_database, pragma
from storage.frontier import FrontierStore
from storage.lock import instance_lock
from storage.search_index import is_compared
from tripoint.app.seeds import load_seeds
from tripoint.domain.cadence import Pace
from tripoint.domain.errors import BusyError, StorageError
from tripoint.domain.types import (
    Alert,
    AlertKey,
    AlertState,
    Article,
    Assessment,
    Candidate,
    Clues,
    Decision,
    Delivery,
    Evidence,
    Failure,
    Found,
    Hit,
    Known,
    Marked,
    Outcome,
    Placement,
    PlacementKind,
    Poll,
    PollStatus,
    Step,
    Validators,
    Zone,
)
from tripoint.stories.placement import Place, Placer

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)

SEEDS = load_seeds()
PLACER = Placer(SEEDS.glossary, SEEDS.grouping, SEEDS.wires, {})


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """Open an empty database."""
    opened = open_database(url)
    yield opened
    opened.close()


def candidate(number: int = 1) -> Candidate:
    return Candidate(f"https://a.example/{number}", "a", Found.FEED, NOW, f"T{number}")


def article(number: int = 1, text: str = "Body.", hash_: str = "") -> Article:
    url = f"https://a.example/{number}"
    moment = datetime(2026, 11, 24, 15, 15, tzinfo=timezone(timedelta(hours=7)))
    return Article(url, url, f"T{number}", text, moment, "en", ("A. B.",), "A", "a", hash_ or f"h{number}{text}", NOW)


def alert(story: str, channel: str = "c") -> Alert:
    evidence = Evidence("T", "A", "https://a.example/1", None, NOW, "en", "t", 0.9, 0.5, (Marked("ab", ((0, 1),)),))
    return Alert(AlertKey(story, "relevant", channel, "new"), evidence, NOW)


def decide_for(page: Article, place: Place) -> Any:
    hits = tuple(Hit("actor.x", "actor", Zone.TEXT, "B", 0, 1, 0) for _ in range(3))
    judged = Assessment("t", "v", 0.9, 0.5, True, (("actor", 1),), hits)

    def decide(known: Known) -> Decision:
        placement = place(known)
        return Decision(placement, (judged,), (alert(placement.story),))

    return decide


def keep(store: ArticleStore, number: int = 1, **kwargs: str) -> Any:
    page = article(number, **kwargs)
    clues, place = PLACER.recognise(page, frozenset(), NOW, is_grouped=False)
    return store.keep(candidate(number), page, clues, decide_for(page, place))


def test_an_article_is_kept_once_revised_and_told_once(database: Database) -> None:
    store = ArticleStore(database)
    first, again, revised = keep(store), keep(store), keep(store, text="Body, corrected.")
    copy = keep(store, number=2, hash_="h1Body, corrected.")
    assert [each.placement.kind for each in (first, again, revised, copy)] == [
        "new",
        "duplicate",
        "revision",
        "duplicate",
    ]
    assert [each.alerts_queued for each in (first, again, revised, copy)] == [1, 0, 0, 0]
    counts = store.counts()
    assert (counts.articles, counts.revisions, counts.relevant) == (2, 3, 2)
    stored = store.get(first.article_id)
    assert stored is not None
    assert stored.article.published == datetime(2026, 11, 24, 8, 15, tzinfo=UTC)
    assert stored.article.published.tzinfo is UTC
    assert len(stored.assessments[0].hits) == 3
    assert [text for _, _, text in store.revisions(first.article_id)] == ["Body.", "Body, corrected."]


def test_what_fails_half_way_leaves_nothing(database: Database) -> None:
    store, frontier = ArticleStore(database), FrontierStore(database)
    frontier.record_poll(Poll("l", "a", Found.FEED, NOW, PollStatus.READ, Validators("e", "m"), 1), [candidate()])

    def decide(known: Known) -> Decision:
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        store.keep(candidate(), article(), Clues(), decide)
    bad = Decision(Placement("s", PlacementKind.NEW), (), (alert("s"), "no alert"))  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        store.keep(candidate(), article(), Clues(), lambda _known: bad)
    assert store.counts().articles == 0
    assert AlertStore(database).counts()[AlertState.PENDING] == 0
    assert [each.url for each in frontier.pending("a", NOW, 9)] == [candidate().url]


def test_the_frontier_forgets_nothing_and_repeats_nothing(database: Database) -> None:
    store, frontier = ArticleStore(database), FrontierStore(database)
    read = Poll("l", "a", Found.FEED, NOW, PollStatus.READ, Validators("e", "m"), 2)
    assert frontier.record_poll(read, [candidate(1), candidate(2)]).new == 2
    assert frontier.record_poll(read, [candidate(1), candidate(2)]).new == 0
    assert frontier.validators("l") == Validators("e", "m")
    frontier.record_poll(Poll("l", "a", Found.FEED, NOW, PollStatus.FAILED, error="HTTP 500"), [])
    assert frontier.validators("l") == Validators()  # a whole answer is asked for: 304 would be no recovery
    keep(store, 1)
    assert [each.url for each in frontier.pending("a", NOW, 9)] == [candidate(2).url]
    tracked = Candidate("https://www.a.example/1?utm_source=x", "a", Found.FEED, NOW)
    assert frontier.record_poll(read, [tracked]).new == 0
    store.keep_failure(candidate(2), Failure(Step.FETCH, "u", "HTTP 503", retryable=True, retry_after_s=100), NOW)
    assert frontier.pending("a", NOW, 9) == []
    assert len(frontier.pending("a", NOW + timedelta(seconds=101), 9)) == 1
    for _ in range(MAX_ATTEMPTS - 1):
        store.keep_failure(candidate(2), Failure(Step.FETCH, "u", "HTTP 503", retryable=True), NOW)
    assert frontier.pending("a", NOW + timedelta(days=9), 9) == []
    assert frontier.states()["failed"] == 1


def test_what_is_due_comes_in_the_order_of_its_rhythm(database: Database) -> None:
    frontier = FrontierStore(database, Pace(first_s=600, shortest_s=60, longest_s=7200))
    for url, new in (("quiet", 0), ("busy", 20), ("later", 20)):
        for hours in (5, 4):
            read = Poll(url, "a", Found.FEED, NOW - timedelta(hours=hours), PollStatus.READ, listed=40)
            if url == "later" and hours == 4:
                read = replace(read, status=PollStatus.FAILED, retry_after_s=5 * 3600)
            frontier.record_poll(read, [candidate(hours * 1000 + each) for each in range(new)])
    assert frontier.due(["quiet", "later", "never-read", "busy"], NOW) == ["busy", "never-read", "quiet"]
    assert frontier.due(["busy", "later"], NOW, at_once=True) == ["busy"]
    many = [
        "later",
        *(f"other-{each}" for each in range(600)),
        "later",
    ]  # one feed of two sources, asked for in two parts
    assert "later" not in frontier.due(many, NOW)


def test_the_outbox_hands_out_each_alert_once(database: Database) -> None:
    keep(ArticleStore(database))
    outbox = AlertStore(database)
    assert outbox.claim(NOW - timedelta(seconds=1), ["c"], 9) == []
    assert outbox.claim(NOW, ["other"], 9) == []
    (claimed,) = outbox.claim(NOW, ["c"], 9)
    assert claimed.alert.evidence.sentences == (Marked("ab", ((0, 1),)),)
    assert outbox.claim(NOW, ["c"], 9) == []
    assert outbox.release(NOW) == 1
    (claimed,) = outbox.claim(NOW, ["c"], 9)
    assert (claimed.attempts, claimed.tries) == (1, 1)
    later = NOW + timedelta(seconds=30)
    outbox.settle(Delivery(claimed.id, 2, NOW, Outcome.TRANSIENT, "no"), AlertState.PENDING, later)
    assert outbox.next_due(["c"]) == later
    (claimed,) = outbox.claim(later, ["c"], 9)
    outbox.settle(Delivery(claimed.id, 3, later, Outcome.ACCEPTED, "ok"), AlertState.SENT, later)
    (history,) = outbox.history()
    assert history.sent_at == later
    assert [each.outcome for each in history.deliveries] == [Outcome.TRANSIENT, Outcome.TRANSIENT, Outcome.ACCEPTED]
    assert history.deliveries[0].detail.startswith("cut off: the process ended")


def test_many_writers_never_find_it_locked(url: str) -> None:
    """Trap: under a deferred BEGIN, reading and then writing failed three times in four."""
    opened = [open_database(url) for _ in range(4)]
    errors: list[BaseException] = []

    def work(number: int, database: Database) -> None:
        try:
            for each in range(15):
                keep(ArticleStore(database), number * 100 + each)
        except BaseException as error:  # noqa: BLE001 - carried to the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=work, args=each) for each in enumerate(opened)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert errors == []
    assert ArticleStore(opened[0]).counts().articles == 60
    for each in opened:
        each.close()


def test_migrations_and_tables_agree(database: Database) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False, "include_name": is_compared})
        assert compare_metadata(context, tables.metadata) == []


def test_text_that_a_database_refuses_keeps_its_length(database: Database) -> None:
    kept = keep(ArticleStore(database), text="a\x00b\ud800c", hash_="h")
    stored = ArticleStore(database).get(kept.article_id)
    assert stored is not None
    assert stored.article.text == "a\ufffdb\ufffdc"


def test_a_naive_time_is_refused(database: Database) -> None:
    naive = Candidate("u", "a", Found.FEED, datetime(2026, 1, 1))  # noqa: DTZ001 - the mistake under test
    poll = Poll("l", "a", Found.FEED, NOW, PollStatus.READ)
    with pytest.raises(Exception, match="naive time"):
        FrontierStore(database).record_poll(poll, [Candidate("https://a.example/9", "a", Found.FEED, naive.found_at)])


def test_a_second_holder_is_refused_until_the_first_is_gone(url: str) -> None:
    with instance_lock(url), pytest.raises(BusyError, match="works on this database"), instance_lock(url):
        pass
    with instance_lock(url):
        pass


@pytest.mark.one_database("a setting of SQLite")
def test_sqlite_is_in_wal_mode(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'new' / 'x.db'}")
    assert pragma(database, "journal_mode") == "wal"
    assert pragma(database, "foreign_keys") == 1
    database.close()


@pytest.mark.one_database("SQLite can be told how many pages a disk has")
def test_a_full_disk_is_told_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'x.db'}")
    store = ArticleStore(database)
    keep(store)
    pages = pragma(database, "page_count")
    limits = [f"PRAGMA max_page_count = {pages}", "PRAGMA max_page_count = 1000000"]
    event.listen(database._engine, "begin", lambda connection: connection.exec_driver_sql(limits[0]))
    with pytest.raises(StorageError, match=r"full — free some space"):
        for number in range(2, 200):
            keep(store, number, text="x" * 5000)
    limits.pop(0)
    keep(store, 500, text="x" * 5000)
    counts = store.counts()
    assert counts.articles == counts.revisions == counts.relevant
    database.close()


@pytest.mark.one_database("a server looks after its own files")
@pytest.mark.parametrize("content", [b"this is not a database at all, " * 40])
def test_a_file_that_is_no_database_is_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(content)
    with pytest.raises(StorageError, match="not a database"):
        open_database(f"sqlite:///{tmp_path / 'x.db'}")


def test_a_newer_database_is_refused(url: str) -> None:
    database = open_database(url)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    with pytest.raises(StorageError, match="newer Tripoint"):
        open_database(url)


@pytest.mark.one_database("no database")
def test_the_newest_version_is_the_head_of_the_migrations() -> None:
    assert newest_version() == ScriptDirectory.from_config(migration_config()).get_current_head()


def test_a_database_that_is_ready_opens_without_the_migrations_library(url: str) -> None:
    open_database(url).close()
    script = f"import sys; from storage.database import open_database; open_database({url!r}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "sqlalchemy" in done.stdout.split()
    assert "alembic" not in done.stdout.split()
