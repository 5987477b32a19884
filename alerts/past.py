"""What the channels hear of a search of the past: one summary at its end, grouped by story. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tripoint.domain.types import SEARCH, Alert, AlertKey, Evidence, Marked

RULE = "backfill"
SUMMARY = "summary"  #: the kind of such an alert
_MOST_LINES = 30


def summary_alerts(
    job: int, title: str, lines: Sequence[str], link: str, channels: Sequence[str], now: datetime
) -> tuple[Alert, ...]:
    """Return one alert a channel that tells what a job found; `lines` are its stories, most reports first."""
    shown = list(lines[:_MOST_LINES])
    if len(lines) > len(shown):
        shown.append(f"… and {len(lines) - len(shown)} more stories: tripoint backfill status {job}")
    evidence = Evidence(
        title=title,
        outlet="backfill",
        url=link,
        published=now,
        fetched_at=now,
        language="en",
        topic="",
        score=0.0,
        threshold=0.0,
        sentences=tuple(Marked(each, ()) for each in shown),
    )
    # The time is in the key: a job that went on and found more is told once more.
    key = f"{SEARCH}{job}:{now:%Y%m%d%H%M%S}"
    return tuple(Alert(AlertKey(key, RULE, each, SUMMARY), evidence, now) for each in channels)
