"""Whether much more comes of a topic than it is used to, or nothing any more: pure, from counts against its own past.

What is counted are stories with a report in a stretch of time; copies add nothing. Compared are the same hours
of each of the days before, of those that were watched: what nobody looked at says nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import fmean, median

DAYS = 28  #: that are compared
WINDOWS_H = (6, 24)  #: a burst shows in the first, what goes on all day in the second
_LEAST_DAYS = 7  # watched, before there is a rhythm
_LEAST_STORIES = 5  # in a window, before they are a spike
_CHANCE = 1e-4  # of so many by chance, in one window; a topic that comes at random cries wolf once in some years
_SPREADS = 4.0  # above the median: news comes in bursts, which a Poisson law knows nothing of
_MAD = 1.4826  # makes the median deviation comparable to a standard deviation
_LEAST_RATE = 0.5  # stories in a window
_QUIET_CHANCE = 1e-3  # of so many days without anything
_LEAST_QUIET = 2  # days
_LEAST_NEWS_DAYS = 4  # with a story, before silence can be noticed


class Rhythm(StrEnum):
    """How a topic does against its own past."""

    USUAL = "usual"
    SPIKE = "spike"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some hours of one day."""

    stories: int
    is_watched: bool = True


@dataclass(frozen=True, slots=True)
class Window:
    """The last hours, and the same hours of the days before."""

    hours: int
    now: Stretch
    before: tuple[Stretch, ...]  #: newest first


@dataclass(frozen=True, slots=True)
class Judged:
    """How a topic does, and the figures that say so."""

    rhythm: Rhythm
    hours: int = 24  #: of the window that the figures are of
    stories: int = 0
    usual: float = 0.0  #: stories in these hours of a day
    least: int = 0  #: stories from which on it is a spike
    quiet_days: int = 0  #: watched, without a story, the last one included
    longest_quiet: int = 0  #: such days in a row before


@dataclass(frozen=True, slots=True)
class Headline:
    """A story of the last hours, by its best report."""

    title: str
    outlet: str
    url: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A topic that does otherwise than before."""

    topic: str
    was: Rhythm
    since: datetime  #: when it began to do as it did
    judged: Judged
    at: datetime
    headlines: tuple[Headline, ...]  #: of the hours that were judged, best first


def windows_of(
    told: Iterable[tuple[datetime, str]], seen: Sequence[Sequence[tuple[datetime, datetime]]], now: datetime
) -> tuple[Window, ...]:
    """Return the counts of stories around a moment.

    `told` is when a report came and its story, `seen` the stretches that were watched of each source, which do not
    overlap. Hours count as watched when at least half of all sources were.
    """
    reports = list(told)
    return tuple(
        Window(
            hours,
            _stretch(reports, seen, now - timedelta(hours=hours), now),
            tuple(
                _stretch(reports, seen, end - timedelta(hours=hours), end)
                for end in (now - timedelta(days=each) for each in range(1, DAYS + 1))
            ),
        )
        for hours in WINDOWS_H
    )


def _stretch(
    reports: Sequence[tuple[datetime, str]],
    seen: Sequence[Sequence[tuple[datetime, datetime]]],
    start: datetime,
    end: datetime,
) -> Stretch:
    watched = sum(
        (max(timedelta(0), min(until, end) - max(since, start)) for spans in seen for since, until in spans),
        timedelta(0),
    )
    return Stretch(
        len({story for at, story in reports if start < at <= end}),
        is_watched=bool(seen) and 2 * watched >= (end - start) * len(seen),
    )


def judge(windows: Sequence[Window], before: Rhythm) -> Judged | None:
    """Return how a topic does that did so `before`; None where too little was watched to say.

    A spike ends well below the number at which it began, lest it be told again and again.
    """
    spikes = [found for each in windows if (found := _spike(each, before))]
    if not spikes:
        return None
    if worst := next((each for each in spikes if each.rhythm is Rhythm.SPIKE), None):
        return worst
    return _silence(windows[-1]) or spikes[-1]


def _spike(window: Window, before: Rhythm) -> Judged | None:
    counts = [each.stories for each in window.before if each.is_watched]
    if not window.now.is_watched or len(counts) < _LEAST_DAYS:
        return None
    usual = median(counts)
    spread = _MAD * median(abs(each - usual) for each in counts)
    trimmed = sorted(counts)[: len(counts) - len(counts) // 5]
    rate = max(usual, fmean(trimmed), _LEAST_RATE)
    least = max(_LEAST_STORIES, _by_chance(rate), math.ceil(usual + _SPREADS * spread), math.ceil(2 * usual))
    bound = (usual + least) / 2 if before is Rhythm.SPIKE else least
    rhythm = Rhythm.SPIKE if window.now.stories >= bound else Rhythm.USUAL
    return Judged(rhythm, window.hours, window.now.stories, round(rate, 1), least)


def _by_chance(rate: float) -> int:
    """Return the least number that a Poisson law of a rate reaches with less than the chance that we bear."""
    term = below = math.exp(-rate)
    number = 0
    while 1 - below >= _CHANCE:
        number += 1
        term *= rate / number
        below += term
    return number + 1


def _silence(window: Window) -> Judged | None:
    days = [each.stories for each in (window.now, *window.before) if each.is_watched]
    quiet = next((place for place, stories in enumerate(days) if stories), len(days))
    past = days[quiet:]
    with_news = sum(bool(each) for each in past)
    if quiet < _LEAST_QUIET or len(past) < _LEAST_DAYS or with_news < _LEAST_NEWS_DAYS:
        return None
    longest = _longest_quiet(past)
    chance = (1 - (with_news + 0.5) / (len(past) + 1)) ** quiet
    if chance >= _QUIET_CHANCE or quiet <= longest:
        return None
    usual = round(sum(past) / len(past), 1)
    return Judged(Rhythm.SILENT, window.hours, 0, usual, quiet_days=quiet, longest_quiet=longest)


def _longest_quiet(days: Sequence[int]) -> int:
    longest = run = 0
    for stories in days:
        run = 0 if stories else run + 1
        longest = max(longest, run)
    return longest
