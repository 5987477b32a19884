"""Worker processes: a page that hangs or kills its reader costs one worker, and the others go on."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from trafilatura.utils import trim

from crawler.extract import pool
from crawler.extract.pool import ExtractionPool
from tripoint.domain.types import Candidate, Failure, Found, NotArticle, NotArticleKind, Page, Source, Step

NOW = datetime(2026, 11, 24, tzinfo=UTC)
SOURCE = Source("a", "A", "en", "GB", "UTC", "https://a.example/")


def misread(page: Page, candidate: Candidate, source: Source) -> Any:
    """Do as the page says: hang, die, fail or read."""
    match page.body:
        case b"hang":
            while True:
                pass
        case b"die":
            os.kill(os.getpid(), signal.SIGKILL)
        case b"fail":
            raise ValueError("two\nlines")
        case b"grow":
            bytearray(64 * 1024**3)
    return NotArticle(page.url, NotArticleKind.EMPTY, "read")


def tell_process(page: Page, candidate: Candidate, source: Source) -> Any:
    """Say which process reads."""
    return NotArticle(page.url, NotArticleKind.EMPTY, str(os.getpid()))


def test_one_bad_page_does_not_stop_the_rest() -> None:
    async def run() -> list[Any]:
        workers = ExtractionPool(2, timeout_s=1.0, read=misread)
        try:
            pages = [Page("u", "u", 200, "", each, NOW) for each in (b"hang", b"die", b"fail", b"good", b"good")]
            candidate = Candidate("u", "a", Found.FEED, NOW)
            return await asyncio.gather(*(workers.extract(page, candidate, SOURCE) for page in pages))
        finally:
            workers.close()

    hung, died, failed, *good = asyncio.run(run())
    assert hung == Failure(Step.EXTRACT, "u", "reading it took longer than 1 s", retryable=True, is_poison=True)
    assert isinstance(died, Failure)
    assert died.retryable
    assert died.is_poison
    assert failed == Failure(Step.EXTRACT, "u", "ValueError: two lines", retryable=False)
    assert good == [NotArticle("u", NotArticleKind.EMPTY, "read")] * 2


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds what a process may ask for")
def test_a_page_that_asks_for_all_memory_is_given_up() -> None:
    async def run() -> list[Any]:
        workers = ExtractionPool(1, timeout_s=60.0, read=misread)
        try:
            pages = [Page("u", "u", 200, "", each, NOW) for each in (b"grow", b"good")]
            return [await workers.extract(page, Candidate("u", "a", Found.FEED, NOW), SOURCE) for page in pages]
        finally:
            workers.close()

    grown, good = asyncio.run(run())
    assert grown == Failure(Step.EXTRACT, "u", "reading it needs more memory than a page may have", retryable=False)
    assert good == NotArticle("u", NotArticleKind.EMPTY, "read")


def test_the_caches_of_a_worker_do_not_grow_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trap: trafilatura's and htmldate's caches grow with every page."""
    text = "<p>" + "A sentence that is long enough to be a paragraph of an article, as they go. " * 3 + "</p>"
    monkeypatch.setattr(pool._Worker, "pages", 0)
    sizes = []
    for number in range(2 * pool._PAGES_A_CACHE):
        body = f"<html><head><title>Story {number} of many</title></head><body><article>{text}<p>{number}</p>"
        url = f"https://a.example/{number}"
        pool.read_page_here(
            Page(url, url, 200, "text/html", body.encode(), NOW), Candidate(url, "a", Found.FEED, NOW), SOURCE
        )
        sizes.append(trim.cache_info().currsize)
    before, after = sizes[pool._PAGES_A_CACHE - 2], sizes[pool._PAGES_A_CACHE - 1]
    assert before > 50 > after
    assert sizes[-1] == after


def test_a_worker_is_replaced_after_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trap: lxml gives no memory back, so that a worker must end now and then."""
    monkeypatch.setattr(pool, "_PAGES_A_WORKER", 3)

    async def run() -> list[Any]:
        workers = ExtractionPool(1, timeout_s=20, read=tell_process)
        try:
            page = Page("u", "u", 200, "", b"", NOW)
            return [await workers.extract(page, Candidate("u", "a", Found.FEED, NOW), SOURCE) for _ in range(7)]
        finally:
            workers.close()

    assert len({each.reason for each in asyncio.run(run())}) >= 2
