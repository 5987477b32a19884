"""Forgetting what only grows: old pages of evidence, finished addresses, failures, attempts, ledgers. No articles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, exists, select

from storage import tables as t
from storage.database import Database
from storage.relevant import newest_is_relevant
from tripoint.domain.types import AlertState, Found

CHUNK = 500  # rows a transaction: the writer is kept some milliseconds, and not for a night's work
_OVER = (AlertState.SENT, AlertState.DEAD, AlertState.DIGESTED, AlertState.DROPPED)
_FINISHED = ("done", "not_article", "failed")  # what is pending, or to be looked at again, is still to come


@dataclass(frozen=True, slots=True)
class _Rule:
    table: Table
    key: Any  #: the column by whose order the table is walked through, once
    is_old: Callable[[datetime], ColumnElement[bool]]


def _evidence(before: datetime) -> ColumnElement[bool]:
    """Return the condition of a page that proves nothing: no topic calls its article relevant, and no reader did."""
    mine = t.feedback.c.article_id == t.evidence.c.article_id
    is_wanted = newest_is_relevant(t.evidence.c.article_id) | exists().where(mine, t.feedback.c.relevant)
    return (t.evidence.c.fetched_at < before) & ~is_wanted


def _frontier(before: datetime) -> ColumnElement[bool]:
    """Return the condition of a page that was finished long ago; a search of the past keeps what it counts by."""
    is_found = exists().where(t.backfill_finds.c.url == t.frontier.c.url)
    f = t.frontier.c
    return f.state.in_(_FINISHED) & (f.finished_at < before) & (f.found_by != Found.BACKFILL) & ~is_found


def _attempts(before: datetime) -> ColumnElement[bool]:
    """Return the condition of an attempt for an alert of which nothing more will come."""
    mine = t.alerts.c.id == t.deliveries.c.alert_id
    return (t.deliveries.c.at < before) & exists().where(mine, t.alerts.c.state.in_(_OVER))


RULES: Mapping[str, _Rule] = {
    "old_evidence": _Rule(t.evidence, t.evidence.c.article_id, lambda before: t.evidence.c.fetched_at < before),
    "evidence": _Rule(t.evidence, t.evidence.c.article_id, _evidence),
    "frontier": _Rule(t.frontier, t.frontier.c.id, _frontier),
    "not_articles": _Rule(t.not_articles, t.not_articles.c.url, lambda before: t.not_articles.c.at < before),
    "failures": _Rule(t.failures, t.failures.c.id, lambda before: t.failures.c.at < before),
    "attempts": _Rule(t.deliveries, t.deliveries.c.alert_id, _attempts),
    "decisions": _Rule(t.alert_decisions, t.alert_decisions.c.id, lambda before: t.alert_decisions.c.at < before),
    "coverage": _Rule(t.coverage, t.coverage.c.id, lambda before: t.coverage.c.until < before),
    "holds": _Rule(t.hosts, t.hosts.c.host, lambda before: t.hosts.c.held_until < before),
}
"""What may be forgotten, by name."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A step of forgetting."""

    rows: int
    up_to: object  #: the key to go on after; None at the end


class RetentionStore:
    """Forgets by rule and age, a few rows at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def forget(self, what: str, before: datetime, after: object = None) -> Forgotten:
        """Forget rows of a kind that are older, beginning `after` a key; a kill in between loses only the rest."""
        rule = RULES[what]
        old = [rule.is_old(before)] if after is None else [rule.is_old(before), rule.key > after]
        with self._database.write() as connection:
            keys = list(connection.scalars(select(rule.key).where(*old).order_by(rule.key).limit(CHUNK)))
            if not keys:
                return Forgotten(0, None)
            # Several rows may have one key, as the attempts for an alert have: all of those up to the last go.
            gone = connection.execute(delete(rule.table).where(*old, rule.key <= keys[-1])).rowcount
        return Forgotten(gone, keys[-1] if len(keys) == CHUNK else None)
