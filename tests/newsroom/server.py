"""The newsroom itself: every outlet on an address of its own, in one event loop."""

import asyncio
import errno
import json
import socket
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from ipaddress import IPv4Address
from types import TracebackType
from typing import Self

from aiohttp import web

from tests.newsroom.behaviours import Behaviour
from tests.newsroom.exchange import Exchange, Request
from tests.newsroom.page import NewsPage, Outlet
from tests.newsroom.site import OutletSite

LOG_PATH = "/__log"
EVERY_PATH = "*"
_FIRST_HOST = IPv4Address("127.0.0.2")
_SHARED_HOST = "127.0.0.1"
_SHUTDOWN_TIMEOUT_S = 0.2


class Newsroom:
    """Serves outlets on loopback while the `async with` lasts; call its methods from that loop only."""

    def __init__(
        self, outlets: Sequence[Outlet], hosts: bool = True, port_base: int | None = None, domain: str = ""
    ) -> None:
        """Serve these; with a `domain` each calls itself by a name below it, which whoever asks must resolve."""
        names = Counter(outlet.name for outlet in outlets)
        if len(names) != len(outlets):
            raise ValueError(f"outlet names repeat: {[name for name, times in names.items() if times > 1]}")
        self._outlets = list(outlets)
        self._hosts = hosts
        self._port_base = port_base
        self._domain = domain
        self._sites: dict[str, OutletSite] = {}
        self._behaviours: dict[tuple[str, str], Behaviour] = {}
        self._turns: Counter[tuple[str, str]] = Counter()
        self._log: list[Request] = []
        self._runners: list[web.ServerRunner] = []
        self._stopping = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Start listening; whatever was started is stopped again when a later outlet cannot be."""
        try:
            for number, outlet in enumerate(self._outlets):
                await self._open(number, outlet)
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening and let go of whoever is still waiting."""
        await self._close()

    @property
    def outlets(self) -> list[Outlet]:
        """The outlets as they were given."""
        return list(self._outlets)

    @property
    def requests(self) -> list[Request]:
        """A copy of the log in the order of the answers, safe to take from any thread."""
        return list(self._log)

    def base(self, outlet: str) -> str:
        """Return where an outlet answers, without a slash at the end."""
        return self._site(outlet).base

    def count(self, outlet: str, path: str | None = None) -> int:
        """Count an outlet's logged requests, or only those for one path."""
        return sum(1 for seen in self.requests if seen.outlet == outlet and path in (None, seen.path))

    def forget(self) -> None:
        """Empty the log, so that a test counts only what follows."""
        self._log.clear()

    def publish(self, outlet: str, page: NewsPage) -> None:
        """Add a page, or replace the one on its path, and renew feeds and sitemaps."""
        self._site(outlet).publish(page)

    def behave(self, outlet: str, path: str, behaviour: Behaviour | None) -> None:
        """Change how a path answers; the path `*` means every other path, and None restores the usual."""
        self._site(outlet)
        self._turns.pop((outlet, path), None)
        if behaviour is None:
            self._behaviours.pop((outlet, path), None)
        else:
            self._behaviours[outlet, path] = behaviour

    def _site(self, outlet: str) -> OutletSite:
        try:
            return self._sites[outlet]
        except KeyError:
            raise KeyError(f"no outlet {outlet!r} is open; there are {sorted(self._sites)}") from None

    async def _open(self, number: int, outlet: Outlet) -> None:
        port = 0 if self._port_base is None else self._port_base + number
        listener = _listener(str(_FIRST_HOST + number) if self._hosts else _SHARED_HOST, port)
        host, port = listener.getsockname()
        name = f"{outlet.name}.{self._domain}" if self._domain else host
        site = OutletSite(outlet, f"http://{name}:{port}")

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            return await self._handle(site, request)

        server = web.Server(handle, handler_cancellation=True, access_log=None)  # type: ignore[arg-type]
        runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN_TIMEOUT_S)
        self._runners.append(runner)
        await runner.setup()
        await web.SockSite(runner, listener).start()
        self._sites[outlet.name] = site

    async def _close(self) -> None:
        self._stopping.set()
        await asyncio.gather(*(runner.cleanup() for runner in self._runners))

    async def _handle(self, site: OutletSite, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if path == LOG_PATH:
            return self._answer_log(request)
        exchange = self._exchange(site, request)
        if request.method not in ("GET", "HEAD"):
            exchange.record(405)
            return web.Response(status=405, headers={"Allow": "GET, HEAD"})
        key = (site.outlet.name, path)
        if key not in self._behaviours:
            key = (site.outlet.name, EVERY_PATH)
        behaviour = self._behaviours.get(key)
        if behaviour is None:
            return exchange.respond(exchange.usual)
        self._turns[key] += 1
        exchange.turn = self._turns[key]
        return await behaviour.reply(exchange)

    def _exchange(self, site: OutletSite, request: web.BaseRequest) -> Exchange:
        at = time.monotonic()

        def record(status: int) -> None:
            headers = {name.lower(): value for name, value in request.headers.items()}
            self._log.append(
                Request(
                    site.outlet.name,
                    request.method,
                    request.path,
                    status,
                    headers,
                    at,
                    request.rel_url.raw_query_string,
                )
            )

        return Exchange(request, site.answer(request.path), 0, self._stopping, record)

    def _answer_log(self, request: web.BaseRequest) -> web.Response:
        if request.method == "DELETE":
            self.forget()
            return web.Response(status=204)
        return web.json_response([asdict(seen) for seen in self._log], dumps=json.dumps)


def _listener(host: str, port: int) -> socket.socket:
    """Bind the host, or the shared one on systems that give only 127.0.0.1 to loopback."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            if error.errno != errno.EADDRNOTAVAIL:
                raise
            listener.bind((_SHARED_HOST, port))
    except BaseException:
        listener.close()
        raise
    return listener
