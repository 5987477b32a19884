"""Sources: how each does, what was seen of it and when not, and what it brought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from storage.articles import SourceCounts
from storage.frontier import ListingState
from storage.health import SourceHealth
from tripoint.app.web.charts import Cell, cells_of
from tripoint.app.web.parameters import Whole
from tripoint.app.web.rendering import render
from tripoint.app.web.rooms import Rooms, asked_of, rooms_of
from tripoint.domain.coverage import Span, merged, share_seen
from tripoint.domain.health import HealthState
from tripoint.domain.types import Source

_ORDER = (
    HealthState.FAILING,
    HealthState.PARSE_BROKEN,
    HealthState.FORBIDDEN,
    HealthState.EMPTY,
    HealthState.DEGRADED,
    HealthState.HEALTHY,
    HealthState.UNKNOWN,
)


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source with how it does, and what was seen of it."""

    source: Source
    state: str  #: of `HealthState`, or "disabled"
    health: SourceHealth | None
    share: float | None  #: of the period that is known to have been seen, None where nothing is known
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class _Shown:
    row: SourceRow
    listings: tuple[ListingState, ...]
    counts: SourceCounts
    blind: tuple[Span, ...]


async def every(request: Request) -> Response:
    """Show all sources, those that need somebody first."""
    rooms = rooms_of(request)
    days: int = asked_of(request, Whole("days", "", 3, 1, 30))["days"]
    rows = await rooms.reader.do(lambda: source_rows(rooms, days))
    counted = {state: sum(row.state == state for row in rows) for state in dict.fromkeys(row.state for row in rows)}
    return await render(request, "sources.html", rows=rows, counted=counted, days=days)


def source_rows(rooms: Rooms, days: int) -> list[SourceRow]:
    """Return every source of the catalogue, those that need somebody first."""
    until = rooms.now()
    start = until - timedelta(days=days)
    verdicts = rooms.stores.health.everything()
    spans = rooms.stores.coverage.since(start)
    rows = [_row(each, verdicts.get(each.name), spans.get(each.name, []), start, until) for each in rooms.seeds.sources]
    places = {state.value: number for number, state in enumerate(_ORDER)}
    return sorted(rows, key=lambda row: (places.get(row.state, len(places)), row.source.name))


def _row(
    source: Source, health: SourceHealth | None, spans: Sequence[Span], start: datetime, until: datetime
) -> SourceRow:
    state = (health.state if health else HealthState.UNKNOWN).value if source.enabled else "disabled"
    together = merged(spans)
    share = share_seen(together, start, until) if together else None
    return SourceRow(source, state, health, share, tuple(cells_of(together, start, until)))


async def one(request: Request) -> Response:
    """Show one source."""
    rooms = rooms_of(request)
    name = request.path_params["name"]
    days: int = asked_of(request, Whole("days", "", 7, 1, 30))["days"]
    found = await rooms.reader.do(lambda: _shown(rooms, name, days))
    return await render(request, "source.html", found=found, row=found.row, source=found.row.source, days=days)


def _shown(rooms: Rooms, name: str, days: int) -> _Shown:
    row = next((each for each in source_rows(rooms, days) if each.source.name == name), None)
    if row is None:
        raise HTTPException(404)
    urls = {url for _, url in row.source.listings}
    listings = tuple(each for each in rooms.stores.frontier.listings() if each.url in urls)
    blind = tuple(cell.span for cell in row.cells if cell.state == "blind")
    return _Shown(row, listings, rooms.stores.articles.of_source(name), blind)


ROUTES = (Route("/sources", every), Route("/sources/{name}", one))
