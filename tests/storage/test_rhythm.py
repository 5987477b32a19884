"""A topic that is louder than usual or falls silent: told once, and once at its end, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from alerts.message import Format, Reader
from alerts.render import Renderer
from alerts.rhythm import rhythm_alerts
from storage import tables as t
from storage.alerts import AlertHistory, AlertStore
from storage.database import Database, open_database
from storage.rhythm import RhythmStore
from tripoint.domain.policies import Conditions, Quiet, Rule
from tripoint.domain.rhythm import Rhythm, Turn
from tripoint.domain.types import Alert

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
RULES = (
    Rule("desk", ("chat", "mail"), timedelta(hours=72)),
    Rule("other", ("chat", "late"), timedelta(hours=72), Conditions(topics=("t",))),
    Rule("elsewhere", ("away",), timedelta(hours=72), Conditions(topics=("u",))),
    Rule("deaf", ("deaf",), timedelta(hours=72), tells_rhythm=False),
)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = open_database(url)
    yield opened
    opened.close()


def tell(turn: Turn) -> tuple[Alert, ...]:
    return rhythm_alerts(turn, "Russia and Pakistan", RULES)


def read_since(database: Database, source: str, start: datetime, until: datetime) -> None:
    row = {"url": f"https://{source}.example/rss", "source": source, "start": start, "until": until}
    with database.write() as connection:
        connection.execute(insert(t.coverage).values(**row, is_seen=True, reason=""))


def keeps_reading(database: Database, until: datetime) -> None:
    with database.write() as connection:
        connection.execute(update(t.coverage).values(until=until))


class Desk:
    """Stores relevant reports."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._count = 0

    def report(self, at: datetime, **more: Any) -> int:
        """Store a report of a story of its own that was published and seen at a moment; return its number."""
        self._count += 1
        number, score = self._count, more.pop("score", 0.9)
        row: dict[str, Any] = {
            "id": number,
            "story": f"s{number}",
            "canonical_url": f"https://a.example/{number}",
            "url": f"https://a.example/{number}",
            "source": "a",
            "outlet": "A",
            "language": "en",
            "title": f"Title {number}",
            "text": "x",
            "published": at,
            "date_only": False,
            "authors": [],
            "content_hash": str(number),
            "fetched_at": at,
            "first_seen_at": at,
            "revision": 1,
            **more,
        }
        judged = {"article_id": number, "revision": 1, "topic": "t", "topic_version": "v", "score": score}
        with self._database.write() as connection:
            connection.execute(insert(t.articles).values(**row))
            connection.execute(
                insert(t.assessments).values(**judged, threshold=0.5, relevant=True, facets=[], shares=[], note="")
            )
        return number


def a_month_of_two_a_day(database: Database) -> Desk:
    desk = Desk(database)
    read_since(database, "a", NOW - 40 * DAY, NOW)
    for day in range(1, 30):
        desk.report(NOW - day * DAY - 3 * HOUR)
        desk.report(NOW - day * DAY - 9 * HOUR)
    return desk


def told(database: Database) -> list[AlertHistory]:
    return list(reversed(AlertStore(database).history(limit=500)))


def titles(database: Database, channel: str) -> list[str]:
    found = [each.queued.alert for each in told(database)]
    return [each.evidence.title for each in found if each.key.channel == channel]


def test_a_spike_is_told_once_and_its_end_once(url: str) -> None:
    database = open_database(url)
    desk = a_month_of_two_a_day(database)
    store = RhythmStore(database)
    assert store.update("t", NOW, tell) == 0
    for each in range(11):
        desk.report(NOW - timedelta(minutes=10 * each), score=0.9 if each else 0.99)
    assert store.update("t", NOW, tell) == 3
    assert store.update("t", NOW + HOUR, tell) == 0
    database.close()
    again = open_database(url)  # after a restart
    store = RhythmStore(again)
    keeps_reading(again, NOW + 2 * HOUR)
    assert store.update("t", NOW + 2 * HOUR, tell) == 0
    assert [(each.state, each.since) for each in store.everything()] == [(Rhythm.SPIKE, NOW)]
    keeps_reading(again, NOW + 25 * HOUR)
    assert store.update("t", NOW + 25 * HOUR, tell) == 3
    assert store.update("t", NOW + 26 * HOUR, tell) == 0
    assert titles(again, "chat") == [
        "More than usual: 11 stories about Russia and Pakistan in 6 hours",
        "As usual again: Russia and Pakistan",
    ]
    assert titles(again, "late") == titles(again, "mail") == titles(again, "chat")
    assert titles(again, "away") == titles(again, "deaf") == []
    begin, end = (each.queued.alert for each in told(again) if each.queued.alert.key.channel == "chat")
    assert begin.key.story == end.key.story
    assert begin.evidence.sentences[0].text == f"Title {59} — A"
    again.close()


