"""The outbox: order within a story, limits, digests, and channels that rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from sqlalchemy import delete, insert

from alerts.past import summary_alerts
from alerts.together import digest_alert
from storage import tables as t
from storage.alerts import AlertStore
from storage.articles import ArticleStore
from storage.backfill import BackfillStore
from storage.database import Database, open_database
from storage.digests import DigestStore
from tests.storage.test_stores import keep
from tripoint.domain.digests import Period
from tripoint.domain.policies import Schedule, next_digest
from tripoint.domain.types import Alert, AlertKey, AlertState, Delivery, Evidence, Outcome, Plan, Verdict

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
LATER = NOW + timedelta(hours=2)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = open_database(url)
    yield opened
    opened.close()


def alert(story: str, kind: str = "new", plan: Plan = Plan(), rule: str = "r") -> Alert:  # noqa: B008 - frozen
    told = Evidence(f"Title {story}", "A", "https://a.example/", NOW, NOW, "en", "t", 0.9, 0.5, ())
    return Alert(AlertKey(story, rule, "c", kind), told, NOW, plan)


def claimed(store: AlertStore, now: datetime) -> list[tuple[int, str]]:
    return [(each.id, each.alert.key.kind) for each in store.claim(now, ["c"], 9)]


def test_an_update_waits_for_its_first_alert_and_no_longer(database: Database) -> None:
    store = AlertStore(database)
    store.queue([alert("s")])
    store.queue([alert("s", "update:1"), alert("other")])
    assert [kind for _, kind in claimed(store, NOW)] == ["new", "new"]
    store.settle(Delivery(1, 1, NOW, Outcome.TRANSIENT, "503"), AlertState.PENDING, NOW + timedelta(minutes=30))
    assert claimed(store, NOW + timedelta(minutes=5)) == []
    assert store.drop([1]) == 1
    assert [kind for _, kind in claimed(store, NOW + timedelta(minutes=5))] == ["update:1"]


def test_a_channel_rests_as_long_as_it_was_told(database: Database) -> None:
    store = AlertStore(database)
    store.queue([alert("a"), alert("b")])
    (first,) = store.claim(NOW, ["c"], 1)
    until = NOW + timedelta(minutes=10)
    store.settle(Delivery(first.id, 1, NOW, Outcome.TRANSIENT, "429"), AlertState.PENDING, until, until)
    assert claimed(store, NOW + timedelta(minutes=9)) == []
    assert store.next_due(["c"]) == until
    assert len(claimed(store, until)) == 2


def test_what_is_over_the_limit_is_told_together(database: Database) -> None:
    store = AlertStore(database)
    queued = store.queue([alert(str(each), plan=Plan(None, None, 2, 3600)) for each in range(5)])
    assert [each.verdict for each in queued.rulings] == [Verdict.QUEUED] * 2 + [Verdict.LIMITED] * 3
    digests = DigestStore(database)
    assert digests.flush(NOW, lambda held: digest_alert(held, None, NOW)) == 0
    assert digests.flush(LATER, lambda held: digest_alert(held, None, LATER)) == 1
    (told,) = [each for each in store.claim(LATER, ["c"], 9) if each.alert.digest]
    assert told.alert.digest is not None
    assert (told.alert.digest.period, told.alert.digest.stories) == (Period.OVERFLOW, 3)
    assert store.told_in(told.id) == [3, 4, 5]
    assert digests.flush(LATER, lambda held: digest_alert(held, None, LATER)) == 0


def test_a_fresh_report_takes_a_story_out_of_the_summary(database: Database) -> None:
    store = AlertStore(database)
    store.queue([alert("s", plan=Plan(LATER, Period.OLD)), alert("t", plan=Plan(LATER, Period.OLD))])
    (ruling,) = store.queue([alert("s")]).rulings
    assert ruling.verdict is Verdict.QUEUED
    assert claimed(store, NOW) == [(1, "new")]
    assert DigestStore(database).flush(NOW, lambda held: digest_alert(held, None, NOW), old_too=True) == 1


def test_a_channel_hears_a_story_by_the_first_rule(database: Database) -> None:
    store = AlertStore(database)
    queued = store.queue([alert("s"), alert("s", rule="second")])
    assert [each.verdict for each in queued.rulings] == [Verdict.QUEUED, Verdict.KNOWN]
    assert queued.number == 1


def test_what_is_tried_again_by_hand_gets_the_whole_patience_once_more(database: Database) -> None:
    """Trap: attempts are numbered on, and one more failure gave it up again at once."""
    store = AlertStore(database)
    store.queue([alert("s")])
    for attempt in (1, 2, 3):
        at = NOW + timedelta(minutes=attempt)
        (claim,) = store.claim(at, ["c"], 1)
        assert (claim.attempts, claim.tries) == (attempt - 1, attempt - 1)
        state = AlertState.DEAD if attempt == 3 else AlertState.PENDING
        store.settle(Delivery(claim.id, attempt, at, Outcome.TRANSIENT, "503"), state, at)
    assert store.requeue([1], LATER) == 1
    for tries in (0, 1):
        (claim,) = store.claim(LATER, ["c"], 1)
        assert (claim.attempts, claim.tries) == (3 + tries, tries)
        store.settle(Delivery(claim.id, 4 + tries, LATER, Outcome.TRANSIENT, "503"), AlertState.PENDING, LATER)
    (history,) = store.history()
    assert [each.attempt for each in history.deliveries] == [1, 2, 3, 4, 5]


def test_an_update_that_pierces_quiet_hours_takes_the_first_alert_along(database: Database) -> None:
    store = AlertStore(database)
    until = NOW + timedelta(hours=6)
    store.queue([alert("s", plan=Plan(until)), alert("other", plan=Plan(until))])
    assert claimed(store, NOW) == []
    (ruling,) = store.queue([alert("s", "update:1")]).rulings
    assert ruling.verdict is Verdict.QUEUED
    assert claimed(store, NOW) == [(1, "new")]  # the first, and the update after it
    store.settle(Delivery(1, 1, NOW, Outcome.ACCEPTED, "ok"), AlertState.SENT, NOW)
    assert claimed(store, NOW) == [(3, "update:1")]
    assert claimed(store, NOW) == []
    assert claimed(store, until) == [(2, "new")]  # the other story is held as before


def test_an_update_that_quiet_hours_hold_hurries_nothing(database: Database) -> None:
    store = AlertStore(database)
    until = NOW + timedelta(hours=6)
    store.queue([alert("s", plan=Plan(until))])
    (ruling,) = store.queue([alert("s", "update:1", Plan(until))]).rulings
    assert (ruling.verdict, ruling.until) == (Verdict.QUIET, until)
    assert claimed(store, NOW) == []
    assert [kind for _, kind in claimed(store, until)] == ["new"]


@pytest.mark.parametrize(
    ("schedule", "due", "next_due"),
    [
        (Schedule(Period.HOURLY, "UTC"), "2026-11-24T09:00", "2026-11-24T10:00"),
        (Schedule(Period.DAILY, "Asia/Ho_Chi_Minh", time(16)), "2026-11-24T09:00", "2026-11-25T09:00"),
        (Schedule(Period.WEEKLY, "Asia/Karachi", time(7), 4), "2026-11-27T02:00", "2026-12-04T02:00"),
    ],
)
def test_a_digest_tells_together_what_was_held_and_leaves_what_came_later(
    database: Database, schedule: Schedule, due: str, next_due: str
) -> None:
    at, later = (datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (due, next_due))
    store, digests = AlertStore(database), DigestStore(database)

    def flush(now: datetime) -> int:
        return digests.flush(now, lambda held: digest_alert(held, None, now))

    held = [alert(each, plan=Plan(next_digest(schedule, NOW), schedule.period)) for each in ("a", "b")]
    assert [each.verdict for each in store.queue(held).rulings] == [Verdict.DIGEST] * 2
    assert flush(at - timedelta(seconds=1)) == 0
    assert claimed(store, at) == []
    store.queue([alert("c", plan=Plan(next_digest(schedule, at), schedule.period))])
    assert flush(at) == 1
    (first,) = store.claim(at, ["c"], 9)
    assert first.alert.digest is not None
    assert (first.alert.digest.period, first.alert.digest.stories) == (schedule.period, 2)
    assert store.told_in(first.id) == [1, 2]
    assert flush(at) == flush(later - timedelta(seconds=1)) == 0
    assert flush(later) == 1
    (second,) = store.claim(later, ["c"], 9)
    assert store.told_in(second.id) == [3]


def test_old_news_that_a_search_of_the_past_told_is_not_told_again_by_the_rules(database: Database) -> None:
    store, article = AlertStore(database), keep(ArticleStore(database))
    story, old = article.placement.story, Plan(LATER, Period.OLD)
    with database.write() as connection:
        connection.execute(insert(t.backfill_jobs).values(id=7, key="k", asked={}, began_at=NOW, told_at=None))
        window = {"job_id": 7, "provider": "archive", "query": "", "state": "done"}
        connection.execute(insert(t.backfill_windows).values(id=1, start=NOW, until=NOW, **window))
        find = {"job_id": 7, "window_id": 1, "page": "p", "url": "u", "state": "page", "was_known": False}
        connection.execute(insert(t.backfill_finds).values(article_id=article.article_id, **find))
    assert [each.verdict for each in store.queue([alert(story, plan=old)]).rulings] == [Verdict.TOO_OLD]  # not yet told
    with database.write() as connection:
        connection.execute(delete(t.alerts))
    told = summary_alerts(7, "Search", ["a line"], "https://a.example/", ["c"], LATER)
    assert BackfillStore(database).tell(7, told, LATER) == 1
    (ruling,) = store.queue([alert(story, plan=old)]).rulings
    assert (ruling.verdict, ruling.detail) == (
        Verdict.KNOWN,
        f"story {story} was told there in the summary of a search of the past",
    )
    other = replace(alert(story, plan=old), key=AlertKey(story, "r", "not-there-then", "new"))
    assert [each.verdict for each in store.queue([alert("unknown", plan=old), other]).rulings] == [
        Verdict.TOO_OLD,
        Verdict.TOO_OLD,
    ]
    assert [each.verdict for each in store.queue([alert(story)]).rulings] == [Verdict.QUEUED]  # what is fresh is news
