"""How many polls, and how much delay, the adaptive cadence costs beside fixed intervals: a month, simulated.

Outlets publish at random around a daily profile of their time zone, some in bursts; the figures are of the rule in
`tripoint/domain/cadence.py` and of nothing that a network adds.
"""

from __future__ import annotations

import random
import statistics
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

from tripoint.domain.cadence import Pace, Rhythm, Visit, plan
from tripoint.domain.types import PollStatus

_DAY_S = 86_400.0
_DAYS = 30
_PROFILE = (1, 1, 1, 1, 1, 3, 6, 10, 12, 12, 12, 11, 9, 10, 11, 11, 11, 10, 9, 8, 7, 5, 3, 2)  # by local hour
_SEED = 20261124


@dataclass(frozen=True, slots=True)
class Feed:
    """An outlet's feed: how much it publishes, and how much its feed holds."""

    name: str
    a_day: float
    holds: int
    has_bursts: bool = False


FEEDS = (
    Feed("a wire, 300 a day", 300, 50),
    Feed("a daily, 80 a day", 80, 30),
    Feed("a daily with bursts", 40, 20, has_bursts=True),
    Feed("trade press, 6 a day", 6, 15),
    Feed("a ministry, one a day", 1, 10),
)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a policy cost on one feed."""

    polls: int
    delays_s: list[float]
    missed: int


def main() -> None:
    """Print polls a day, delays and losses of each policy."""
    policies: dict[str, Callable[[], Pace]] = {
        "adaptive": Pace,
        **{f"every {m} min": lambda m=m: Pace(60.0 * m, 60.0 * m, 60.0 * m) for m in (5, 15, 60)},  # type: ignore[misc]
    }
    totals: dict[str, list[Cost]] = {name: [] for name in policies}
    for number, feed in enumerate(FEEDS):
        times = published(feed, random.Random(_SEED + number))  # noqa: S311 - the same month each time
        for name, pace in policies.items():
            cost = simulate(feed, times, pace(), adapts=name == "adaptive")
            totals[name].append(cost)
            _say(f"{feed.name:24} {name:13} {_line([cost])}")
    for name, costs in totals.items():
        _say(f"{'all five feeds':24} {name:13} {_line(costs)}")


def published(feed: Feed, dice: random.Random) -> list[float]:
    """Return the seconds at which a feed's entries appear in a month."""
    times = []
    whole = sum(_PROFILE)
    for hour in range(24 * _DAYS):
        expected = feed.a_day * _PROFILE[hour % 24] / whole
        if feed.has_bursts and dice.random() < 0.02:
            expected += 25
        moment = hour * 3600.0
        while expected > 0:
            moment += dice.expovariate(expected / 3600)
            if moment >= (hour + 1) * 3600:
                break
            times.append(moment)
    return times


def simulate(feed: Feed, times: list[float], pace: Pace, *, adapts: bool) -> Cost:
    """Visit a feed for a month; an entry that left the feed between two visits is missed."""
    rhythm: Rhythm | None = None
    now, before, polls, seen, missed = 0.0, None, 0, 0, 0
    delays: list[float] = []
    while now < _DAYS * _DAY_S:
        there = bisect_right(times, now)
        fresh = times[max(seen, there - feed.holds) : there]
        missed += max(there - feed.holds - seen, 0)
        delays += [now - each for each in fresh]
        seen = there
        polls += 1
        elapsed = None if before is None else now - before
        hour = int(now // 3600 % 24) if adapts else 12
        visit = Visit(PollStatus.READ, elapsed, min(there, feed.holds), len(fresh), hour=hour)
        planned = plan(rhythm, visit, pace)
        rhythm, before = planned.rhythm, now
        now += planned.wait_s
    return Cost(polls, delays, missed)


def _line(costs: list[Cost]) -> str:
    delays = sorted(each for cost in costs for each in cost.delays_s)
    late = delays[int(len(delays) * 0.95)] if delays else 0.0
    polls = sum(cost.polls for cost in costs) / _DAYS
    middle = statistics.median(delays) / 60
    missed = sum(cost.missed for cost in costs)
    return (
        f"{polls:6.0f} polls a day, delay median {middle:5.1f} min, 95 % within {late / 60:5.1f} min, missed {missed}"
    )


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
