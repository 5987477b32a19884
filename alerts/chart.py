"""A small chart of the volume of news: an image for mail, bars of text for chat, and the numbers in words."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw

from alerts.phrases import words
from tripoint.domain.digests import DayVolume

_BARS = "▁▂▃▄▅▆▇█"
_SLOT, _BAR, _HEIGHT, _EDGE = 16, 12, 80, 6
_COLOUR, _PAPER, _LINE = (31, 95, 160), (255, 255, 255), (190, 190, 190)


def as_png(volume: Sequence[DayVolume]) -> bytes:
    """Return a column a day; a day with a report is never lower than two pixels."""
    most = max((each.reports for each in volume), default=0) or 1
    image = Image.new("RGB", (2 * _EDGE + _SLOT * max(len(volume), 1), _HEIGHT + 2 * _EDGE), _PAPER)
    draw = ImageDraw.Draw(image)
    floor = _EDGE + _HEIGHT
    for place, each in enumerate(volume):
        if each.reports:
            left, height = _EDGE + place * _SLOT, max(2, round(_HEIGHT * each.reports / most))
            draw.rectangle((left, floor - height, left + _BAR, floor), fill=_COLOUR)
    draw.line((_EDGE, floor + 1, image.width - _EDGE, floor + 1), fill=_LINE)
    written = io.BytesIO()
    image.save(written, "PNG", optimize=True)
    return written.getvalue()


def as_bars(volume: Sequence[DayVolume]) -> str:
    """Return a character a day."""
    most = max((each.reports for each in volume), default=0) or 1
    return "".join(_BARS[round(each.reports / most * (len(_BARS) - 1))] for each in volume)


def in_words(volume: Sequence[DayVolume], language: str) -> str:
    """Return the numbers of the chart, so that who cannot see it has them all."""
    phrase = words(language)
    total = sum(each.reports for each in volume)
    said = phrase["volume"].format(total=total, days=len(volume))
    if not total:
        return said
    peak = max(volume, key=lambda each: each.reports)
    most = phrase["most_on"].format(day=peak.day.isoformat(), number=peak.reports)
    return f"{said}; {most}; {phrase['by_day']}: {' '.join(str(each.reports) for each in volume)}"
