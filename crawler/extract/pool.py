"""The worker processes that read pages and listings: the loop never waits for one, and none can hang the rest."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import gc
import multiprocessing
import multiprocessing.context
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

from crawler.listings import Listing, UnreadableListingError, read_listing
from tripoint.domain.meter import Meter, SilentMeter
from tripoint.domain.text import one_line
from tripoint.domain.types import Candidate, Extraction, Failure, Found, Page, Source, Step

if sys.platform != "win32":
    import fcntl

T = TypeVar("T")

_PAGES_A_WORKER = 400  # then it is replaced, because lxml and the libraries' caches never give memory back
_PAGES_A_CACHE = 100
_ASKED_TO_END = (signal.SIGTERM, -signal.SIGTERM)  # by whoever ends all our processes, and not by the page
_PIPE_BYTES = 1024**2  # the most that Linux gives without being root; it gives 64 KiB by itself, less than a page
_WORKER_BYTES = 2 * 1024**3  # a page of the largest size takes a tenth of it


ReadPage = Callable[[Page, Candidate, Source], Any]
"""Reads a page in a worker: a function of a module, since a worker must find it by its name."""


def read_page_here(page: Page, candidate: Candidate, source: Source) -> Any:
    """Read one page in this process, a worker; its libraries' caches are emptied now and then."""
    from crawler.extract.page import read_page  # loaded in the worker, where it is needed

    _Worker.pages += 1
    if _Worker.pages % _PAGES_A_CACHE == 0:
        from trafilatura.meta import reset_caches

        reset_caches()
    return read_page(page, candidate, source)


def _timed(work: Callable[..., T], arguments: Sequence[Any]) -> tuple[float, T]:
    began = time.perf_counter()
    result = work(*arguments)
    return time.perf_counter() - began, result


class _Worker:
    """What one worker process knows of itself."""

    pages = 0


def _start_worker() -> None:
    """Prepare a worker: Ctrl-C is the parent's business, and a worker whose parent died ends at once."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    _bound_memory()
    gc.set_threshold(100_000, 50, 50)  # trees are freed by counting; looking for cycles in them costs a tenth
    import crawler.extract.page  # noqa: F401 - loading takes most of a second, so it is done before the first page


def _bound_memory() -> None:
    """Let what a page makes a parser ask for end in a `MemoryError` here, and not in the end of the machine."""
    if sys.platform == "linux":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        most = _WORKER_BYTES if hard == resource.RLIM_INFINITY else min(_WORKER_BYTES, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def _warm() -> None:
    """Do nothing; having been asked is what starts a worker."""


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


if sys.platform == "win32":

    def _context() -> multiprocessing.context.BaseContext:
        return multiprocessing.get_context("spawn")

else:

    class _Context(multiprocessing.context.ForkServerContext):
        """Pipes that hold several pages: a worker that asks has its page at once, not piece by piece."""

        def Pipe(self, duplex: bool = True) -> tuple[Connection, Connection]:  # noqa: N802 - the library's name
            """Return both ends of a pipe, with room as far as the system gives it."""
            reader, writer = super().Pipe(duplex)
            if not duplex and hasattr(fcntl, "F_SETPIPE_SZ"):
                with contextlib.suppress(OSError):  # a user's pipes may together hold too much already: then as it was
                    fcntl.fcntl(writer.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
            return reader, writer

    def _context() -> multiprocessing.context.BaseContext:
        context = _Context()
        context.set_forkserver_preload(["crawler.extract.page"])  # loaded once, then every worker starts warm
        return context


class ExtractionPool:
    """Reads pages and listings in worker processes; a page that takes too long costs its worker and nothing else."""

    def __init__(
        self,
        workers: int = 0,
        timeout_s: float = 20.0,
        read: ReadPage = read_page_here,
        meter: Meter | None = None,
    ) -> None:
        self._timeout_s = timeout_s
        self._meter = meter or SilentMeter()
        self._waiting = 0  # for a worker, or in one
        self._read = read
        self.workers = workers or cores()
        context = _context()
        self._pool = ProcessPool(
            max_workers=self.workers, max_tasks=_PAGES_A_WORKER, initializer=_start_worker, context=context
        )
        for _ in range(self.workers):
            self._pool.schedule(_warm)  # workers load their libraries while the first listings are fetched

    def renew(self, timeout_s: float) -> None:
        """Give what is read from now on so much time."""
        self._timeout_s = timeout_s

    async def extract(self, page: Page, candidate: Candidate, source: Source) -> Extraction:
        """Read one page."""
        found: Extraction = await self._run(self._read, (page, candidate, source), Step.EXTRACT, candidate.url)
        return found

    async def entries(
        self, body: bytes, content_type: str, url: str, source: Source, kind: Found, found_at: datetime
    ) -> Listing | Failure:
        """Read one listing."""
        arguments = (body, content_type, url, source, kind, found_at)
        found: Listing | Failure = await self._run(read_listing, arguments, Step.LISTING, url)
        return found

    async def run(self, work: Callable[..., T], *arguments: Any, subject: str) -> T | Failure:
        """Call a function of a module in a worker, where whatever it reads can neither hang nor end this process."""
        found: T | Failure = await self._run(work, arguments, Step.LISTING, subject)
        return found

    async def _run(self, work: Callable[..., Any], arguments: Sequence[Any], step: Step, subject: str) -> Any:
        began = time.perf_counter()
        self._count(1)
        try:
            found = await self._in_worker(work, arguments, step, subject)
        finally:
            self._count(-1)
        if isinstance(found, Failure):
            self._meter.read(step, time.perf_counter() - began, is_failed=True)
        return found

    def _count(self, more: int) -> None:
        self._waiting += more
        self._meter.reading(self._waiting)

    async def _in_worker(self, work: Callable[..., Any], arguments: Sequence[Any], step: Step, subject: str) -> Any:
        future = self._pool.schedule(_timed, args=[work, list(arguments)], timeout=self._timeout_s)
        try:
            seconds, found = await asyncio.wrap_future(future)
            if not isinstance(found, Failure):
                self._meter.read(step, seconds, is_failed=False)
            return found
        except (TimeoutError, concurrent.futures.TimeoutError):
            # Once may be a machine that was busy; whoever keeps failures counts, and tries no third time.
            reason = f"reading it took longer than {self._timeout_s:g} s"
            return Failure(step, subject, reason, retryable=True, is_poison=True)
        except ProcessExpired as error:
            reason = f"the worker that read it died (exit {error.exitcode})"
            return Failure(step, subject, reason, retryable=True, is_poison=error.exitcode not in _ASKED_TO_END)
        except MemoryError:
            return Failure(step, subject, "reading it needs more memory than a page may have", retryable=False)
        except UnreadableListingError as error:
            return Failure(step, subject, str(error), retryable=False)
        except Exception as error:  # noqa: BLE001 - the edge: whatever a page does to a parser becomes a value
            reason = f"{type(error).__name__}: {one_line(str(error))[:200]}"
            return Failure(step, subject, reason, retryable=False)

    def close(self) -> None:
        """End the workers now; what they were reading is read again another time."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()
