"""How topics do against their own past: the counts, and the verdict with the alerts that a change of it causes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, exists, func, select

from storage import tables as t
from storage.database import Database
from storage.queue import queue_alerts
from storage.upsert import insert_into
from tripoint.domain.coverage import Span, seen_stretches
from tripoint.domain.rhythm import DAYS, Headline, Judged, Rhythm, Turn, judge, windows_of
from tripoint.domain.types import Alert, PlacementKind

_REACH = timedelta(days=DAYS + 1)
_STILL_READ = timedelta(days=3)  # a source that nothing is known of for so long is left out, then and now
_SAME_DAY = timedelta(hours=48)  # a page that names a day and no time came when we saw it, unless it is older
_HEADLINES = 5
_COPIES = (PlacementKind.DUPLICATE, PlacementKind.SYNDICATED)

Tell = Callable[[Turn], Sequence[Alert]]
"""The alerts that a change causes; pure."""


@dataclass(frozen=True, slots=True)
class TopicRhythm:
    """How a topic does, and since when."""

    topic: str
    state: Rhythm
    since: datetime


class RhythmStore:
    """The verdicts on topics."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def update(self, topic: str, now: datetime, tell: Tell) -> int:
        """Judge a topic anew, and write the verdict and its alerts in one transaction; return how many were queued."""
        with self._database.write() as connection:
            before = _read(connection, topic)
            was, since = (before.state, before.since) if before else (Rhythm.USUAL, now)
            steady = _steady(connection, now)
            reports = _reports(connection, topic, now, frozenset(steady))
            judged = judge(windows_of([(each.at, each.story) for each in reports], list(steady.values()), now), was)
            if judged is None or judged.rhythm is was:
                return 0
            _write(connection, TopicRhythm(topic, judged.rhythm, now))
            turn = Turn(topic, was, since, judged, now, _headlines(reports, judged, now))
            return queue_alerts(connection, tell(turn)).number

    def everything(self) -> Sequence[TopicRhythm]:
        """Return how each topic does that ever did otherwise than usual."""
        with self._database.read() as connection:
            rows = connection.execute(select(t.topic_rhythms).order_by(t.topic_rhythms.c.topic))
            return [TopicRhythm(row.topic, Rhythm(row.state), row.since) for row in rows]


@dataclass(frozen=True, slots=True)
class _Report:
    at: datetime  #: when it came
    story: str
    score: float
    headline: Headline


def _steady(connection: Connection, now: datetime) -> dict[str, list[tuple[datetime, datetime]]]:
    """Return what was seen of each source that is read now and was from the beginning of what is compared.

    A source that joined since would make every topic louder than it was.
    """
    c = t.coverage.c
    ends = connection.execute(select(c.source, func.min(c.start), func.max(c.until)).group_by(c.source)).all()
    if not ends:
        return {}
    first = min(begin for _, begin, _ in ends)
    from_then = max(first + timedelta(days=1), now - _REACH)
    names = [source for source, begin, until in ends if begin <= from_then and until >= now - _STILL_READ]
    spans: dict[str, list[Span]] = {each: [] for each in names}
    seen = select(c.source, c.start, c.until).where(c.until >= now - _REACH, c.is_seen)
    for row in connection.execute(seen):
        if row.source in spans:
            spans[row.source].append(Span(row.start, row.until, is_seen=True))
    return {source: seen_stretches(of_it) for source, of_it in spans.items()}


def _reports(connection: Connection, topic: str, now: datetime, steady: frozenset[str]) -> list[_Report]:
    """Return the relevant reports of a topic that came by themselves: no copies, nothing that a search brought."""
    a, j, f = t.articles.c, t.assessments.c, t.backfill_finds.c
    relevant = and_(j.article_id == a.id, j.topic == topic, j.revision == a.revision, func.coalesce(j.relevant, False))
    searched = exists().where(f.article_id == a.id, f.was_known.is_(False))
    columns = (a.story, a.source, a.title, a.outlet, a.url, a.published, a.date_only, a.first_seen_at, j.score)
    query = (
        select(*columns)
        .join(t.assessments, relevant)
        .where(a.first_seen_at >= now - _REACH - timedelta(days=1), a.placement.not_in(_COPIES), ~searched)
    )
    rows = [row for row in connection.execute(query) if row.source in steady]
    return [_Report(_came(row), row.story, row.score, Headline(row.title, row.outlet, row.url)) for row in rows]


def _came(row: Any) -> datetime:
    """Return when a report came: what is older than when we saw it does not count as news of that moment."""
    seen: datetime = row.first_seen_at
    published: datetime | None = row.published
    if published is None or published > seen or (row.date_only and seen - published < _SAME_DAY):
        return seen
    return published


def _headlines(reports: Sequence[_Report], judged: Judged, now: datetime) -> tuple[Headline, ...]:
    since = now - timedelta(hours=judged.hours)
    best: dict[str, _Report] = {}
    for each in reports:
        if since < each.at <= now and (each.story not in best or each.score > best[each.story].score):
            best[each.story] = each
    in_order = sorted(best.values(), key=lambda each: (-each.score, each.at))
    return tuple(each.headline for each in in_order[:_HEADLINES])


def _read(connection: Connection, topic: str) -> TopicRhythm | None:
    row = connection.execute(select(t.topic_rhythms).where(t.topic_rhythms.c.topic == topic)).first()
    return TopicRhythm(row.topic, Rhythm(row.state), row.since) if row else None


def _write(connection: Connection, found: TopicRhythm) -> None:
    values = {"state": found.state, "since": found.since}
    statement = insert_into(connection, t.topic_rhythms).values(topic=found.topic, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["topic"], set_=values))
