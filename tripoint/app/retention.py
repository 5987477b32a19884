"""What the nightly job forgets, by the settings: rows that only grow. Articles are never among them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from storage.retention import RetentionStore
from tripoint.app.settings import Settings
from tripoint.app.writer import Writer

_HOLDS_DAYS = 7.0  # after what a host asked for is over


def ages(settings: Settings) -> Iterator[tuple[str, str, float]]:
    """Yield what may be forgotten: the rule of storage, what it is called, and its days, 0 for ever."""
    kept = settings.retention
    yield "evidence", "pages of evidence", kept.evidence_days
    yield "old_evidence", "old pages of evidence", settings.evidence.keep_days
    yield "frontier", "addresses", kept.frontier_days
    yield "not_articles", "pages without an article", kept.failures_days
    yield "failures", "failures", kept.failures_days
    yield "attempts", "attempts to deliver", kept.attempts_days
    yield "decisions", "decisions about alerts", kept.decisions_days
    yield "coverage", "stretches of coverage", kept.coverage_days
    yield "holds", "hosts that asked for peace", _HOLDS_DAYS


async def forget(settings: Settings, writer: Writer, store: RetentionStore, now: datetime, stop: asyncio.Event) -> str:
    """Forget what is too old, a few rows a transaction so that nobody waits; returns a line, empty for nothing."""
    said = []
    for rule, name, days in ages(settings):
        if not days:
            continue
        gone, after, before = 0, None, now - timedelta(days=days)
        while not stop.is_set():
            step = await writer.do(partial(store.forget, rule, before, after))
            gone, after = gone + step.rows, step.up_to
            if after is None:
                break
        if gone:
            said.append(f"{gone} {name}")
    return f"forgotten: {', '.join(said)}" if said else ""
