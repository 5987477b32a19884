"""What the page asks of the archive, on SQLite and on a real PostgreSQL: volume by day, turned scores, told stories."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from tests.newsroom import load_desk
from tests.web.archive import fill, sources_of
from tests.web.served import settings_in
from tripoint.app.seeds import load_seeds
from tripoint.app.wiring import Stores, opened_stores

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
TOPIC = "russia-pakistan-us"


@pytest.fixture
def stores(url: str, tmp_path: Path) -> Iterator[Stores]:
    """Open a filled archive."""
    desk = load_desk(NOW)
    with opened_stores(settings_in(tmp_path, url)) as opened:
        fill(replace(load_seeds(), sources=sources_of(desk)), opened, desk, NOW)
        yield opened


def test_each_day_counts_what_was_first_seen_on_it(stores: Stores) -> None:
    articles = list(stores.articles.walk())
    days = stores.volume.by_day(NOW.date(), 20)
    assert [each.date for each in days] == [NOW.date() - timedelta(days=19 - n) for n in range(20)]
    for day in days:
        seen = [each for each in articles if each.first_seen_at.date() == day.date]
        relevant = [each for each in seen if any(one.relevant for one in each.assessments)]
        assert day.articles == len(seen)
        assert day.relevant == len(relevant)
        assert day.stories == len({each.story for each in relevant})
    assert sum(day.articles for day in days) == len(articles)
    assert (
        stores.volume.by_day(datetime.combine(NOW.date(), time(), UTC).date() - timedelta(days=400), 3)[0].articles == 0
    )


def test_stories_that_were_told_are_those_with_a_relevant_report(stores: Stores) -> None:
    since = NOW - timedelta(days=6)
    told = {reports[0].story for reports in stores.stories.since(since)}
    everything = {reports[0].story: reports for reports in stores.stories.since(since, relevant_only=False)}
    assert told == {key for key, reports in everything.items() if any(each.is_relevant for each in reports)}
    assert told
    assert told != set(everything)


def test_another_threshold_turns_what_lies_between(stores: Stores) -> None:
    scores = {each.id: each.assessments[0] for each in stores.articles.walk()}
    old = next(iter(scores.values())).threshold
    relevant = sorted(each.score for each in scores.values() if each.relevant)
    middle = (relevant[0] + relevant[-1]) / 2
    higher, same, lower = (stores.scores.at_threshold(TOPIC, at, NOW - timedelta(days=90)) for at in (middle, old, 0.0))
    assert (same.gained, same.lost, same.examples) == (0, 0, ())
    assert same.relevant == same.would_be == len(relevant)
    assert (higher.gained, higher.lost) == (0, sum(each < middle for each in relevant))
    assert {each.article_id for each in higher.examples} <= {key for key, each in scores.items() if each.relevant}
    distances = [abs(each.score - middle) for each in higher.examples]
    assert distances == sorted(distances)
    assert lower.would_be == lower.judged == sum(not each.note for each in scores.values())
    assert stores.scores.at_threshold(TOPIC, 0.0, NOW).judged == 0


def test_what_was_said_and_told_of_one(stores: Stores) -> None:
    alert = stores.alerts.history(limit=1)[0].queued.alert
    of_it = stores.alerts.history(story=alert.key.story, limit=100)
    assert of_it
    assert {each.queued.alert.key.story for each in of_it} == {alert.key.story}
    article = stores.stories.reports(alert.key.story)[0].article_id
    assert stores.feedback.of_article(article) == {}
    stores.feedback.record(article, TOPIC, relevant=False, note="", at=NOW)
    assert stores.feedback.of_article(article) == {TOPIC: False}
