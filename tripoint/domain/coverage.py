"""What we know that we saw of a listing: pure, from the overlap of two visits.

A listing that still holds an entry that was known before has lost nothing in between: whatever came is in it. One that
holds only new entries may have dropped some that nobody saw. That is so whether the visits between them failed or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from tripoint.domain.types import Poll, PollStatus


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in which everything was seen, or in which that is not known."""

    start: datetime
    until: datetime
    is_seen: bool
    reason: str = ""  #: why not


def span_of(poll: Poll, new: int, since: datetime, outage: str = "", bound: str = "") -> Span:
    """Return what a visit says of the time since the last answer.

    `outage` tells of visits that failed in between, `bound` of entries that were not taken on.
    """
    if bound:
        return Span(since, poll.polled_at, is_seen=False, reason=bound)
    if poll.status is PollStatus.UNCHANGED:
        return Span(since, poll.polled_at, is_seen=True)
    if not poll.listed:
        return Span(since, poll.polled_at, is_seen=False, reason="it listed nothing")
    if new < poll.listed:
        return Span(since, poll.polled_at, is_seen=True)
    reason = f"not one of {poll.listed} entries was known: some may have come and gone"
    return Span(since, poll.polled_at, is_seen=False, reason=f"{reason}; {outage}" if outage else reason)


def seen_stretches(spans: Iterable[Span]) -> list[tuple[datetime, datetime]]:
    """Return what several listings of a source saw together, in order and without overlap."""
    found: list[tuple[datetime, datetime]] = []
    for span in sorted((each for each in spans if each.is_seen), key=lambda each: each.start):
        if found and span.start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], span.until))
        else:
            found.append((span.start, span.until))
    return found


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return what several listings of a source show together: what one of them saw is seen."""
    every = list(spans)
    edges = sorted({moment for span in every for moment in (span.start, span.until)})
    found: list[Span] = []
    for start, until in pairwise(edges):
        inside = [span for span in every if span.start <= start and until <= span.until]
        if not inside:
            continue
        blind = [span for span in inside if not span.is_seen]
        is_seen = len(blind) < len(inside)
        reason = "" if is_seen else blind[0].reason
        if found and found[-1].until == start and (found[-1].is_seen, found[-1].reason) == (is_seen, reason):
            found[-1] = Span(found[-1].start, until, is_seen, reason)
        else:
            found.append(Span(start, until, is_seen, reason))
    return found


def share_seen(spans: Sequence[Span], start: datetime, until: datetime) -> float:
    """Return which share of a period is known to have been seen."""
    seen = sum((_overlap(span, start, until) for span in spans if span.is_seen), timedelta())
    return seen / (until - start) if until > start else 0.0


def timeline(spans: Sequence[Span], start: datetime, until: datetime, cells: int) -> str:
    """Return a period as cells: █ all seen, ▒ in part, · nothing is known, ░ known not to be sure."""
    step = (until - start) / cells
    line = ""
    for number in range(cells):
        a, b = start + number * step, start + (number + 1) * step
        seen = sum((_overlap(span, a, b) for span in spans if span.is_seen), timedelta()) / step
        blind = any(_overlap(span, a, b) for span in spans if not span.is_seen)
        line += "█" if seen > 0.99 else "▒" if seen > 0 else "░" if blind else "·"
    return line


def _overlap(span: Span, start: datetime, until: datetime) -> timedelta:
    return max(min(span.until, until) - max(span.start, start), timedelta())
