"""A live check of sources: each listing is read, one article of it is fetched, and nothing is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from crawler.crawl import Crawler
from crawler.discover import Discovery, discover
from crawler.extract.pool import ExtractionPool
from crawler.report import Event
from tripoint.app.settings import Settings
from tripoint.app.wiring import crawl_settings, utc_now
from tripoint.domain.coverage import Span
from tripoint.domain.errors import MendError
from tripoint.domain.types import (
    Article,
    Candidate,
    Entered,
    Failure,
    Kept,
    NotArticle,
    Page,
    Placement,
    PlacementKind,
    Poll,
    PollStatus,
    Repair,
    Source,
    Validators,
)
from tripoint.domain.urls import normalise_url
from tripoint.domain.wish import ALL

_TRIES = 3  # pages of a source: the first may be a video
_FORBIDDEN = ("robots.txt forbids", "HTTP 401", "HTTP 403", "HTTP 451")


class Verdict(StrEnum):
    """What a check says of a source."""

    WORKS = "works"
    MOVED = "moved"  #: it works, from another address
    PARTLY = "partly"  #: an article was read, and a listing failed
    EMPTY = "empty"  #: its listings answer and list nothing
    NO_ARTICLE = "no article"  #: pages answer, and no text is found in them
    FORBIDDEN = "forbidden"
    FAILS = "fails"


@dataclass(slots=True)
class Checked:
    """What a check saw of one source."""

    source: Source
    polls: list[Poll] = field(default_factory=list)
    candidates: dict[str, Candidate] = field(default_factory=dict)
    articles: list[Article] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> Verdict:
        """What it comes to."""
        failed = [each for each in self.polls if each.status is PollStatus.FAILED]
        if self.articles:
            if failed:
                return Verdict.PARTLY
            return Verdict.MOVED if self.moved else Verdict.WORKS
        reasons = [*(each.error for each in failed), *self.problems]
        if any(each.startswith(_FORBIDDEN) for each in reasons):
            return Verdict.FORBIDDEN
        if failed and len(failed) == len(self.polls):
            return Verdict.FAILS
        return Verdict.NO_ARTICLE if self.candidates else Verdict.EMPTY

    @property
    def moved(self) -> tuple[tuple[str, str], ...]:
        """Each listing that answers from another address, with that address."""
        return tuple((each.url, each.moved_to) for each in self.polls if each.moved_to)

    @property
    def detail(self) -> str:
        """The first thing to know: an article's title, or what is wrong."""
        failed = [f"{each.url}: {each.error}" for each in self.polls if each.error]
        if failed:
            return failed[0]
        if self.moved:
            return f"{self.moved[0][0]} is now {self.moved[0][1]}"
        if self.articles:
            return f"{self.articles[0].title} ({len(self.articles[0].text)} characters)"
        return self.problems[0] if self.problems else "nothing listed"


class _Probe:
    """A frontier and an intake that keep all in memory."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self.checked = {each.name: Checked(each) for each in sources}

    async def validators(self, listing_url: str) -> Validators:
        return Validators()

    async def record_poll(self, poll: Poll, candidates: Sequence[Candidate], room: int) -> Entered:
        seen = self.checked[poll.source]
        seen.polls.append(poll)
        fresh = {each.url: each for each in candidates if each.url not in seen.candidates}
        seen.candidates.update(fresh)
        return Entered(tuple(fresh.values()))

    async def enter(self, candidates: Sequence[Candidate], room: int) -> Entered:
        return Entered()

    async def to_repair(self, listing_url: str, now: datetime, *, is_try: bool = True) -> Sequence[Span]:
        return ()

    async def repair(self, repair: Repair, candidates: Sequence[Candidate], room: int) -> Entered:
        return Entered()

    async def held(self, now: datetime) -> Mapping[str, datetime]:
        return {}

    async def hold(self, host: str, until: datetime, reason: str) -> None:
        """Forget it: nothing outlives a check, and while it lasts the spider knows."""

    async def pending(
        self, source: str, now: datetime, limit: int, states: Sequence[str] = ALL.states
    ) -> Sequence[Candidate]:
        found = list(self.checked[source].candidates.values())
        found.sort(key=lambda each: each.published or each.found_at, reverse=True)
        return found[:_TRIES]

    async def article(self, candidate: Candidate, article: Article, page: Page | None = None) -> Kept:
        self.checked[candidate.source].articles.append(article)
        return Kept(0, Placement("", PlacementKind.NEW), 0)

    async def not_article(self, candidate: Candidate, page: NotArticle) -> None:
        self.checked[candidate.source].problems.append(f"{page.kind}: {page.reason}")

    async def failure(self, candidate: Candidate, failure: Failure) -> None:
        self.checked[candidate.source].problems.append(failure.reason)


async def check_sources(settings: Settings, sources: Sequence[Source], watch: Callable[[Event], None]) -> list[Checked]:
    """Read every listing of these sources and up to three articles of each, under the settings' politeness."""
    probe = _Probe(sources)
    extractor = ExtractionPool(settings.crawl.workers, settings.crawl.extract_timeout_s)
    try:
        await Crawler(crawl_settings(settings), extractor, probe, probe, utc_now).crawl(sources, watch)
    finally:
        extractor.close()
    return list(probe.checked.values())


async def discover_source(settings: Settings, url: str) -> Discovery:
    """Find the listings of a site; raises `MendError` for what is no web address."""
    try:
        address = normalise_url(url)
    except ValueError as error:
        raise MendError(f"{url} is no web address", "begin with https:// and name a host") from error
    extractor = ExtractionPool(1, settings.crawl.extract_timeout_s)
    try:
        return await discover(address, crawl_settings(settings), extractor, utc_now)
    finally:
        extractor.close()
