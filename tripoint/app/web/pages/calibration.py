"""Calibration: how good the scores are on what was judged, and what another threshold would change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tripoint.app.calibrated import FILE
from tripoint.app.seeds import packaged_seeds
from tripoint.app.web.charts import CurvePoint, curve_place, curve_points
from tripoint.app.web.parameters import Fraction, Whole
from tripoint.app.web.rendering import render
from tripoint.app.web.rooms import Rooms, asked_of, rooms_of


async def curve(request: Request) -> Response:
    """Show the curve of a topic, and what the threshold that is asked for would change."""
    rooms = rooms_of(request)
    topics = {each.name: each for each in rooms.seeds.topics}
    name = request.query_params.get("topic", "") or next(iter(topics))
    topic = topics.get(name)
    if topic is None:
        raise HTTPException(404)
    asked = asked_of(request, Whole("days", "", 30, 1, 365), Fraction("threshold", ""))
    days = asked["days"]
    at = topic.threshold if asked["threshold"] is None else asked["threshold"]
    since = rooms.now() - timedelta(days=days)
    turned = await rooms.reader.do(lambda: rooms.stores.scores.at_threshold(name, at, since))
    report = await rooms.reader.do(lambda: _report(rooms, name))
    points = curve_points(report.get("curve", ()))
    figures = report.get("cross_validated")
    here = curve_place(figures["precision"], figures["recall"]) if figures else None
    return await render(
        request,
        "calibration.html",
        topic=topic,
        topics=tuple(topics.values()),
        days=days,
        threshold=at,
        turned=turned,
        report=report,
        points=points,
        here=here,
        nearest=_nearest(points, at),
    )


def _nearest(points: list[CurvePoint], threshold: float) -> CurvePoint | None:
    return min(points, key=lambda each: abs(each.threshold - threshold), default=None)


def _report(rooms: Rooms, topic: str) -> Mapping[str, Any]:
    """Return what `calibrate` wrote of a topic, nothing where it wrote nothing."""
    file = (rooms.settings.seeds.folder or packaged_seeds()) / FILE
    if not file.is_file():
        return {}
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["topics"].get(topic, {})
    report: dict[str, Any] = found.get("report", {})
    return report


ROUTES = (Route("/calibration", curve),)
