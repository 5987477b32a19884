"""Worker processes: a page that hangs or kills its reader costs one worker, and the others go on."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import UTC, datetime
from typing import Any

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
    return NotArticle(page.url, NotArticleKind.EMPTY, "read")


def test_one_bad_page_does_not_stop_the_rest() -> None:
    async def run() -> list[Any]:
        pool = ExtractionPool(2, timeout_s=1.0, read=misread)
        try:
            pages = [Page("u", "u", 200, "", each, NOW) for each in (b"hang", b"die", b"fail", b"good", b"good")]
            candidate = Candidate("u", "a", Found.FEED, NOW)
            return await asyncio.gather(*(pool.extract(page, candidate, SOURCE) for page in pages))
        finally:
            pool.close()

    hung, died, failed, *good = asyncio.run(run())
    assert hung == Failure(Step.EXTRACT, "u", "reading it took longer than 1 s", retryable=False)
    assert isinstance(died, Failure)
    assert died.retryable
    assert failed == Failure(Step.EXTRACT, "u", "ValueError: two lines", retryable=False)
    assert good == [NotArticle("u", NotArticleKind.EMPTY, "read")] * 2
