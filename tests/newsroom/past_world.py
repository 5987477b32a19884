"""The world of past news on loopback: outlets with archives, and the indexes that saw them, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from aiohttp import web

from tests.newsroom.exchange import Answer, Request
from tests.newsroom.looped import Looped, LoopThread
from tests.newsroom.past import PastOutlet
from tests.newsroom.past_site import PastSite
from tests.newsroom.server import _listener


class Site(Protocol):
    """Something that answers addresses."""

    def answer(self, path: str, query: Mapping[str, str]) -> Answer:
        """Return what an address says."""
        ...


class PastWorld(Looped):
    """Serves every outlet, and whatever indexes were added, each on an address of its own."""

    def __init__(self, outlets: Sequence[PastOutlet], indexes: Sequence[Callable[[PastWorld, str], Site]] = ()) -> None:
        self.outlets = list(outlets)
        self.sites: dict[str, PastSite] = {}
        self.indexes: list[str] = []  #: where the indexes answer, in the order in which they were given
        self.index_sites: list[Site] = []
        self.requests: list[Request] = []
        self.times: list[tuple[Request, float]] = []  #: with the monotonic second at which each came
        self._sites: dict[str, Site] = {}
        self._makers = list(indexes)
        self._answered = threading.Condition()
        self._looped = LoopThread("past", self._serving)

    def wait_for(self, requests: int, timeout_s: float) -> bool:
        """Wait until so many requests were logged in all; return False where they did not come in time."""
        with self._answered:
            return self._answered.wait_for(lambda: len(self.requests) >= requests, timeout_s)

    def addresses(self) -> list[str]:
        """Return outlet, path and query of every request."""
        return [f"{each.outlet}{each.path}?{each.query}" for each in list(self.requests)]

    def fetched(self) -> list[str]:
        """Return the address of every article page that was asked for, as often as it was."""
        pages = {(outlet.name, page.path) for outlet in self.outlets for page in outlet.pages}
        return [f"{each.outlet}{each.path}" for each in list(self.requests) if (each.outlet, each.path) in pages]

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[None]:
        runners: list[web.ServerRunner] = []
        try:
            for number, outlet in enumerate(self.outlets):
                base = await self._open(runners, number + 2, outlet.name)
                self.sites[outlet.name] = PastSite(outlet, base)
                self._sites[outlet.name] = self.sites[outlet.name]
            for number, make in enumerate(self._makers):
                base = await self._open(runners, number + 40, f"index-{number}")
                self._sites[f"index-{number}"] = make(self, base)
                self.index_sites.append(self._sites[f"index-{number}"])
                self.indexes.append(base)
            yield
        finally:
            await asyncio.gather(*(each.cleanup() for each in runners))

    async def _open(self, runners: list[web.ServerRunner], number: int, name: str) -> str:
        listener = _listener(f"127.0.0.{number}", 0)
        host, port = listener.getsockname()

        async def handle(request: web.BaseRequest) -> web.Response:
            at = time.monotonic()
            answer = self._sites[name].answer(request.path, request.query)
            headers = {key.lower(): value for key, value in request.headers.items()}
            logged = Request(name, request.method, request.path, answer.status, headers, at, request.query_string)
            with self._answered:
                self.requests.append(logged)
                self.times.append((logged, time.monotonic()))
                self._answered.notify_all()
            if "range" in headers and answer.status == 200:
                return _part(answer, headers["range"])
            return web.Response(status=answer.status, body=answer.body, headers=answer.all_headers())

        runner = web.ServerRunner(web.Server(handle, access_log=None), shutdown_timeout=0.2)  # type: ignore[arg-type]
        runners.append(runner)
        await runner.setup()
        await web.SockSite(runner, listener).start()
        return f"http://{host}:{port}"


def _part(answer: Answer, asked: str) -> web.Response:
    first, last = (int(each) for each in asked.removeprefix("bytes=").split("-"))
    if first >= len(answer.body):
        return web.Response(status=416, headers={"Content-Range": f"bytes */{len(answer.body)}"})
    part = answer.body[first : last + 1]
    said = f"bytes {first}-{first + len(part) - 1}/{len(answer.body)}"
    return web.Response(status=206, body=part, headers={**answer.all_headers(), "Content-Range": said})
