"""The addresses of the API: each operation's own, its description, and a page that shows the description."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tripoint.app.web.api.openapi import describe
from tripoint.app.web.api.operations import OPERATIONS, Operation
from tripoint.app.web.parameters import read_all
from tripoint.app.web.rendering import render
from tripoint.app.web.rooms import rooms_of

PREFIX = "/api/v1"


def _view(operation: Operation) -> Callable[[Request], Awaitable[Response]]:
    @cache
    def adapter() -> TypeAdapter[object]:
        return TypeAdapter(operation.answer)

    async def answer(request: Request) -> Response:
        rooms = rooms_of(request)
        asked = read_all(operation.parameters, request.query_params.multi_items(), rooms.now())
        asked |= request.path_params
        body = await rooms.reader.do(lambda: adapter().dump_json(operation.work(rooms, asked)))
        return Response(body, media_type="application/json")

    return answer


async def description(request: Request) -> Response:
    """Return the description."""
    return JSONResponse(describe(OPERATIONS, needs_token=bool(rooms_of(request).access.token)))


async def documentation(request: Request) -> Response:
    """Show the description to a person."""
    needs_token = bool(rooms_of(request).access.token)
    return await render(request, "api.html", operations=OPERATIONS, prefix=PREFIX, needs_token=needs_token)


ROUTES = (
    *(Route(PREFIX + each.path, _view(each), name=each.name) for each in OPERATIONS),
    Route("/api/openapi.json", description),
    Route("/api/docs", documentation),
)
