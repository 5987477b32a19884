"""The frontier: what was listed and is still to fetch; a table, because Scrapy's own queue does not outlive a kill."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, bindparam, exists, func, select, update

from storage import tables as t
from storage.coverage import listings_to_repair, open_blind, record_span, repair_span, take_blind
from storage.database import Database
from storage.upsert import insert_into
from tripoint.domain.cadence import Pace, Rhythm, Visit, plan, spread
from tripoint.domain.coverage import Span, span_of
from tripoint.domain.types import Candidate, Entered, Found, Poll, PollStatus, Repair, Validators
from tripoint.domain.urls import canonical_url, host
from tripoint.domain.wish import ALL

PRUNED = "pruned"  # the article was stored and is forgotten: see `storage.pruning`
MOST = sys.maxsize  # no bound
QUARANTINED = "quarantined"
_CHUNK = 500  # below the number of variables that SQLite allows in one statement


def _waiting() -> Select[tuple[str]]:
    """Return the question which sources have pages that are due.

    It is asked each second. A plain DISTINCT walks through all that was ever listed; this looks up one entry of the
    index a source, as both databases do by themselves only for columns that they know to have few values.
    """
    c = t.frontier.c
    names = select(func.min(c.source).label("name")).cte("names", recursive=True)
    following = select(func.min(c.source)).where(c.source > names.c.name).scalar_subquery()
    names = names.union_all(select(following).where(names.c.name.is_not(None)))
    is_open = c.state.in_(bindparam("states", expanding=True))
    is_due = exists().where(c.source == names.c.name, is_open, c.due_at <= bindparam("now", type_=t.UtcDateTime))
    return select(names.c.name).where(names.c.name.is_not(None), is_due)


_WAITING = _waiting()


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


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A page that nobody reads any more, since it killed or hung who did."""

    id: int
    url: str
    source: str
    since: datetime
    reason: str


class FrontierStore:
    """Listings and candidates; what was recorded together is there together after any crash."""

    def __init__(
        self,
        database: Database,
        pace: Pace = Pace(),  # noqa: B008 - a frozen value
        max_waiting_per_host: int = MOST,
    ) -> None:
        self._database = database
        self._pace = pace
        self._per_host = max_waiting_per_host

    def renew(self, pace: Pace, max_waiting_per_host: int) -> None:
        """Plan visits and bound what waits by these from now on."""
        self._pace, self._per_host = pace, max_waiting_per_host

    def validators(self, listing_url: str) -> Validators:
        """Return what to send with a conditional request for this listing.

        After a failure that is nothing: "unchanged" may be a cache's word, and only a whole answer shows that it works.
        """
        columns = (t.listings.c.etag, t.listings.c.last_modified)
        works = (t.listings.c.url == listing_url, t.listings.c.failures_in_a_row == 0)
        with self._database.read() as connection:
            row = connection.execute(select(*columns).where(*works)).first()
        return Validators(row.etag, row.last_modified) if row else Validators()

    def record_poll(self, poll: Poll, candidates: Sequence[Candidate], room: int = MOST) -> Entered:
        """Store a visit, its validators and the candidates that are new, in one transaction.

        Where a bound leaves some out, the visit says so, counts as blind, and the next one asks for the whole again.
        """
        with self._database.write() as connection:
            entered = self._enter(connection, candidates, room)
            if entered.left_out:
                poll = replace(poll, validators=Validators(), error=entered.said)
            _write_poll(connection, poll, entered, self._pace)
            return entered

    def enter(self, candidates: Sequence[Candidate], room: int = MOST) -> Entered:
        """Store candidates that no visit to a listing found."""
        with self._database.write() as connection:
            return self._enter(connection, candidates, room)

    def gaps(self, now: datetime) -> set[str]:
        """Return the listings of which it is time to repair a blind stretch."""
        with self._database.read() as connection:
            return listings_to_repair(connection, now)

    def to_repair(self, listing_url: str, now: datetime, *, is_try: bool = True) -> Sequence[Span]:
        """Return blind stretches of a listing that it is time to repair, newest first; each is tried a few times.

        Without `is_try` return those that are open, and count nothing.
        """
        if not is_try:
            with self._database.read() as connection:
                return open_blind(connection, listing_url, now)
        with self._database.write() as connection:
            return take_blind(connection, listing_url, now)

    def repair(self, repair: Repair, candidates: Sequence[Candidate], room: int = MOST) -> Entered:
        """Store what was found of a blind stretch; it counts as seen if that reaches back and all was taken on."""
        with self._database.write() as connection:
            entered = self._enter(connection, candidates, room)
            if not repair.reaches_back or entered.left_out:
                return entered
            return replace(entered, mended=repair_span(connection, repair, entered.new))

    def _enter(self, connection: Connection, candidates: Sequence[Candidate], room: int) -> Entered:
        """Take on what is new, within the bounds, those first that were given first."""
        unknown = _unknown(connection, candidates)
        allowed = _within(connection, unknown, self._per_host)
        bound = "max_waiting_per_host" if len(allowed) < len(unknown) else ""
        if len(allowed) > room:
            allowed, bound = allowed[:room], "max_new_per_run"
        enter_candidates(connection, allowed)
        return Entered(tuple(allowed), len(unknown) - len(allowed), bound)

    def due(self, urls: Sequence[str], now: datetime, *, at_once: bool = False) -> list[str]:
        """Return which listings are due, those with the shortest rhythm first: there most was missed, and goes soonest.

        `at_once` asks only what the servers asked for, and nobody's rhythm.
        """
        rhythms: dict[str, float] = dict.fromkeys(urls, self._pace.first_s)
        c = t.listings.c
        query = select(c.url, c.interval_s, (c.held_until if at_once else c.due_at).label("at"))
        with self._database.read() as connection:
            for start in range(0, len(urls), _CHUNK):
                for row in connection.execute(query.where(c.url.in_(urls[start : start + _CHUNK]))):
                    if row.at is not None and row.at > now:
                        rhythms.pop(row.url, None)  # two sources may name one feed
                    elif row.interval_s is not None:
                        rhythms[row.url] = row.interval_s
        return sorted(rhythms, key=lambda url: rhythms[url])

    def waiting(self, now: datetime, states: Sequence[str] = ALL.states) -> set[str]:
        """Return the sources that have pages in one of these states which are due."""
        with self._database.read() as connection:
            return set(connection.scalars(_WAITING, {"now": now, "states": list(states)}))

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

    def pending(
        self, source: str, now: datetime, limit: int, states: Sequence[str] = ALL.states
    ) -> Sequence[Candidate]:
        """Return candidates of a source that are due, those that were published or found last first."""
        newest = func.coalesce(t.frontier.c.published, t.frontier.c.found_at).desc()
        query = (
            select(t.frontier)
            .where(t.frontier.c.source == source, t.frontier.c.state.in_(states), t.frontier.c.due_at <= now)
            .order_by(newest, t.frontier.c.id)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [
                Candidate(row.url, row.source, Found(row.found_by), row.found_at, row.title, row.published, row.summary)
                for row in connection.execute(query)
            ]

    def quarantined(self, source: str = "") -> Sequence[Quarantined]:
        """Return the pages under quarantine, of one source or of all, newest first."""
        c = t.frontier.c
        query = select(c.id, c.url, c.source, c.finished_at, c.reason).where(c.state == QUARANTINED)
        if source:
            query = query.where(c.source == source)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(c.finished_at.desc(), c.id))
            return [Quarantined(*row) for row in rows]

    def release(self, ids: Sequence[int], now: datetime) -> int:
        """Let pages out of quarantine: they are due at once, as if they had just been found; returns how many."""
        c = t.frontier.c
        fresh = {"state": "pending", "attempts": 0, "poisoned": 0, "due_at": now, "finished_at": None, "reason": ""}
        released = 0
        with self._database.write() as connection:
            for start in range(0, len(ids), _CHUNK):
                chosen = (c.id.in_(ids[start : start + _CHUNK]), c.state == QUARANTINED)
                released += connection.execute(update(t.frontier).where(*chosen).values(**fresh)).rowcount
        return released

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


