"""Whether a source still gives us news: pure, from what the last visits and pages showed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tripoint.domain.types import PollStatus

NEEDS_SCRIPT = "needs a script"  # so begins the reason of a page that only a browser could read
_FAILURES = 3  # in a row, before a listing counts as failing and not as unlucky
_PAGES = 5  # pages without one article among them, before a source counts as broken
_SILENCE = timedelta(hours=24)  # at least; a ministry may be quiet over a weekend, see `_GAPS`
_GAPS = 8  # of its usual ones
_FORBIDDEN = ("robots.txt forbids", "HTTP 401", "HTTP 403", "HTTP 451")


class HealthState(StrEnum):
    """How a source does."""

    UNKNOWN = "unknown"  #: never visited
    HEALTHY = "healthy"
    DEGRADED = "degraded"  #: a listing fails, or did just now; others work
    FAILING = "failing"  #: no listing answers, several times in a row
    EMPTY = "empty"  #: answers, and nothing is new against its own rhythm
    PARSE_BROKEN = "parse-broken"  #: pages, and no article in any
    FORBIDDEN = "forbidden"

    @property
    def is_blind(self) -> bool:
        """Whether nothing is learned from a source in this state."""
        return self in {HealthState.FAILING, HealthState.EMPTY, HealthState.PARSE_BROKEN, HealthState.FORBIDDEN}


@dataclass(frozen=True, slots=True)
class ListingSign:
    """What is known of one listing."""

    url: str
    status: PollStatus
    failures: int  #: in a row
    error: str


@dataclass(frozen=True, slots=True)
class Signs:
    """What is known of a source."""

    listings: tuple[ListingSign, ...]
    pages: tuple[tuple[str, str], ...]  #: state and reason of the pages finished last, newest first
    last_new_at: datetime | None  #: when a listing last held something new
    first_seen_at: datetime | None  #: when it was first visited
    usual_gap: timedelta | None  #: between two articles, None before there are some


@dataclass(frozen=True, slots=True)
class Health:
    """A verdict, and why."""

    state: HealthState
    reason: str = ""


def diagnose(signs: Signs, now: datetime) -> Health:
    """Return how a source does; what hides the most is said first."""
    if not signs.listings:
        return Health(HealthState.UNKNOWN, "not visited yet")
    failed = [each for each in signs.listings if each.status is PollStatus.FAILED or each.failures]
    lasting = [each for each in failed if each.failures >= _FAILURES]
    if len(lasting) == len(signs.listings):
        state = HealthState.FORBIDDEN if _all_forbidden(each.error for each in lasting) else HealthState.FAILING
        return Health(state, f"{lasting[0].url}: {lasting[0].error or 'no answer'}")
    finished = signs.pages[: 2 * _PAGES]
    if len(finished) >= _PAGES and not any(state == "done" for state, _ in finished):
        forbidden = _all_forbidden(reason for _, reason in finished)
        state = HealthState.FORBIDDEN if forbidden else HealthState.PARSE_BROKEN
        scripted = _scripted(finished)
        if 2 * len(scripted) > len(finished):
            return Health(state, f"{NEEDS_SCRIPT}: {len(scripted)} of the last {len(finished)} pages")
        return Health(state, f"no article in the last {len(finished)} pages: {finished[0][1]}")
    if silent := _silent_since(signs, now):
        return Health(HealthState.EMPTY, f"nothing new since {silent:%Y-%m-%d %H:%M} UTC")
    if bounded := [each for each in signs.listings if each.status is PollStatus.READ and each.error]:
        return Health(HealthState.DEGRADED, f"{bounded[0].url}: {bounded[0].error}")
    if failed:
        return Health(HealthState.DEGRADED, f"{failed[0].url}: {failed[0].error or 'unchanged since it failed'}")
    if scripted := _scripted(finished):
        return Health(HealthState.HEALTHY, f"{NEEDS_SCRIPT}: {len(scripted)} of the last {len(finished)} pages")
    return Health(HealthState.HEALTHY)


def _scripted(pages: Iterable[tuple[str, str]]) -> list[str]:
    """Return why those pages gave no article that only a script could have written."""
    return [reason for state, reason in pages if state == "not_article" and reason.startswith(NEEDS_SCRIPT)]


def _all_forbidden(reasons: Iterable[str]) -> bool:
    return all(each.startswith(_FORBIDDEN) for each in reasons)


def _silent_since(signs: Signs, now: datetime) -> datetime | None:
    since = signs.last_new_at or signs.first_seen_at
    if since is None:
        return None
    patience = max(_SILENCE, _GAPS * signs.usual_gap) if signs.usual_gap else 2 * _SILENCE
    return since if now - since > patience else None
