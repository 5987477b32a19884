"""Stories by day with how much there was, and one story: its timeline, who has it, sentences side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from storage.alerts import AlertHistory
from tripoint.app.telling import ToldSentence, ToldStory, stories_since, telling_sentences, told_story
from tripoint.app.web.charts import Bars, bars_of
from tripoint.app.web.parameters import Flag, Whole
from tripoint.app.web.rendering import render
from tripoint.app.web.rooms import Rooms, asked_of, rooms_of

_CHART_DAYS = 30
_MOST_STORIES = 200


@dataclass(frozen=True, slots=True)
class _Overview:
    days: tuple[tuple[date, tuple[ToldStory, ...]], ...]
    chart: Bars
    shown: int


@dataclass(frozen=True, slots=True)
class _Whole:
    story: ToldStory
    sentences: dict[str, tuple[ToldSentence, ...]]
    alerts: Sequence[AlertHistory]


async def overview(request: Request) -> Response:
    """Show the stories of the last days."""
    rooms = rooms_of(request)
    asked = asked_of(request, Whole("days", "", 7, 1, 90), Flag("all", ""))
    days, everything = asked["days"], asked["all"]
    found = await rooms.reader.do(lambda: _overview(rooms, days, everything=everything))
    return await render(request, "stories.html", found=found, days=days, everything=everything, most=_MOST_STORIES)


def _overview(rooms: Rooms, days: int, *, everything: bool) -> _Overview:
    now = rooms.now()
    told = stories_since(
        rooms.seeds, rooms.stores, now - timedelta(days=days), now, relevant_only=not everything, limit=_MOST_STORIES
    )
    by_day = groupby(told, lambda each: each.newest.seen_at.date())
    chart = bars_of(rooms.stores.volume.by_day(now.date(), _CHART_DAYS))
    return _Overview(tuple((day, tuple(stories)) for day, stories in by_day), chart, len(told))


async def one(request: Request) -> Response:
    """Show one story."""
    rooms = rooms_of(request)
    key = request.path_params["key"]
    found = await rooms.reader.do(lambda: _whole(rooms, key))
    return await render(request, "story.html", found=found, story=found.story, silent=_silent(rooms, found.story))


def _whole(rooms: Rooms, key: str) -> _Whole:
    story = told_story(rooms.seeds, rooms.stores, key, rooms.now())
    sentences: dict[str, tuple[ToldSentence, ...]] = {}
    for each in telling_sentences(rooms.judge(), rooms.stores, story.reports):
        sentences[each.report.language] = (*sentences.get(each.report.language, ()), each)
    alerts = rooms.stores.alerts.history(story=story.key, limit=100)
    return _Whole(story, dict(sorted(sentences.items())), alerts)


def _silent(rooms: Rooms, story: ToldStory) -> list[str]:
    """Return the countries whose outlets should have it and do not, once there was time."""
    missing = set(story.behind.silent)
    return [each.country for each in rooms.seeds.wires.expected if each.adjective in missing]


ROUTES = (Route("/", overview), Route("/stories/{key}", one))
