"""Whether a topic is louder than usual or silent: table-tested, and by chance hardly ever."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from tripoint.domain.rhythm import DAYS, Judged, Rhythm, Stretch, Window, judge, windows_of

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
WEEKDAYS_ONLY = ([3] * 5 + [0] * 2) * 4


def window(now: int, before: Sequence[int], hours: int = 24, unwatched: int = 0) -> Window:
    past = tuple(Stretch(each, place >= unwatched) for place, each in enumerate(before))
    return Window(hours, Stretch(now), past)


def judged(now: int, before: Sequence[int], was: Rhythm = Rhythm.USUAL, unwatched: int = 0) -> Judged | None:
    return judge([window(now, before, unwatched=unwatched)], was)


@pytest.mark.parametrize(
    ("now", "before", "was", "rhythm"),
    [
        (10, [10] * 28, "usual", "usual"),
        (24, [10] * 28, "usual", "usual"),  # twice as many are no spike yet
        (26, [10] * 28, "usual", "spike"),
        (18, [10] * 28, "spike", "spike"),  # it ends lower than it began
        (17, [10] * 28, "spike", "usual"),
        (26, [4, 16] * 14, "usual", "usual"),  # a topic that comes in bursts anyway
        (50, [4, 16] * 14, "usual", "spike"),
        (26, [10] * 25 + [200] * 3, "usual", "spike"),  # a burst of three days ago does not hide the next
        (4, [0] * 28, "usual", "usual"),  # the floor
        (6, [0] * 28, "usual", "spike"),
        (6, [0] * 6, "usual", None),  # too young
        (0, [3] * 28, "usual", "usual"),  # a day without anything
        (0, [0] + [3] * 27, "usual", "silent"),
        (0, [0] + [3] * 27, "silent", "silent"),
        (1, [0] * 9 + [3] * 19, "silent", "usual"),
        (0, WEEKDAYS_ONLY, "usual", "usual"),
        (0, [0, 0, 0, *WEEKDAYS_ONLY], "usual", "usual"),
        (0, [0] * 7 + WEEKDAYS_ONLY[:21], "usual", "silent"),
        (0, [0] * 9 + [1, 0, 0, 0] * 4, "usual", "usual"),  # seldom, and not seldom enough
        (0, [0] * 20 + [3] * 8, "usual", "silent"),
        (0, [0] * 28, "usual", "usual"),  # there never was anything
    ],
)
def test_the_rhythm_follows_from_the_counts(now: int, before: list[int], was: str, rhythm: str | None) -> None:
    found = judged(now, before, Rhythm(was))
    assert (found.rhythm if found else None) == (Rhythm(rhythm) if rhythm else None)


def test_what_nobody_looked_at_says_nothing() -> None:
    assert judge([Window(24, Stretch(0, is_watched=False), (Stretch(3),) * 28)], Rhythm.USUAL) is None
    quiet = judged(0, [0] * 5 + [3] * 23, unwatched=5)
    assert quiet is not None
    assert quiet.rhythm is Rhythm.USUAL  # of six days without a story one was watched
    assert judged(50, [1] * 28, unwatched=22) is None


def test_a_burst_shows_in_the_short_window_first() -> None:
    windows = [window(6, [0] * 28, hours=6), window(9, [4] * 28)]
    found = judge(windows, Rhythm.USUAL)
    assert found == Judged(Rhythm.SPIKE, 6, 6, 0.5, 6)


def test_stories_are_counted_and_not_reports() -> None:
    told = [(NOW - timedelta(hours=1), "a"), (NOW - timedelta(hours=2), "a"), (NOW - timedelta(hours=7), "b")]
    told += [(NOW - timedelta(days=1, hours=1), "a"), (NOW, "c"), (NOW + timedelta(hours=1), "late")]
    ever = [(NOW - timedelta(days=40), NOW)]
    short, whole = windows_of(told, [ever], NOW)
    assert (short.now.stories, whole.now.stories) == (2, 3)
    assert (short.before[0].stories, whole.before[0].stories, whole.before[1].stories) == (1, 1, 0)
    assert len(whole.before) == DAYS


def test_hours_are_watched_when_half_of_the_sources_were() -> None:
    ever = [(NOW - timedelta(days=40), NOW)]
    lately = [(NOW - timedelta(hours=12), NOW)]
    _, whole = windows_of([], [ever, lately], NOW)
    assert [each.is_watched for each in (whole.now, *whole.before[:2])] == [True, True, True]
    _, whole = windows_of([], [lately, lately], NOW)
    assert [each.is_watched for each in (whole.now, whole.before[0])] == [True, False]
    assert not windows_of([], [], NOW)[0].now.is_watched


def test_chance_alone_hardly_ever_cries() -> None:
    dice = random.Random(7)  # noqa: S311 - a sample
    days = 2000
    told = [(NOW - timedelta(days=dice.random() * (days + DAYS)), str(number)) for number in range(5 * (days + DAYS))]
    counts = [0] * (days + DAYS + 1)
    for at, _ in told:
        counts[int((NOW - at) / timedelta(days=1))] += 1
    cries = [judged(counts[day], counts[day + 1 : day + 1 + DAYS]) for day in range(days)]
    assert sum(each is not None and each.rhythm is not Rhythm.USUAL for each in cries) <= 2