def _write_poll(connection: Connection, poll: Poll, entered: Entered, pace: Pace) -> None:
    new = entered.new + entered.left_out
    columns = ("interval_s", "rate", "failures_in_a_row", "last_answer_at")
    query = select(*(t.listings.c[each] for each in (*columns, "error"))).where(t.listings.c.url == poll.url)
    row = connection.execute(query).first()
    if row and row.last_answer_at and poll.status is not PollStatus.FAILED:
        outage = f"{row.failures_in_a_row} visits failed: {row.error}" if row.failures_in_a_row else ""
        record_span(connection, poll, span_of(poll, new, row.last_answer_at, outage, entered.said))
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
        "due_at": poll.polled_at + timedelta(seconds=spread(poll.url, planned)),
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


def _unknown(connection: Connection, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates that are neither stored nor in the frontier, each page once."""
    fresh = {each.url: each for each in candidates}
    canonical = {url: t.clean(canonical_url(url)) for url in fresh}
    urls, known = list(fresh), set[str]()
    for start in range(0, len(urls), _CHUNK):
        chunk = urls[start : start + _CHUNK]
        listed = select(t.frontier.c.url).where(t.frontier.c.url.in_(chunk))
        known.update(connection.scalars(listed))
        here = _read_before(connection, [canonical[url] for url in chunk])
        known.update(url for url in chunk if canonical[url] in here)
    return [each for url, each in fresh.items() if url not in known]


def _read_before(connection: Connection, pages: Sequence[str]) -> set[str]:
    """Return which of these canonical addresses are of articles that are stored, or were and are forgotten."""
    stored = select(t.articles.c.canonical_url).where(t.articles.c.canonical_url.in_(pages))
    pruned = select(t.frontier.c.url).where(t.frontier.c.url.in_(pages), t.frontier.c.state == PRUNED)
    return {*connection.scalars(stored), *connection.scalars(pruned)}


def _within(connection: Connection, candidates: list[Candidate], per_host: int) -> list[Candidate]:
    """Return the candidates whose host has no more than so many pages waiting for their source."""
    if not candidates or per_host == MOST:
        return candidates
    # Pages of the past may be many, and are fetched by their own command: they must not keep what is new out.
    is_new = t.frontier.c.found_by != Found.BACKFILL
    waits = (t.frontier.c.source == candidates[0].source, t.frontier.c.state == "pending", is_new)
    waiting = connection.scalar(select(func.count()).select_from(t.frontier).where(*waits)) or 0
    if waiting + len(candidates) <= per_host:
        return candidates
    counts = Counter(host(url) for url in connection.scalars(select(t.frontier.c.url).where(*waits)))
    allowed = []
    for each in candidates:
        name = host(each.url)
        counts[name] += 1
        if counts[name] <= per_host:
            allowed.append(each)
    return allowed


def enter_candidates(connection: Connection, candidates: Sequence[Candidate]) -> int:
    """Enter what is neither stored nor listed already, inside the caller's transaction; return how many."""
    fresh = {each.url: each for each in candidates}
    entered = 0
    urls = list(fresh)
    for start in range(0, len(urls), _CHUNK):
        chunk = [fresh[url] for url in urls[start : start + _CHUNK]]
        canonical = {each.url: t.clean(canonical_url(each.url)) for each in chunk}
        stored = _read_before(connection, list(canonical.values()))
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
