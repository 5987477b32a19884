"""The ledger of searches of the past: each window of each query, and what it found; a window is settled at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, delete, func, insert, select, update

from storage import tables as t
from storage.database import Database
from storage.frontier import enter_candidates
from storage.queue import queue_alerts
from storage.relevant import IS_RELEVANT
from storage.upsert import insert_into
from tripoint.domain.backfill import Counted, Find, FindState, Shard, ShardState, Sought
from tripoint.domain.types import Alert, Candidate, Found
from tripoint.domain.urls import canonical_url

_CHUNK = 500
_OPEN = (ShardState.PENDING, ShardState.RUNNING, ShardState.FAILED)  # what a resumed job asks again
_TO_FETCH = ("pending", "again")
_NOTE = (
    update(t.backfill_finds)
    .where(t.backfill_finds.c.url == bindparam("address"))
    .values(article_id=bindparam("stored"))
)
_w, _f = t.backfill_windows.c, t.backfill_finds.c


@dataclass(frozen=True, slots=True)
class Job:
    """What a person asked for once."""

    id: int
    asked: Mapping[str, Any]
    began_at: datetime
    told_at: datetime | None


@dataclass(frozen=True, slots=True)
class Window:
    """A row of the ledger."""

    id: int
    shard: Shard
    state: ShardState
    found: int
    known: int
    new: int
    reason: str


@dataclass(frozen=True, slots=True)
class Placed:
    """A find with what the catalogue says of it."""

    find: Find
    state: FindState
    source: str = ""


@dataclass(frozen=True, slots=True)
class FoundArticle:
    """A relevant article that a job found, for its summary."""

    id: int
    story: str
    title: str
    outlet: str
    source: str
    url: str
    published: datetime | None
    was_known: bool


def note_find(connection: Connection, url: str, article_id: int) -> None:
    """Say which article a page became, inside the transaction that stores it."""
    connection.execute(_NOTE, {"address": t.clean(url), "stored": article_id})


class BackfillStore:
    """Jobs, their windows and finds; one thread writes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, key: str, asked: Mapping[str, Any], now: datetime) -> Job:
        """Return the job of this key, begun now if it is new; it learns of more providers, and of a later end."""
        row = {"key": key, "asked": dict(asked), "began_at": now}
        mine = t.backfill_jobs.c.key == key
        with self._database.write() as connection:
            connection.execute(insert_into(connection, t.backfill_jobs).values(row).on_conflict_do_nothing())
            job = _job(connection.execute(select(t.backfill_jobs).where(mine)).one())
            via = list(dict.fromkeys([*job.asked["via"], *asked["via"]]))
            if (said := {**job.asked, **asked, "via": via}) != dict(job.asked):
                job = replace(job, asked=said)
                connection.execute(update(t.backfill_jobs).where(mine).values(asked=job.asked))
            return job

    def find(self, key: str) -> Job | None:
        """Return the job of this key, None where nobody asked that yet."""
        with self._database.read() as connection:
            row = connection.execute(select(t.backfill_jobs).where(t.backfill_jobs.c.key == key)).first()
        return _job(row) if row else None

    def jobs(self) -> Sequence[Job]:
        """Return every job, oldest first."""
        with self._database.read() as connection:
            return [_job(row) for row in connection.execute(select(t.backfill_jobs).order_by(t.backfill_jobs.c.id))]

    def forget(self, job: int) -> None:
        """Drop a job with its ledger; articles and pages to fetch stay."""
        with self._database.write() as connection:
            connection.execute(delete(t.backfill_finds).where(_f.job_id == job))
            connection.execute(delete(t.backfill_windows).where(_w.job_id == job))
            connection.execute(delete(t.backfill_answers).where(t.backfill_answers.c.job_id == job))
            connection.execute(delete(t.backfill_jobs).where(t.backfill_jobs.c.id == job))

    def enter(self, job: int, shards: Sequence[Shard]) -> int:
        """Enter the windows that are not there yet; return how many."""
        with self._database.write() as connection:
            return _enter_windows(connection, job, shards)

    def windows(self, job: int, providers: Sequence[str] = (), *, only_open: bool = False) -> Sequence[Window]:
        """Return the windows of a job, the newest days first."""
        query = select(t.backfill_windows).where(_w.job_id == job).order_by(_w.start.desc(), _w.id)
        if providers:
            query = query.where(_w.provider.in_(providers))
        if only_open:
            query = query.where(_w.state.in_(_OPEN))
        with self._database.read() as connection:
            return [_window(row) for row in connection.execute(query)]

    def begin(self, window: int) -> None:
        """Say that a window is being asked."""
        with self._database.write() as connection:
            connection.execute(
                update(t.backfill_windows).where(_w.id == window).values(state=ShardState.RUNNING, reason="")
            )

    def settle(self, window: Window, job: int, sought: Sought, placed: Sequence[Placed], now: datetime) -> Window:
        """Write what a window brought: its finds, the pages to fetch, its smaller windows and its state, at once."""
        with self._database.write() as connection:
            found, known, new = _enter_finds(connection, job, window.id, placed, now)
            _enter_windows(connection, job, sought.split)
            said = {
                "state": sought.state,
                "reason": sought.reason,
                "found": _w.found + found,
                "known": _w.known + known,
                "new": _w.new + new,
                "finished_at": now,
            }
            connection.execute(update(t.backfill_windows).where(_w.id == window.id).values(said))
            return _window(connection.execute(select(t.backfill_windows).where(_w.id == window.id)).one())

    def sources(self, job: int, now: datetime) -> Sequence[str]:
        """Return the sources that have pages of this job which are due."""
        with self._database.read() as connection:
            return list(connection.scalars(_pages(job, now, t.frontier.c.source).distinct()))

    def pending(self, job: int, source: str, now: datetime, limit: int) -> Sequence[Candidate]:
        """Return pages of this job that are due, newest first."""
        newest = func.coalesce(t.frontier.c.published, t.frontier.c.found_at).desc()
        query = _pages(job, now, t.frontier).where(t.frontier.c.source == source)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(newest, t.frontier.c.id).limit(limit)).all()
        return [_candidate(row) for row in rows]

    def gone(self, job: int) -> Sequence[tuple[Candidate, str]]:
        """Return pages that are gone and of which there is a copy, with its address."""
        query = (
            select(t.frontier, _f.snapshot)
            .join(t.backfill_finds, _f.url == t.frontier.c.url)
            .where(_f.job_id == job, _f.snapshot != "", t.frontier.c.state == "failed")
        )
        with self._database.read() as connection:
            return [(_candidate(row), row.snapshot) for row in connection.execute(query)]

    def counted(self, job: int) -> Sequence[Counted]:
        """Count what each provider brought; a page that several name counts for the first."""
        with self._database.read() as connection:
            windows = {row.provider: dict(row._mapping) for row in connection.execute(_COUNT_WINDOWS, {"job": job})}
            finds = {row.provider: dict(row._mapping) for row in connection.execute(_COUNT_FINDS, {"job": job})}
        return [_counted({**windows[name], **finds.get(name, {})}) for name in sorted(windows)]

    def relevant(self, job: int) -> Sequence[FoundArticle]:
        """Return the relevant articles that a job found, oldest first."""
        query = _ARTICLES.where(_f.job_id == job, IS_RELEVANT).order_by(t.articles.c.published, t.articles.c.id)
        with self._database.read() as connection:
            found = [_found_article(row) for row in connection.execute(query)]
        return list({each.id: each for each in found}.values())

    def times(self, job: int) -> Iterator[tuple[str, str, datetime]]:
        """Yield provider, source and publication time of each article that a job found."""
        columns = (_w.provider, t.articles.c.source, t.articles.c.published)
        query = _ARTICLES.with_only_columns(*columns).where(_f.job_id == job, t.articles.c.published.is_not(None))
        with self._database.read() as connection:
            for row in connection.execute(query):
                yield row.provider, row.source, row.published

    def left_out(self, job: int) -> Sequence[tuple[FindState, str, str, str]]:
        """Return state, outlet, title and address of what could not be fetched for want of a source or an address."""
        query = select(_f.state, _f.outlet, _f.title, _f.url).where(_f.job_id == job, _f.state != FindState.PAGE)
        with self._database.read() as connection:
            return [(FindState(row.state), row.outlet, row.title, row.url) for row in connection.execute(query)]

    def has_news(self, job: int) -> bool:
        """Return whether a relevant article came in since the job's summary was told."""
        newer = t.backfill_jobs.c.told_at.is_(None) | (t.articles.c.first_seen_at > t.backfill_jobs.c.told_at)
        query = (
            select(_f.id)
            .join(t.articles, _f.article_id == t.articles.c.id)
            .join(t.backfill_jobs, _f.job_id == t.backfill_jobs.c.id)
            .where(_f.job_id == job, ~_f.was_known, IS_RELEVANT, newer)
        )
        with self._database.read() as connection:
            return connection.execute(query.limit(1)).first() is not None

    def tell(self, job: int, alerts: Sequence[Alert], now: datetime) -> int:
        """Queue a summary and remember that it was told, at once; return how many alerts."""
        with self._database.write() as connection:
            connection.execute(update(t.backfill_jobs).where(t.backfill_jobs.c.id == job).values(told_at=now))
            return queue_alerts(connection, alerts).number


