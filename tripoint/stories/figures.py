"""How good a grouping is: B-cubed over reports, and pairs of reports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations


@dataclass(frozen=True, slots=True)
class Figures:
    """Precision and recall, from 0 to 1, over `count` reports or true pairs."""

    precision: float
    recall: float
    count: int

    @property
    def f1(self) -> float:
        """The harmonic mean."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def b_cubed(found: Sequence[Hashable], true: Sequence[Hashable]) -> Figures:
    """Return B-cubed figures (A. Bagga and B. Baldwin, 1998): each report counts once, whatever its story's size."""
    of_found, of_true = _members(found), _members(true)
    shared = [len(of_found[one] & of_true[two]) for one, two in zip(found, true, strict=True)]
    count = len(shared)
    if not count:
        return Figures(0.0, 0.0, 0)
    precision = sum(each / len(of_found[one]) for each, one in zip(shared, found, strict=True)) / count
    recall = sum(each / len(of_true[two]) for each, two in zip(shared, true, strict=True)) / count
    return Figures(precision, recall, count)


def pairwise(
    found: Sequence[Hashable], true: Sequence[Hashable], counts: Callable[[int, int], bool] = lambda _one, _other: True
) -> Figures:
    """Return figures over pairs of reports; `counts` says which pairs, by their positions."""
    right = wrong = missed = 0
    for one, other in combinations(range(len(found)), 2):
        if not counts(one, other):
            continue
        is_found, is_true = found[one] == found[other], true[one] == true[other]
        right += is_found and is_true
        wrong += is_found and not is_true
        missed += is_true and not is_found
    return Figures(
        right / (right + wrong) if right + wrong else 1.0,
        right / (right + missed) if right + missed else 1.0,
        right + missed,
    )


def _members(stories: Sequence[Hashable]) -> dict[Hashable, set[int]]:
    members: dict[Hashable, set[int]] = defaultdict(set)
    for number, story in enumerate(stories):
        members[story].add(number)
    return members
