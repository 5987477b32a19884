"""Forgetting old articles, a story at a time; their addresses are kept, so that none is fetched and told anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, select, update

from storage import tables as t
from storage.database import Database
from storage.frontier import PRUNED
from storage.lock import decide_alone
from storage.upsert import insert_into
from tripoint.domain.types import AlertState, Found

_STORIES_AT_ONCE = 200  # that go in one transaction: the service writes in between
_REASON = "its article was forgotten by `tripoint prune`"
_WAITING = (AlertState.PENDING, AlertState.SENDING, AlertState.HELD)
# Gone with their article by the foreign keys; counted here, so that it can be said before.
_WITH_ARTICLES = (
    t.revisions,
    t.assessments,
    t.evidence,
    t.fingerprints,
    t.signatures,
    t.search_docs,
    t.alert_decisions,
    t.story_corrections,
)
_one = t.articles.alias("of_story")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be forgotten: stories whose every report is older, and that nobody may want to see again."""

    before: datetime  #: the newest report of the story was first seen earlier
    relevant_too: bool = False  #: also what a topic ever called relevant, and what was told
    below: float | None = None  #: only where no report scores so much


class PruneStore:
    """Forgets what is old."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self, wanted: Wanted) -> Mapping[str, int]:
        """Return how many rows of each table would go."""
        found: Counter[str] = Counter()
        with self._database.read() as connection:
            for stories in self._batches(connection, wanted):
                found.update(_rows_of(connection, stories))
            found.update(_logs(connection, wanted.before))
        return _told(found)

    def prune(self, wanted: Wanted) -> Iterator[Mapping[str, int]]:
        """Forget it, some hundred stories a transaction; yields after each how many rows of each table are gone.

        It may run beside the service, and be stopped at any time.
        """
        gone: Counter[str] = Counter()
        last = ""
        while True:
            with self._database.write() as connection:
                decide_alone(connection)  # no report may join a story that is just going
                stories = _stories(connection, wanted, last)
                if stories:
                    gone.update(_rows_of(connection, stories))
                    _forget(connection, stories)
                else:
                    gone.update(_logs(connection, wanted.before))
                    _forget_logs(connection, wanted.before)
            yield _told(gone)
            if not stories:
                return
            last = stories[-1]

    def _batches(self, connection: Connection, wanted: Wanted) -> Iterator[Sequence[str]]:
        last = ""
        while stories := _stories(connection, wanted, last):
            yield stories
            last = stories[-1]


def _told(rows: Counter[str]) -> dict[str, int]:
    names = ("articles", *(each.name for each in _WITH_ARTICLES), "hits", "failures", "asks")
    return {name: rows[name] for name in names}


def _stories(connection: Connection, wanted: Wanted, after: str) -> list[str]:
    """Return the next stories to forget, in the order of their keys."""
    story = t.articles.c.story
    first = select(story).where(story > after, *_conditions(wanted)).distinct()
    return list(connection.scalars(first.order_by(story).limit(_STORIES_AT_ONCE)))


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    """Return what holds for a story that is to go; feedback of people is learned from, and keeps its story."""
    conditions = [
        ~_any_report(_one.c.first_seen_at >= wanted.before),
        ~_any_report(exists().where(t.feedback.c.article_id == _one.c.id)),
    ]
    told = exists().where(t.alerts.c.story == t.articles.c.story)
    if wanted.relevant_too:
        conditions.append(~told.where(t.alerts.c.state.in_(_WAITING)))
    else:
        # Wrapped, the column is no match for its index: SQLite would walk through all relevant judgements each time.
        relevant = and_(t.assessments.c.article_id == _one.c.id, func.coalesce(t.assessments.c.relevant, False))
        conditions += [~told, ~_any_report(exists().where(relevant))]
    if wanted.below is not None:
        scored = and_(t.search_docs.c.article_id == _one.c.id, t.search_docs.c.score >= wanted.below)
        conditions.append(~_any_report(exists().where(scored)))
    return conditions


def _any_report(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists(select(_one.c.id).where(_one.c.story == t.articles.c.story, condition))


def _of(stories: Sequence[str]) -> Any:
    return select(t.articles.c.id).where(t.articles.c.story.in_(stories))


def _rows_of(connection: Connection, stories: Sequence[str]) -> dict[str, int]:
    mine = _of(stories)
    counted = {t.articles.name: select(func.count()).select_from(t.articles).where(t.articles.c.story.in_(stories))}
    for table in _WITH_ARTICLES:
        counted[table.name] = select(func.count()).select_from(table).where(table.c.article_id.in_(mine))
    judged = t.hits.join(t.assessments, t.hits.c.assessment_id == t.assessments.c.id)
    counted[t.hits.name] = select(func.count()).select_from(judged).where(t.assessments.c.article_id.in_(mine))
    return {name: connection.scalar(query) or 0 for name, query in counted.items()}


def _forget(connection: Connection, stories: Sequence[str]) -> None:
    columns = (t.articles.c.url, t.articles.c.canonical_url, t.articles.c.source, t.articles.c.first_seen_at)
    for row in connection.execute(select(*columns).where(t.articles.c.story.in_(stories))).all():
        _remember(connection, row)
    connection.execute(delete(t.articles).where(t.articles.c.story.in_(stories)))


def _remember(connection: Connection, row: Any) -> None:
    """Keep the addresses of an article, so that no listing that names one of them makes it new."""
    connection.execute(
        update(t.frontier).where(t.frontier.c.url == row.url, t.frontier.c.state == "again").values(state="done")
    )
    values = {
        "url": row.canonical_url,
        "source": row.source,
        "found_by": Found.LINK,
        "found_at": row.first_seen_at,
        "title": "",
        "summary": "",
        "state": PRUNED,
        "attempts": 0,
        "due_at": row.first_seen_at,
        "reason": _REASON,
    }
    known = insert_into(connection, t.frontier).values(values)
    connection.execute(known.on_conflict_do_update(index_elements=["url"], set_={"state": PRUNED, "reason": _REASON}))


def _old_logs(before: datetime) -> list[tuple[Any, ColumnElement[bool]]]:
    """Return what was only written to be read soon."""
    return [
        (t.failures, t.failures.c.at < before),
        (t.asks, t.asks.c.answered_at < before),
    ]


def _logs(connection: Connection, before: datetime) -> dict[str, int]:
    return {
        table.name: connection.scalar(select(func.count()).select_from(table).where(old)) or 0
        for table, old in _old_logs(before)
    }


def _forget_logs(connection: Connection, before: datetime) -> None:
    for table, old in _old_logs(before):
        connection.execute(delete(table).where(old))
