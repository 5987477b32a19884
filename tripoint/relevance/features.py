"""From matches to a few readable features, each between 0 and 1; the best passages count, not the sum of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tripoint.domain.types import Hit, Zone
from tripoint.relevance.topic import Topic

_LEAD_SENTENCES = 3
_ANCHOR_FACETS = frozenset({"forum", "platform"})


@dataclass(slots=True)
class Unit:
    """A sentence, or the title, with what the topic sees in it."""

    zone: Zone
    index: int
    concepts: dict[str, set[str]] = field(default_factory=dict)  #: facet to concepts

    def has(self, facet: str) -> bool:
        """Return whether a concept of the facet is in it."""
        return bool(self.concepts.get(facet))


@dataclass(frozen=True, slots=True)
class Passage:
    """How firmly one sentence, with its neighbours, joins the core, a partner and a defence act."""

    unit: Unit
    firmness: float
    acts: frozenset[str]


@dataclass(frozen=True, slots=True)
class Features:
    """What the score is made of, and the passages behind it, best first."""

    values: dict[str, float]
    passages: tuple[Passage, ...]
    is_gated: bool  #: whether core and partner are both named at all


def read_features(topic: Topic, hits: Sequence[Hit], sentences: int) -> Features:
    """Return the features of one article for one topic; `sentences` counts those of its text."""
    units = _units(hits)
    passages = sorted(_passages(topic, units), key=lambda each: (-each.firmness, each.unit.index))
    firm = [each for each in passages if each.firmness >= 0.5]
    present = {hit.concept for hit in hits}
    title = units.get((Zone.TITLE, 0))
    lead = [each.firmness for each in passages if each.unit.zone is Zone.TITLE or each.unit.index < _LEAD_SENTENCES]
    values = {
        "tie": (sum(each.firmness for each in passages[:2]) / 2) if passages else 0.0,
        "lead": max(lead, default=0.0),
        "title": float(title is not None and _joins(topic, title)),
        "anchors": min(_anchors(topic, units), 2) / 2,
        "variety": min(len({act for each in firm for act in each.acts}), 4) / 4,
        "density": min(3 * len(firm) / max(sentences, 4), 1.0),
        "third": _outweigh(topic, hits),
        "third_title": float(title is not None and title.has("third") and not _joins(topic, title)),
        "veto": _veto(hits, units),
    }
    return Features(values, tuple(passages), bool(present & topic.core) and bool(present & topic.partners))


def _units(hits: Sequence[Hit]) -> dict[tuple[Zone, int], Unit]:
    units: dict[tuple[Zone, int], Unit] = {}
    for hit in hits:
        unit = units.setdefault((hit.zone, hit.sentence), Unit(hit.zone, hit.sentence))
        unit.concepts.setdefault(hit.facet, set()).add(hit.concept)
    return units


def _passages(topic: Topic, units: dict[tuple[Zone, int], Unit]) -> list[Passage]:
    found = []
    for (zone, index), unit in units.items():
        acts = _acts(unit)
        if not acts:
            continue
        near = [units[key] for key in ((zone, index - 1), (zone, index + 1)) if key in units]
        firmness = _firmness(topic, unit, near)
        if firmness:
            found.append(Passage(unit, firmness, acts))
    return found


def _acts(unit: Unit) -> frozenset[str]:
    """Return the defence acts of a sentence; a move is one beside a force or a platform."""
    acts = set(unit.concepts.get("act", ())) | set(unit.concepts.get("forum", ()))
    if unit.has("force") or unit.has("platform"):
        acts |= unit.concepts.get("move", set())
    return frozenset(acts)


def _firmness(topic: Topic, unit: Unit, near: Sequence[Unit]) -> float:
    actors = unit.concepts.get("actor", set())
    around = actors.union(*(each.concepts.get("actor", set()) for each in near))
    is_sure = unit.has("act") or unit.has("forum")
    if not (around & topic.core and around & topic.partners):
        return 0.0
    if actors & topic.core and actors & topic.partners:
        firmness = 1.0 if is_sure else 0.8
    elif actors & (topic.core | topic.partners):
        firmness = 0.7 if is_sure else 0.45
    else:
        firmness = 0.3
    if unit.has("third"):
        firmness *= 0.6  # somebody else takes part, and may be the one who acts
    return firmness


def _joins(topic: Topic, unit: Unit) -> bool:
    actors = unit.concepts.get("actor", set())
    return bool(actors & topic.core and actors & topic.partners)


def _anchors(topic: Topic, units: dict[tuple[Zone, int], Unit]) -> int:
    """Count named forums and platforms that stand beside the core."""
    found: set[str] = set()
    for (zone, index), unit in units.items():
        around = [units[key] for key in ((zone, index - 1), (zone, index), (zone, index + 1)) if key in units]
        if any(each.concepts.get("actor", set()) & topic.core for each in around):
            found.update(*(unit.concepts.get(facet, set()) for facet in _ANCHOR_FACETS))
    return len(found)


def _outweigh(topic: Topic, hits: Sequence[Hit]) -> float:
    """Return how far others outweigh the weaker of core and partners: 0 not at all, 1 by far."""
    others: dict[str, int] = {}
    core = partners = 0
    for hit in hits:
        core += hit.concept in topic.core
        partners += hit.concept in topic.partners
        if hit.facet == "third":
            others[hit.concept] = others.get(hit.concept, 0) + 1
    strongest = max(others.values(), default=0)
    ours = min(core, partners)
    if strongest <= ours:
        return 0.0
    return (strongest - ours) / (strongest + ours)


def _veto(hits: Sequence[Hit], units: dict[tuple[Zone, int], Unit]) -> float:
    """Return how much of the article is another kind of news: its vetoes beside its acts, one in the title double."""
    vetoes = sum(hit.facet == "veto" for hit in hits)
    title = units.get((Zone.TITLE, 0))
    if title is not None and title.has("veto"):
        vetoes += 2
    acts = sum(hit.facet in {"act", "forum", "platform"} for hit in hits)
    return vetoes / (vetoes + acts) if vetoes > 1 else 0.0
