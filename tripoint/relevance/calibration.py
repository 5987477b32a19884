"""Fitting a topic's weights on labelled examples: deterministic, cross-validated, each sign as its meaning asks."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tripoint.relevance.assess import Judge, score_of
from tripoint.relevance.features import Features
from tripoint.relevance.figures import Judged, best_threshold, by, curve, figures, reliability
from tripoint.relevance.topic import NEGATIVE, POSITIVE, Topic, Weights

_FOLDS = 10
_NAMES = (*POSITIVE, *NEGATIVE)
_SHRINKAGE = 0.004  # of squared weights, an example: keeps a weight small that few examples speak for
_SWEEPS = 400
_STEP = 1e-6
_ANCHOR_SCORE = 0.955
_NAIVE = (
    re.compile(r"pakistan|pa-ki-xtan|islamabad", re.IGNORECASE),
    re.compile(
        r"\b(?:russia\w*|moscow|nga|moskva|us|u\.s\.|united states|american?|washington|mỹ|hoa kỳ)(?!\w)", re.IGNORECASE
    ),
    re.compile(
        r"military|defen[cs]e|army|weapon|arms|exercise|drill|quân|quốc phòng|vũ khí|tập trận|diễn tập|khủng bố|terror",
        re.IGNORECASE,
    ),
)


@dataclass(frozen=True, slots=True)
class Example:
    """An article that somebody judged."""

    id: str
    language: str
    title: str
    text: str
    grade: int  #: 0 to 3; from 2 on it deserves an alert
    category: str = ""
    topic: str = ""  #: by which it was judged; empty where there is but one to fit


@dataclass(frozen=True, slots=True)
class Calibration:
    """The fitted weights of a topic, and how they did on examples that they had not seen."""

    weights: Weights
    threshold: float
    report: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Row:
    values: tuple[float, ...]
    label: int
    importance: float


def calibrate(judge: Judge, topic: Topic, examples: Sequence[Example], anchors: Sequence[str]) -> Calibration:
    """Fit one topic. `anchors` are texts that must score at least 0.95, such as the seed article in its variants."""
    seen = [(each, judge.measure(each.title, each.text)[topic.name]) for each in examples]
    # Each is learned from without its title as well: a title helps, and must never be needed.
    bare = {each.id: judge.measure("", each.text)[topic.name] for each in examples if each.title and each.text}
    fixed = [judge.measure("", text)[topic.name] for text in anchors]
    unseen = _cross_validated(seen, bare, fixed)
    threshold = round(best_threshold(unseen), 2)
    report = {
        "examples": len(examples),
        "cross_validated": figures(unseen, threshold),
        "by_language": by(unseen, lambda each: each.language, threshold),
        "by_category": by(unseen, lambda each: each.category, threshold),
        "naive_rule": naive_figures(examples),
        "curve": curve(unseen),
        "reliability": [{key: round(value, 4) for key, value in row.items()} for row in reliability(unseen)],
        "mistakes": [each.id for each in unseen if (each.score >= threshold) != each.is_relevant],
    }
    return Calibration(_anchored(_with_bare(seen, bare), fixed), threshold, report)


def naive_figures(examples: Sequence[Example]) -> dict[str, Any]:
    """Return what "Pakistan and (Russia or the US) and a defence word, anywhere" makes of the examples."""
    judged = []
    for each in examples:
        text = f"{each.title}\n{each.text}"
        hit = all(pattern.search(text) for pattern in _NAIVE)
        judged.append(Judged(each.id, each.language, each.category, each.grade, float(hit)))
    return figures(judged, 0.5)


def inputs_hash(topic: Topic, examples: Sequence[Example], anchors: Sequence[str]) -> str:
    """Return a hash of everything that the fit depends on but the code: lexicon, topic, examples, anchors."""
    said = repr((topic.concepts_version, [repr(each) for each in examples], list(anchors)))
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _cross_validated(
    seen: Sequence[tuple[Example, Features]], bare: Mapping[str, Features], fixed: Sequence[Features]
) -> list[Judged]:
    """Score each example by weights that were fitted without its fold."""
    order = sorted(seen, key=lambda each: hashlib.sha256(each[0].id.encode()).hexdigest())
    # Dealt out by language and grade, so that every fold has some of each.
    order.sort(key=lambda each: (each[0].language, each[0].grade))
    folds = [order[number::_FOLDS] for number in range(_FOLDS)]
    judged = []
    for number, fold in enumerate(folds):
        others = [each for other, members in enumerate(folds) if other != number for each in members]
        if not fold or not others:
            continue
        weights = _anchored(_with_bare(others, bare), fixed)
        for example, features in fold:
            score = score_of(weights, features)
            judged.append(Judged(example.id, example.language, example.category, example.grade, score))
    return sorted(judged, key=lambda each: each.id)


def _with_bare(
    seen: Sequence[tuple[Example, Features]], bare: Mapping[str, Features]
) -> list[tuple[Example, Features]]:
    return [*seen, *((each, bare[each.id]) for each, _ in seen if each.id in bare)]


def _anchored(seen: Sequence[tuple[Example, Features]], fixed: Sequence[Features]) -> Weights:
    """Fit, and let the anchors weigh more until each scores high enough."""
    importance = 1.0
    while True:
        weights = _fit(seen, fixed, importance)
        if importance > 1000 or all(score_of(weights, each) >= _ANCHOR_SCORE for each in fixed):
            return weights
        importance *= 1.5


def _fit(seen: Sequence[tuple[Example, Features]], fixed: Sequence[Features], importance: float) -> Weights:
    # What does not name core and partner is decided by the gate, and teaches nothing about the rest.
    rows = [_Row(_vector(features), int(example.grade >= 2), 1.0) for example, features in seen if features.is_gated]
    rows += [_Row(_vector(each), 1, importance) for each in fixed]
    positives = sum(row.importance for row in rows if row.label)
    negatives = sum(row.importance for row in rows if not row.label)
    if not positives or not negatives:
        return Weights(dict.fromkeys(_NAMES, 0.0), 0.0)
    total = positives + negatives
    share = {1: total / (2 * positives), 0: total / (2 * negatives)}
    rows = [_Row(row.values, row.label, row.importance * share[row.label]) for row in rows]
    fitted = _descend(rows, total)
    return Weights(dict(zip(_NAMES, (round(each, 4) for each in fitted[1:]), strict=True)), round(fitted[0], 4))


def _vector(features: Features) -> tuple[float, ...]:
    return (1.0, *(features.values[name] for name in _NAMES))


def _descend(rows: Sequence[_Row], total: float) -> list[float]:
    """Minimise the logistic loss one weight at a time by Newton's step, never past the sign that it may have."""
    weights = [0.0] * (len(_NAMES) + 1)
    logits = [0.0] * len(rows)
    for _ in range(_SWEEPS):
        moved = 0.0
        for place in range(len(weights)):
            shrinkage = 0.0 if place == 0 else _SHRINKAGE * total
            slope, bend = shrinkage * weights[place], shrinkage + 1e-9
            for row, logit in zip(rows, logits, strict=True):
                value = row.values[place]
                if value:
                    guess = _logistic(logit)
                    slope += row.importance * (guess - row.label) * value
                    bend += row.importance * guess * (1 - guess) * value * value
            step = max(-1.0, min(1.0, -slope / bend))
            aim = weights[place] + step
            if 0 < place <= len(POSITIVE):
                aim = max(aim, 0.0)
            elif place > len(POSITIVE):
                aim = min(aim, 0.0)
            change = aim - weights[place]
            if change:
                weights[place] = aim
                logits = [logit + change * row.values[place] for row, logit in zip(rows, logits, strict=True)]
            moved = max(moved, abs(change))
        if moved < _STEP:
            break
    return weights


def _logistic(logit: float) -> float:
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, logit))))
