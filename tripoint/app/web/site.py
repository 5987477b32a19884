"""The site: all addresses put together. Each family of them has a file, with a list of routes."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from tripoint.app.web.guard import Guard
from tripoint.app.web.rooms import Rooms, rooms_of


async def home(request: Request) -> Response:
    """Say what is stored."""
    rooms = rooms_of(request)
    counts = await rooms.reader.do(rooms.stores.articles.counts)
    return PlainTextResponse(f"{counts.articles} articles, {counts.relevant} relevant\n")


ROUTES: tuple[BaseRoute, ...] = (Route("/", home),)


def build_site(rooms: Rooms) -> Starlette:
    """Return the application that answers every address of the page."""
    site = Starlette(routes=ROUTES, middleware=[Middleware(Guard, access=rooms.access)])
    site.state.rooms = rooms
    return site
