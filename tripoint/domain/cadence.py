"""When to look at a listing again: pure, from how much of it was new, what the server asked, and the hour.

A listing is visited about as often as it gains one entry, so that a busy outlet is heard soon and a quiet one is left
in peace. Little overlap between two visits means that entries may have been missed: then sooner. Failures lengthen the
wait by degrees. What a publisher asks for (TTL, Cache-Control, Expires, Retry-After) is never undercut, within reason.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass, replace

from tripoint.domain.types import PollStatus

_AIM = 1.0  # entries that a visit should find new
_LITTLE_OVERLAP = 0.5  # share of a listing that is new: half of it again, and some would be missed
_MEMORY_H = 4.0  # after so many hours what was seen weighs a third
_LEAST_EVIDENCE = 0.5  # entries: a quiet listing is taken to have had half a one, or its rate would be nothing
_NIGHT = frozenset({0, 1, 2, 3, 4})  # local hours in which newsrooms hardly publish
_NIGHT_FACTOR = 2.0
_LONGEST_FAILING_S = 6 * 3600.0
_LONGEST_ASKED_S = 6 * 3600.0  # a TTL of a week is a mistake of somebody's, and would blind us
_SPREAD = 0.1


@dataclass(frozen=True, slots=True)
class Pace:
    """The bounds that the settings give, in seconds."""

    first_s: float = 600.0  #: before anything is known of a listing
    shortest_s: float = 120.0
    longest_s: float = 1800.0

    def within(self, seconds: float) -> float:
        """Return the nearest wait that is allowed; `first_s` always is."""
        return min(max(seconds, min(self.shortest_s, self.first_s)), max(self.longest_s, self.first_s))


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What is remembered of a listing between two visits."""

    interval_s: float
    rate: float | None = None  #: new entries an hour, None before the second visit
    failures: int = 0  #: in a row; an unchanged answer neither adds nor clears any


@dataclass(frozen=True, slots=True)
class Visit:
    """What one visit showed."""

    status: PollStatus
    elapsed_s: float | None = None  #: since the visit before that was read or unchanged, None for the first
    listed: int = 0
    new: int = 0
    fresh_for_s: float = 0.0  #: how long the publisher says that the answer stays fresh
    retry_after_s: float | None = None
    hour: int = 12  #: local hour of the outlet


@dataclass(frozen=True, slots=True)
class Plan:
    """What follows from a visit."""

    rhythm: Rhythm
    wait_s: float  #: until the next visit
    held_s: float = 0.0  #: how long nobody may ask again, whatever the hurry
    least_s: float = 0.0  #: what the publisher asked for; the wait is no shorter


def plan(before: Rhythm | None, visit: Visit, pace: Pace) -> Plan:
    """Return when to come back to a listing, and what to remember of it."""
    known = before or Rhythm(pace.first_s)
    if visit.status is PollStatus.FAILED:
        failed = replace(known, failures=known.failures + 1)
        held_s = visit.retry_after_s or 0.0
        return Plan(failed, max(_after_failures(failed, pace), held_s), held_s, held_s)
    learned = _learned(known, visit, pace)
    wait_s = learned.interval_s
    if visit.hour in _NIGHT:
        wait_s = pace.within(wait_s * _NIGHT_FACTOR)
    if learned.failures:  # an unchanged answer after a failure: perhaps a cache speaks for a server that is down
        wait_s = max(wait_s, _after_failures(learned, pace))
    asked_s = min(visit.fresh_for_s, _LONGEST_ASKED_S)
    return Plan(learned, max(wait_s, asked_s), least_s=asked_s)


def _after_failures(rhythm: Rhythm, pace: Pace) -> float:
    doubled = pace.within(rhythm.interval_s) * float(2 ** min(rhythm.failures - 1, 10))
    return min(doubled, max(_LONGEST_FAILING_S, pace.within(rhythm.interval_s)))


def _learned(known: Rhythm, visit: Visit, pace: Pace) -> Rhythm:
    failures = known.failures if visit.status is PollStatus.UNCHANGED else 0
    if visit.elapsed_s is None or visit.elapsed_s <= 0:
        return Rhythm(pace.first_s, None, failures)
    hours = visit.elapsed_s / 3600
    if known.rate is None:
        rate = max(visit.new, _LEAST_EVIDENCE) / hours
    else:
        kept = math.exp(-hours / _MEMORY_H)
        rate = known.rate * kept + visit.new / hours * (1 - kept)
    interval_s = 3600 * _AIM / rate if rate > 0 else pace.longest_s
    if visit.listed and visit.new >= _LITTLE_OVERLAP * visit.listed:
        interval_s = min(interval_s, visit.elapsed_s / 3)
    return Rhythm(pace.within(interval_s), rate, failures)


def spread(url: str, planned: Plan) -> float:
    """Return the wait, up to a twentieth shorter or longer, so that listings do not fire together.

    The address draws the lot. What a publisher asked for is not undercut.
    """
    lot = zlib.crc32(url.encode()) % 1000 / 1000 - 0.5
    return max(planned.wait_s * (1 + _SPREAD * lot), planned.least_s)
