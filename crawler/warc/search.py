"""Working through one WARC file: a piece ahead is walked while workers read the records of the one before."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from crawler.outlet import is_own, site_of
from crawler.providers.reading import Reader
from crawler.warc.parts import Part, Parts
from crawler.warc.reading import Batch, Group, choose, read_group
from crawler.warc.sift import Passed, Sift, own_site
from crawler.warc.spans import CUT, NoWarcError, Problem, Record, Stepper, check_start
from tripoint.domain.backfill import Shard, ShardState, Shelf, Sought
from tripoint.domain.text import slug
from tripoint.domain.types import Failure, Source

_HEAD_BYTES = 256 * 1024
_AHEAD = 8  # batches that wait for a worker or for the shelf: none is idle where a piece ends
_ROOM = 1024 * 1024  # in a piece, beside the largest page: a record's heads


@dataclass(slots=True)
class Progress:
    """How far a file is done; the cursor of its shard in the ledger."""

    at: int = 0  #: bytes into the file: where the next record begins
    records: int = 0
    passed: Counter[str] = field(default_factory=Counter)
    problems: int = 0
    first: str = ""  #: the first problem, and where it is
    is_lost: bool = False
    cut: str = ""  #: how the file ends too early

    @staticmethod
    def of(cursor: str) -> Progress:
        """Read a cursor."""
        said = json.loads(cursor) if cursor else {}
        return Progress(**{**said, "passed": Counter(said.get("passed", {})), "cut": ""})

    @property
    def cursor(self) -> str:
        """Return it as the ledger keeps it."""
        said = {"at": self.at, "records": self.records, "passed": self.passed, "problems": self.problems}
        return json.dumps({**said, "first": self.first, "is_lost": self.is_lost})

    def add(self, batch: Batch, passed: Mapping[Passed, int]) -> None:
        """Count a batch whose records were read."""
        self.at, self.is_lost = batch.until, batch.is_lost
        self.records += batch.number
        for counts in (batch.passed, passed):
            self.passed.update({str(why): number for why, number in counts.items()})
        for each in batch.problems:
            if each.is_cut:
                self.cut = f"{each.reason}, at byte {each.at}"
                continue
            self.problems += 1
            self.first = self.first or f"{each.reason}, at byte {each.at}"

    @property
    def sought(self) -> Sought:
        """Return what a file brought that was read to its end."""
        if self.cut:
            return Sought(state=ShardState.FAILED, reason=self.cut)
        if self.problems:
            more = f", and {self.problems - 1} more places" if self.problems > 1 else ""
            return Sought(state=ShardState.CAPPED, reason=f"{self.first}{more}; the rest was read")
        said = [f"{number} {why}" for why, number in self.passed.most_common()]
        return Sought(reason=f"{self.records} records: {', '.join(said) or 'none'}")


@dataclass(frozen=True, slots=True)
class _Piece:
    part: Part
    batches: tuple[Batch, ...]


@dataclass(frozen=True, slots=True)
class _Reading:
    """A batch that workers read."""

    batch: Batch
    group: asyncio.Task[Group]
    total_bytes: int  #: of the file


class FileSearch(Protocol):
    """Whoever reads WARC files: worker processes here, or a cluster."""

    async def search(self, shard: Shard, parts: Parts, sift: Sift, sources: Sequence[Source]) -> Sought:
        """Go on with a file where its cursor is."""
        ...


class WarcSearch:
    """Reads WARC files in worker processes, as many at a time as there are workers."""

    def __init__(self, reader: Reader, shelf: Shelf, clock: Callable[[], datetime], files_at_once: int) -> None:
        self._reader = reader
        self._shelf = shelf
        self._clock = clock
        self._turns = asyncio.Semaphore(files_at_once)

    async def search(self, shard: Shard, parts: Parts, sift: Sift, sources: Sequence[Source]) -> Sought:
        """Go on with a file where its cursor is; what is read is on the shelf before the cursor says so."""
        async with self._turns:
            return await _File(self._reader, self._shelf, self._clock, shard, parts, sift, sources).search()


class _File:
    """One file while it is worked through."""

    def __init__(
        self,
        reader: Reader,
        shelf: Shelf,
        clock: Callable[[], datetime],
        shard: Shard,
        parts: Parts,
        sift: Sift,
        sources: Sequence[Source],
    ) -> None:
        self._reader = reader
        self._shelf = shelf
        self._clock = clock
        self._shard = shard
        self._parts = parts
        self._sift = sift
        self._by_site = sites_of(sources)
        self._progress = Progress.of(shard.cursor)
        self._piece_bytes = sift.most_bytes + _ROOM

    async def search(self) -> Sought:
        if self._progress.at == 0 and (problem := await self._begin()):
            return Sought(state=ShardState.FAILED, reason=problem)
        ahead: asyncio.Queue[_Piece | Failure | None] = asyncio.Queue(1)
        reading: asyncio.Queue[_Reading | Failure | None] = asyncio.Queue(_AHEAD)
        walking = asyncio.create_task(self._walk(self._progress.at, self._progress.is_lost, ahead))
        handing = asyncio.create_task(self._hand_out(ahead, reading))
        try:
            while (each := await reading.get()) is not None:
                if isinstance(each, Failure):
                    return Sought.failed(each)
                await self._shelve(each)
                if self._shelf.is_over:
                    return Sought(state=ShardState.PENDING, reason="stopped; it goes on from there")
            await asyncio.gather(walking, handing)
        finally:
            walking.cancel()
            handing.cancel()
            while not reading.empty():
                if isinstance(left := reading.get_nowait(), _Reading):
                    left.group.cancel()
        return self._progress.sought

    async def _begin(self) -> str:
        part = await self._parts.read(0, _HEAD_BYTES)
        if isinstance(part, Failure):
            return part.reason
        try:
            check_start(part.body)
        except NoWarcError as error:
            return str(error)
        return ""

    async def _walk(self, at: int, is_lost: bool, ahead: asyncio.Queue[_Piece | Failure | None]) -> None:
        """Put the file's pieces into the queue, each with its records; None ends it."""
        while True:
            part = await self._parts.read(at, self._piece_bytes)
            if isinstance(part, Failure):
                await ahead.put(part)
                return
            if not part.body:
                if part.start > part.total_bytes:
                    cut = Problem(part.total_bytes, CUT, is_cut=True)
                    await ahead.put(_Piece(part, (Batch((), 0, {}, (cut,), at),)))
                break
            said = (part.body, at, self._sift, part.is_last, is_lost)
            batches = await self._reader.run(choose, *said, subject=self._shard.address)
            if isinstance(batches, Failure):
                await ahead.put(batches)
                return
            if not batches:
                stepped = await self._step_over(at)
                if isinstance(stepped, Failure):
                    await ahead.put(stepped)
                    return
                batches = (stepped,)
            await ahead.put(_Piece(part, batches))
            at, is_lost = batches[-1].until, batches[-1].is_lost
            if any(each.is_cut for each in batches[-1].problems):
                break
        await ahead.put(None)

    async def _step_over(self, at: int) -> Batch | Failure:
        """Pass over a record that is longer than a piece, and so no page."""
        stepper, place = Stepper(), at
        while True:
            part = await self._parts.read(place, self._piece_bytes)
            if isinstance(part, Failure):
                return part
            try:
                end = await asyncio.to_thread(stepper.feed, part.body)
            except NoWarcError as error:
                return Batch((), 0, {}, (Problem(at, str(error)),), at + 1, is_lost=True)
            if end is not None:
                return Batch((), 1, {Passed.TOO_LARGE: 1}, (), place + end)
            if part.is_last:
                return Batch((), 0, {}, (Problem(at, CUT, is_cut=True),), at)
            place += len(part.body)

    async def _hand_out(
        self, ahead: asyncio.Queue[_Piece | Failure | None], reading: asyncio.Queue[_Reading | Failure | None]
    ) -> None:
        """Have records read beside each other, some batches ahead of what is shelved, whatever piece they are of."""
        while (piece := await ahead.get()) is not None:
            if isinstance(piece, Failure):
                await reading.put(piece)
                return
            now = self._clock()
            for batch in piece.batches:
                group = asyncio.create_task(self._group(self._packed(piece, batch), now))
                try:
                    await reading.put(_Reading(batch, group, piece.part.total_bytes))
                except asyncio.CancelledError:
                    group.cancel()
                    raise
        await reading.put(None)

    async def _shelve(self, reading: _Reading) -> None:
        """Put what comes of a batch onto the shelf, in the order of the file."""
        group = await reading.group
        self._progress.add(reading.batch, group.passed)
        share = self._progress.at / max(reading.total_bytes, 1)
        await self._shelf.take(self._shard, group.held, self._progress.cursor, min(share, 1.0))

    def _packed(self, piece: _Piece, batch: Batch) -> list[tuple[Record, bytes, Source]]:
        start, body = piece.part.start, piece.part.body
        return [(each, body[each.start - start : each.end - start], self._source(each.url)) for each in batch.records]

    async def _group(self, packed: list[tuple[Record, bytes, Source]], now: datetime) -> Group:
        if not packed:
            return Group((), {})
        found = await self._reader.run(read_group, packed, self._sift, now, subject=self._shard.address)
        if isinstance(found, Group):
            return found
        if len(packed) == 1:
            return Group((), {Passed.UNREADABLE: 1})
        # One of them took too long or ended its worker: each by itself, so that the others are read.
        alone = [await self._group([each], now) for each in packed]
        passed: Counter[Passed] = Counter()
        for each in alone:
            passed.update(each.passed)
        return Group(tuple(held for each in alone for held in each.held), passed)

    def _source(self, url: str) -> Source:
        site = site_of(url)
        own = self._by_site.get(own_site(site, self._by_site))
        if own is not None and is_own(url, own):
            return own
        return Source(slug(site), site, "", "", "UTC", f"https://{site}/")


def sites_of(sources: Sequence[Source]) -> dict[str, Source]:
    """Return sources by the sites on which their articles are."""
    return {site_of(url): each for each in sources for url in (each.homepage, *each.sections)}
