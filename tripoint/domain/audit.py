"""Whether what others saw is in the archive, and why not where it is not: pure, a line of a table each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tripoint.domain.backfill import Find
from tripoint.domain.coverage import Span


class Verdict(StrEnum):
    """What became of something that another index saw."""

    HELD = "held"  #: stored, and relevant
    NO_SOURCE = "source not in the catalogue"
    BLIND = "blind interval"  #: nobody knows what its source's listings held then
    NOT_LISTED = "never listed"  #: its source was watched, and no listing of it named the page
    WAITING = "not fetched yet"
    NOT_EXTRACTED = "not extracted"  #: asked for, and no article came of it
    BELOW = "scored below"
    HIDDEN = "hidden address"  #: the index does not tell it, and no article of its outlet bears the title


@dataclass(frozen=True, slots=True)
class Known:
    """What the archive says of a page: an article with its best score, or a page that is none (yet)."""

    article_id: int | None = None
    score: float = 0.0
    threshold: float = 0.0
    is_relevant: bool = False
    state: str = ""  #: in the frontier, where there is no article
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """One find with its verdict; `detail` is for people."""

    provider: str
    find: Find
    source: str
    verdict: Verdict
    detail: str = ""


def judged(find: Find, source: str, known: Known | None, spans: Sequence[Span]) -> tuple[Verdict, str]:
    """Return what became of a find, and why; `spans` are those of its source's listings, merged."""
    if known is not None and known.article_id is not None:
        return _judged_article(known)
    if not source:
        return Verdict.NO_SOURCE, find.outlet or find.host
    if known is not None:
        is_open = known.state in {"pending", "again"}
        return (Verdict.WAITING, known.reason) if is_open else (Verdict.NOT_EXTRACTED, known.reason or known.state)
    if find.is_opaque:
        return Verdict.HIDDEN, ""
    return _judged_time(find.published or find.seen, spans)


def _judged_article(known: Known) -> tuple[Verdict, str]:
    if known.is_relevant:
        return Verdict.HELD, f"article {known.article_id}"
    return Verdict.BELOW, f"article {known.article_id} has {known.score:.2f}, alerts from {known.threshold:.2f}"


def _judged_time(at: datetime | None, spans: Sequence[Span]) -> tuple[Verdict, str]:
    if at is None:
        return Verdict.NOT_LISTED, "when it was published is not known"
    # It stands in a listing from its publication on: only a visit that comes later can see it.
    span = next((each for each in spans if each.start <= at < each.until), None)
    if span is None:
        return Verdict.BLIND, "its source was not watched then"
    if span.is_seen:
        return (
            Verdict.NOT_LISTED,
            f"what was listed from {span.start:%Y-%m-%d %H:%M} to {span.until:%H:%M} UTC was seen",
        )
    return Verdict.BLIND, f"{span.start:%Y-%m-%d %H:%M} to {span.until:%Y-%m-%d %H:%M} UTC: {span.reason}"
