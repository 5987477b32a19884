"""From matches to a few readable features, each between 0 and 1; the best passages count, not the sum of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tripoint.domain.types import Hit, Zone
from tripoint.relevance.topic import Topic

_ANCHOR_FACETS = frozenset({"forum", "platform"})
_TITLE = (Zone.TITLE, 0)
_TELLING = ("actor", "third", "veto")  # facets of which a title that says what it is about has one


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


@dataclass(frozen=True, slots=True)
class Layout:
    """How a text is laid out."""

    sentences: int  #: that are prose
    asides: frozenset[int]  #: sentences that lead to other pages
    lead: tuple[int, ...]  #: the first sentences that are prose
    listing: float  #: share of it that is headlines without prose
    has_title: bool


def read_features(topic: Topic, hits: Sequence[Hit], layout: Layout) -> Features:
    """Return the features of one article for one topic."""
    hits = [hit for hit in hits if hit.zone is Zone.TITLE or hit.sentence not in layout.asides]
    units = _units(topic, hits)
    passages = sorted(_passages(topic, units, layout), key=lambda each: (-each.firmness, each.unit.index))
    firm = [each for each in passages if each.firmness >= 0.5]
    present: set[str] = set().union(*(each.concepts.get("actor", set()) for each in units.values()))
    title = _headline(units, layout)
    lead = [each.firmness for each in passages if each.unit.zone is Zone.TITLE or each.unit.index in layout.lead]
    values = {
        "tie": (sum(each.firmness for each in passages[:2]) / 2) if passages else 0.0,
        "lead": max(lead, default=0.0),
        "title": _title(topic, title),
        "focus": _focus(topic, units, layout),
        "anchors": min(_anchors(topic, units, layout), 2) / 2,
        "variety": min(len({act for each in firm for act in each.acts}), 4) / 4,
        "density": min(3 * len(firm) / max(layout.sentences, 4), 1.0),
        "third": _outweigh(topic, hits),
        "third_title": _third_title(topic, title),
        "veto": _veto(hits, units, len(firm)),
        "listing": layout.listing,
    }
    return Features(values, tuple(passages), bool(present & topic.core) and bool(present & topic.partners))


def _units(topic: Topic, hits: Sequence[Hit]) -> dict[tuple[Zone, int], Unit]:
    """Sort hits by sentence; a person stands for a state that is named too, "nước này" for the country before it."""
    named = {hit.concept for hit in hits if hit.facet == "actor"}
    # Whoever is called by full name or office needs no state beside it: there is one Vladimir Putin, and many Khans.
    named |= {topic.speaks_for.get(hit.concept, "") for hit in hits if hit.facet == "person" and " " in hit.surface}
    sides = [side for side in (topic.core, topic.partners) if side & named]
    units: dict[tuple[Zone, int], Unit] = {}
    last: tuple[str, str] | None = None
    for hit in hits:
        unit = units.setdefault((hit.zone, hit.sentence), Unit(hit.zone, hit.sentence))
        if hit.facet == "echo":
            if last is not None:
                unit.concepts.setdefault(last[0], set()).add(last[1])
            continue
        if hit.facet == "actor" or (hit.facet == "third" and not hit.concept.startswith("contrast.")):
            last = hit.facet, hit.concept
        unit.concepts.setdefault(hit.facet, set()).add(hit.concept)
        state = topic.speaks_for.get(hit.concept, "")
        # A place lies in its state whatever else is named; a person may be anywhere on any business.
        if state and (hit.facet != "person" or any(state in side for side in sides)):
            unit.concepts.setdefault("actor", set()).add(state)
    return units


def _passages(topic: Topic, units: dict[tuple[Zone, int], Unit], layout: Layout) -> list[Passage]:
    found = []
    for (zone, index), unit in units.items():
        near = _near(units, layout, zone, index)
        acts = _acts(topic, unit, near)
        if not acts:
            continue
        firmness = _firmness(topic, unit, near, acts)
        if firmness:
            found.append(Passage(unit, firmness, acts))
    return found


def _near(units: dict[tuple[Zone, int], Unit], layout: Layout, zone: Zone, index: int) -> list[Unit]:
    """Return the sentence before and the one after; the title stands before the first two."""
    if zone is Zone.TITLE:
        keys = [(Zone.TEXT, first) for first in layout.lead[:1]]
    else:
        keys = [(zone, index - 1), (zone, index + 1)] + ([_TITLE] if index in layout.lead[:2] else [])
    return [units[key] for key in keys if key in units]


def _acts(topic: Topic, unit: Unit, near: Sequence[Unit]) -> frozenset[str]:
    """Return the defence acts of a sentence; a move is one beside a force, a platform or a common threat."""
    acts = set(unit.concepts.get("act", ())) | set(unit.concepts.get("forum", ()))
    moves = unit.concepts.get("move", set())
    if _is_armed(topic, unit):
        # Two armed sides in one sentence do something together, whatever the verb.
        acts |= moves or ({"armed"} if _joins(topic, unit) else set())
    elif moves and any(_is_armed(topic, each) for each in near):
        acts |= {f"near {move}" for move in moves}
    elif moves and unit.concepts.get("context", set()) & topic.threats:
        acts |= {f"threat {move}" for move in moves}
    elif _joins(topic, unit) and unit.concepts.get("context", set()) & topic.threats:
        acts.add("threat")  # both sides in one sentence about it
    return frozenset(acts)


def _sureness(act: str) -> float:
    """Return how surely a sentence without a defence act by name tells of one."""
    if act in {"armed", "threat"}:
        return 0.5 if act == "armed" else 0.4
    return 0.6 if act.startswith(("near ", "threat ")) else 0.85


def _is_armed(topic: Topic, unit: Unit) -> bool:
    return unit.has("force") or unit.has("platform") or bool(unit.concepts.get("actor", set()) & topic.armed)


def _headline(units: dict[tuple[Zone, int], Unit], layout: Layout) -> Unit | None:
    """Return the title; where there is none, or it names nobody, the first sentence stands for it."""
    title = units.get(_TITLE)
    if layout.lead and not (title is not None and any(map(title.has, _TELLING))):
        return units.get((Zone.TEXT, layout.lead[0]))
    return title


def _title(topic: Topic, unit: Unit | None) -> float:
    """Return how far the title names core and partner: 1 both, half for one of them beside a defence word."""
    if unit is None:
        return 0.0
    if _joins(topic, unit):
        return 1.0
    named = unit.concepts.get("actor", set()) & (topic.core | topic.partners)
    return 0.5 if named and (unit.has("act") or unit.has("forum") or _is_armed(topic, unit)) else 0.0


def _focus(topic: Topic, units: dict[tuple[Zone, int], Unit], layout: Layout) -> float:
    """Return which of core and partner stand in the title or the first sentences: half for each."""
    early = {_TITLE} | {(Zone.TEXT, index) for index in layout.lead}
    actors: set[str] = set().union(*(units[key].concepts.get("actor", set()) for key in early if key in units))
    return (bool(actors & topic.core) + bool(actors & topic.partners)) / 2


def _firmness(topic: Topic, unit: Unit, near: Sequence[Unit], acts: frozenset[str]) -> float:
    actors = unit.concepts.get("actor", set())
    around = actors.union(*(each.concepts.get("actor", set()) for each in near))
    sure = 1.0 if unit.has("act") or unit.has("forum") else max(map(_sureness, acts))
    if not (around & topic.core and around & topic.partners):
        return 0.0
    if actors & topic.core and actors & topic.partners:
        firmness = sure
    elif actors & (topic.core | topic.partners):
        firmness = 0.65 * sure
    else:
        firmness = 0.3
    # Each other country that takes part may be the one who acts, and with three it is a list.
    firmness *= (0.8 if _is_shared(topic, unit) else 0.6) ** min(len(unit.concepts.get("third", ())), 3)
    return firmness


def _is_shared(topic: Topic, unit: Unit) -> bool:
    """Return whether it is of a threat or a forum that others share with the core and the partners."""
    return unit.has("forum") or bool(unit.concepts.get("context", set()) & topic.threats)


def _third_title(topic: Topic, title: Unit | None) -> float:
    if title is None or not title.has("third"):
        return 0.0
    if not _joins(topic, title):
        return 1.0
    return 0.2 if _is_shared(topic, title) else 0.5


def _joins(topic: Topic, unit: Unit) -> bool:
    actors = unit.concepts.get("actor", set())
    return bool(actors & topic.core and actors & topic.partners)


def _anchors(topic: Topic, units: dict[tuple[Zone, int], Unit], layout: Layout) -> int:
    """Count named forums and platforms that stand beside the core, with a partner not far off."""
    found: set[str] = set()
    for (zone, index), unit in units.items():
        named = set().union(*(unit.concepts.get(facet, set()) for facet in _ANCHOR_FACETS))
        if not named:
            continue
        near = set().union(*(each.concepts.get("actor", set()) for each in [unit, *_near(units, layout, zone, index)]))
        further = [units[key] for step in (-2, 2) if (key := (zone, index + step)) in units]
        far = near.union(*(each.concepts.get("actor", set()) for each in further))
        if near & topic.core and far & topic.partners:
            found |= named
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


def _veto(hits: Sequence[Hit], units: dict[tuple[Zone, int], Unit], firm: int) -> float:
    """Return how much of the article is another kind of news: its vetoes beside its acts, one in the title double."""
    vetoes = sum(hit.facet == "veto" for hit in hits)
    title = units.get((Zone.TITLE, 0))
    if title is not None and title.has("veto"):
        vetoes += 2
    acts = firm + sum(hit.facet in {"act", "forum", "platform"} for hit in hits)
    return vetoes / (vetoes + acts) if vetoes > 1 else 0.0
