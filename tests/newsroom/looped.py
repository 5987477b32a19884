"""An asynchronous server for tests that are not asynchronous themselves."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

_Server = TypeVar("_Server")
_Result = TypeVar("_Result")


class LoopThread(Generic[_Server]):
    """Enters an asynchronous context on a loop in a thread of its own, and leaves it again."""

    def __init__(self, name: str, opening: Callable[[], AbstractAsyncContextManager[_Server]]) -> None:
        self._opening = opening
        self._opened: Future[_Server] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name=name, daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leave: asyncio.Event | None = None

    def __enter__(self) -> _Server:
        """Start the thread and return what the context gave; raises what it raised."""
        self._thread.start()
        return self._opened.result()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the context and wait for the thread."""
        if self._loop is not None and self._leave is not None:
            self._loop.call_soon_threadsafe(self._leave.set)
        self._thread.join()

    @property
    def server(self) -> _Server:
        """Return what the context gave; raises where it is not open."""
        return self._opened.result(timeout=0)

    def call(self, work: Callable[[], _Result]) -> _Result:
        """Run a call between two turns of the loop, so that no answer sees half of a change."""
        if self._loop is None:
            raise RuntimeError("it is not open")

        async def run() -> _Result:
            return work()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    async def _run(self) -> None:
        self._loop, self._leave = asyncio.get_running_loop(), asyncio.Event()
        try:
            async with self._opening() as server:
                self._opened.set_result(server)
                await self._leave.wait()
        except Exception as error:
            if self._opened.done():
                raise
            self._opened.set_exception(error)


class Looped:
    """A server that is entered and left with its thread, `_looped`."""

    _looped: LoopThread[Any]

    def __enter__(self) -> Self:
        """Start the thread and return once it serves."""
        self._looped.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving and wait for the thread."""
        self._looped.__exit__(kind, error, trace)
