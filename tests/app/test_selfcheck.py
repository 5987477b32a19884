"""The self-check: what is wrong is found on both databases, and told once, and once when it is well again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts.operator import check_alerts
from storage.upkeep import check_whole
from tests.storage.test_stores import alert
from tripoint.app.seeds import Seeds, load_seeds
from tripoint.app.selfcheck import examine
from tripoint.app.settings import Settings, load_settings
from tripoint.app.wiring import Stores, opened_stores
from tripoint.domain.checks import Check, summary
from tripoint.domain.errors import StorageError
from tripoint.domain.service import JobResult, JobRun
from tripoint.domain.types import AlertState, Delivery, Found, Outcome, Poll, PollStatus

NOW = datetime.now(UTC)
BEGUN = NOW - timedelta(days=1)


@pytest.fixture(scope="module")
def seeds() -> Seeds:
    return load_seeds()


@pytest.fixture
def settings(url: str) -> Settings:
    return load_settings(None, {"database": {"url": url}}, {})


@pytest.fixture
def stores(settings: Settings) -> Iterator[Stores]:
    with opened_stores(settings) as opened:
        yield opened


def look(settings: Settings, seeds: Seeds, stores: Stores, **given: Any) -> dict[str, Check]:
    said = {"now": NOW, "begun": BEGUN, "channels": ("desk",), **given}
    return {each.name: each for each in examine(settings, seeds, stores, **said)}


def test_a_fresh_house_is_well(settings: Settings, seeds: Seeds, stores: Stores) -> None:
    found = look(settings, seeds, stores, now=datetime.now(UTC))  # as the server's clock has it
    assert [each.name for each in found.values() if not each.good] == []
    assert summary(list(found.values())).startswith("well database: ")


def test_each_fault_is_found_with_its_mend(settings: Settings, seeds: Seeds, stores: Stores) -> None:
    source = next(each for each in seeds.sources if each.enabled and each.listings)
    kind, url = source.listings[0]
    stores.frontier.record_poll(Poll(url, source.name, kind, NOW - timedelta(hours=9), PollStatus.READ, listed=1), [])
    stores.frontier.record_poll(
        Poll("https://x.example/rss", "gone", Found.FEED, NOW + timedelta(minutes=5), PollStatus.READ, listed=1), []
    )
    stores.alerts.queue([alert("s", "desk")])
    known = stores.alerts.history()[0].queued.id
    long_ago = NOW - timedelta(hours=2)
    stores.alerts.settle(Delivery(known, 1, long_ago, Outcome.PERMANENT, "403"), AlertState.DEAD, NOW)
    stores.jobs.plan({"poll": ("every 1 s", NOW)})
    for _ in range(2):
        stores.jobs.record(JobRun("poll", NOW, 1.0, JobResult.FAILED, "disk full"), NOW)
    found = look(settings, seeds, stores)
    wrong = {name: f"{each.found} — {each.mend}" for name, each in found.items() if not each.good}
    assert set(wrong) == {"clock", "channels", "alerts", "sources", "jobs"}
    assert "300 s ahead" in wrong["clock"]
    assert "desk has accepted nothing since" in wrong["channels"]
    assert "tripoint alerts test desk" in wrong["channels"]
    assert "1 given up" in wrong["alerts"]
    assert f"not read in time: {source.name} —" in wrong["sources"]
    assert "poll failed 2 times in a row" in wrong["jobs"]
    assert summary(list(found.values())).startswith("WRONG clock: ")
    assert look(settings, seeds, stores, begun=NOW)["sources"].good  # it is being made up for
    assert not look(settings, seeds, stores, channels=())["channels"].good
    assert not look(settings, seeds, stores, now=datetime(2001, 1, 1, tzinfo=UTC))["clock"].good


def test_a_fault_is_told_once_and_once_when_it_is_over(stores: Stores) -> None:
    def update_(good: bool, minutes: int) -> int:
        found = Check("disk", good, "12 MiB free", "" if good else "free some space")
        tell = lambda check, since: check_alerts(check, since, ("desk", "chat"))  # noqa: E731 - shorter
        return stores.checks.update([found], NOW + timedelta(minutes=minutes), tell)

    assert [update_(True, 0), update_(False, 1), update_(False, 2), update_(True, 3), update_(True, 4)] == [
        0,
        2,
        0,
        2,
        0,
    ]
    assert update_(False, 5) == 2  # anew
    titles = [
        each.queued.alert.evidence.title for each in stores.alerts.history() if each.queued.alert.key.channel == "desk"
    ]
    assert sorted(set(titles)) == ["Self-check: disk is well again", "Self-check: disk is wrong"]
    kept = stores.checks.everything()
    assert [(each.check.good, each.since) for each in kept] == [(False, NOW + timedelta(minutes=5))]


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_broken_index_is_found_on_postgresql(stores: Stores) -> None:
    assert "no damage known" in check_whole(stores.database)
    with stores.database.write() as connection:
        connection.exec_driver_sql(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_articles_source'::regclass"
        )
    with pytest.raises(StorageError, match="broken indexes: ix_articles_source — REINDEX INDEX"):
        check_whole(stores.database)
