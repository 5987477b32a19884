"""WARC files read by a Ray cluster: a file is a task, done again where its worker dies, and stored here alone."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from crawler.warc.apart import FileRead, FileTask, read_file
from crawler.warc.parts import Parts
from crawler.warc.sift import Sift
from tripoint.domain.backfill import Patience, Shard, ShardState, Shelf, Sought
from tripoint.domain.errors import SettingsError
from tripoint.domain.text import one_line
from tripoint.domain.types import Source

_LOOK_S = 0.5  # how often a run that waits for a task looks whether it is to stop
_TRIES = 3  # of a task whose worker died
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class RaySettings:
    """Which cluster, and how its tasks ask and read."""

    cluster: str  #: `local` starts one on this machine, anything else is the address of one
    patience: Patience
    retry_s: float
    user_agent: str
    timeout_s: float
    most_held: int = 500


def check_ray() -> None:
    """Raise `SettingsError` where Ray is not installed."""
    try:
        import ray  # noqa: F401 - only whether it is there
    except ImportError as error:
        raise SettingsError("backfill.ray: Ray is not installed", 'pip install "tripoint[ray]"') from error


class RaySearch:
    """Hands files to a cluster, as many at a time as it has cores."""

    def __init__(self, shelf: Shelf, clock: Callable[[], datetime], settings: RaySettings) -> None:
        self._shelf = shelf
        self._clock = clock
        self._settings = settings
        self._starting = asyncio.Lock()
        self._task: Any = None
        self._turns = asyncio.Semaphore(1)

    async def search(self, shard: Shard, parts: Parts, sift: Sift, sources: Sequence[Source]) -> Sought:
        """Have a file read from its cursor on; what comes back is on the shelf before the cursor says so."""
        async with self._starting:
            if self._task is None:
                self._start()
        async with self._turns:
            while not self._shelf.is_over:
                found = await self._read(self._of(shard, parts, sift, sources))
                if not isinstance(found, FileRead):
                    return found
                await self._shelf.take(shard, found.held, found.cursor, found.share)
                if found.sought.state is not ShardState.PENDING:
                    return found.sought
                shard = replace(shard, cursor=found.cursor)
        return _STOPPED

    def _start(self) -> None:
        """Join the cluster, or start one here; the signals stay whose they are."""
        import ray

        before = {each: signal.getsignal(each) for each in _SIGNALS}
        address = None if self._settings.cluster == "local" else self._settings.cluster
        try:
            ray.init(address, include_dashboard=None if address else False, log_to_driver=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            problem = f"backfill.ray: no cluster at {self._settings.cluster}: {one_line(str(error))[:120]}"
            raise SettingsError(problem, "name `local`, or the address of one that runs") from error
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        # A core for whoever unpacks and asks, of which a task needs little, and one for its reader.
        self._task = ray.remote(num_cpus=1, max_retries=_TRIES)(read_file)
        self._turns = asyncio.Semaphore(max(1, int(ray.cluster_resources().get("CPU", 1))))

    def _of(self, shard: Shard, parts: Parts, sift: Sift, sources: Sequence[Source]) -> FileTask:
        with_ = self._settings
        asking = (with_.patience, with_.retry_s, with_.user_agent, with_.timeout_s, with_.most_held)
        return FileTask(shard, parts.address, sift, tuple(sources), *asking, self._clock())

    async def _read(self, task: FileTask) -> FileRead | Sought:
        import ray

        reference = self._task.remote(task)
        answer = asyncio.wrap_future(reference.future())
        while not answer.done():
            await asyncio.wait({answer}, timeout=_LOOK_S)
            if self._shelf.is_over and not answer.done():
                ray.cancel(reference, force=True)
                answer.cancel()
                return _STOPPED
        try:
            found: FileRead = answer.result()
        except ray.exceptions.RayError as error:
            reason = f"the cluster gave it up: {one_line(str(error))[:150]}"
            return Sought(state=ShardState.FAILED, reason=reason)
        return found


_STOPPED = Sought(state=ShardState.PENDING, reason="stopped; it goes on from there")
