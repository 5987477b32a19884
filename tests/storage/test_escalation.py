"""A channel that stays down: what waits for it goes to another, once, and says why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from alerts.together import digest_alert
from storage.alerts import AlertStore
from storage.database import Database, open_database
from storage.digests import DigestStore
from storage.escalation import EscalationStore
from tests.storage.test_stores import keep
from tripoint.domain.digests import Period
from tripoint.domain.policies import Escalation, Policies, Quiet, Rule
from tripoint.domain.types import (
    Alert,
    AlertKey,
    AlertState,
    Delivery,
    Evidence,
    Outcome,
    Plan,
    QueuedAlert,
    Verdict,
)

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
AFTER = timedelta(minutes=15)
WAY = Escalation(("sms",), AFTER)
RULE = Rule("r", ("chat",), timedelta(hours=72), escalation=WAY)
POLICIES = Policies((RULE, Rule("silent", ("chat",), timedelta(hours=72))))


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = open_database(url)
    yield opened
    opened.close()


def alert(story: str, kind: str = "new", channel: str = "chat", rule: str = "r", plan: Plan = Plan()) -> Alert:  # noqa: B008 - frozen
    told = Evidence(f"Title {story}", "A", "https://a.example/", NOW, NOW, "en", "t", 0.9, 0.5, ())
    return Alert(AlertKey(story, rule, channel, kind), told, NOW, plan)


def fail(store: AlertStore, at: datetime, *, state: AlertState = AlertState.PENDING, rest_s: float = 600) -> int:
    """Try the next alert of the chat in vain; the channel rests."""
    (tried,) = store.claim(at, ["chat"], 1)
    outcome = Outcome.PERMANENT if state is AlertState.DEAD else Outcome.TRANSIENT
    until = at + timedelta(seconds=rest_s)
    resume_at = None if state is AlertState.DEAD else until
    delivery = Delivery(tried.id, tried.attempts + 1, at, outcome, "HTTP 503: down")
    return store.settle(delivery, state, until, resume_at, POLICIES)


def on(store: AlertStore, channel: str) -> list[QueuedAlert]:
    found = [each.queued for each in store.history() if each.queued.alert.key.channel == channel]
    return sorted(found, key=lambda each: each.id)


def test_what_waits_goes_to_the_second_channel_once_and_in_order(database: Database) -> None:
    store, escalation = AlertStore(database), EscalationStore(database)
    store.queue([alert("s"), alert("t", rule="silent")])
    store.queue([alert("s", "update:1")])
    fail(store, NOW)
    assert escalation.escalate(NOW + AFTER - timedelta(seconds=1), POLICIES) == 0
    assert escalation.escalate(NOW + AFTER, POLICIES) == 2
    store.queue([alert("later")])
    assert escalation.escalate(NOW + AFTER, POLICIES) == 1
    assert escalation.escalate(NOW + 9 * AFTER, POLICIES) == 0
    told = on(store, "sms")
    assert [(each.alert.key.story, each.alert.key.kind) for each in told] == [
        ("s", "new"),
        ("s", "update:1"),
        ("later", "new"),
    ]
    assert dict(told[0].alert.evidence.remarks[0].values) == {"channel": "chat", "since_at": NOW.isoformat()}
    assert [each.alert.key.kind for each in store.claim(NOW + AFTER, ["sms"], 9)] == ["new", "new"]


def test_a_restart_escalates_nothing_twice(url: str) -> None:
    first = open_database(url)
    AlertStore(first).queue([alert("s")])
    fail(AlertStore(first), NOW)
    assert EscalationStore(first).escalate(NOW + AFTER, POLICIES) == 1
    first.close()
    again = open_database(url)
    assert EscalationStore(again).escalate(NOW + 2 * AFTER, POLICIES) == 0
    assert len(on(AlertStore(again), "sms")) == 1
    again.close()


def test_a_channel_that_is_back_gets_its_own_too(database: Database) -> None:
    store, escalation = AlertStore(database), EscalationStore(database)
    store.queue([alert("s")])
    fail(store, NOW)
    escalation.escalate(NOW + AFTER, POLICIES)
    (own,) = store.claim(NOW + AFTER, ["chat"], 1)
    store.settle(Delivery(own.id, 2, NOW + AFTER, Outcome.ACCEPTED), AlertState.SENT, NOW + AFTER, None, POLICIES)
    store.queue([alert("after")])
    assert escalation.escalate(NOW + 3 * AFTER, POLICIES) == 0  # it works again
    (history,) = [each for each in store.history(story="s") if each.queued.id == own.id]
    assert history.escalated_at == NOW + AFTER
    assert store.escalated_to(own.id) == [(2, "sms")]


def test_instead_lets_go_only_what_the_other_accepted(database: Database) -> None:
    store, escalation = AlertStore(database), EscalationStore(database)
    instead = Policies((replace(RULE, escalation=replace(WAY, instead=True)),))
    store.queue([alert("s"), alert("t")])
    fail(store, NOW)
    escalation.escalate(NOW + AFTER, instead)
    copy, _ = store.claim(NOW + AFTER, ["sms"], 9)
    escalation.escalate(NOW + AFTER, instead)
    assert [each.state for each in on(store, "chat")] == [AlertState.PENDING] * 2
    store.settle(Delivery(copy.id, 1, NOW + AFTER, Outcome.ACCEPTED), AlertState.SENT, NOW + AFTER)
    escalation.escalate(NOW + AFTER, instead)
    assert [each.state for each in on(store, "chat")] == [AlertState.DROPPED, AlertState.PENDING]


def test_a_refusal_for_good_escalates_at_once(database: Database) -> None:
    store = AlertStore(database)
    store.queue([alert("s")])
    assert fail(store, NOW, state=AlertState.DEAD) == 1
    (told,) = on(store, "sms")
    assert told.alert.evidence.remarks[0].name == "given_up"
    assert ("answer", "HTTP 503: down") in told.alert.evidence.remarks[0].values
    # A new alert is tried on the channel first: it may have been that message's own fault.
    store.queue([alert("t")])
    assert EscalationStore(database).escalate(NOW + 9 * AFTER, POLICIES) == 0
    # What was escalated is not escalated again when the second channel gives it up, nor is what waited before.
    (copy,) = store.claim(NOW, ["sms"], 1)
    gone = Delivery(copy.id, 1, NOW, Outcome.PERMANENT, "550")
    assert store.settle(gone, AlertState.DEAD, NOW, None, POLICIES) == 0


def test_quiet_hours_and_digests_hold_and_then_escalate(database: Database) -> None:
    store, escalation = AlertStore(database), EscalationStore(database)
    quiet = Policies((replace(RULE, quiet=Quiet(time(22), time(7), "UTC")),))
    night = NOW + timedelta(hours=15)
    store.queue([alert("s", plan=Plan(NOW + timedelta(hours=23))), alert("d", plan=Plan(NOW, Period.HOURLY))])
    store.queue([alert("now")])
    fail(store, NOW)
    assert escalation.escalate(night, quiet) == 1
    (told,) = on(store, "sms")
    assert (told.alert.key.story, told.next_attempt_at) == ("now", NOW + timedelta(hours=23))
    DigestStore(database).flush(night, lambda held: digest_alert(held, None, night))
    assert escalation.escalate(night, quiet) == 1
    assert on(store, "sms")[1].alert.digest is not None
    assert escalation.escalate(NOW + timedelta(hours=23), quiet) == 1


def test_who_knows_it_already_is_not_told_again_and_the_record_says_who_was(database: Database) -> None:
    from storage.articles import ArticleStore

    articles, store = ArticleStore(database), AlertStore(database)
    kept = keep(articles, 1)
    story, url = kept.placement.story, "https://a.example/1"
    stored = articles.get(kept.article_id)
    assert stored is not None
    url = stored.article.url
    store.drop(store.chosen([], [AlertState.PENDING]))
    own = alert(story, "update:x")
    store.queue(
        [
            replace(own, evidence=replace(own.evidence, url=url)),
            alert("told"),
            alert("told", channel="sms", rule="silent"),
        ]
    )
    fail(store, NOW)
    assert EscalationStore(database).escalate(NOW + AFTER, POLICIES) == 1
    (why,) = [each.ruling for each in store.rulings(kept.article_id) if each.ruling.verdict is Verdict.ESCALATED]
    assert (why.rule, why.channel) == ("r", "sms")
    assert why.detail == "chat has accepted nothing since 2026-11-24 08:00 UTC"


def test_what_the_house_tells_escalates_by_the_files_own_key(database: Database) -> None:
    store = AlertStore(database)
    store.queue([alert("source:x", "health", rule="health")])
    fail(store, NOW)
    assert EscalationStore(database).escalate(NOW + AFTER, POLICIES) == 0
    assert EscalationStore(database).escalate(NOW + AFTER, Policies((), WAY)) == 1
