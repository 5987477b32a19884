"""What is told together and not one by one: digests, what overflowed a limit, and a summary of what is old.

An alert that waits for a digest stands in the outbox as `held`. When the digest is due, `gather` makes one value of
all that waits for it; that value goes out as an alert of its own (`Alert.digest`) by the same road as any other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from itertools import groupby
from zoneinfo import ZoneInfo

from tripoint.domain.evidence import Evidence

DIGEST = "digest:"  #: how the kind of an alert begins that carries a digest
VOLUME_DAYS = 30  #: that the chart of a digest shows
MOST_STORIES = 40  #: that one message carries; how many were left out is said


class Period(StrEnum):
    """Why reports are told together."""

    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    OVERFLOW = "overflow"  #: more came than the rule's limit lets through one by one
    OLD = "old"  #: older than the rule tells at once: a first run, a backfill, a repaired gap, a new judgement


@dataclass(frozen=True, slots=True)
class DigestItem:
    """One alert that was held for a digest."""

    story: str
    kind: str  #: "new", or "update:…" as in its key
    evidence: Evidence
    at: datetime  #: when it was published, else fetched


@dataclass(frozen=True, slots=True)
class DigestStory:
    """What a digest tells of one story on one day; the first report first."""

    story: str
    items: tuple[DigestItem, ...]

    @property
    def headline(self) -> DigestItem:
        """Return the report that stands for the story: the first with the best score."""
        return max(self.items, key=lambda each: each.evidence.score)


@dataclass(frozen=True, slots=True)
class DigestDay:
    """A day of the reader's calendar, its stories by score."""

    day: date
    stories: tuple[DigestStory, ...]


@dataclass(frozen=True, slots=True)
class DayVolume:
    """How many relevant reports a day of the reader's calendar brought; for the chart."""

    day: date
    reports: int


@dataclass(frozen=True, slots=True)
class Digest:
    """What is told together, frozen when it was queued."""

    period: Period
    rule: str
    since: datetime  #: when the first of its reports was held
    until: datetime  #: when it was gathered
    timezone: str  #: IANA name of the reader's zone, by which the days are parted
    days: tuple[DigestDay, ...]  #: newest first
    volume: tuple[DayVolume, ...]  #: of the last 30 days, oldest first, a day without a report included
    topics: tuple[str, ...] = ()
    left_out: int = 0  #: stories that it has no room for

    @property
    def stories(self) -> int:
        """Return how many stories it tells of, those left out included."""
        return len({each.story for day in self.days for each in day.stories}) + self.left_out

    @property
    def reports(self) -> int:
        """Return how many reports it shows."""
        return sum(len(story.items) for day in self.days for story in day.stories)


@dataclass(frozen=True, slots=True)
class Held:
    """Everything that waits for one digest."""

    rule: str
    channel: str
    period: Period
    since: datetime  #: when the first of it was held
    items: tuple[DigestItem, ...]  #: at least one
    relevant_at: tuple[datetime, ...]  #: when each relevant report of the last weeks was published


def gather(held: Held, until: datetime, timezone: str) -> Digest:
    """Return the digest of what was held, as somebody in a zone reads it."""
    zone = ZoneInfo(timezone)
    best = _best_stories(held.items)
    shown = [each for each in held.items if each.story in best]

    def day_of(item: DigestItem) -> date:
        return item.at.astimezone(zone).date()

    in_order = sorted(shown, key=lambda each: (day_of(each), each.at), reverse=True)
    days = tuple(DigestDay(day, _stories(of_day)) for day, of_day in groupby(in_order, day_of))
    today = until.astimezone(zone).date().toordinal()
    counts = Counter(each.astimezone(zone).date() for each in held.relevant_at)
    volume = tuple(
        DayVolume(date.fromordinal(each), counts[date.fromordinal(each)])
        for each in range(today - VOLUME_DAYS + 1, today + 1)
    )
    topics = tuple(sorted({each.evidence.topic for each in held.items}))
    left_out = len({each.story for each in held.items}) - len(best)
    return Digest(held.period, held.rule, held.since, until, timezone, days, volume, topics, left_out)


def _best_stories(items: Sequence[DigestItem]) -> set[str]:
    by_score = sorted(items, key=lambda each: each.evidence.score, reverse=True)
    return set(list(dict.fromkeys(each.story for each in by_score))[:MOST_STORIES])


def _stories(items: Iterable[DigestItem]) -> tuple[DigestStory, ...]:
    by_story: dict[str, list[DigestItem]] = {}
    for each in items:
        by_story.setdefault(each.story, []).insert(0, each)
    stories = [DigestStory(story, tuple(of_it)) for story, of_it in by_story.items()]
    return tuple(sorted(stories, key=lambda each: -each.headline.evidence.score))
