"""From matches to a few readable features, each between 0 and 1; the best passages count, not the sum of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tripoint.domain.types import Hit, Zone
from tripoint.relevance.topic import Topic

_ANCHOR_FACETS = ("forum", "platform")
_ARMED_FACETS = frozenset({"force", "platform"})
_TOLD_FACETS = frozenset({"act", "forum", "platform"})
_MANY_SENTENCES = 15  # of a longer article no more need be about it for it to be its subject
_LONG = 8  # sentences: of so many one alone names in passing what it names
_LISTED = 0.6  # share of headlines that makes a text a list
_SECURITY_TALKS = frozenset({"threat move.talk", "threat move.agree"})
_COUNTRIES = ("actor", "third")
_PAIR = "echo.pair"  #: of two countries at once
_TITLE = (Zone.TITLE, 0)
_TELLING = ("actor", "third", "veto")  # facets of which a title that says what it is about has one


class Unit:
    """A sentence, or the title, with what the topic sees in it."""

    __slots__ = ("concepts", "has_core", "has_partner", "index", "is_armed", "is_shared", "is_threat", "zone")

    def __init__(self, zone: Zone, index: int) -> None:
        self.zone = zone
        self.index = index
        self.concepts: dict[str, set[str]] = {}  #: facet to concepts
        self.has_core = False
        self.has_partner = False
        self.is_armed = False  #: names armed forces, arms, or who commands them
        self.is_threat = False  #: names a threat that makes talks about it security talks
        self.is_shared = False  #: is of something in which others have a part: a threat, a forum, a sanction

    def add(self, topic: Topic, facet: str, concept: str) -> None:
        """Note a concept that stands in it."""
        known = self.concepts.get(facet)
        if known is None:
            self.concepts[facet] = {concept}
        else:
            known.add(concept)
        if facet == "actor":
            self.has_core = self.has_core or concept in topic.core
            self.has_partner = self.has_partner or concept in topic.partners
            self.is_armed = self.is_armed or concept in topic.armed
        elif facet in _ARMED_FACETS:
            self.is_armed = True
        elif facet == "context":
            self.is_threat = self.is_threat or concept in topic.threats
        self.is_shared = self.is_shared or self.is_threat or facet == "forum" or concept in topic.shared

    def has(self, facet: str) -> bool:
        """Return whether a concept of the facet is in it."""
        return facet in self.concepts

    @property
    def joins(self) -> bool:
        """Whether core and partner are both in it."""
        return self.has_core and self.has_partner

    @property
    def is_others(self) -> bool:
        """Whether it tells of another country, and of neither core nor partner."""
        return "third" in self.concepts and not (self.has_core or self.has_partner)


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
    if layout.asides:
        hits = [hit for hit in hits if hit.zone is Zone.TITLE or hit.sentence not in layout.asides]
    units = _units(topic, hits)
    counts = Counter([hit.concept for hit in hits])
    is_gated = any(each.has_core for each in units.values()) and any(each.has_partner for each in units.values())
    # No passage joins, and no arms stand beside, what is not named.
    passages = _passages(units, layout) if is_gated else []
    passages.sort(key=lambda each: (-each.firmness, each.unit.index))
    if layout.sentences >= _LONG and sum(each.has_core for each in units.values()) == 1:
        del passages[1:]  # all rest on the same mention
    firm = [each for each in passages if each.firmness >= 0.5]
    title = _headline(units, layout)
    is_stood_for = title is not None and title.zone is Zone.TEXT
    lead = [each.firmness for each in passages if each.unit.zone is Zone.TITLE or each.unit.index in layout.lead]
    values = {
        "tie": (sum(each.firmness for each in passages[:2]) / 2) if passages else 0.0,
        "lead": max(lead, default=0.0),
        "title": _title(title, is_stood_for=is_stood_for),
        "focus": _focus(units, layout),
        "anchors": min(_anchors(units, layout), 2) / 2 if is_gated else 0.0,
        "variety": min(len(set().union(*(each.acts for each in firm))), 4) / 4,
        "density": min(3 * len(firm) / min(max(layout.sentences, 4), _MANY_SENTENCES), 1.0),
        "third": _outweigh(topic, counts),
        "third_title": _third_title(title, _first(units, layout), units.get(_TITLE)),
        "veto": _veto(topic, counts, units, len(firm)),
        "listing": layout.listing,
    }
    return Features(values, tuple(passages), is_gated)


def _units(topic: Topic, hits: Sequence[Hit]) -> dict[tuple[Zone, int], Unit]:
    """Sort hits by sentence; a person stands for a state that is named too, "nước này" for the country before it."""
    sides = _sides(topic, hits)
    units: dict[tuple[Zone, int], Unit] = {}
    last: tuple[str, str] | None = None
    for place, hit in enumerate(hits):
        facet, concept, key = hit.facet, hit.concept, (hit.zone, hit.sentence)
        unit = units.get(key)
        if unit is None:
            unit = units[key] = Unit(*key)
        if facet == "echo":
            for each in _pair_before(topic, hits, place, sides) if concept == _PAIR else (last,):
                if each is not None:
                    unit.add(topic, *each)
            continue
        if facet == "actor" or (facet == "third" and not concept.startswith("contrast.")):
            last = facet, concept
        unit.add(topic, facet, concept)
        state = topic.speaks_for.get(concept, "")
        # A place lies in its state whatever else is named; a person may be anywhere on any business.
        if state and (facet != "person" or any(state in side for side in sides)):
            unit.add(topic, "actor", state)
    return units


def _sides(topic: Topic, hits: Sequence[Hit]) -> Sequence[frozenset[str]]:
    """Return those of core and partners that are named, and for which people therefore speak."""
    named = {hit.concept for hit in hits if hit.facet == "actor"}
    # Whoever is called by full name or office needs no state beside it: there is one Vladimir Putin, and many Khans.
    named |= {
        topic.speaks_for.get(hit.concept, "")
        for hit in hits
        if hit.facet == "person" and (" " in hit.surface or hit.concept in topic.known)
    }
    return [side for side in (topic.core, topic.partners) if side & named]


def _pair_before(
    topic: Topic, hits: Sequence[Hit], place: int, sides: Sequence[frozenset[str]]
) -> Sequence[tuple[str, str]]:
    """Return the two countries that were named last before a hit, by any of their bodies or people; none if but one."""
    found: dict[str, tuple[str, str]] = {}
    for hit in reversed(hits[:place]):
        facet, concept = hit.facet, hit.concept
        if facet == "person":
            concept = topic.speaks_for.get(concept, "")
            if not any(concept in side for side in sides):
                continue
            facet = "actor"
        elif facet not in _COUNTRIES or concept.startswith("contrast."):
            continue
        found.setdefault(concept.split("_", 1)[0], (facet, concept))
        if len(found) == 2:
            return tuple(found.values())
    return ()


def _passages(units: dict[tuple[Zone, int], Unit], layout: Layout) -> list[Passage]:
    found = []
    for unit in units.values():
        near = _near(units, layout, unit)
        if not (unit.has_core or any(each.has_core for each in near)):
            continue
        if not (unit.has_partner or any(each.has_partner for each in near)):
            continue
        if acts := _acts(unit, near):
            found.append(Passage(unit, _firmness(unit, near, acts), acts))
    return found


def _near(units: dict[tuple[Zone, int], Unit], layout: Layout, unit: Unit) -> list[Unit]:
    """Return the sentence before and the one after; the title stands before the first two."""
    if layout.listing > _LISTED and not layout.asides:
        return []  # headlines of a list say nothing of each other
    if unit.zone is Zone.TITLE:
        keys = [(Zone.TEXT, first) for first in layout.lead[:1]]
    else:
        keys = [(Zone.TEXT, unit.index - 1), (Zone.TEXT, unit.index + 1)]
        if unit.index in layout.lead[:2]:
            keys.append(_TITLE)
    return [units[key] for key in keys if key in units]


def _acts(unit: Unit, near: Sequence[Unit]) -> frozenset[str]:
    """Return the defence acts of a sentence; a move is one beside a force, a platform or a common threat."""
    concepts = unit.concepts
    acts = frozenset(concepts.get("act", ())).union(concepts.get("forum", ()))
    moves = concepts.get("move")
    if unit.is_armed:
        # Two armed sides in one sentence do something together, whatever the verb.
        if moves:
            return acts | moves
        return acts | {"armed"} if unit.joins else acts
    if moves and any(each.is_armed and not each.is_others for each in near):
        return acts | {f"near {move}" for move in moves}
    if moves and unit.is_threat:
        return acts | {f"threat {move}" for move in moves}
    return acts | {"threat"} if unit.is_threat and unit.joins else acts  # both sides in one sentence about it


def _sureness(act: str) -> float:
    """Return how surely a sentence without a defence act by name tells of one."""
    if act in {"armed", "threat"}:
        return 0.5 if act == "armed" else 0.4
    if act in _SECURITY_TALKS:
        return 0.8
    return 0.6 if act.startswith(("near ", "threat ")) else 0.85


def _headline(units: dict[tuple[Zone, int], Unit], layout: Layout) -> Unit | None:
    """Return the title; where there is none, or it names nobody, the first sentence stands for it."""
    title = units.get(_TITLE)
    if layout.lead and not (title is not None and any(map(title.has, _TELLING))):
        return units.get((Zone.TEXT, layout.lead[0]))
    return title


def _title(unit: Unit | None, *, is_stood_for: bool) -> float:
    """Return how far the title names core and partner: 1 both, half for one of them beside a defence word."""
    if unit is None:
        return 0.0
    if unit.joins and not is_stood_for:
        return 1.0
    if unit.joins:
        return 1.0 if unit.has("act") or unit.has("forum") or (unit.is_armed and unit.has("move")) else 0.5
    is_one_named = unit.has_core or unit.has_partner
    return 0.5 if is_one_named and (unit.is_armed or unit.has("act") or unit.has("forum")) else 0.0


def _focus(units: dict[tuple[Zone, int], Unit], layout: Layout) -> float:
    """Return which of core and partner stand in the title or the first sentences: half for each."""
    keys = [_TITLE, *((Zone.TEXT, index) for index in layout.lead)]
    early = [units[key] for key in keys if key in units]
    return (any(each.has_core for each in early) + any(each.has_partner for each in early)) / 2


def _firmness(unit: Unit, near: Sequence[Unit], acts: frozenset[str]) -> float:
    firmness = 1.0 if unit.has("act") or unit.has("forum") else max(map(_sureness, acts))
    if not (unit.has_core or unit.has_partner):
        firmness = 0.3
    elif not unit.joins:
        firmness *= 0.65
    # Each other country that takes part may be the one who acts, and with three it is a list.
    return firmness * (0.8 if unit.is_shared else 0.6) ** min(_others(unit, near), 3)


def _others(unit: Unit, near: Sequence[Unit]) -> int:
    """Count the other countries in a sentence, or in the one that names the side it lacks, where those are more."""
    counts = [len(unit.concepts.get("third", ()))]
    if not unit.has_core:
        counts.append(min(len(each.concepts.get("third", ())) for each in near if each.has_core))
    if not unit.has_partner:
        counts.append(min(len(each.concepts.get("third", ())) for each in near if each.has_partner))
    return max(counts)


def _first(units: dict[tuple[Zone, int], Unit], layout: Layout) -> Unit | None:
    return units.get((Zone.TEXT, layout.lead[0])) if layout.lead else None


def _third_title(title: Unit | None, first: Unit | None, own: Unit | None) -> float:
    """Return how far the title says that it is another country's story: 1 where it names that country and no tie.

    `own` is the title itself, where the first sentence stands for it.
    """
    if title is None or not title.has("third"):
        return 0.0
    if not title.joins:
        # Whoever only looks on from the title ("India uneasy at …") leaves the tie to the first sentence.
        is_onlooker = first is not None and first.joins and not (title.has_core and first.has("third"))
        return 0.5 if is_onlooker else 1.0
    return 0.2 if title.is_shared or (own is not None and own.is_shared) else 0.5


def _anchors(units: dict[tuple[Zone, int], Unit], layout: Layout) -> int:
    """Count named forums and platforms that stand beside the core, with a partner not far off."""
    found: set[str] = set()
    for unit in units.values():
        named = [unit.concepts[facet] for facet in _ANCHOR_FACETS if facet in unit.concepts]
        if not named:
            continue
        near = [unit, *_near(units, layout, unit)]
        if not any(each.has_core for each in near):
            continue
        far = [*near, *(units[key] for step in (-2, 2) if (key := (unit.zone, unit.index + step)) in units)]
        if any(each.has_partner for each in far):
            found = found.union(*named)
    return len(found)


def _outweigh(topic: Topic, counts: Mapping[str, int]) -> float:
    """Return how far others outweigh the weaker of core and partners: 0 not at all, 1 by far."""
    core = partners = strongest = 0
    for concept, count in counts.items():
        state = topic.speaks_for.get(concept, concept)  # who speaks for one, and what lies in it, is named for it
        if state in topic.core:
            core += count
        elif state in topic.partners:
            partners += count
        elif count > strongest and topic.facet_of[concept] == "third":
            strongest = count
    ours = min(core, partners)
    if strongest <= ours:
        return 0.0
    return (strongest - ours) / (strongest + ours)


def _veto(topic: Topic, counts: Mapping[str, int], units: dict[tuple[Zone, int], Unit], firm: int) -> float:
    """Return how much of the article is another kind of news: its vetoes beside its acts, one in the title double."""
    vetoes, acts = 0, firm
    for concept, count in counts.items():
        facet = topic.facet_of[concept]
        if facet == "veto":
            vetoes += count
        elif facet in _TOLD_FACETS:
            acts += count
    title = units.get(_TITLE)
    if title is not None and title.has("veto"):
        vetoes += 2
    return vetoes / (vetoes + acts) if vetoes > 1 else 0.0
