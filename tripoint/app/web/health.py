"""What machines ask of the service: is it alive, is it ready, and its figures for Prometheus."""

from __future__ import annotations

import asyncio
import time

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from storage.figures import Figures, read_figures
from tripoint.app.metrics import CONTENT_TYPE, State
from tripoint.app.pulse import Beat
from tripoint.app.web.rooms import Rooms, rooms_of

_LEAST_S = 0.2
_SHARE = 20  # counting takes at most this part of the time, however big the archive and whoever asks


class Counted:
    """The figures of the archive, counted no more often than is cheap, by one who asks while the others wait."""

    def __init__(self) -> None:
        self._known: Figures | None = None
        self._until = 0.0
        self._lock = asyncio.Lock()

    async def figures(self, rooms: Rooms) -> Figures:
        """Return figures that are not old."""
        async with self._lock:
            began = time.monotonic()
            if self._known is None or began >= self._until:
                self._known = await rooms.reader.do(lambda: read_figures(rooms.stores.database))
                ended = time.monotonic()
                self._until = ended + max(_LEAST_S, _SHARE * (ended - began))
            return self._known


async def alive(request: Request) -> Response:
    """Say whether going on makes sense: 503 is the sign to start the process anew."""
    beat = await rooms_of(request).pulse.lately()
    return _told(beat, "alive", is_good=beat.is_alive)


async def ready(request: Request) -> Response:
    """Say whether the service does its work now: 503 while it stops or stands by, or its database is away."""
    beat = await rooms_of(request).pulse.lately()
    return _told(beat, "ready", is_good=beat.is_ready)


def _told(beat: Beat, word: str, *, is_good: bool) -> Response:
    said = beat.parts() | {word: is_good} | ({"standby": True} if beat.is_standby else {})
    return JSONResponse(said, 200 if is_good else 503, {"cache-control": "no-store"})


async def metrics(request: Request) -> Response:
    """Return every figure in Prometheus' text format."""
    rooms = rooms_of(request)
    counted: Counted = request.app.state.counted
    figures = await counted.figures(rooms)
    beat = await rooms.pulse.lately()
    state = State(
        rooms.now(),
        figures,
        frozenset(each.name for each in rooms.seeds.sources if each.enabled),
        frozenset(name for name, section in rooms.settings.channels.items() if section.enabled),
        rooms.pulse.writer_waiting,
        beat.parts(),
        beat.is_standby,
    )
    text = await rooms.reader.do(lambda: rooms.metrics.text(state))
    return Response(text, headers={"content-type": CONTENT_TYPE, "cache-control": "no-store"})


ROUTES = (Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", metrics))
