"""What a job is, and when it is due: pure. Who registers one says here how missed and overlapping runs are treated.

The rules, which docs/operations.md tells an operator:

- A job that was due while nothing ran is made up for once, however often it was missed (`Missed.ONCE`), or waits for
  its next time (`Missed.SKIP`).
- A local time that the clock skips in spring is run as long after the jump as it lies after the jump's start (02:30 at
  03:30); one that comes twice in autumn is run the first time only. So each day has exactly one run.
- A run still under way keeps the next one from starting, unless the job allows several `at_once`.
- A run that failed is tried again: what goes by an interval after that, then twice that, up to five minutes; what goes
  by the clock after five minutes, then twice that, up to six hours, and at its next time at the latest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from tripoint.domain.policies import instant

EVERY_DAY = frozenset(range(7))
_LATE = timedelta(minutes=5)  # later than this, a run counts as missed and not as delayed
_LONGEST_RETRY_S = 300.0
_CLOCK_RETRY_S = 300.0
_LONGEST_CLOCK_RETRY_S = 6 * 3600.0

Work = Callable[[asyncio.Event], Awaitable[str]]
"""What a job does: ends soon once the event is set, and returns a line about what it did, empty for nothing to do."""


@dataclass(frozen=True, slots=True)
class Every:
    """So many seconds after the start of the run before."""

    seconds: float

    def __str__(self) -> str:
        return f"every {self.seconds:g} s" if self.seconds < 600 else f"every {self.seconds / 60:g} min"


@dataclass(frozen=True, slots=True)
class AtLocalTime:
    """At times of the day as the clocks of a zone show them."""

    times: tuple[time, ...]
    zone: str  #: IANA name
    weekdays: frozenset[int] = EVERY_DAY  #: 0 is Monday

    def __str__(self) -> str:
        days = "daily" if self.weekdays == EVERY_DAY else " ".join(_DAYS[each] for each in sorted(self.weekdays))
        return f"{days} {', '.join(each.strftime('%H:%M') for each in sorted(self.times))} {self.zone}"


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
Trigger = Every | AtLocalTime


class Missed(StrEnum):
    """What becomes of a run that was due while nothing ran."""

    ONCE = "made up for once"
    SKIP = "left out"


class Importance:
    """In which order missed jobs are made up for; the lowest number first."""

    ALERTS = 0  #: somebody waits for what is stored already
    NEWS = 10
    DIGESTS = 20
    REPAIR = 30
    REVISIT = 40  #: what is known is looked at again last
    UPKEEP = 80


@dataclass(frozen=True, slots=True)
class Job:
    """Something that is done again and again."""

    name: str
    what: str  #: a line for who reads `tripoint jobs`
    trigger: Trigger
    work: Work = field(repr=False)
    importance: int = Importance.UPKEEP
    missed: Missed = Missed.ONCE
    at_once: int = 1  #: runs that may be under way beside each other


def next_run(job: Job, after: datetime) -> datetime:
    """Return the first time after a moment at which a job is due, in UTC."""
    match job.trigger:
        case Every(seconds):
            return after.astimezone(UTC) + timedelta(seconds=seconds)
        case AtLocalTime():
            return _next_local(job.trigger, after.astimezone(UTC))


def after_failure(job: Job, failures: int, now: datetime) -> datetime:
    """Return when a job is tried again after so many failures in a row, the last of them now."""
    doublings = 2.0 ** min(failures - 1, 30)
    match job.trigger:
        case Every(seconds):
            return now + timedelta(seconds=max(seconds, min(seconds * doublings, _LONGEST_RETRY_S)))
        case AtLocalTime():
            again = timedelta(seconds=min(_CLOCK_RETRY_S * doublings, _LONGEST_CLOCK_RETRY_S))
            return min(now + again, next_run(job, now))


def is_missed(job: Job, due: datetime, now: datetime) -> bool:
    """Return whether a run that was due then is left out now."""
    return job.missed is Missed.SKIP and now - due > _LATE


def first_run(job: Job, stored: datetime | None, now: datetime) -> datetime:
    """Return when a job is due first after a start, `stored` being what the last service wrote down.

    Not later than its own rule says from now on: a shortened interval, or a clock that was ahead, is no reason to wait.
    What never ran is due at once if it goes by an interval.
    """
    by_rule = next_run(job, now)
    if stored is None:
        return now if isinstance(job.trigger, Every) else by_rule
    return by_rule if is_missed(job, stored, now) else min(stored, by_rule)


def in_order(jobs: Iterable[Job], due: dict[str, datetime]) -> list[Job]:
    """Return jobs in the order in which they are made up for: the most important first, then the longest overdue."""
    return sorted(jobs, key=lambda each: (each.importance, due[each.name], each.name))


def _next_local(trigger: AtLocalTime, after: datetime) -> datetime:
    zone = ZoneInfo(trigger.zone)
    today = after.astimezone(zone).date()
    # The day before counts too: a time that the clock skips at its end falls into today.
    days = [today + timedelta(days=each) for each in range(-1, 9)]
    moments = (
        instant(day, at, trigger.zone) for day in days if day.weekday() in trigger.weekdays for at in trigger.times
    )
    return min(each for each in moments if each > after)
