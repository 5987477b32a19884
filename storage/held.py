"""What a search of the past keeps of pages that a provider holds itself, and how far each of its windows is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, select, update

from storage import tables as t
from storage.backfill import stored_pages
from storage.database import Database
from storage.upsert import insert_into
from tripoint.domain.backfill import FindState, Shard

_w, _f = t.backfill_windows.c, t.backfill_finds.c


@dataclass(frozen=True, slots=True)
class HeldPage:
    """A page that is to be kept."""

    url: str  #: as in the frontier
    page: str  #: canonical
    source: str
    title: str
    outlet: str


class HeldStore:
    """Finds and cursors of windows; one thread writes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def enter(self, job: int, shard: Shard, pages: Sequence[HeldPage]) -> set[str]:
        """Enter what a window found, each page once a job; return the canonical addresses that are stored already."""
        with self._database.write() as connection:
            window = connection.execute(select(_w.id).where(_is(job, shard))).scalar_one()
            stored = stored_pages(connection, [each.page for each in pages])
            known = [each.page in stored for each in pages if _enter(connection, job, window, each, stored)]
            counted = {"found": _w.found + len(known), "known": _w.known + sum(known)}
            counted["new"] = _w.new + len(known) - sum(known)
            connection.execute(update(t.backfill_windows).where(_w.id == window).values(counted))
            return set(stored)

    def advance(self, job: int, shard: Shard, cursor: str) -> None:
        """Say how far a window is done: what was found up to there is stored."""
        with self._database.write() as connection:
            connection.execute(update(t.backfill_windows).where(_is(job, shard)).values(cursor=cursor))


def _is(job: int, shard: Shard) -> ColumnElement[bool]:
    of_job = and_(_w.job_id == job, _w.provider == shard.provider, _w.query == shard.query)
    return and_(of_job, _w.start == shard.start, _w.until == shard.end)


def _enter(connection: Connection, job: int, window: int, held: HeldPage, stored: dict[str, int]) -> bool:
    """Enter one find; return whether it is new to the job."""
    row = {
        "job_id": job,
        "window_id": window,
        "page": held.page,
        "url": held.url,
        "source": held.source,
        "title": held.title,
        "outlet": held.outlet,
        "state": FindState.PAGE,
        "was_known": held.page in stored,
        "snapshot": "",
        "article_id": stored.get(held.page),
    }
    statement = insert_into(connection, t.backfill_finds).values(row).on_conflict_do_nothing()
    return connection.execute(statement.returning(_f.id)).first() is not None
