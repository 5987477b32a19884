"""Reading one page outside a crawl of the catalogue, for `tripoint score`; nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from crawler.crawl import Crawler
from crawler.extract.page import read_page
from crawler.extract.pool import ExtractionPool
from tripoint.app.no_listings import NoListings
from tripoint.app.settings import Settings
from tripoint.app.wiring import crawl_settings, utc_now
from tripoint.domain.errors import MendError
from tripoint.domain.types import (
    Article,
    Candidate,
    Extraction,
    Failure,
    Found,
    Kept,
    NotArticle,
    Page,
    Placement,
    PlacementKind,
    Source,
    Step,
)
from tripoint.domain.urls import host
from tripoint.domain.wish import ALL


def _source(url: str) -> Source:
    return Source("single-page", host(url) or "file", "", "", "UTC", url)


class _OnePage(NoListings):
    """A frontier with one candidate, and an intake that remembers what became of it."""

    def __init__(self, candidate: Candidate) -> None:
        self._candidate = candidate
        self.found: Extraction = Failure(Step.FETCH, candidate.url, "it was not fetched", retryable=True)

    async def held(self, now: datetime) -> Mapping[str, datetime]:
        return {}

    async def hold(self, host: str, until: datetime, reason: str) -> None:
        return None

    async def pending(
        self, source: str, now: datetime, limit: int, states: Sequence[str] = ALL.states
    ) -> Sequence[Candidate]:
        return [self._candidate]

    async def article(self, candidate: Candidate, article: Article, page: Page | None = None) -> Kept:
        self.found = article
        return Kept(0, Placement("", PlacementKind.NEW), 0)

    async def not_article(self, candidate: Candidate, page: NotArticle) -> None:
        self.found = page

    async def failure(self, candidate: Candidate, failure: Failure) -> None:
        self.found = failure


async def fetch_single_page(settings: Settings, url: str) -> Extraction:
    """Fetch and read one page under the settings' politeness."""
    source = _source(url)
    one = _OnePage(Candidate(url, source.name, Found.SECTION, utc_now()))
    extractor = ExtractionPool(1, settings.crawl.extract_timeout_s)
    try:
        await Crawler(crawl_settings(settings), extractor, one, one, utc_now).crawl([source])
    finally:
        extractor.close()
    return one.found


def read_saved_page(body: bytes, address: str) -> Article:
    """Read a page that was saved to a file; raises `MendError` where it holds no article."""
    page = Page("https://localhost/", "https://localhost/", 200, "text/html", body, utc_now())
    source = _source("https://localhost/")
    found = read_page(page, Candidate(page.url, source.name, Found.SECTION, utc_now()), source)
    if isinstance(found, NotArticle):
        raise MendError(f"{address}: no article in it: {found.reason}", "name a page that holds an article")
    return found