def _job(row: Any) -> Job:
    return Job(row.id, row.asked, row.began_at, row.told_at)


def _counted(said: dict[str, Any]) -> Counted:
    return Counted(said.pop("provider"), **{key: int(value or 0) for key, value in said.items()})


def _found_article(row: Any) -> FoundArticle:
    place = (row.source, row.url, row.published)
    return FoundArticle(row.id, row.story, row.title, row.outlet, *place, row.was_known)


def _window(row: Any) -> Window:
    shard = Shard(
        row.provider, row.query, row.start, row.until, row.source, row.language, row.address, cursor=row.cursor
    )
    return Window(row.id, shard, ShardState(row.state), row.found, row.known, row.new, row.reason)


def _candidate(row: Any) -> Candidate:
    return Candidate(row.url, row.source, Found(row.found_by), row.found_at, row.title, row.published, row.summary)


def _pages(job: int, now: datetime, *columns: Any) -> Any:
    of_job = select(_f.url).where(_f.job_id == job)
    due = (t.frontier.c.state.in_(_TO_FETCH[:1]), t.frontier.c.due_at <= now)
    return select(*columns).where(*due, t.frontier.c.url.in_(of_job))


def _enter_windows(connection: Connection, job: int, shards: Sequence[Shard]) -> int:
    entered = 0
    for each in shards:
        row = {
            "job_id": job,
            "provider": each.provider,
            "query": each.query,
            "start": each.start,
            "until": each.end,
            "source": each.source,
            "language": each.language,
            "address": each.address,
            "cursor": "",
            "state": ShardState.PENDING,
            "found": 0,
            "known": 0,
            "new": 0,
            "reason": "",
        }
        statement = insert_into(connection, t.backfill_windows).values(row)
        done = connection.execute(statement.on_conflict_do_nothing().returning(_w.id)).first()
        entered += done is not None
    return entered


