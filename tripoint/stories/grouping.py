"""Which story an article joins: the one whose reports of these days are likeliest to tell the same event."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from tripoint.domain.types import Signature
from tripoint.stories.likeness import ACROSS, SAME, Model, Vector, compare, shared_terms, weigh
from tripoint.stories.signature import Rarity

WINDOW = timedelta(hours=96)  #: a story has ended when nothing was told of it for so long
_NEAREST = 3  # of a story's reports that decide: a long story must not be joined for one sentence of background


@dataclass(frozen=True, slots=True)
class Joined:
    """The story that an article joins, and why."""

    story: str
    probability: float
    shared: tuple[str, ...]  #: what it shares with the nearest report, most telling first


class Grouping:
    """Decides by the weights that were fitted on labelled reports; see `tripoint.stories.fitting`."""

    def __init__(self, rarity: Rarity, same: Model, across: Model, join_from: float) -> None:
        self.rarity = rarity
        self.same = same
        self.across = across
        self.join_from = join_from

    def vector(self, signature: Signature) -> Vector:
        """Return a signature as it is compared."""
        return weigh(self.rarity, signature)

    def probability(self, one: Vector, other: Vector) -> float:
        """Return how likely it is that two articles tell one event."""
        model = self.same if one.signature.language == other.signature.language else self.across
        return model.probability(compare(one, other))

    def choose(self, new: Vector, reports: Iterable[tuple[str, Vector]]) -> Joined | None:
        """Return the likeliest story among reports, each with the key of its story; None begins a new one."""
        stories: dict[str, list[tuple[float, Vector]]] = {}
        for story, report in reports:
            if abs(new.signature.at - report.signature.at) < WINDOW:
                stories.setdefault(story, []).append((self.probability(new, report), report))
        best: tuple[float, str, Vector] | None = None
        for story, rated in stories.items():
            nearest = sorted(rated, key=lambda each: -each[0])[:_NEAREST]
            mean = sum(each for each, _ in nearest) / len(nearest)
            if best is None or mean > best[0]:
                best = (mean, story, nearest[0][1])
        if best is None or best[0] < self.join_from:
            return None
        return Joined(best[1], best[0], tuple(shared_terms(new, best[2])))


def group(grouping: Grouping, reports: Sequence[Vector]) -> list[str]:
    """Return the story of each report when they come in this order, each story named after its first."""
    placed: list[tuple[str, Vector]] = []
    for number, report in enumerate(reports):
        joined = grouping.choose(report, placed)
        placed.append((joined.story if joined else f"story-{number}", report))
    return [story for story, _ in placed]


def parse_model(features: tuple[str, ...], numbers: dict[str, float]) -> Model:
    """Return a model from its weights by name; raises KeyError for a missing one."""
    return Model(features, tuple(float(numbers[name]) for name in features), float(numbers["bias"]))


def parse_rarity(data: dict[str, dict[str, object]]) -> Rarity:
    """Return how telling terms are, from the file of weights; raises KeyError or TypeError if it is damaged."""
    known = {
        f"{kind} {term}": float(rarity)
        for kind, by_rarity in data["rarity"].items()
        for rarity, terms in dict(by_rarity).items()  # type: ignore[call-overload]
        for term in str(terms).split("|")
    }
    return Rarity(known, float(str(data["general"]["rarest"])))


def parse_grouping(data: dict[str, dict[str, object]]) -> Grouping:
    """Return a grouping from what `bench.fit_stories` wrote; raises KeyError or TypeError if it is damaged."""
    numbers: dict[str, dict[str, float]] = {name: dict(data[name]) for name in ("same", "across")}  # type: ignore[arg-type]
    return Grouping(
        parse_rarity(data),
        parse_model(SAME, numbers["same"]),
        parse_model(ACROSS, numbers["across"]),
        float(str(data["general"]["join_from"])),
    )
