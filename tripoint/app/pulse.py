"""Whether the service is really alive: its loop turns, passes begin or end, the writer answers, the database reads.

A process that merely exists is not alive. The watchdog, `/healthz` and `/readyz` all ask here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from storage.database import Database
from tripoint.app.writer import Writer
from tripoint.domain.errors import StorageError

T = TypeVar("T")

_ANSWER_WITHIN_S = 10.0  # the longest transaction of ours takes a second
_KEPT_S = 1.0
# Passes begin every second, unless very many slow ones are under way; each of those ends within some minutes.
_PASS_WITHIN_S = 900.0


@dataclass(frozen=True, slots=True)
class Beat:
    """What was found alive."""

    writer: bool
    passes: bool  #: true where nobody makes any, as beside a page that only shows
    database: bool
    is_stopping: bool = False
    is_standby: bool = False  #: another process has the lock

    @property
    def is_alive(self) -> bool:
        """Whether going on makes sense; a database that is away comes back without a restart."""
        return self.writer and self.passes

    @property
    def is_ready(self) -> bool:
        """Whether it does its work now."""
        return self.is_alive and self.database and not self.is_stopping and not self.is_standby

    def parts(self) -> dict[str, bool]:
        """Return what was looked at, by name."""
        return {"writer": self.writer, "passes": self.passes, "database": self.database}


class Pulse:
    """Asked from the loop; what keeps the loop keeps this from answering, which is the point."""

    def __init__(
        self,
        writer: Writer,
        database: Database,
        clock: Callable[[], float] = time.monotonic,
        answer_within_s: float = _ANSWER_WITHIN_S,
        pass_within_s: float = _PASS_WITHIN_S,
    ) -> None:
        self._writer = writer
        self._database = database
        self._clock = clock
        self._answer_within_s = answer_within_s
        self._pass_within_s = pass_within_s
        self._last_pass: float | None = None
        self._felt: tuple[float, Beat] | None = None
        self.is_stopping = False
        self.is_standby = False

    @property
    def writer_waiting(self) -> int:
        """How many calls the writer has before it."""
        return self._writer.waiting

    def watching(self, work: Callable[[asyncio.Event], Awaitable[T]]) -> Callable[[asyncio.Event], Awaitable[T]]:
        """Return the work of a pass such that its beginnings and ends are noticed."""
        self._last_pass = self._clock()

        async def watched(stop: asyncio.Event) -> T:
            self._last_pass = self._clock()
            found = await work(stop)
            self._last_pass = self._clock()
            return found

        return watched

    async def lately(self) -> Beat:
        """Return what was found within the last second, or look now: anybody may ask `/healthz` at any rate."""
        if self._felt is None or self._clock() - self._felt[0] >= _KEPT_S:
            beat = await self.feel()
            self._felt = self._clock(), beat
        return self._felt[1]

    async def is_alive(self) -> bool:
        """Say whether going on makes sense."""
        return (await self.lately()).is_alive

    async def feel(self) -> Beat:
        """Look at every part; takes at most `answer_within_s` twice."""
        writer = await self._in_time(self._writer.do(lambda: True))
        database = writer and await self._in_time(self._writer.do(self._reads))
        last = self._last_pass
        passes = last is None or self._clock() - last < self._pass_within_s
        return Beat(writer, passes, database, self.is_stopping, self.is_standby)

    def _reads(self) -> bool:
        try:
            with self._database.read() as connection:
                return connection.exec_driver_sql("SELECT 1").scalar() == 1
        except StorageError:
            return False

    async def _in_time(self, answer: Awaitable[bool]) -> bool:
        try:
            return await asyncio.wait_for(answer, self._answer_within_s)
        except TimeoutError:
            return False
