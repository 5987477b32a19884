"""What a crawl tells while it runs, and when it is done."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Result(StrEnum):
    """What became of one listing or page."""

    LISTING_READ = "listings read"
    LISTING_UNCHANGED = "listings unchanged"
    LISTING_FAILED = "listings failed"
    REPAIRED = "gaps repaired"
    PAGE_READ = "further pages read"
    PAGE_UNREAD = "further pages not read"
    LINKED = "articles with links followed"
    BOUND = "bounds reached"
    ARTICLE = "articles"
    KNOWN = "already known"
    NOT_ARTICLE = "not an article"
    FAILURE = "failures"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, for a progress display."""

    result: Result
    source: str
    url: str
    detail: str = ""  #: a title, or a reason
    waiting: int = 0  #: pages that this crawl is still to fetch


@dataclass(slots=True)
class CrawlReport:
    """How a crawl went; counted while it runs."""

    started_at: datetime
    finished_at: datetime | None = None
    stopped: bool = False  #: whether it was asked to stop before it was done
    candidates: int = 0  #: addresses that were new
    alerts: int = 0  #: alerts that were queued
    results: Counter[Result] = field(default_factory=Counter)
    by_source: dict[str, Counter[Result]] = field(default_factory=dict)

    def count(self, event: Event) -> None:
        """Count one event."""
        self.results[event.result] += 1
        self.by_source.setdefault(event.source, Counter())[event.result] += 1

    @property
    def pages(self) -> int:
        """Return how many pages were fetched and read."""
        return sum(self.results[each] for each in (Result.ARTICLE, Result.KNOWN, Result.NOT_ARTICLE))