def _find_row(job: int, window: int, placed: Placed, *, was_known: bool = False) -> dict[str, Any]:
    find = placed.find
    return {
        "job_id": job,
        "window_id": window,
        "page": canonical_url(find.url),
        "url": find.url,
        "source": placed.source,
        "title": find.title,
        "outlet": find.outlet or find.host,
        "state": placed.state,
        "was_known": was_known,
        "snapshot": find.snapshot,
    }


def _enter_finds(
    connection: Connection, job: int, window: int, placed: Sequence[Placed], now: datetime
) -> tuple[int, int, int]:
    """Enter finds and their pages; return how many were found, known before, and new to the frontier."""
    by_page = {canonical_url(each.find.url): each for each in placed}
    new = 0
    pages = list(by_page)
    for start in range(0, len(pages), _CHUNK):
        chunk = pages[start : start + _CHUNK]
        before = _listed_here(connection, job, chunk)
        articles = stored_pages(connection, chunk)
        fetched = _fetched(connection, [*chunk, *(by_page[page].find.url for page in chunk)])
        fresh = []
        for page in chunk:
            each = by_page[page]
            if page in before:
                continue
            is_known = page in articles or page in fetched or each.find.url in fetched
            row = {**_find_row(job, window, each, was_known=is_known), "article_id": articles.get(page)}
            connection.execute(insert(t.backfill_finds).values(row))
            if each.state is FindState.PAGE and not is_known:
                fresh.append(_as_candidate(each, now))
                new += 1
        enter_candidates(connection, fresh)
    of_pages = sum(each.state is FindState.PAGE for each in by_page.values())
    return len(by_page), of_pages - new, new


