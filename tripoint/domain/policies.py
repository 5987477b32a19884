"""Who hears what, as data, and the calendar that it needs. Pure; local times go by the clocks of a named zone.

A local time that the clocks skip in spring counts as much later as it lies after the jump (02:30 is 03:30); one that
comes twice in autumn counts the first time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from tripoint.domain.digests import Period


class Grade(StrEnum):
    """How far a score lies above its topic's threshold; unlike a score it means the same for every topic."""

    RELEVANT = "relevant"  #: at the threshold
    STRONG = "strong"  #: a third of the way from the threshold to 1
    SURE = "sure"  #: two thirds of the way


_SHARE = {Grade.RELEVANT: 0.0, Grade.STRONG: 1 / 3, Grade.SURE: 2 / 3}


def least_score(grade: Grade, threshold: float) -> float:
    """Return the least score of a grade under a topic's threshold."""
    return threshold + _SHARE[grade] * (1 - threshold)


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours in which nothing is told; what comes then is told at their end."""

    start: time
    end: time  #: before or at `start` is the next day
    zone: str
    unless_score: float = 2.0  #: from this score on they do not count


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a digest goes out."""

    period: Period
    zone: str
    at: time = time(7)  #: daily and weekly
    weekday: int = 0  #: weekly; 0 is Monday


@dataclass(frozen=True, slots=True)
class Limit:
    """How much is told one by one; more is told together."""

    most: int
    per: timedelta


@dataclass(frozen=True, slots=True)
class Escalation:
    """Who is told too when a channel stays down, or refuses an alert for good."""

    to: tuple[str, ...]
    after: timedelta  #: for which nothing was accepted; a refusal for good waits for nothing
    instead: bool = False  #: what another channel accepted is no longer for the one that was down
    disabled: tuple[str, ...] = ()  #: channels that it names and that are switched off


@dataclass(frozen=True, slots=True)
class Conditions:
    """What an article must be for a rule; what is empty is not asked for."""

    topics: tuple[str, ...] = ()
    min_score: float = 0.0
    grade: Grade = Grade.RELEVANT
    facets: tuple[
        tuple[str, tuple[str, ...]], ...
    ] = ()  #: actors, acts or platforms, and patterns of concepts of which one must hit
    languages: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    independent: int = 1  #: least reports of the story from different newsrooms


@dataclass(frozen=True, slots=True)
class Rule:
    """Who is told of what, and when."""

    name: str
    channels: tuple[str, ...]
    max_age: timedelta  #: older news is not told one by one
    when: Conditions = field(default_factory=Conditions)
    zone: str = "UTC"  #: of the readers, for the days of a digest
    disabled: tuple[str, ...] = ()  #: channels that it names and that are switched off
    digest: Schedule | None = None  #: None tells at once
    quiet: Quiet | None = None
    limit: Limit | None = None
    tells_old: bool = True  #: in one summary
    escalation: Escalation | None = None
    tells_rhythm: bool = True  #: that much more comes of one of its topics than usual, or nothing any more


@dataclass(frozen=True, slots=True)
class Policies:
    """All of a file of rules."""

    rules: tuple[Rule, ...]
    escalation: Escalation | None = None  #: of what no rule causes, such as that a source fell silent

    def rule(self, name: str) -> Rule | None:
        """Return the rule of a name; None for what the house itself tells, and for a rule that is no longer there."""
        return next((each for each in self.rules if each.name == name), None)

    def escalation_of(self, name: str) -> Escalation | None:
        """Return who is told too of what a rule, or the house itself, tells."""
        rule = self.rule(name)
        return rule.escalation if rule else self.escalation


def quiet_until(quiet: Quiet | None, now: datetime, score: float = 0.0) -> datetime | None:
    """Return when the quiet hours that hold now end, None when none hold or the score pierces them."""
    if quiet is None or score >= quiet.unless_score:
        return None
    today = now.astimezone(ZoneInfo(quiet.zone)).date()
    for day in (today - timedelta(days=1), today):
        last_day = day if quiet.end > quiet.start else day + timedelta(days=1)
        end = instant(last_day, quiet.end, quiet.zone)
        if instant(day, quiet.start, quiet.zone) <= now < end:
            return end
    return None


def next_digest(schedule: Schedule, now: datetime) -> datetime:
    """Return the first time after a moment at which a digest goes out."""
    local = now.astimezone(ZoneInfo(schedule.zone))
    if schedule.period is Period.HOURLY:
        # Counted in UTC, lest the hour that comes twice be skipped; zones with half hours have their own full ones.
        return (
            now.astimezone(UTC)
            + timedelta(hours=1)
            - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        )
    days = [local.date() + timedelta(days=each) for each in range(-1, 9)]
    if schedule.period is Period.WEEKLY:
        days = [each for each in days if each.weekday() == schedule.weekday]
    return min(at for day in days if (at := instant(day, schedule.at, schedule.zone)) > now)


def instant(day: date, at: time, zone: str) -> datetime:
    """Return the moment of a local time, in UTC."""
    return datetime.combine(day, at.replace(fold=0), ZoneInfo(zone)).astimezone(UTC)
