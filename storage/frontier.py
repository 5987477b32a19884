"""The frontier: what was listed and is still to fetch; a table, because Scrapy's own queue does not outlive a kill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from storage import tables as t
from storage.coverage import blind_since, record_span, repair_span
from storage.database import Database
from storage.upsert import insert_into
from tripoint.domain.cadence import Pace, Rhythm, Visit, plan, spread
from tripoint.domain.coverage import span_of
from tripoint.domain.types import Candidate, Found, Poll, PollStatus, Repair, Validators
from tripoint.domain.urls import canonical_url

_OPEN = ("pending", "again")  # to be fetched once it is due; what is due again is stored already
_CHUNK = 500  # below the number of variables that SQLite allows in one statement


@dataclass(frozen=True, slots=True)
class ListingState:
    """What is known of one listing."""

    url: str
    source: str
    kind: Found
    polled_at: datetime
    status: PollStatus
    listed: int
    error: str
    failures_in_a_row: int
    interval_s: float | None = None
    due_at: datetime | None = None
    last_new_at: datetime | None = None


class FrontierStore:
    """Listings and candidates; what was recorded together is there together after any crash."""

    def __init__(self, database: Database, pace: Pace = Pace()) -> None:  # noqa: B008 - a frozen value
        self._database = database
        self._pace = pace

    def validators(self, listing_url: str) -> Validators:
        """Return what to send with a conditional request for this listing.

        After a failure that is nothing: "unchanged" may be a cache's word, and only a whole answer shows that it works.
        """
        columns = (t.listings.c.etag, t.listings.c.last_modified)
        works = (t.listings.c.url == listing_url, t.listings.c.failures_in_a_row == 0)
        with self._database.read() as connection:
            row = connection.execute(select(*columns).where(*works)).first()
        return Validators(row.etag, row.last_modified) if row else Validators()

    def record_poll(self, poll: Poll, candidates: Sequence[Candidate]) -> int:
        """Store a visit, its validators and the candidates that are new, in one transaction; return how many."""
        with self._database.write() as connection:
            new = _enter(connection, candidates)
            _write_poll(connection, poll, new, self._pace)
            return new

    def blind_since(self, listing_url: str, now: datetime) -> datetime | None:
        """Return since when a listing may have dropped entries, as its visit at `now` showed; None if it did not."""
        with self._database.read() as connection:
            return blind_since(connection, listing_url, now)

    def repair(self, repair: Repair, candidates: Sequence[Candidate]) -> int:
        """Store what a sitemap lists of a blind stretch, seen now if it reaches back; return how many were new."""
        with self._database.write() as connection:
            new = _enter(connection, candidates)
            if repair.reaches_back:
                repair_span(connection, repair, new)
            return new

    def due(self, urls: Sequence[str], now: datetime, *, at_once: bool = False) -> set[str]:
        """Return which listings are due; `at_once` asks only what the servers asked for, and nobody's rhythm."""
        found = set(urls)
        column = t.listings.c.held_until if at_once else t.listings.c.due_at
        with self._database.read() as connection:
            for start in range(0, len(urls), _CHUNK):
                chosen = t.listings.c.url.in_(urls[start : start + _CHUNK])
                found -= set(connection.scalars(select(t.listings.c.url).where(chosen, column > now)))
        return found

    def waiting(self, now: datetime) -> set[str]:
        """Return the sources that have pages which are due."""
        due = (t.frontier.c.state.in_(_OPEN), t.frontier.c.due_at <= now)
        with self._database.read() as connection:
            return set(connection.scalars(select(t.frontier.c.source).where(*due).distinct()))

    def held(self, now: datetime) -> dict[str, datetime]:
        """Return the hosts that asked to be left alone, and until when."""
        query = select(t.hosts.c.host, t.hosts.c.held_until).where(t.hosts.c.held_until > now)
        with self._database.read() as connection:
            return {row.host: row.held_until for row in connection.execute(query)}

    def hold(self, host: str, until: datetime, reason: str) -> None:
        """Remember that a host asked to be left alone."""
        said = {"held_until": until, "reason": reason}
        with self._database.write() as connection:
            statement = insert_into(connection, t.hosts).values(host=host, **said)
            connection.execute(statement.on_conflict_do_update(index_elements=["host"], set_=said))

    def pending(self, source: str, now: datetime, limit: int) -> Sequence[Candidate]:
        """Return candidates of a source that are due, those that were published or found last first."""
        newest = func.coalesce(t.frontier.c.published, t.frontier.c.found_at).desc()
        query = (
            select(t.frontier)
            .where(t.frontier.c.source == source, t.frontier.c.state.in_(_OPEN), t.frontier.c.due_at <= now)
            .order_by(newest, t.frontier.c.id)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [
                Candidate(row.url, row.source, Found(row.found_by), row.found_at, row.title, row.published, row.summary)
                for row in connection.execute(query)
            ]

    def states(self) -> dict[str, int]:
        """Return how many candidates are in each state."""
        query = select(t.frontier.c.state, func.count()).group_by(t.frontier.c.state)
        with self._database.read() as connection:
            return {state: number for state, number in connection.execute(query)}  # noqa: C416 - rows are not pairs

    def listings(self) -> Sequence[ListingState]:
        """Return the last visit to every listing."""
        with self._database.read() as connection:
            return [
                ListingState(
                    row.url,
                    row.source,
                    Found(row.kind),
                    row.polled_at,
                    PollStatus(row.status),
                    row.listed,
                    row.error,
                    row.failures_in_a_row,
                    row.interval_s,
                    row.due_at,
                    row.last_new_at,
                )
                for row in connection.execute(select(t.listings).order_by(t.listings.c.source, t.listings.c.url))
            ]


def _write_poll(connection: Connection, poll: Poll, new: int, pace: Pace) -> None:
    columns = ("interval_s", "rate", "failures_in_a_row", "last_answer_at")
    query = select(*(t.listings.c[each] for each in (*columns, "error"))).where(t.listings.c.url == poll.url)
    row = connection.execute(query).first()
    if row and row.last_answer_at and poll.status is not PollStatus.FAILED:
        outage = f"{row.failures_in_a_row} visits failed: {row.error}" if row.failures_in_a_row else ""
        record_span(connection, poll, span_of(poll, new, row.last_answer_at, outage))
    before = Rhythm(row.interval_s, row.rate, row.failures_in_a_row) if row and row.interval_s else None
    elapsed = (poll.polled_at - row.last_answer_at).total_seconds() if row and row.last_answer_at else None
    visited = Visit(poll.status, elapsed, poll.listed, new, poll.fresh_for_s, poll.retry_after_s, poll.hour)
    planned = plan(before, visited, pace)
    visit: dict[str, Any] = {
        "source": poll.source,
        "kind": poll.kind,
        "polled_at": poll.polled_at,
        "status": poll.status,
        "error": poll.error,
    }
    visit |= {
        "failures_in_a_row": planned.rhythm.failures,
        "interval_s": planned.rhythm.interval_s,
        "rate": planned.rhythm.rate,
        "due_at": poll.polled_at + timedelta(seconds=spread(poll.url, planned.wait_s)),
        "held_until": poll.polled_at + timedelta(seconds=planned.held_s) if planned.held_s else None,
    }
    if poll.status is not PollStatus.FAILED:
        visit["last_answer_at"] = poll.polled_at
    if new:
        visit["last_new_at"] = poll.polled_at
    changed: dict[str, Any] = dict(visit)
    if poll.status is PollStatus.READ:
        # Only what was read and entered may be skipped by a 304 next time.
        changed |= {"etag": poll.validators.etag, "last_modified": poll.validators.last_modified, "listed": poll.listed}
    statement = insert_into(connection, t.listings).values(
        url=poll.url,
        **visit,
        etag=poll.validators.etag if poll.status is PollStatus.READ else "",
        last_modified=poll.validators.last_modified if poll.status is PollStatus.READ else "",
        listed=poll.listed,
    )
    connection.execute(statement.on_conflict_do_update(index_elements=["url"], set_=changed))


def _enter(connection: Connection, candidates: Sequence[Candidate]) -> int:
    fresh = {each.url: each for each in candidates}
    entered = 0
    urls = list(fresh)
    for start in range(0, len(urls), _CHUNK):
        chunk = [fresh[url] for url in urls[start : start + _CHUNK]]
        canonical = {each.url: t.clean(canonical_url(each.url)) for each in chunk}
        stored = set(
            connection.scalars(
                select(t.articles.c.canonical_url).where(t.articles.c.canonical_url.in_(canonical.values()))
            )
        )
        for each in chunk:
            if canonical[each.url] not in stored:
                entered += _enter_one(connection, each)
    return entered


def _enter_one(connection: Connection, candidate: Candidate) -> int:
    statement = insert_into(connection, t.frontier).values(
        url=candidate.url,
        source=candidate.source,
        found_by=candidate.found_by,
        found_at=candidate.found_at,
        title=candidate.title,
        published=candidate.published,
        summary=candidate.summary,
        state="pending",
        attempts=0,
        due_at=candidate.found_at,
        reason="",
    )
    inserted = connection.execute(
        statement.on_conflict_do_nothing(index_elements=["url"]).returning(t.frontier.c.id)
    ).first()
    return int(inserted is not None)
