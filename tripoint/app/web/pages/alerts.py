"""Alerts: what was told, to whom, why, and what became of it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tripoint.app.web.parameters import Choice, Whole
from tripoint.app.web.rendering import render
from tripoint.app.web.rooms import asked_of, rooms_of
from tripoint.domain.types import AlertState


async def every(request: Request) -> Response:
    """Show the alerts that were queued last."""
    rooms = rooms_of(request)
    states = tuple(each.value for each in AlertState)
    asked = asked_of(request, Choice("state", "", states), Whole("limit", "", 50, 1, 500))
    state, limit = asked["state"], asked["limit"]
    chosen = AlertState(state) if state else None
    alerts = await rooms.reader.do(lambda: rooms.stores.alerts.history(state=chosen, limit=limit))
    counts = await rooms.reader.do(rooms.stores.alerts.counts)
    return await render(request, "alerts.html", alerts=alerts, counts=counts, state=state, limit=limit)


ROUTES = (Route("/alerts", every),)
