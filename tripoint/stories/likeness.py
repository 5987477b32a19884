"""How likely it is that two articles tell one event: a logistic function of a dozen readable features."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tripoint.domain.types import Signature
from tripoint.stories.signature import KINDS, WITHIN_LANGUAGE, Rarity

_HOURS = 72.0
ACROSS = ("gist", "name", "term", "number", "date", "model", "apart", "dates_differ", "models_differ", "numbers_differ")
SAME = ("word", "title", *ACROSS)


@dataclass(frozen=True, slots=True)
class Vector:
    """A signature weighed by rarity, each kind of length one."""

    signature: Signature
    bags: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Model:
    """The weights of the features, in order, and the bias."""

    features: tuple[str, ...]
    weights: tuple[float, ...]
    bias: float

    def probability(self, features: Mapping[str, float]) -> float:
        """Return the probability that two articles tell one event."""
        logit = self.bias + sum(
            weight * features[name] for name, weight in zip(self.features, self.weights, strict=True)
        )
        return 1.0 / (1.0 + math.exp(-max(-40.0, min(40.0, logit))))


def weigh(rarity: Rarity, signature: Signature) -> Vector:
    """Return a signature with each term weighed by how telling it is."""
    return Vector(
        signature, {kind: _unit(rarity, kind, signature.language, signature.bags.get(kind, {})) for kind in KINDS}
    )


def _unit(rarity: Rarity, kind: str, language: str, bag: Mapping[str, float]) -> Mapping[str, float]:
    as_kind = "word" if kind == "title" else kind
    weighed = {term: weight * rarity.of(as_kind, language, term) for term, weight in bag.items()}
    length = math.sqrt(sum(each * each for each in weighed.values()))
    return {term: each / length for term, each in weighed.items()} if length else {}


def compare(one: Vector, other: Vector) -> dict[str, float]:
    """Return the features of a pair; those of words are 0 across languages."""
    is_same = one.signature.language == other.signature.language
    features = {
        kind: 0.0 if kind in WITHIN_LANGUAGE and not is_same else _cosine(one.bags[kind], other.bags[kind])
        for kind in KINDS
    }
    hours = abs((one.signature.at - other.signature.at).total_seconds()) / 3600
    features["apart"] = min(hours / _HOURS, 2.0)
    for kind in ("date", "model", "number"):
        features[f"{kind}s_differ"] = float(
            _differ(one.signature.bags.get(kind, {}), other.signature.bags.get(kind, {}))
        )
    return features


def _cosine(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    if len(one) > len(other):
        one, other = other, one
    return sum(weight * other[term] for term, weight in one.items() if term in other)


def _differ(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    """Return whether each has some and they share none."""
    return bool(one) and bool(other) and one.keys().isdisjoint(other.keys())


def shared_terms(one: Vector, other: Vector, limit: int = 5) -> Sequence[str]:
    """Return what two articles share that tells most, to say why they are one story."""
    weights = {"model": 1.0, "name": 0.8, "term": 0.6, "number": 0.6, "date": 0.5}
    shared = [
        (weights[kind] * one.bags[kind][term] * other.bags[kind][term], term)
        for kind in weights
        for term in one.bags[kind].keys() & other.bags[kind].keys()
    ]
    return [term for _, term in sorted(shared, key=lambda each: (-each[0], each[1]))[:limit]]
