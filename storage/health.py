"""How each source does: the signs as they are stored, and the verdict with the alerts that a change of it causes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from storage import tables as t
from storage.database import Database
from storage.queue import queue_alerts
from storage.upsert import insert_into
from tripoint.domain.health import Health, HealthState, ListingSign, Signs, diagnose
from tripoint.domain.types import Alert, PollStatus

_PAGES = 10
_RHYTHM = timedelta(days=14)
_FINISHED = ("done", "not_article", "failed")


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """The verdict on a source, and since when it holds."""

    source: str
    state: HealthState
    since: datetime
    reason: str
    ever_worked: bool
    told: bool  #: whether the operator was told of this state


Tell = Callable[[SourceHealth], Sequence[Alert]]
"""The alerts that a change of state causes; pure."""


class HealthStore:
    """The verdicts on sources."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def update(self, source: str, listings: Sequence[str], now: datetime, tell: Tell) -> tuple[SourceHealth, int]:
        """Judge a source anew, and write the verdict and its alerts in one transaction.

        The operator hears of a source that worked once and no longer does, once, and once when it does again. Returns
        the verdict, and how many alerts were queued.
        """
        with self._database.write() as connection:
            verdict = diagnose(_signs(connection, source, listings), now)
            before = _read(connection, source)
            after = _next(source, before, verdict, now)
            queued = 0
            if after.told != (before.told if before else False):
                queued = queue_alerts(connection, tell(after)).number
            if after != before:
                _write(connection, after)
        return after, queued

    def everything(self) -> dict[str, SourceHealth]:
        """Return the verdict on every source that was judged."""
        with self._database.read() as connection:
            rows = connection.execute(select(t.source_health)).all()
            return {row.source: SourceHealth(**{**row._mapping, "state": HealthState(row.state)}) for row in rows}


def overdue_listings(database: Database, before: datetime) -> set[str]:
    """Return the listings that should have been visited before a moment, and that no server asked to leave alone."""
    c = t.listings.c
    is_held = (c.held_until.is_not(None)) & (c.held_until > before)
    with database.read() as connection:
        return set(connection.scalars(select(c.url).where(c.due_at < before, ~is_held)))


def _next(source: str, before: SourceHealth | None, verdict: Health, now: datetime) -> SourceHealth:
    state = verdict.state
    worked = state in {HealthState.HEALTHY, HealthState.DEGRADED}
    if before is None:
        return SourceHealth(source, state, now, verdict.reason, state is HealthState.HEALTHY, told=False)
    ever_worked = before.ever_worked or state is HealthState.HEALTHY
    told = before.told
    if state.is_blind and ever_worked:
        told = True
    elif worked:
        told = False  # and if it was told, the change back is told by that
    since = before.since if before.state is state else now
    return SourceHealth(source, state, since, verdict.reason, ever_worked, told)


def _signs(connection: Connection, source: str, listings: Sequence[str]) -> Signs:
    chosen = select(t.listings).where(t.listings.c.url.in_(listings))
    rows = connection.execute(chosen.order_by(t.listings.c.url)).all()
    signs = tuple(ListingSign(row.url, PollStatus(row.status), row.failures_in_a_row, row.error) for row in rows)
    finished = (
        select(t.frontier.c.state, t.frontier.c.reason)
        .where(t.frontier.c.source == source, t.frontier.c.state.in_(_FINISHED))
        .order_by(t.frontier.c.finished_at.desc(), t.frontier.c.id.desc())
        .limit(_PAGES)
    )
    pages = tuple((row.state, row.reason) for row in connection.execute(finished))
    last_new = max((row.last_new_at for row in rows if row.last_new_at), default=None)
    first = connection.scalar(select(func.min(t.frontier.c.found_at)).where(t.frontier.c.source == source))
    first = first or min((row.polled_at for row in rows), default=None)
    return Signs(signs, pages, last_new, first, _usual_gap(connection, source, last_new))


def _usual_gap(connection: Connection, source: str, until: datetime | None) -> timedelta | None:
    if until is None:
        return None
    since = until - _RHYTHM
    mine = (t.articles.c.source == source, t.articles.c.first_seen_at >= since, t.articles.c.first_seen_at <= until)
    number = connection.scalar(select(func.count()).where(*mine)) or 0
    return _RHYTHM / number if number >= 2 else None


def _read(connection: Connection, source: str) -> SourceHealth | None:
    row = connection.execute(select(t.source_health).where(t.source_health.c.source == source)).first()
    return SourceHealth(**{**row._mapping, "state": HealthState(row.state)}) if row else None


def _write(connection: Connection, health: SourceHealth) -> None:
    values = {
        "state": health.state,
        "since": health.since,
        "reason": health.reason,
        "ever_worked": health.ever_worked,
        "told": health.told,
    }
    statement = insert_into(connection, t.source_health).values(source=health.source, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["source"], set_=values))
