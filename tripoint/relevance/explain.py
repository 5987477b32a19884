"""What would flip a verdict: the single features that, gone or whole, would carry the score across the threshold."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tripoint.domain.types import Assessment
from tripoint.relevance.topic import Topic

_MEANINGS = {
    "tie": "passages that join core, partner and a defence act",
    "lead": "such a passage in title or first sentences",
    "title": "core and partner in the title",
    "focus": "core and partner named early",
    "anchors": "named exercises, programmes and arms",
    "variety": "different defence acts",
    "density": "share of the text that is about it",
    "third": "another country outweighs the three",
    "third_title": "another country in the title",
    "veto": "words of another kind of news",
    "listing": "headlines without prose",
}


@dataclass(frozen=True, slots=True)
class Flip:
    """One change that would turn the verdict by itself."""

    feature: str  #: empty where what is missing is not a feature
    value: float  #: that it would need, 0 or 1
    reason: str


def margin(assessment: Assessment) -> float:
    """Return how far the score is above the threshold; negative below it."""
    return round(assessment.score - assessment.threshold, 4)


def flips(topic: Topic, assessment: Assessment) -> tuple[Flip, ...]:
    """Return every single change that would turn the verdict, the one that turns it furthest first."""
    if assessment.note:
        return ()
    logit = topic.weights.bias + sum(topic.weights.of[share.feature] * share.value for share in assessment.shares)
    if assessment.score < _logistic(logit) / 2:
        return (Flip("", 0.0, "it names the core and a partner"),)  # the gate holds it down, whatever the features say
    needed = math.log(assessment.threshold / (1 - assessment.threshold)) - logit
    found = []
    for share in assessment.shares:
        weight = topic.weights.of[share.feature]
        for value in (0.0, 1.0):
            change = weight * (value - share.value)
            if (change >= needed > 0) or (change < needed <= 0):
                meaning = _MEANINGS.get(share.feature, share.feature)
                found.append(
                    (-abs(change), Flip(share.feature, value, f"{'without' if value == 0 else 'with'} {meaning}"))
                )
    return tuple(flip for _, flip in sorted(found, key=lambda each: (each[0], each[1].feature)))


def _logistic(logit: float) -> float:
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, logit))))
