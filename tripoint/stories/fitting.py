"""Fitting the weights of the grouping on labelled reports: two logistic regressions, by Newton's method."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations

from tripoint.stories.grouping import WINDOW, Grouping
from tripoint.stories.likeness import ACROSS, SAME, Model, Vector, compare
from tripoint.stories.signature import Rarity

_RIDGE = 1.0
_ROUNDS = 15
_ENOUGH = 1e-6
_STRANGERS = 6000  # pairs of two events of different months, as though they were of one day


@dataclass(frozen=True, slots=True)
class Labelled:
    """A report and the event that it tells."""

    event: str
    vector: Vector
    of: str = ""  #: which set of reports it belongs to; those of two sets are not compared
    background: str = ""  #: an event that it recalls further down


@dataclass(frozen=True, slots=True)
class Pair:
    """Two reports, compared."""

    one: Labelled
    other: Labelled
    features: Mapping[str, float]

    @property
    def is_one_event(self) -> bool:
        """Whether they tell the same."""
        return self.one.event == self.other.event

    @property
    def is_same_language(self) -> bool:
        """Whether they compare by words as well."""
        return self.one.vector.signature.language == self.other.vector.signature.language


def pairs_of(reports: Sequence[Labelled], alike: Callable[[str, str], bool] = lambda _one, _other: False) -> list[Pair]:
    """Return the pairs to learn from: all that are near in time, and many that are not, as though they were.

    `alike` names events that only their time tells apart, such as two rounds of an exercise: no such pair is drawn.
    """
    near = [
        Pair(one, other, compare(one.vector, other.vector))
        for one, other in combinations(reports, 2)
        if one.of == other.of and abs(one.vector.signature.at - other.vector.signature.at) < WINDOW
    ]
    return near + list(_strangers(reports, alike))


def _strangers(reports: Sequence[Labelled], alike: Callable[[str, str], bool]) -> Iterator[Pair]:
    chance = random.Random(3)  # noqa: S311 - a fixed sample, no secret
    far = [
        (one, other)
        for one, other in combinations(reports, 2)
        if one.of == other.of
        and one.event != other.event
        and abs(one.vector.signature.at - other.vector.signature.at) >= WINDOW
        and not alike(one.event, other.event)
    ]
    recalled = [(one, other) for one, other in far if one.background == other.event or other.background == one.event]
    for one, other in [*recalled, *chance.sample(far, min(_STRANGERS, len(far)))]:
        apart = chance.random() ** 1.5 * (WINDOW / timedelta(hours=72))
        yield Pair(one, other, {**compare(one.vector, other.vector), "apart": apart})


def fit_grouping(rarity: Rarity, pairs: Sequence[Pair], join_from: float) -> Grouping:
    """Return the grouping that fits the pairs best."""
    same = _fit(SAME, [each for each in pairs if each.is_same_language])
    across = _fit(ACROSS, [each for each in pairs if not each.is_same_language])
    return Grouping(rarity, same, across, join_from)


def _fit(features: tuple[str, ...], pairs: Sequence[Pair]) -> Model:
    rows = [[each.features[name] for name in features] + [1.0] for each in pairs]
    weights = [0.0] * (len(features) + 1)
    for _ in range(_ROUNDS):
        step = _newton_step(rows, [each.is_one_event for each in pairs], weights)
        weights = [weight + change for weight, change in zip(weights, step, strict=True)]
        if max(abs(each) for each in step) < _ENOUGH:
            break
    return Model(features, tuple(round(each, 4) for each in weights[:-1]), round(weights[-1], 4))


def _newton_step(rows: Sequence[list[float]], truths: Sequence[bool], weights: list[float]) -> list[float]:
    size = len(weights)
    slope = [-_RIDGE * each for each in weights[:-1]] + [0.0]
    bend = [[0.0] * size for _ in range(size)]
    for at in range(size - 1):
        bend[at][at] = _RIDGE
    bend[-1][-1] = 1e-6
    for row, truth in zip(rows, truths, strict=True):
        logit = sum(weight * value for weight, value in zip(weights, row, strict=True))
        guess = 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, logit))))
        some = [(at, value) for at, value in enumerate(row) if value]
        for at, value in some:
            slope[at] += (truth - guess) * value
            scaled = guess * (1.0 - guess) * value
            for other, its in some:
                bend[at][other] += scaled * its
    return _solve(bend, slope)


def _solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Solve a symmetric positive definite system by Gauss's elimination."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    size = len(rows)
    for at in range(size):
        for below in range(at + 1, size):
            factor = rows[below][at] / rows[at][at]
            rows[below] = [value - factor * upper for value, upper in zip(rows[below], rows[at], strict=True)]
    found = [0.0] * size
    for at in reversed(range(size)):
        known = sum(rows[at][other] * found[other] for other in range(at + 1, size))
        found[at] = (rows[at][size] - known) / rows[at][at]
    return found


def model_data(model: Model) -> dict[str, float]:
    """Return a model's weights by name, as `parse_model` reads them."""
    return {**dict(zip(model.features, model.weights, strict=True)), "bias": model.bias}
