"""Search: words, filters, and what was found with its marks; each search can be followed as a feed."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from storage.search import Order, SearchPage
from tripoint.app.web.rendering import render
from tripoint.app.web.rooms import asked_of, rooms_of
from tripoint.app.web.searching import OFFSET, ORDER, PAGE, PARAMETERS, Asking, find, query_of
from tripoint.domain.errors import MendError


async def search(request: Request) -> Response:
    """Show what is found."""
    rooms = rooms_of(request)
    asked = asked_of(request, *PARAMETERS, ORDER, OFFSET)
    order = Order(asked["order"] or Order.BEST)
    query = query_of(asked, order, PAGE, asked["offset"])
    problem = ""
    try:
        found = await rooms.reader.do(lambda: find(rooms, query))
    except MendError as error:
        found, problem = SearchPage((), is_more=False), str(error)
    return await render(
        request,
        "search.html",
        400 if problem else 200,
        asking=Asking(asked),
        found=found,
        problem=problem,
        page=PAGE,
        sources=sorted(rooms.seeds.sources, key=lambda each: each.outlet.casefold()),
    )


ROUTES = (Route("/search", search),)
