"""A house whose reader some pages kill or hang, crawled at moments that a test chooses; for a process of its own.

A line on stdin is the number of seconds by which the clock goes on; then everything that is due is crawled, and a line on
stdout says how.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from crawler.extract.pool import read_page_here
from crawler.reactor import run_on_reactor
from tripoint.app.settings import load_settings
from tripoint.app.wiring import opened_works
from tripoint.domain.types import Candidate, Page, Source

KILLS = b"<!-- kills whoever reads it -->"
HANGS = b"<!-- hangs whoever reads it -->"


def read_unless_poisoned(page: Page, candidate: Candidate, source: Source) -> Any:
    """Die or hang where a page says so, as a fault of a parser in C does, else read it as ever."""
    if KILLS in page.body:
        os.kill(os.getpid(), signal.SIGSEGV)
    while HANGS in page.body:
        pass
    return read_page_here(page, candidate, source)


async def _crawl_when_told(file: Path) -> None:
    moved = timedelta(0)

    def clock() -> datetime:
        return datetime.now(UTC) + moved

    loop = asyncio.get_running_loop()
    settings = load_settings(file, {})
    async with opened_works(settings, lambda _alert: None, clock=clock, read=read_unless_poisoned) as works:
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            moved += timedelta(seconds=float(line))
            due = await works.due(works.seeds.sources, set())
            report = await works.crawler.crawl(due.sources, due=due.listings)
            sys.stdout.write(json.dumps({str(key): value for key, value in report.results.items()}) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    run_on_reactor(lambda: _crawl_when_told(Path(sys.argv[1])))
