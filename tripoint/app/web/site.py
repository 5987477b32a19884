"""The site: all addresses put together. Each family of them has a file, with a list of routes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

from starlette.applications import Starlette
from starlette.datastructures import State
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from tripoint.app.seeds import Seeds
from tripoint.app.settings import Settings
from tripoint.app.web import feeds, health, rendering
from tripoint.app.web.api import routes as api
from tripoint.app.web.guard import Guard, TooLongError
from tripoint.app.web.pages import alerts, articles, calibration, login, search, sources, stories
from tripoint.app.web.parameters import AskedError
from tripoint.app.web.phrases import phrases
from tripoint.app.web.rooms import Rooms
from tripoint.app.wiring import build_judge
from tripoint.domain.errors import MendError, TripointError
from tripoint.relevance.assess import Judge

ROUTES: tuple[BaseRoute, ...] = (
    *stories.ROUTES,
    *articles.ROUTES,
    *search.ROUTES,
    *sources.ROUTES,
    *alerts.ROUTES,
    *calibration.ROUTES,
    *login.ROUTES,
    *api.ROUTES,
    *feeds.ROUTES,
    *health.ROUTES,
    *rendering.ROUTES,
)


@dataclass(frozen=True, slots=True)
class Site:
    """Every address of the page, and the door before them."""

    rooms: State  #: holds what the views are given, as `rooms`
    door: ASGIApp

    def renew(self, settings: Settings, seeds: Seeds) -> None:
        """Show what these say from the next request on; who may see it stays as it was at the start."""
        self.rooms.rooms = replace(self.rooms.rooms, settings=settings, seeds=seeds, judge=judge_when_asked(seeds))


def judge_when_asked(seeds: Seeds) -> Callable[[], Judge]:
    """Return what builds the judge when it is first asked for: its automaton takes a while, and few visits need it."""
    return cache(lambda: build_judge(seeds))


def build_site(rooms: Rooms) -> Site:
    """Return the application that answers every address of the page; whatever goes wrong leaves by the door too."""
    handlers = {HTTPException: _refused, TripointError: _told, TooLongError: _too_long, Exception: _broken}
    site = Starlette(routes=ROUTES, exception_handlers=handlers)
    site.state.rooms = rooms
    site.state.counted = health.Counted()
    site.state.wrong_tokens = deque[float]()
    return Site(site.state, Guard(site, rooms.access))


async def _refused(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    known = {400, 403, 404, 405}
    answer = await _problem(request, status, f"error.{status}" if status in known else "error.other", "")
    answer.headers.update(headers or {})
    return answer


async def _told(request: Request, error: Exception) -> Response:
    """Say what a person can mend as a page of its own; what the database cannot do now, as such."""
    if isinstance(error, MendError):
        status = 404 if request.path_params and not isinstance(error, AskedError) else 400
        return await _problem(request, status, f"error.{status}", str(error))
    return await _problem(request, 503, "error.503", str(error))


async def _too_long(request: Request, error: Exception) -> Response:
    del error
    return await _problem(request, 413, "error.other", "")


async def _broken(request: Request, error: Exception) -> Response:
    """Say that something is wrong with us, and nothing of what; the server's log has the rest."""
    del error
    return await _problem(request, 500, "error.other", "")


async def _problem(request: Request, status: int, phrase: str, detail: str) -> Response:
    if request.url.path.startswith("/api/"):
        return JSONResponse({"status": status, "problem": detail or phrases("en")(phrase)}, status)
    return await rendering.render(request, "error.html", status, number=status, phrase=phrase, detail=detail)
