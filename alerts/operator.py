"""What the operator hears: that a source fell silent, a check went bad, a template broke, and that it is over. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from alerts.phrases import said
from tripoint.domain.checks import Check
from tripoint.domain.templates import TemplateState
from tripoint.domain.types import UPDATE, Alert, AlertKey, Evidence, Marked, Phrase, Source

RULE = "health"


def source_alerts(
    source: Source, state: str, since: datetime, reason: str, *, is_blind: bool, channels: Sequence[str]
) -> tuple[Alert, ...]:
    """Return one alert a channel about a source whose state changed at `since`."""
    headline = Phrase(f"source_{state if is_blind else 'works'}", (("outlet", source.outlet),))
    told = reason or f"{source.name} is {state}"
    evidence = _evidence(headline, told, since, source.name, source.homepage, source.language)
    mark = _mark(source.name, state, since.isoformat())
    return tuple(Alert(AlertKey(f"source:{mark}", RULE, each, "health"), evidence, since) for each in channels)


def check_alerts(check: Check, since: datetime, channels: Sequence[str]) -> tuple[Alert, ...]:
    """Return one alert a channel about a check that went bad at `since`, or is well again since then."""
    headline = Phrase("check_well" if check.good else "check_wrong", (("check", check.name),))
    told = f"{check.found} — {check.mend}" if check.mend else check.found
    evidence = _evidence(headline, told, since, "Tripoint", "", "en")
    mark = _mark(check.name, str(check.good), since.isoformat())
    return tuple(Alert(AlertKey(f"check:{mark}", RULE, each, "health"), evidence, since) for each in channels)


def template_alerts(state: TemplateState, story: str, at: datetime, channels: Sequence[str]) -> tuple[Alert, ...]:
    """Return one alert a channel about a template of a person that broke, or works again as an update of that."""
    fate = "broken" if state.problem else "works" if state.mark else "gone"
    evidence = _evidence(Phrase(f"template_{fate}", (("file", state.name),)), state.problem, at, "Tripoint", "", "en")
    kind = state.kind if state.problem else f"{UPDATE}{fate}"
    return tuple(Alert(AlertKey(story, RULE, each, kind), evidence, at) for each in channels)


def _evidence(headline: Phrase, told: str, at: datetime, outlet: str, url: str, language: str) -> Evidence:
    return Evidence(
        title=said(headline, "en", "UTC"),
        outlet=outlet,
        url=url,
        published=at,
        fetched_at=at,
        language=language,
        topic="",
        score=0.0,
        threshold=0.0,
        sentences=(Marked(told, ()),) if told else (),
        headline=headline,
    )


def _mark(*said_of_it: str) -> str:
    return hashlib.sha256("\n".join(said_of_it).encode()).hexdigest()[:16]
