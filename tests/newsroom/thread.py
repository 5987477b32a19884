"""The newsroom for tests that are not asynchronous themselves."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Self, TypeVar

from tests.newsroom.behaviours import Behaviour
from tests.newsroom.exchange import Request
from tests.newsroom.page import NewsPage, Outlet
from tests.newsroom.server import Newsroom

_Result = TypeVar("_Result")


class NewsroomThread:
    """Runs a Newsroom in a thread of its own; every method may be called from any thread."""

    def __init__(self, outlets: Sequence[Outlet], hosts: bool = True, port_base: int | None = None) -> None:
        self._outlets = list(outlets)
        self._hosts = hosts
        self._port_base = port_base
        self._opened: Future[Newsroom] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="newsroom", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leave: asyncio.Event | None = None

    def __enter__(self) -> Self:
        """Start the thread and return once every outlet listens."""
        self._thread.start()
        self._opened.result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the newsroom and wait for its thread."""
        if self._loop is not None and self._leave is not None:
            self._loop.call_soon_threadsafe(self._leave.set)
        self._thread.join()

    @property
    def outlets(self) -> list[Outlet]:
        """The outlets as they were given."""
        return list(self._outlets)

    @property
    def requests(self) -> list[Request]:
        """A copy of the log in the order of the answers."""
        return self._room.requests

    def base(self, outlet: str) -> str:
        """Return where an outlet answers, without a slash at the end."""
        return self._room.base(outlet)

    def count(self, outlet: str, path: str | None = None) -> int:
        """Count an outlet's logged requests, or only those for one path."""
        return self._room.count(outlet, path)

    def forget(self) -> None:
        """Empty the log, so that a test counts only what follows."""
        self._in_loop(self._room.forget)

    def publish(self, outlet: str, page: NewsPage) -> None:
        """Add a page, or replace the one on its path, before returning."""
        self._in_loop(lambda: self._room.publish(outlet, page))

    def behave(self, outlet: str, path: str, behaviour: Behaviour | None) -> None:
        """Change how a path answers before returning; see Newsroom.behave."""
        self._in_loop(lambda: self._room.behave(outlet, path, behaviour))

    @property
    def _room(self) -> Newsroom:
        return self._opened.result(timeout=0)

    async def _run(self) -> None:
        self._loop, self._leave = asyncio.get_running_loop(), asyncio.Event()
        try:
            async with Newsroom(self._outlets, self._hosts, self._port_base) as room:
                self._opened.set_result(room)
                await self._leave.wait()
        except Exception as error:
            if self._opened.done():
                raise
            self._opened.set_exception(error)

    def _in_loop(self, call: Callable[[], _Result]) -> _Result:
        """Run a call between two requests, so that no answer sees half of a change."""
        if self._loop is None:
            raise RuntimeError("the newsroom is not open")

        async def run() -> _Result:
            return call()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()
