"""The frontier as a crawl of past pages sees it: only the pages of one job."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from storage.backfill import BackfillStore
from tripoint.app.no_listings import NoListings
from tripoint.app.writer import Writer, WriterFrontier
from tripoint.domain.ports import Intake
from tripoint.domain.types import (
    Article,
    Candidate,
    Failure,
    Found,
    Kept,
    NotArticle,
    Page,
)
from tripoint.domain.wish import ALL


class JobFrontier(NoListings):
    """Gives the pages of a job and takes nothing in: no listing is polled and no link followed."""

    def __init__(self, writer: Writer, store: BackfillStore, job: int, whole: WriterFrontier, most: int | None) -> None:
        """Give out at most so many pages, where there is a limit."""
        self._writer = writer
        self._store = store
        self._job = job
        self._whole = whole
        self._left = most

    @property
    def is_spent(self) -> bool:
        """Return whether as many pages were given out as this run may fetch."""
        return self._left is not None and self._left <= 0

    def room(self, pages: int) -> int:
        """Return how many of so many pages this run may still have."""
        return pages if self._left is None else max(0, min(self._left, pages))

    def spend(self, pages: int) -> None:
        """Count pages that need not be fetched as given out."""
        if self._left is not None:
            self._left -= pages

    async def pending(
        self, source: str, now: datetime, limit: int, states: Sequence[str] = ALL.states
    ) -> Sequence[Candidate]:
        """Return pages of the job that are due."""
        most = limit if self._left is None else min(limit, self._left)
        found = await self._writer.do(lambda: self._store.pending(self._job, source, now, most))
        if self._left is not None:
            self._left -= len(found)
        return found

    async def held(self, now: datetime) -> Mapping[str, datetime]:
        """Return the hosts that asked to be left alone."""
        return await self._whole.held(now)

    async def hold(self, host: str, until: datetime, reason: str) -> None:
        """Remember that a host asked to be left alone."""
        await self._whole.hold(host, until, reason)


class JobIntake:
    """Stores what a job found without alerts; what a listing had found before is told as ever."""

    def __init__(self, told: Intake, quiet: Intake, on_kept: Callable[[Kept], None]) -> None:
        self._told = told
        self._quiet = quiet
        self._on_kept = on_kept

    def _of(self, candidate: Candidate) -> Intake:
        return self._quiet if candidate.found_by is Found.BACKFILL else self._told

    async def article(self, candidate: Candidate, article: Article, page: Page | None = None) -> Kept:
        """Assess and store an article."""
        kept = await self._of(candidate).article(candidate, article, page)
        self._on_kept(kept)
        return kept

    async def not_article(self, candidate: Candidate, page: NotArticle) -> None:
        """Record a page without an article."""
        await self._quiet.not_article(candidate, page)

    async def failure(self, candidate: Candidate, failure: Failure) -> None:
        """Record a failure."""
        await self._quiet.failure(candidate, failure)
