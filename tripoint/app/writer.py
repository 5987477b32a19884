"""The one thread that writes to the database, and the async faces that crawler and courier see of it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeVar

from tripoint.domain.coverage import Span
from tripoint.domain.errors import ConflictError
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
from tripoint.domain.wish import ALL
from tripoint.pipeline import Pipeline

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Job:
    work: Callable[[], Any]
    is_shared: bool  #: may stand in one transaction with others
    answer: Future[Any] = field(default_factory=Future)


_END = _Job(lambda: None, is_shared=False)
_MOST_SHARED = 8  # more would hold up all that may be fetched, and leave those who read pages without any
_TRIES = 5  # of what meets other processes
_GATHER_S = 0.05  # a page is minutes old when it is found: this long it may wait for others
_BELIEVED = 3  # so many waited in vain: whoever asks waits for each answer before it asks again
_ASK_AGAIN = 16  # in vain, but every so often it is tried anew


class Company:
    """Whether it is worth waiting for others: not where those before waited in vain."""

    def __init__(self) -> None:
        self._lonely = 0  # in a row that nothing joined

    @property
    def is_likely(self) -> bool:
        """Whether to wait."""
        return self._lonely < _BELIEVED or self._lonely % _ASK_AGAIN == 0

    def met(self, others: int) -> None:
        """Remember how many joined one."""
        self._lonely = 0 if others else self._lonely + 1


class Writer:
    """Runs every database call on one thread, in order: SQLite has one writer, and the loop never waits for a disk.

    `together` makes one transaction of what is written in it; to commit each article by itself costs as much as to
    judge it, and the disk more.
    """

    def __init__(self, together: Callable[[], AbstractContextManager[object]] = nullcontext) -> None:
        self.waiting = 0  #: calls that are queued or under way, counted on the loop
        self._together = together
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._next: _Job | None = None  # taken, but not of the batch that is being done
        self._company = Company()
        self._thread = threading.Thread(target=self._work, name="writer")
        self._thread.start()

    async def do(self, work: Callable[[], T]) -> T:
        """Run one call and return what it returns; one that has begun is not undone when its caller is cancelled."""
        done: T = await self._put(_Job(work, is_shared=False))
        return done

    async def do_shared(self, work: Callable[[], T]) -> T:
        """Run one call, which may share its transaction with those of others; returns once that is committed.

        If one of them fails, nothing of the transaction is kept and each is run again by itself.
        """
        done: T = await self._put(_Job(work, is_shared=True))
        return done

    def close(self) -> None:
        """Finish what is queued and end the thread."""
        self._jobs.put(_END)
        self._thread.join()

    async def _put(self, job: _Job) -> Any:
        self.waiting += 1
        self._jobs.put(job)
        try:
            return await asyncio.wrap_future(job.answer)
        finally:
            self.waiting -= 1

    def _work(self) -> None:
        while (batch := self._batch())[0] is not _END:
            wanted = [each for each in batch if each.answer.set_running_or_notify_cancel()]
            if len(wanted) < 2 or not self._done_together(wanted):
                for each in wanted:
                    _do(each)

    def _batch(self) -> list[_Job]:
        """Wait for a job, and return it with those that may share its transaction."""
        batch = [self._next or self._jobs.get()]
        self._next = None
        until = time.monotonic() + (_GATHER_S if self._company.is_likely else 0.0)
        while batch[0].is_shared and len(batch) < _MOST_SHARED:
            try:
                after = self._jobs.get(timeout=max(0.0, until - time.monotonic()))
            except Empty:
                break
            if not after.is_shared:
                self._next = after
                break
            batch.append(after)
        if batch[0].is_shared and (len(batch) > 1 or self._next is None):
            self._company.met(len(batch) - 1)
        return batch

    def _done_together(self, jobs: Sequence[_Job]) -> bool:
        """Do jobs in one transaction; return False, with nothing done, where one of them failed."""
        try:
            with self._together():
                results = [each.work() for each in jobs]
        except Exception:  # noqa: BLE001 - whichever failed will fail again by itself, and tell its caller
            return False
        for each, result in zip(jobs, results, strict=True):
            each.answer.set_result(result)
        return True


def _do(job: _Job) -> None:
    try:
        result = _again(job.work)
    except BaseException as error:  # noqa: BLE001 - it is the caller's
        job.answer.set_exception(error)
    else:
        job.answer.set_result(result)


def _again(work: Callable[[], T]) -> T:
    """Do it, and do it again where another process was in the way: the one that won is done by then."""
    for _ in range(_TRIES - 1):
        try:
            return work()
        except ConflictError:
            continue
    return work()


class SyncFrontier(Protocol):
    """The frontier as storage has it."""

    def validators(self, listing_url: str) -> Validators:
        """Return what to send with a conditional request."""
        ...

    def record_poll(self, poll: Poll, candidates: Sequence[Candidate], room: int) -> Entered:
        """Store a visit and its candidates."""
        ...

    def pending(
        self, source: str, now: datetime, limit: int, states: Sequence[str] = ALL.states
    ) -> Sequence[Candidate]:
        """Return candidates that are due."""
        ...

    def enter(self, candidates: Sequence[Candidate], room: int) -> Entered:
        """Store candidates that no visit found."""
        ...

    def to_repair(self, listing_url: str, now: datetime, *, is_try: bool = True) -> Sequence[Span]:
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

    async def pending(
        self, source: str, now: datetime, limit: int, states: Sequence[str] = ALL.states
    ) -> Sequence[Candidate]:
        """Return candidates that are due."""
        return await self._writer.do(lambda: self._frontier.pending(source, now, limit, states))

    async def to_repair(self, listing_url: str, now: datetime, *, is_try: bool = True) -> Sequence[Span]:
        """Return the blind stretches that it is time to repair."""
        return await self._writer.do(lambda: self._frontier.to_repair(listing_url, now, is_try=is_try))

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

    def renew(self, pipeline: Pipeline) -> None:
        """Judge by this from now on; what the writer has begun is judged as it was begun."""
        self._pipeline = pipeline

    async def article(self, candidate: Candidate, article: Article, page: Page | None = None) -> Kept:
        """Assess and store an article."""
        kept = await self._writer.do_shared(lambda: self._pipeline.article(candidate, article, page))
        self._meter.kept(kept)
        if kept.alerts_queued:
            self._on_alert()
        return kept

    async def not_article(self, candidate: Candidate, page: NotArticle) -> None:
        """Record a page without an article."""
        await self._writer.do_shared(lambda: self._pipeline.not_article(candidate, page))

    async def failure(self, candidate: Candidate, failure: Failure) -> None:
        """Record a failure."""
        await self._writer.do_shared(lambda: self._pipeline.failure(candidate, failure))


class SyncOutbox(Outbox, Protocol):
    """The outbox as storage has it."""

    def next_due(self, channels: Sequence[str]) -> datetime | None:
        """Return when the next pending alert is due."""
        ...


class WriterOutbox:
    """The outbox as the courier sees it."""

    def __init__(
        self, writer: Writer, outbox: SyncOutbox, policies: Policies, may_send: Callable[[], None] = lambda: None
    ) -> None:
        """Use an outbox; `may_send` raises what forbids to send, and is asked before each message."""
        self._writer = writer
        self._outbox = outbox
        self._policies = policies
        self._may_send = may_send

    async def claim(self, now: datetime, channels: Sequence[str], limit: int) -> Sequence[QueuedAlert]:
        """Take alerts that are due."""

        def take() -> Sequence[QueuedAlert]:
            self._may_send()
            return self._outbox.claim(now, channels, limit)

        return await self._writer.do(take)

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