def _as_candidate(placed: Placed, now: datetime) -> Candidate:
    find = placed.find
    return Candidate(find.url, placed.source, Found.BACKFILL, now, find.title[:300], find.published)


def _listed_here(connection: Connection, job: int, pages: Sequence[str]) -> set[str]:
    clean = [t.clean(each) for each in pages]
    return set(connection.scalars(select(_f.page).where(_f.job_id == job, _f.page.in_(clean))))


def stored_pages(connection: Connection, pages: Sequence[str]) -> dict[str, int]:
    """Return the ids of the articles that are stored, by canonical address."""
    columns = (t.articles.c.canonical_url, t.articles.c.id)
    rows = connection.execute(select(*columns).where(t.articles.c.canonical_url.in_([t.clean(each) for each in pages])))
    return {row.canonical_url: row.id for row in rows}


def _fetched(connection: Connection, urls: Sequence[str]) -> set[str]:
    done = (t.frontier.c.url.in_([t.clean(each) for each in urls]), t.frontier.c.state != "pending")
    return set(connection.scalars(select(t.frontier.c.url).where(*done)))


def _number(condition: Any, name: str) -> Any:
    return func.sum(case((condition, 1), else_=0)).label(name)


_COUNT_WINDOWS = (
    select(
        _w.provider,
        func.count().label("windows"),
        _number(_w.state == ShardState.DONE, "done"),
        _number(_w.state == ShardState.CAPPED, "capped"),
        _number(_w.state == ShardState.FAILED, "failed"),
    )
    .where(_w.job_id == bindparam("job"))
    .group_by(_w.provider)
)
_ARTICLES = select(
    _w.provider,
    *(t.articles.c[each] for each in ("id", "story", "title", "outlet", "source", "url", "published")),
    _f.was_known,
).select_from(
    t.backfill_finds.join(t.articles, _f.article_id == t.articles.c.id).join(t.backfill_windows, _f.window_id == _w.id)
)
_state = t.frontier.c.state
_COUNT_FINDS = (
    select(
        _w.provider,
        func.count().label("found"),
        _number(and_(_f.state == FindState.PAGE, _f.was_known), "known"),
        _number(and_(_f.state == FindState.PAGE, ~_f.was_known), "new"),
        _number(and_(_f.article_id.is_not(None), ~_f.was_known), "fetched"),
        _number(IS_RELEVANT, "relevant"),
        _number(and_(_f.state == FindState.PAGE, _f.article_id.is_(None), _state == "pending"), "waiting"),
        _number(and_(_f.state == FindState.PAGE, _f.article_id.is_(None), _state == "failed"), "lost"),
        _number(_f.state == FindState.OPAQUE, "opaque"),
        _number(_f.state == FindState.ELSEWHERE, "elsewhere"),
    )
    .select_from(
        t.backfill_finds.join(t.backfill_windows, _f.window_id == _w.id)
        .outerjoin(t.articles, _f.article_id == t.articles.c.id)
        .outerjoin(t.frontier, _f.url == t.frontier.c.url)
    )
    .where(_f.job_id == bindparam("job"))
    .group_by(_w.provider)
)
