"""The server: uvicorn on the loop that crawls, stopped with the service and not by itself."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from tripoint.app.metrics import Metrics
from tripoint.app.pulse import Pulse
from tripoint.app.seeds import Seeds
from tripoint.app.settings import Settings, WebSection
from tripoint.app.web.access import access_of
from tripoint.app.web.rooms import Reader, Rooms
from tripoint.app.web.site import Site, build_site, judge_when_asked
from tripoint.app.wiring import Stores, utc_now
from tripoint.app.writer import Writer
from tripoint.domain.errors import UnavailableError

log = logging.getLogger(__name__)

Vitals = tuple[Pulse, Metrics]
"""How the service does, and what it counted."""

_AT_ONCE = 200  # connections; more are answered with 503
_END_WITHIN_S = 1


class _Server(uvicorn.Server):
    """Uvicorn without its signal handlers: SIGTERM is the service's to answer."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


@dataclass(frozen=True, slots=True)
class Page:
    """The page while it is served."""

    address: str
    server: uvicorn.Server
    site: Site

    def stop(self) -> None:
        """Ask for its end; may be called from a signal handler of the loop."""
        self.server.should_exit = True


@asynccontextmanager
async def served_page(
    settings: Settings, seeds: Seeds, stores: Stores, writer: Writer, vitals: Vitals | None = None
) -> AsyncIterator[Page]:
    """Serve the page as long as the block runs; without `vitals` it watches over itself alone.

    Raises `SettingsError` where it would be open to anybody, `UnavailableError` where its port cannot be had.
    """
    access = access_of(settings.web)
    listener = _listener(settings.web)
    reader = Reader()
    pulse, metrics = vitals or (Pulse(writer, stores.database), Metrics())
    key = secrets.token_bytes(32)
    judge = judge_when_asked(seeds)
    site = build_site(Rooms(settings, seeds, stores, reader, writer, access, utc_now, key, pulse, metrics, judge))
    del seeds, judge  # a reload puts others in their place, and this frame would hold these
    server = _Server(_config(site.door))
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="page")
    try:
        yield Page(access.public_url or _address(listener), server, site)
    finally:
        server.should_exit = True
        await asyncio.wait([serving])
        reader.close()


@dataclass(frozen=True, slots=True)
class Beside:
    """How the page does beside the watching: served, or why not."""

    page: Page | None
    line: str  #: to say at the start, empty where no page is wanted

    def stop(self) -> None:
        """Ask for the page's end, if there is one."""
        if self.page is not None:
            self.page.stop()

    def renew(self, settings: Settings, seeds: Seeds) -> None:
        """Show what these say from now on."""
        if self.page is not None:
            self.page.site.renew(settings, seeds)


@asynccontextmanager
async def page_beside(
    settings: Settings, seeds: Seeds, stores: Stores, writer: Writer, vitals: Vitals | None = None
) -> AsyncIterator[Beside]:
    """Serve the page beside the watching, which goes on where the port cannot be had."""
    async with contextlib.AsyncExitStack() as stack:
        if not settings.web.enabled:
            yield Beside(None, "")
            return
        try:
            page = await stack.enter_async_context(served_page(settings, seeds, stores, writer, vitals))
        except UnavailableError as error:
            log.warning("no page, and no /healthz: %s", error)
            yield Beside(None, "")
            return
        del seeds  # as above
        yield Beside(page, f"the page is at {page.address}/")


def _config(site: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        site,
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="none",
        proxy_headers=False,
        server_header=False,
        limit_concurrency=_AT_ONCE,
        timeout_graceful_shutdown=_END_WITHIN_S,
    )


def _listener(web: WebSection) -> socket.socket:
    try:
        found = socket.getaddrinfo(web.host, web.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise UnavailableError(f"web.host {web.host}: {error.strerror}", "name an address of this machine") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        mend = "end what uses it, or choose another by web.port (0 takes any)"
        raise UnavailableError(f"{web.host}, port {web.port}: {error.strerror}", mend) from error
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
