"""A topic: which concepts play which part, and how the features are weighed. Data, not code."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tripoint.domain.seedfile import SeedTable
from tripoint.relevance.lexicon import LANGUAGES, Lexicon

FACETS = ("actor", "act", "move", "force", "platform", "forum", "person", "context", "third", "veto", "echo")
POSITIVE = ("tie", "lead", "title", "focus", "anchors", "variety", "density")
_EXACT = 1_000  # how exact a full id is, beside the length of a pattern with a star
NEGATIVE = ("third", "third_title", "veto", "listing")


@dataclass(frozen=True, slots=True)
class Weights:
    """What each feature adds to the logit when it is 1."""

    of: dict[str, float]
    bias: float


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a calibration says of a topic."""

    weights: Weights
    threshold: float


@dataclass(frozen=True, slots=True)
class Topic:
    """What is watched; `version` changes with the topic or the lexicon."""

    name: str
    title: str
    languages: tuple[str, ...]
    threshold: float
    core: frozenset[str]
    partners: frozenset[str]
    armed: frozenset[str]  #: actors that are armed forces, or command them
    threats: frozenset[str]  #: contexts that make talks about them security talks
    shared: frozenset[str]  #: acts in which other countries have a part without it being their story
    facet_of: dict[str, str]  #: facet of each concept that the topic uses
    speaks_for: dict[str, str]  #: actor of each person and place
    known: frozenset[str]  #: people whose surname is enough
    weights: Weights
    anchors: tuple[str, ...]  #: files of the seeds folder with articles that must score high
    is_fitted: bool  #: whether the weights are left to `calibrate`
    is_enabled: bool  #: whether articles are judged by it
    version: str
    concepts_version: str  #: changes with the lexicon, or with what the topic takes from it


def parse_topic(table: SeedTable, lexicon: Lexicon, fitted: Mapping[str, Fitted] | None = None) -> Topic:
    """Read and check one topic; what it does not say of weights and threshold is taken from `fitted`.

    `fitted` is None where nothing is fitted yet, because that is what the topic is read for. Raises `SeedError` at the
    first mistake.
    """
    name = table.text("name")
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
        raise table.error("name", f'"{name}" is no name', "use small letters, digits and hyphens")
    languages = table.texts("languages")
    if unknown := [each for each in languages if each not in LANGUAGES]:
        raise table.error("languages", f'"{unknown[0]}" cannot be scored', f"choose from {', '.join(LANGUAGES)}")
    like = table.text("weights_of", "")
    if like and fitted is not None and like not in fitted:
        raise table.error("weights_of", f'"{like}" has no fitted weights', "name a topic of calibration.json")
    found = (fitted or {}).get(like or name)
    threshold = table.number("threshold", found.threshold if found else 0.5)
    if not 0 < threshold < 1:
        raise table.error("threshold", f"{threshold:g} is no threshold", "write a number between 0 and 1")
    title = table.text("title")
    is_enabled = table.flag("enabled", True)
    anchors = table.texts("anchors", ())
    actors = table.table("actors")
    core, partners = (_concepts(actors, key, lexicon) for key in ("core", "partners"))
    armed, threats, shared = (
        _concepts(actors, key, lexicon) if key in actors else frozenset() for key in ("armed", "threats", "shared")
    )
    actors.done()
    facet_of = _facets(table.table("facets"), lexicon)
    if "weights" in table:
        weights = _weights(table.table("weights"))
    else:
        weights = found.weights if found else Weights(dict.fromkeys((*POSITIVE, *NEGATIVE), 0.0), 0.0)
    table.done()
    said = (
        name,
        languages,
        sorted(core),
        sorted(partners),
        sorted(armed),
        sorted(threats),
        sorted(shared),
        sorted(facet_of.items()),
        lexicon.version,
    )
    concepts_version = _hash(said)
    version = _hash((concepts_version, threshold, weights))
    speaks_for = {each.id: each.of for each in lexicon.concepts if each.of and each.id in facet_of}
    return Topic(
        name,
        title,
        languages,
        threshold,
        core,
        partners,
        armed,
        threats,
        shared,
        facet_of,
        speaks_for,
        frozenset(each.id for each in lexicon.concepts if each.alone),
        weights,
        anchors,
        "weights" not in table and not like,
        is_enabled,
        version,
        concepts_version,
    )


def _hash(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:12]


def _concepts(table: SeedTable, key: str, lexicon: Lexicon) -> frozenset[str]:
    return frozenset(concept for _, concepts in _chosen(table, key, lexicon) for concept in concepts)


def _chosen(table: SeedTable, key: str, lexicon: Lexicon) -> Iterator[tuple[str, list[str]]]:
    """Yield each pattern of a list with the concepts that it names."""
    for pattern in table.texts(key):
        prefix = pattern.removesuffix("*")
        chosen = [each for each in lexicon.ids if each == pattern or (prefix != pattern and each.startswith(prefix))]
        if not chosen:
            raise table.error(key, f'"{pattern}" names no concept of the lexicon', "see lexicon/ for the ids")
        yield pattern, chosen


def _facets(table: SeedTable, lexicon: Lexicon) -> dict[str, str]:
    """Return the facet of each concept; where two patterns name it, the more exact one decides."""
    chosen: dict[str, tuple[int, str]] = {}
    for facet in table.names():
        if facet not in FACETS:
            raise table.error(facet, f'"{facet}" is no facet', f"choose from {', '.join(FACETS)}")
        for pattern, concepts in _chosen(table, facet, lexicon):
            exactness = len(pattern) if pattern.endswith("*") else _EXACT
            for concept in concepts:
                before, other = chosen.get(concept, (0, facet))
                if before == exactness and other != facet:
                    raise table.error(facet, f"{concept} already is of facet {other}", "name it once")
                if exactness > before:
                    chosen[concept] = exactness, facet
    return {concept: facet for concept, (_, facet) in sorted(chosen.items())}


def _weights(table: SeedTable) -> Weights:
    weights = {name: table.number(name) for name in (*POSITIVE, *NEGATIVE)}
    bias = table.number("bias")
    table.done()
    for name in POSITIVE:
        if weights[name] < 0:
            raise table.error(name, f"`{name}` speaks for an article", "give it a weight of 0 or more")
    for name in NEGATIVE:
        if weights[name] > 0:
            raise table.error(name, f"`{name}` speaks against an article", "give it a weight of 0 or less")
    return Weights(weights, bias)
