"""Who hears what: a pure function of what was decided about an article, and the time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tripoint.domain.text import one_line
from tripoint.domain.types import (
    UPDATE,
    Alert,
    AlertKey,
    Article,
    Assessment,
    Evidence,
    Hit,
    Marked,
    Placement,
    PlacementKind,
    Sentence,
)

_LONGEST_SENTENCE = 320
_TOLD = frozenset({PlacementKind.NEW, PlacementKind.REVISION, PlacementKind.FURTHER})
# Kinds of hit that say why a sentence matched; what speaks against an article is not marked.
_MARKED_FACETS = frozenset({"actor", "act", "force", "platform", "forum", "person"})
_DONE = frozenset({"act", "forum"})


@dataclass(frozen=True, slots=True)
class Rule:
    """Who is told of what."""

    name: str
    channels: tuple[str, ...]
    max_age: timedelta  #: older news is stored and not told
    min_score: float = 0.0  #: stricter than the topic's own threshold


class Policy:
    """Applies rules; an alert's key makes it the same alert however often an article is seen."""

    def __init__(self, rules: Sequence[Rule], timezones: dict[str, str]) -> None:
        self._rules = tuple(rules)
        self._timezones = timezones  # of each source, to show an outlet's own time

    def who_must_hear(
        self, placement: Placement, article: Article, assessments: Sequence[Assessment], now: datetime
    ) -> tuple[Alert, ...]:
        """Return the alerts that an article causes.

        Whatever is relevant asks for the story's own alert: the outbox knows whether it was told already, or whether
        an earlier report was too old or too weak. What is new and material asks for an update, which the outbox takes
        only for those who know the story. A copy asks for neither.
        """
        if placement.kind not in _TOLD:
            return ()
        relevant = [each for each in assessments if each.relevant]
        best = max(relevant, key=lambda each: each.score, default=None)
        if best is None:
            return ()
        evidence = replace(
            make_evidence(article, best, self._timezones.get(article.source, "UTC")),
            corroboration=placement.corroboration,
        )
        return tuple(self._apply(placement, article, best, evidence, now))

    def _apply(
        self, placement: Placement, article: Article, best: Assessment, evidence: Evidence, now: datetime
    ) -> Iterator[Alert]:
        for rule in self._rules:
            if best.score < rule.min_score or now - (article.published or article.fetched_at) > rule.max_age:
                continue
            for channel in rule.channels:
                yield Alert(AlertKey(placement.story, rule.name, channel, "new"), evidence, now)
                if placement.is_material:
                    key = AlertKey(placement.story, rule.name, channel, _update_kind(article, placement))
                    yield Alert(key, replace(evidence, what_is_new=placement.what_is_new), now)


def _update_kind(article: Article, placement: Placement) -> str:
    told = f"{article.canonical_url}\n{placement.what_is_new}"
    return f"{UPDATE}{hashlib.sha256(told.encode()).hexdigest()[:12]}"


def make_evidence(article: Article, assessment: Assessment, timezone: str) -> Evidence:
    """Return what an alert tells of an article, frozen at this moment."""
    return Evidence(
        title=article.title,
        outlet=article.outlet,
        url=article.url,
        published=article.published,
        fetched_at=article.fetched_at,
        language=article.language,
        topic=assessment.topic,
        score=assessment.score,
        threshold=assessment.threshold,
        sentences=tuple(mark(each, assessment.hits) for each in sorted(assessment.evidence, key=lambda s: s.index)),
        timezone=timezone,
    )


def mark(sentence: Sentence, hits: Sequence[Hit]) -> Marked:
    """Return a sentence with the spans of its hits; a long one is cut around them, and says so with an ellipsis."""
    inside = [
        hit for hit in hits if hit.zone is sentence.zone and sentence.start <= hit.start and hit.end <= sentence.end
    ]
    marked = _MARKED_FACETS
    if not any(hit.facet in _DONE for hit in inside):
        marked |= {"move"}  # a common verb is worth a mark only where it alone says what was done
    spans = [(hit.start - sentence.start, hit.end - sentence.start) for hit in inside if hit.facet in marked]
    return _cut(_flat(sentence.text), sorted(spans))


def _flat(text: str) -> str:
    """Return the sentence on one line without moving any character."""
    return "".join(" " if one_line(each) == "" else each for each in text)


def _cut(text: str, spans: Sequence[tuple[int, int]]) -> Marked:
    if len(text) <= _LONGEST_SENTENCE:
        return Marked(text, tuple(spans))
    first = spans[0][0] if spans else 0
    start = max(0, min(first - 60, len(text) - _LONGEST_SENTENCE))
    end = start + _LONGEST_SENTENCE
    lead, tail = "…" if start else "", "…" if end < len(text) else ""
    shift = len(lead) - start
    kept = tuple((a + shift, b + shift) for a, b in spans if a >= start and b <= end)
    return Marked(f"{lead}{text[start:end]}{tail}", kept)
