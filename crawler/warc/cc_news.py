"""CC-NEWS, Common Crawl's archive of news: a list of files for each month, and files of a gigabyte read in parts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from crawler.listings import UnreadableListingError, unpacked
from crawler.providers.reading import Reader
from crawler.warc.local import Sieve
from crawler.warc.parts import ServerParts
from crawler.warc.search import FileSearch
from tripoint.domain.archives import addresses
from tripoint.domain.backfill import Ask, Patience, Shard, ShardState, Sought, Wanted, day_start
from tripoint.domain.text import one_line
from tripoint.domain.types import Failure
from tripoint.domain.when import Days

FIRST_DAY = date(2016, 8, 26)  # of its first file
_LISTING = "crawl-data/CC-NEWS/{YYYY}/{MM}/warc.paths.gz"
_FILE = re.compile(r"crawl-data/CC-NEWS/\d{4}/\d{2}/(CC-NEWS-(\d{14})-\d{1,10}\.warc\.gz)")
_LATER = timedelta(days=3)  # it captures what feeds and sitemaps list, hours after a page is published
_LISTING_BYTES = 4 * 1024 * 1024
_FILE_BYTES = 1024**3


@dataclass(frozen=True, slots=True)
class WarcFile:
    """A file of a month's list."""

    path: str
    name: str
    begun: datetime  #: no record in it is older


def read_paths(body: bytes) -> tuple[WarcFile, ...]:
    """Read a month's list; runs in a worker. Raises `UnreadableListingError` where it is anything else."""
    lines = unpacked(body).decode("utf-8", "replace").split("\n")
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        said = _FILE.fullmatch(line.strip())
        if said is None:
            raise UnreadableListingError(f"line {number} names no file of CC-NEWS: {one_line(line)[:80]}")
        begun = datetime.strptime(said[2], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        found.append(WarcFile(said[0], said[1], begun))
    if not found:
        raise UnreadableListingError("the list of files is empty")
    return tuple(sorted(found, key=lambda each: (each.begun, each.name)))


class CcNewsProvider:
    """Reads what Common Crawl captured of the catalogue's outlets; a shard is a month's list, then each file of it."""

    name = "cc-news"

    def __init__(self, reader: Reader, search: FileSearch, sieve: Sieve, address: str, patience: Patience) -> None:
        """Ask for parts as long as an answer may be by `patience`."""
        self._reader = reader
        self._search = search
        self._sieve = sieve
        self._address = address.rstrip("/")
        self._patience = patience
        self._refused = ""  # why it lets us have nothing more in this run

    def shards(self, wanted: Wanted) -> Sequence[Shard]:
        """Return a shard for each month in which the days can have been captured; none before its first day."""
        days = Days(max(wanted.days.first, FIRST_DAY), wanted.days.end + _LATER)
        if wanted.days.end <= FIRST_DAY:
            return []
        return [
            Shard(self.name, f"files of {span.first:%Y-%m}", *_span(span), address=address)
            for span, address in addresses(_LISTING, days)
        ]

    def cost(self, wanted: Wanted) -> str:
        """Say for people what its windows will cost, which only the lists tell exactly."""
        lists = len(self.shards(wanted))
        requests = -(-_FILE_BYTES // self._patience.most_bytes)
        return (
            f"{self.name}: {lists} lists are asked for first; each names some hundred files a month, of which those of "
            f"the days become windows: a file is about 1 GB and {requests} requests for "
            f"{self._patience.most_bytes // 1024**2} MB each"
        )

    async def search(self, shard: Shard, wanted: Wanted, ask: Ask) -> Sought:
        """Read a list, whose files replace it as windows, or one file from where its cursor is."""
        if self._refused:
            return Sought(state=ShardState.FAILED, reason=self._refused)
        is_list = shard.address.endswith(".paths.gz")
        found = await (self._list(shard, wanted, ask) if is_list else self._file(shard, wanted, ask))
        if found.state is ShardState.FAILED and found.reason in {"HTTP 403", "HTTP 429"}:
            # Whoever asks too often is refused everything for a while: asking on would only make that longer.
            self._refused = f"{found.reason}: it refuses who asks too often for some hours; go on later"
            return replace(found, reason=self._refused)
        return found

    async def _list(self, shard: Shard, wanted: Wanted, ask: Ask) -> Sought:
        patience = replace(self._patience, most_bytes=_LISTING_BYTES)
        url = f"{self._address}/{shard.address}"
        answer = await ask.get(url, patience=patience)
        if isinstance(answer, Failure):
            if answer.reason == "HTTP 404":
                return _no_list(shard, wanted)
            return Sought.failed(answer)
        files = await self._reader.run(read_paths, answer.body, subject=url)
        if isinstance(files, Failure):
            return Sought.failed(files)
        chosen = tuple(self._of_days(files, shard, wanted))
        return Sought(reason=f"{len(files)} files, {len(chosen)} of them of these days", split=chosen)

    def _of_days(self, files: Sequence[WarcFile], shard: Shard, wanted: Wanted) -> Iterator[Shard]:
        """Yield the files that can hold a page of the days: one goes on until the next was begun, about."""
        since = self._sieve.sift(wanted).since
        until = day_start(Days(wanted.days.end, wanted.days.end)) + _LATER
        ends = [later.begun for _, later in pairwise(files)] + [max(shard.end, files[-1].begun)]
        for each, end in zip(files, ends, strict=True):
            if each.begun < until and end >= since:
                yield Shard(self.name, each.name, each.begun, max(end, each.begun), address=each.path)

    async def _file(self, shard: Shard, wanted: Wanted, ask: Ask) -> Sought:
        parts = ServerParts(f"{self._address}/{shard.address}", ask, self._patience)
        # Nobody handed these files in: of an outlet that nobody chose, nothing is read.
        sift = replace(self._sieve.sift(wanted), only_sites=True)
        return await self._search.search(shard, parts, sift, wanted.sources)


def _no_list(shard: Shard, wanted: Wanted) -> Sought:
    """Tell what it means that there is no list: nothing yet where the month comes after the days."""
    if shard.start.date() >= wanted.days.end:
        return Sought(reason="there is no list of this month yet, and all days are before it")
    return Sought(state=ShardState.FAILED, reason="HTTP 404: it has no list of this month, or not yet")


def _span(days: Days) -> tuple[datetime, datetime]:
    return day_start(days), day_start(Days(days.end, days.end))
