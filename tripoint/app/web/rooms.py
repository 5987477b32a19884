"""What the page is given, and how it asks the database without keeping the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from starlette.requests import Request

from tripoint.app.metrics import Metrics
from tripoint.app.pulse import Pulse
from tripoint.app.seeds import Seeds
from tripoint.app.settings import Settings
from tripoint.app.web.access import Access
from tripoint.app.web.parameters import Parameter, read_form
from tripoint.app.wiring import Stores
from tripoint.app.writer import Writer
from tripoint.relevance.assess import Judge

T = TypeVar("T")
_READERS = 3  # enough for a few readers beside a crawl; each has a connection of its own


class Reader:
    """Runs reads on a few threads beside the writer's: a slow question keeps neither the loop nor the crawl."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=_READERS, thread_name_prefix="page")

    async def do(self, work: Callable[[], T]) -> T:
        """Run one read and return what it returns."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def close(self) -> None:
        """Drop what waits, and let go of the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class Rooms:
    """Everything that a view may ask: it reads through `reader`, and writes through the one `writer`."""

    settings: Settings
    seeds: Seeds
    stores: Stores
    reader: Reader
    writer: Writer
    access: Access
    now: Callable[[], datetime]
    form_key: bytes  #: signs forms; new at each start
    pulse: Pulse
    metrics: Metrics
    judge: Callable[[], Judge]  #: builds the judge when it is first asked for


def rooms_of(request: Request) -> Rooms:
    """Return what the page was given when it was built."""
    rooms: Rooms = request.app.state.rooms
    return rooms


def asked_of(request: Request, *parameters: Parameter) -> dict[str, Any]:
    """Return what the form of a page asks for; raises `AskedError` for what cannot be."""
    return read_form(parameters, request.query_params.multi_items(), rooms_of(request).now())
