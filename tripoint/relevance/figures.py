"""How good scores are against judgements: precision, recall, F1, average precision, calibration error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

RELEVANT_FROM = 2  #: the grade from which an article deserves an alert
_BINS = 10


@dataclass(frozen=True, slots=True)
class Judged:
    """An article with its score and what a person said of it."""

    id: str
    language: str
    category: str
    grade: int  #: 0 to 3
    score: float  #: 0 to 1

    @property
    def is_relevant(self) -> bool:
        """Return whether a person would want the alert."""
        return self.grade >= RELEVANT_FROM


def figures(judged: Sequence[Judged], threshold: float) -> dict[str, Any]:
    """Return the figures of one set; one that has no meaning there (no positives, say) is None."""
    told = [each for each in judged if each.score >= threshold]
    right = sum(each.is_relevant for each in told)
    relevant = sum(each.is_relevant for each in judged)
    precision = right / len(told) if told else None
    recall = right / relevant if relevant else None
    f1 = 2 * right / (len(told) + relevant) if told or relevant else None
    return {
        "articles": len(judged),
        "relevant": relevant,
        "alerts": len(told),
        "precision": _rounded(precision),
        "recall": _rounded(recall),
        "f1": _rounded(f1),
        "average_precision": _rounded(average_precision(judged)),
        "calibration_error": _rounded(calibration_error(judged)),
    }


def by(judged: Sequence[Judged], key: Callable[[Judged], str], threshold: float) -> dict[str, dict[str, Any]]:
    """Return the figures of each group."""
    return {name: figures(list(group), threshold) for name, group in groupby(sorted(judged, key=key), key)}


def average_precision(judged: Sequence[Judged]) -> float | None:
    """Return the mean of the precision at each relevant article, going down by score; equal scores count together."""
    relevant = sum(each.is_relevant for each in judged)
    if not relevant:
        return None
    total = seen = right = 0.0
    for _, group in groupby(sorted(judged, key=lambda each: -each.score), lambda each: each.score):
        members = list(group)
        found = sum(each.is_relevant for each in members)
        seen += len(members)
        right += found
        total += found * right / seen
    return total / relevant


def calibration_error(judged: Sequence[Judged]) -> float | None:
    """Return how far scores are from the share of relevant articles, in ten bins weighed by their size."""
    if not judged:
        return None
    off: float = sum(row["articles"] * abs(row["score"] - row["relevant"]) for row in reliability(judged))
    return off / len(judged)


def reliability(judged: Sequence[Judged]) -> list[dict[str, Any]]:
    """Return for each tenth of the scale: how many, their mean score, and the share that is relevant."""
    rows = []
    for number in range(_BINS):
        members = [each for each in judged if min(int(each.score * _BINS), _BINS - 1) == number]
        if members:
            mean = sum(each.score for each in members) / len(members)
            share = sum(each.is_relevant for each in members) / len(members)
            rows.append({"from": number / _BINS, "articles": len(members), "score": mean, "relevant": share})
    return rows


def curve(judged: Sequence[Judged]) -> list[dict[str, float | None]]:
    """Return precision and recall at each twentieth of the scale."""
    points = []
    for step in range(1, 20):
        at = figures(judged, step / 20)
        points.append({"threshold": step / 20, "precision": at["precision"], "recall": at["recall"]})
    return points


def best_threshold(judged: Sequence[Judged]) -> float:
    """Return the middle of the widest range of thresholds that give the highest F1."""
    scores = sorted({each.score for each in judged} | {0.0, 1.0})
    ranges = [(figures(judged, high)["f1"] or 0.0, high - low, (low + high) / 2) for low, high in pairwise(scores)]
    return max(ranges)[2] if ranges else 0.5


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
