"""Alerts: what was told, to whom, why, and what became of it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tripoint.app.web.asked import one_of, whole
from tripoint.app.web.rendering import render
from tripoint.app.web.rooms import rooms_of
from tripoint.domain.types import AlertState


async def every(request: Request) -> Response:
    """Show the alerts that were queued last."""
    rooms = rooms_of(request)
    state = one_of(request.query_params, "state", tuple(AlertState))
    limit = whole(request.query_params, "limit", 50, 1, 500)
    chosen = AlertState(state) if state else None
    alerts = await rooms.reader.do(lambda: rooms.stores.alerts.history(state=chosen, limit=limit))
    counts = await rooms.reader.do(rooms.stores.alerts.counts)
    return render(request, "alerts.html", alerts=alerts, counts=counts, state=state, limit=limit)


ROUTES = (Route("/alerts", every),)
