"""Charts as numbers: where the bars, lines and cells of an SVG stand. Pure; the templates draw them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.volume import Day
from tripoint.domain.coverage import Span

WIDTH, HEIGHT = 720, 160
_LEFT, _BOTTOM, _TOP = 32, 22, 8


@dataclass(frozen=True, slots=True)
class Bar:
    """One day of the volume chart, in the units of its view box."""

    day: Day
    x: float
    width: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A label of an axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Bars:
    """The volume chart."""

    bars: tuple[Bar, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    total: int


def bars_of(days: Sequence[Day]) -> Bars:
    """Lay out the relevant articles of each day."""
    top = _round_top(max((each.relevant for each in days), default=0))
    step = (WIDTH - _LEFT) / max(1, len(days))
    room = HEIGHT - _BOTTOM - _TOP
    bars = []
    for number, day in enumerate(days):
        height = round(room * day.relevant / top, 1)
        x = round(_LEFT + number * step + step * 0.12, 1)
        bars.append(Bar(day, x, round(step * 0.76, 1), round(HEIGHT - _BOTTOM - height, 1), height))
    every = max(1, len(days) // 6)
    across = [
        Tick(round(_LEFT + (number + 0.5) * step, 1), f"{day.date:%d.%m.}")
        for number, day in enumerate(days)
        if (len(days) - 1 - number) % every == 0
    ]
    up = [Tick(round(HEIGHT - _BOTTOM - room * part, 1), f"{round(top * part):d}") for part in (0, 0.5, 1)]
    return Bars(tuple(bars), tuple(across), tuple(up), sum(each.relevant for each in days))


def _round_top(most: int) -> int:
    """Return an even number that is a little above the highest bar."""
    if most <= 2:
        return 2
    unit = 10 ** int(math.log10(most))
    step = next(each for each in (unit / 5, unit / 2, unit, 2 * unit) if each * 5 >= most)
    return int(math.ceil(most / step / 2) * step * 2) or 2


PR_SIZE = 260
_PR_LEFT, _PR_BOTTOM = 34, 26


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Precision and recall at a threshold, and where that is in the chart."""

    threshold: float
    precision: float
    recall: float
    x: float
    y: float


def curve_points(curve: Sequence[Mapping[str, float | None]]) -> list[CurvePoint]:
    """Lay out a precision-recall curve; a threshold at which one of the two has no meaning is left out."""
    found = []
    for each in curve:
        precision, recall, threshold = each["precision"], each["recall"], each["threshold"]
        if precision is None or recall is None or threshold is None:
            continue
        found.append(CurvePoint(threshold, precision, recall, *curve_place(precision, recall)))
    return found


def curve_place(precision: float, recall: float) -> tuple[float, float]:
    """Return where a pair of precision and recall stands; both axes begin at one half, where the news is."""
    x = _PR_LEFT + (PR_SIZE - _PR_LEFT - 10) * _upper_half(recall)
    y = (PR_SIZE - _PR_BOTTOM) - (PR_SIZE - _PR_BOTTOM - 10) * _upper_half(precision)
    return round(x, 1), round(y, 1)


def _upper_half(value: float) -> float:
    return max(0.0, (value - 0.5) * 2)


@dataclass(frozen=True, slots=True)
class Cell:
    """A stretch of a coverage timeline."""

    x: float
    width: float
    state: str  #: seen, blind
    span: Span


def cells_of(spans: Sequence[Span], start: datetime, until: datetime) -> list[Cell]:
    """Lay out stretches of a period on a line of the width 720; what is not covered stays empty."""
    whole = (until - start) / timedelta(seconds=1)
    found = []
    for span in spans:
        a = max(span.start, start)
        b = min(span.until, until)
        if b <= a:
            continue
        x = WIDTH * ((a - start) / timedelta(seconds=1)) / whole
        width = max(1.0, WIDTH * ((b - a) / timedelta(seconds=1)) / whole)
        found.append(Cell(round(x, 1), round(width, 1), "seen" if span.is_seen else "blind", span))
    return found
