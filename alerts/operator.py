"""What the operator hears of the sources: that one fell silent, and that it is back. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from alerts.phrases import said
from tripoint.domain.types import Alert, AlertKey, Evidence, Marked, Phrase, Source

RULE = "health"


def source_alerts(
    source: Source, state: str, since: datetime, reason: str, *, is_blind: bool, channels: Sequence[str]
) -> tuple[Alert, ...]:
    """Return one alert a channel about a source whose state changed at `since`."""
    headline = Phrase(f"source_{state if is_blind else 'works'}", (("outlet", source.outlet),))
    told = reason or f"{source.name} is {state}"
    evidence = Evidence(
        title=said(headline, "en", "UTC"),
        outlet=source.name,
        url=source.homepage,
        published=since,
        fetched_at=since,
        language=source.language,
        topic="",
        score=0.0,
        threshold=0.0,
        sentences=(Marked(told, ()),),
        headline=headline,
    )
    mark = hashlib.sha256(f"{source.name}\n{state}\n{since.isoformat()}".encode()).hexdigest()[:16]
    return tuple(Alert(AlertKey(f"source:{mark}", RULE, each, "health"), evidence, since) for each in channels)
