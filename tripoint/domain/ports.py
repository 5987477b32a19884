"""What the rooms ask of each other, as small Protocols that `tripoint.app.wiring` fulfils."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from tripoint.domain.coverage import Span
from tripoint.domain.policies import Policies
from tripoint.domain.types import (
    AlertState,
    Article,
    Assessment,
    Candidate,
    Clues,
    Decision,
    Delivery,
    Entered,
    Extraction,
    Failure,
    Found,
    Kept,
    Known,
    NotArticle,
    Page,
    Poll,
    QueuedAlert,
    Repair,
    Source,
    Validators,
)
from tripoint.domain.wish import ALL


class Frontier(Protocol):
    """What the crawler asks about what is left to fetch; it must outlive a crash."""

    async def validators(self, listing_url: str) -> Validators:
        """Return what to send with a conditional request for this listing."""
        ...

    async def record_poll(self, poll: Poll, candidates: Sequence[Candidate], room: int) -> Entered:
        """Store a visit and its candidates in one transaction, at most `room` new ones."""
        ...

    async def enter(self, candidates: Sequence[Candidate], room: int) -> Entered:
        """Store candidates that no visit to a listing found, at most `room` new ones."""
        ...

    async def to_repair(self, listing_url: str, now: datetime, *, is_try: bool = True) -> Sequence[Span]:
        """Return blind stretches of a listing that it is time to repair, newest first; each is tried a few times.

        Without `is_try` return those that are open, and count nothing.
        """
        ...

    async def repair(self, repair: Repair, candidates: Sequence[Candidate], room: int) -> Entered:
        """Store what was found of a blind stretch; it counts as seen if that reaches back and all was taken on."""
        ...

    async def held(self, now: datetime) -> Mapping[str, datetime]:
        """Return the hosts that asked to be left alone, and until when."""
        ...

    async def hold(self, host: str, until: datetime, reason: str) -> None:
        """Remember that a host asked to be left alone; it must outlive a restart."""
        ...

    async def pending(
        self, source: str, now: datetime, limit: int, states: Sequence[str] = ALL.states
    ) -> Sequence[Candidate]:
        """Return candidates of a source that are due and in one of these states, newest first."""
        ...


class Intake(Protocol):
    """Where the crawler hands over what it read; each call finishes one candidate."""

    async def article(self, candidate: Candidate, article: Article, page: Page | None = None) -> Kept:
        """Assess, store and queue alerts, with the page as evidence, or raise and leave the candidate pending."""
        ...

    async def not_article(self, candidate: Candidate, page: NotArticle) -> None:
        """Record that the page holds no article."""
        ...

    async def failure(self, candidate: Candidate, failure: Failure) -> None:
        """Record what went wrong, and when to try again if it is worth it."""
        ...


class Extractor(Protocol):
    """Reads pages and feeds in worker processes, so that no page can hang the loop."""

    async def extract(self, page: Page, candidate: Candidate, source: Source) -> Extraction:
        """Read one page; a hung or dead worker gives a `Failure`."""
        ...

    async def entries(
        self, body: bytes, content_type: str, url: str, source: Source, kind: Found, found_at: datetime
    ) -> Sequence[Candidate] | Failure:
        """Read the entries of a feed, sitemap or section page; see `crawler.listings`."""
        ...


class Assessor(Protocol):
    """Judges an article by each topic."""

    def assess(self, title: str, text: str, language: str) -> tuple[Assessment, ...]:
        """One assessment a topic, in the order of the topics' names."""
        ...


Decide = Callable[[Known], Decision]
"""A pure function that the archive calls inside its transaction."""


class Archive(Protocol):
    """The store of articles, called from one writer thread."""

    def keep(
        self, candidate: Candidate, article: Article, clues: Clues, decide: Decide, page: Page | None = None
    ) -> Kept:
        """Write article, revision, assessments, hits, alerts and the finished candidate at once.

        Of a relevant article the page is kept too, if it is given.
        """
        ...

    def keep_not_article(self, candidate: Candidate, page: NotArticle, at: datetime) -> None:
        """Finish a candidate whose page holds no article."""
        ...

    def keep_failure(self, candidate: Candidate, failure: Failure, at: datetime) -> None:
        """Store a failure and set when, if ever, the candidate is tried again."""
        ...


class Outbox(Protocol):
    """The queue of alerts, called from one writer thread."""

    def claim(self, now: datetime, channels: Sequence[str], limit: int) -> Sequence[QueuedAlert]:
        """Take pending alerts that are due and mark them as being sent, oldest first."""
        ...

    def settle(
        self,
        delivery: Delivery,
        state: AlertState,
        next_attempt_at: datetime,
        resume_at: datetime | None = None,
        policies: Policies | None = None,
    ) -> int:
        """Record an attempt and the state that follows; nothing more is tried on its channel before `resume_at`.

        By `policies` an alert that is given up goes to other channels; returns how many alerts that made.
        """
        ...

    def keep_taken(self, alert_id: int, taken: Sequence[str]) -> None:
        """Remember who has an alert that others of its channel lack yet."""
        ...

    def release(self, now: datetime) -> int:
        """Make alerts that a dead process was sending pending again; return how many."""
        ...
