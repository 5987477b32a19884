"""What publishers' archives said: remembered by a run, and kept by a job until it is done."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from storage.answers import AnswerStore, Packed
from tripoint.app.writer import Writer
from tripoint.domain.backfill import Answer

_REMEMBERED_BYTES = 64 * 1024**2  # packed
_FRESH = timedelta(days=1)  # so long an archive of days that are not over yet is believed


class RunMemory:
    """Remembers in this process alone; the least used go first."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._known: OrderedDict[str, Packed] = OrderedDict()
        self._bytes = 0

    async def recall(self, address: str, settled: datetime) -> Answer | None:
        """Return what an address said after it was settled, or within a day; None where that is not known."""
        packed = await self._packed(address)
        if packed is None or not (packed.at >= settled or self._clock() - packed.at < _FRESH):
            return None
        return await asyncio.to_thread(packed.unpacked)

    async def keep(self, address: str, answer: Answer) -> None:
        """Remember what an address said."""
        self._remember(address, await asyncio.to_thread(Packed.of, answer, self._clock()))

    async def _packed(self, address: str) -> Packed | None:
        if (known := self._known.get(address)) is not None:
            self._known.move_to_end(address)
        return known

    def _remember(self, address: str, packed: Packed) -> None:
        if (before := self._known.pop(address, None)) is not None:
            self._bytes -= len(before.answer.body)
        self._known[address] = packed
        self._bytes += len(packed.answer.body)
        while self._bytes > _REMEMBERED_BYTES:
            self._bytes -= len(self._known.popitem(last=False)[1].answer.body)


class JobMemory(RunMemory):
    """Remembers over the runs of one job: a killed run's successor asks for nothing that was read."""

    def __init__(self, clock: Callable[[], datetime], writer: Writer, store: AnswerStore, job: int) -> None:
        super().__init__(clock)
        self._writer = writer
        self._store = store
        self._job = job

    async def keep(self, address: str, answer: Answer) -> None:
        """Write what an address said."""
        packed = await asyncio.to_thread(Packed.of, answer, self._clock())
        await self._writer.do(partial(self._store.keep, self._job, address, packed))
        self._remember(address, packed)

    async def _packed(self, address: str) -> Packed | None:
        if (known := await super()._packed(address)) is not None:
            return known
        if (stored := await self._writer.do(partial(self._store.recall, self._job, address))) is not None:
            self._remember(address, stored)
        return stored
