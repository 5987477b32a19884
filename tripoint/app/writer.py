"""The one thread that writes to the database, and the async faces that crawler and courier see of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Protocol, TypeVar

from tripoint.domain.coverage import Span
from tripoint.domain.meter import Meter, SilentMeter
from tripoint.domain.policies import Policies
from tripoint.domain.ports import Outbox
from tripoint.domain.types import (
    AlertState,
    Article,
    Candidate,
    Delivery,
    Entered,
    Failure,
    Kept,
    NotArticle,
    Page,
    Poll,
    QueuedAlert,
    Repair,
    Validators,
)
from tripoint.pipeline import Pipeline

T = TypeVar("T")


class Writer:
    """Runs every database call on one thread, in order: SQLite has one writer, and the loop never waits for a disk."""

    def __init__(self) -> None:
        self.waiting = 0  #: calls that are queued or under way, counted on the loop
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer")

    async def do(self, work: Callable[[], T]) -> T:
        """Run one call and return what it returns; a cancelled caller does not undo it."""
        self.waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self.waiting -= 1

    def close(self) -> None:
        """Finish what is queued and end the thread."""
        self._thread.shutdown(wait=True)


class SyncFrontier(Protocol):
    """The frontier as storage has it."""

    def validators(self, listing_url: str) -> Validators:
        """Return what to send with a conditional request."""
        ...

    def record_poll(self, poll: Poll, candidates: Sequence[Candidate], room: int) -> Entered:
        """Store a visit and its candidates."""
        ...

    def pending(self, source: str, now: datetime, limit: int) -> Sequence[Candidate]:
        """Return candidates that are due."""
        ...

    def enter(self, candidates: Sequence[Candidate], room: int) -> Entered:
        """Store candidates that no visit found."""
        ...

    def to_repair(self, listing_url: str, now: datetime) -> Sequence[Span]:
        """Return the blind stretches that it is time to repair."""
        ...

    def repair(self, repair: Repair, candidates: Sequence[Candidate], room: int) -> Entered:
        """Store what was found of a blind stretch."""
        ...

    def held(self, now: datetime) -> Mapping[str, datetime]:
        """Return the hosts that asked to be left alone."""
        ...

    def hold(self, host: str, until: datetime, reason: str) -> None:
        """Remember that a host asked to be left alone."""
        ...


class WriterFrontier:
    """The frontier as the crawler sees it."""

    def __init__(self, writer: Writer, frontier: SyncFrontier) -> None:
        self._writer = writer
        self._frontier = frontier

    async def validators(self, listing_url: str) -> Validators:
        """Return what to send with a conditional request."""
        return await self._writer.do(lambda: self._frontier.validators(listing_url))

    async def record_poll(self, poll: Poll, candidates: Sequence[Candidate], room: int) -> Entered:
        """Store a visit and its candidates."""
        return await self._writer.do(lambda: self._frontier.record_poll(poll, candidates, room))

    async def enter(self, candidates: Sequence[Candidate], room: int) -> Entered:
        """Store candidates that no visit found."""
        return await self._writer.do(lambda: self._frontier.enter(candidates, room))

    async def pending(self, source: str, now: datetime, limit: int) -> Sequence[Candidate]:
        """Return candidates that are due."""
        return await self._writer.do(lambda: self._frontier.pending(source, now, limit))

    async def to_repair(self, listing_url: str, now: datetime) -> Sequence[Span]:
        """Return the blind stretches that it is time to repair."""
        return await self._writer.do(lambda: self._frontier.to_repair(listing_url, now))

    async def repair(self, repair: Repair, candidates: Sequence[Candidate], room: int) -> Entered:
        """Store what was found of a blind stretch."""
        return await self._writer.do(lambda: self._frontier.repair(repair, candidates, room))

    async def held(self, now: datetime) -> Mapping[str, datetime]:
        """Return the hosts that asked to be left alone."""
        return await self._writer.do(lambda: self._frontier.held(now))

    async def hold(self, host: str, until: datetime, reason: str) -> None:
        """Remember that a host asked to be left alone."""
        await self._writer.do(lambda: self._frontier.hold(host, until, reason))


class WriterIntake:
    """The pipeline as the crawler sees it; says when an alert was queued, so that the courier wakes."""

    def __init__(
        self, writer: Writer, pipeline: Pipeline, on_alert: Callable[[], None], meter: Meter | None = None
    ) -> None:
        self._meter = meter or SilentMeter()
        self._writer = writer
        self._pipeline = pipeline
        self._on_alert = on_alert

    async def article(self, candidate: Candidate, article: Article, page: Page | None = None) -> Kept:
        """Assess and store an article."""
        kept = await self._writer.do(lambda: self._pipeline.article(candidate, article, page))
        self._meter.kept(kept)
        if kept.alerts_queued:
            self._on_alert()
        return kept

    async def not_article(self, candidate: Candidate, page: NotArticle) -> None:
        """Record a page without an article."""
        await self._writer.do(lambda: self._pipeline.not_article(candidate, page))

    async def failure(self, candidate: Candidate, failure: Failure) -> None:
        """Record a failure."""
        await self._writer.do(lambda: self._pipeline.failure(candidate, failure))


class SyncOutbox(Outbox, Protocol):
    """The outbox as storage has it."""

    def next_due(self, channels: Sequence[str]) -> datetime | None:
        """Return when the next pending alert is due."""
        ...


class WriterOutbox:
    """The outbox as the courier sees it."""

    def __init__(self, writer: Writer, outbox: SyncOutbox, policies: Policies) -> None:
        self._writer = writer
        self._outbox = outbox
        self._policies = policies

    async def claim(self, now: datetime, channels: Sequence[str], limit: int) -> Sequence[QueuedAlert]:
        """Take alerts that are due."""
        return await self._writer.do(lambda: self._outbox.claim(now, channels, limit))

    async def settle(
        self, delivery: Delivery, state: AlertState, next_attempt_at: datetime, resume_at: datetime | None
    ) -> int:
        """Record an attempt, and pass on to other channels what is given up."""
        return await self._writer.do(
            lambda: self._outbox.settle(delivery, state, next_attempt_at, resume_at, self._policies)
        )

    async def keep_taken(self, alert_id: int, taken: Sequence[str]) -> None:
        """Remember who has an alert that others lack."""
        await self._writer.do(lambda: self._outbox.keep_taken(alert_id, taken))

    async def next_due(self, channels: Sequence[str]) -> datetime | None:
        """Return when the next alert is due."""
        return await self._writer.do(lambda: self._outbox.next_due(channels))