def test_copies_further_reports_old_news_and_searches_are_no_spike(database: Database) -> None:
    desk = a_month_of_two_a_day(database)
    read_since(database, "new", NOW - 3 * DAY, NOW)
    for each in range(20):
        at = NOW - timedelta(minutes=each)
        desk.report(at, story="one")
        desk.report(at, placement="syndicated")
        desk.report(at, published=at - 3 * DAY)
        desk.report(at, published=at - 3 * DAY, date_only=True)
        desk.report(at, source="new")
        _searched(database, desk.report(at))
    assert RhythmStore(database).update("t", NOW, tell) == 0


def _searched(database: Database, article: int) -> None:
    """Let a search of the past have found an article."""
    with database.write() as connection:
        if article < 70:
            job = {"id": 1, "key": "k", "asked": {}, "began_at": NOW}
            window = {"id": 1, "job_id": 1, "provider": "p", "query": "q", "start": NOW, "until": NOW, "state": "done"}
            connection.execute(insert(t.backfill_jobs).values(**job))
            connection.execute(insert(t.backfill_windows).values(**window))
        find = {"job_id": 1, "window_id": 1, "page": str(article), "url": str(article), "state": "page"}
        connection.execute(insert(t.backfill_finds).values(**find, was_known=False, article_id=article))


def test_silence_is_told_once_and_its_end_once(database: Database) -> None:
    desk = a_month_of_two_a_day(database)
    store = RhythmStore(database)
    later = NOW + DAY
    keeps_reading(database, later)
    assert store.update("t", NOW, tell) == 0
    assert store.update("t", later, tell) == 3
    assert store.update("t", later + HOUR, tell) == 0
    desk.report(later + HOUR)
    keeps_reading(database, later + 2 * HOUR)
    assert store.update("t", later + 2 * HOUR, tell) == 3
    assert titles(database, "chat") == [
        "Silent: nothing about Russia and Pakistan for 2 days",
        "No longer silent: Russia and Pakistan",
    ]


def test_what_nobody_watched_is_no_silence(database: Database) -> None:
    a_month_of_two_a_day(database)
    store = RhythmStore(database)
    assert store.update("t", NOW + 2 * DAY, tell) == 0  # the house was switched off
    read_since(database, "b", NOW + 10 * DAY, NOW + 10 * DAY + HOUR)
    assert store.update("t", NOW + 10 * DAY + HOUR, tell) == 0


def test_a_new_house_says_nothing(database: Database) -> None:
    desk = Desk(database)
    read_since(database, "a", NOW - 5 * DAY, NOW)
    for each in range(40):
        desk.report(NOW - timedelta(minutes=each))
    assert RhythmStore(database).update("t", NOW, tell) == 0
    assert RhythmStore(database).update("nothing-yet", NOW, tell) == 0


def test_quiet_hours_hold_it(database: Database) -> None:
    desk = a_month_of_two_a_day(database)
    for each in range(12):
        desk.report(NOW - timedelta(minutes=each))
    rules = (Rule("desk", ("chat",), timedelta(hours=72), quiet=Quiet(time(7), time(10), "UTC")),)
    assert RhythmStore(database).update("t", NOW, lambda turn: rhythm_alerts(turn, "T", rules)) == 1
    (held,) = told(database)
    assert held.queued.next_attempt_at == NOW + 2 * HOUR


@pytest.mark.one_database("how the message reads; what is stored of it is tested above")
@pytest.mark.parametrize("form", list(Format))
@pytest.mark.parametrize(
    ("language", "parts"),
    [
        ("en", ("More than usual: 12 stories about Russia and Pakistan", "told from 7 on", "Title 70")),
        ("vi", ("Nhiều hơn thường lệ: 12 sự kiện về Russia and Pakistan", "báo từ 7 trở lên", "Title 70")),
    ],
)
def test_it_reads_in_either_language(tmp_path: Any, form: Format, language: str, parts: tuple[str, ...]) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'x.db'}")
    desk = a_month_of_two_a_day(database)
    for each in range(12):
        desk.report(NOW - timedelta(minutes=each))
    RhythmStore(database).update("t", NOW, tell)
    alert = told(database)[0].queued.alert
    message = Renderer(public_url="https://page.example").render(alert.evidence, alert.key, Reader(form, language))
    for part in parts:
        assert part in message.body
    assert parts[0] in message.subject
    assert "page.example" not in message.body
    assert "0.00" not in message.body
    database.close()
