"""The frontier: what was listed and is still to fetch; a table, because Scrapy's own queue does not outlive a kill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from storage import tables as t
from storage.database import Database
from storage.upsert import insert_into
from tripoint.domain.types import Candidate, Found, Poll, PollStatus, Validators
from tripoint.domain.urls import canonical_url

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


class FrontierStore:
    """Listings and candidates; what was recorded together is there together after any crash."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def validators(self, listing_url: str) -> Validators:
        """Return what to send with a conditional request for this listing."""
        query = select(t.listings.c.etag, t.listings.c.last_modified).where(t.listings.c.url == listing_url)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return Validators(row.etag, row.last_modified) if row else Validators()

    def record_poll(self, poll: Poll, candidates: Sequence[Candidate]) -> int:
        """Store a visit, its validators and the candidates that are new, in one transaction; return how many."""
        with self._database.write() as connection:
            _write_poll(connection, poll)
            return _enter(connection, candidates)

    def pending(self, source: str, now: datetime, limit: int) -> Sequence[Candidate]:
        """Return candidates of a source that are due, those that were published or found last first."""
        newest = func.coalesce(t.frontier.c.published, t.frontier.c.found_at).desc()
        query = (
            select(t.frontier)
            .where(t.frontier.c.source == source, t.frontier.c.state == "pending", t.frontier.c.due_at <= now)
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
                )
                for row in connection.execute(select(t.listings).order_by(t.listings.c.source, t.listings.c.url))
            ]


def _write_poll(connection: Connection, poll: Poll) -> None:
    visit = {
        "source": poll.source,
        "kind": poll.kind,
        "polled_at": poll.polled_at,
        "status": poll.status,
        "error": poll.error,
    }
    failed = poll.status is PollStatus.FAILED
    changed: dict[str, Any] = {**visit, "failures_in_a_row": t.listings.c.failures_in_a_row + 1 if failed else 0}
    if poll.status is PollStatus.READ:
        # Only what was read and entered may be skipped by a 304 next time.
        changed |= {"etag": poll.validators.etag, "last_modified": poll.validators.last_modified, "listed": poll.listed}
    statement = insert_into(connection, t.listings).values(
        url=poll.url,
        **visit,
        etag=poll.validators.etag if poll.status is PollStatus.READ else "",
        last_modified=poll.validators.last_modified if poll.status is PollStatus.READ else "",
        listed=poll.listed,
        failures_in_a_row=int(failed),
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
