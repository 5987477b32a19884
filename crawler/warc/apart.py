"""Reading a WARC file by itself, in a process that knows of no database: the same task gives the same answer again."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from crawler.answers import failure_of_status, part_of
from crawler.attempts import insist
from crawler.extract.pool import ExtractionPool
from crawler.warc.parts import DiskParts, ServerParts
from crawler.warc.search import WarcSearch
from crawler.warc.sift import Sift
from tripoint.domain.backfill import Answer, Held, Patience, Shard, Sought
from tripoint.domain.types import Failure, Source, Step

_WEB = ("https://", "http://")


@dataclass(frozen=True, slots=True)
class FileTask:
    """A file, or the rest of it, and what is looked for in it."""

    shard: Shard  #: its cursor says where to begin
    address: str  #: a path or a web address that every machine can reach
    sift: Sift
    sources: tuple[Source, ...]
    patience: Patience
    retry_s: float
    user_agent: str
    timeout_s: float  #: for the reading of some pages
    most_held: int  #: articles that one answer holds
    now: datetime


@dataclass(frozen=True, slots=True)
class FileRead:
    """What came of a task; it goes on at the cursor where the search is pending."""

    held: tuple[Held, ...]
    cursor: str
    share: float
    sought: Sought


def read_file(task: FileTask) -> FileRead:
    """Read a file to its end, or until as many articles were found as one answer holds."""
    return asyncio.run(_read(task))


async def _read(task: FileTask) -> FileRead:
    shelf = _Gathered(task.most_held, task.shard.cursor)
    # A page that hangs a parser must end its reader and not the task, here as anywhere.
    pool = ExtractionPool(1, task.timeout_s)
    try:
        search = WarcSearch(pool, shelf, lambda: task.now, 1)
        is_far = task.address.startswith(_WEB)
        ask = PlainAsk(task.user_agent, task.retry_s)
        parts = ServerParts(task.address, ask, task.patience) if is_far else DiskParts(Path(task.address))
        sought = await search.search(task.shard, parts, task.sift, task.sources)
    finally:
        await asyncio.to_thread(pool.close)
    return FileRead(tuple(shelf.held), shelf.cursor, shelf.share, sought)


class _Gathered:
    """A shelf that only gathers, up to a number."""

    def __init__(self, most: int, cursor: str) -> None:
        self._most = most
        self.held: list[Held] = []
        self.cursor = cursor
        self.share = 0.0

    @property
    def is_over(self) -> bool:
        return len(self.held) >= self._most

    async def take(self, shard: Shard, held: Sequence[Held], cursor: str, share: float) -> None:
        del shard
        self.held += held
        self.cursor, self.share = cursor, share


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The address comes from the settings: who answers there does not send us to another, which may lie inside."""

    def redirect_request(self, *_told: object) -> None:
        """Take the redirect for the answer."""


_OPENER = urllib.request.build_opener(_NoRedirects)


class PlainAsk:
    """Asks for parts of a file without Scrapy, whose reactor a process has once."""

    def __init__(self, user_agent: str, retry_s: float) -> None:
        self._user_agent = user_agent
        self._retry_s = retry_s

    async def get(
        self,
        url: str,
        *,
        pause_s: float = 0.0,
        part: tuple[int, int] | None = None,
        patience: Patience | None = None,
    ) -> Answer | Failure:
        """Fetch a part of a file; what is refused for now is asked again, later each time."""
        if not url.startswith(_WEB) or part is None or patience is None:
            return Failure(Step.LISTING, url, "only parts of a file on the web are asked for here", retryable=False)
        return await insist(
            lambda: asyncio.to_thread(self._once, url, part, patience),
            attempts=patience.attempts,
            first_wait_s=max(self._retry_s, pause_s),
        )

    def _once(self, url: str, part: tuple[int, int], patience: Patience) -> Answer | Failure:
        headers = {"Range": f"bytes={part[0]}-{part[1]}", "User-Agent": self._user_agent}
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the scheme was looked at
        try:
            with _OPENER.open(request, timeout=patience.timeout_s) as response:
                body = response.read(patience.most_bytes + 1)
                said, status = response.headers, response.status
                wanted = int(said.get("Content-Length") or len(body))
        except urllib.error.HTTPError as error:
            if 300 <= error.code < 400:
                reason = f"HTTP {error.code}: it lies elsewhere, and redirects are not followed here"
                return Failure(Step.LISTING, url, reason, retryable=False)
            body, said, status, wanted = b"", error.headers, error.code, 0
        except (OSError, ValueError) as error:
            return Failure(Step.LISTING, url, f"{type(error).__name__}: {error}"[:200], retryable=True)
        if len(body) > patience.most_bytes:
            return Failure(Step.LISTING, url, "larger than the limit", retryable=False)
        if len(body) < wanted:
            return Failure(Step.LISTING, url, "the answer was cut off", retryable=True)
        if status in {206, 416}:
            return part_of(url, status, said.get("Content-Range", ""), body, part[0])
        failure = failure_of_status(Step.LISTING, url, status, said.get("Retry-After", ""), datetime.now(UTC))
        return failure or Answer(url, status, said.get("Content-Type", ""), body)
