"""A topic: which concepts play which part, and how the features are weighed. Data, not code."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from tripoint.domain.seedfile import SeedTable
from tripoint.relevance.lexicon import LANGUAGES, Lexicon

FACETS = ("actor", "act", "move", "force", "platform", "forum", "person", "context", "third", "veto")
POSITIVE = ("tie", "lead", "title", "anchors", "variety", "density")
NEGATIVE = ("third", "third_title", "veto")


@dataclass(frozen=True, slots=True)
class Topic:
    """What is watched; `version` changes with the topic or the lexicon."""

    name: str
    title: str
    languages: tuple[str, ...]
    threshold: float
    core: frozenset[str]
    partners: frozenset[str]
    facet_of: dict[str, str]  #: facet of each concept that the topic uses
    weights: dict[str, float]
    bias: float
    version: str


def parse_topic(table: SeedTable, lexicon: Lexicon) -> Topic:
    """Read and check one topic; raises `SeedError` at the first mistake."""
    name = table.text("name")
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
        raise table.error("name", f'"{name}" is no name', "use small letters, digits and hyphens")
    languages = table.texts("languages")
    if unknown := [each for each in languages if each not in LANGUAGES]:
        raise table.error("languages", f'"{unknown[0]}" cannot be scored', f"choose from {', '.join(LANGUAGES)}")
    threshold = table.number("threshold")
    if not 0 < threshold < 1:
        raise table.error("threshold", f"{threshold:g} is no threshold", "write a number between 0 and 1")
    title = table.text("title")
    actors = table.table("actors")
    core, partners = (_concepts(actors, key, lexicon) for key in ("core", "partners"))
    actors.done()
    facet_of = _facets(table.table("facets"), lexicon)
    weights, bias = _weights(table.table("weights"))
    table.done()
    said = (name, languages, threshold, sorted(core), sorted(partners), sorted(facet_of.items()), weights, bias)
    version = hashlib.sha256(f"{said}{lexicon.version}".encode()).hexdigest()[:12]
    return Topic(name, title, languages, threshold, core, partners, facet_of, weights, bias, version)


def _concepts(table: SeedTable, key: str, lexicon: Lexicon) -> frozenset[str]:
    found: set[str] = set()
    for pattern in table.texts(key):
        prefix = pattern.removesuffix("*")
        chosen = [each for each in lexicon.ids if each == pattern or (prefix != pattern and each.startswith(prefix))]
        if not chosen:
            raise table.error(key, f'"{pattern}" names no concept of the lexicon', "see lexicon/ for the ids")
        found.update(chosen)
    return frozenset(found)


def _facets(table: SeedTable, lexicon: Lexicon) -> dict[str, str]:
    facet_of: dict[str, str] = {}
    for facet in table.names():
        if facet not in FACETS:
            raise table.error(facet, f'"{facet}" is no facet', f"choose from {', '.join(FACETS)}")
        for concept in sorted(_concepts(table, facet, lexicon)):
            if concept in facet_of:
                raise table.error(facet, f"{concept} already is of facet {facet_of[concept]}", "name it once")
            facet_of[concept] = facet
    return facet_of


def _weights(table: SeedTable) -> tuple[dict[str, float], float]:
    weights = {name: table.number(name) for name in (*POSITIVE, *NEGATIVE)}
    bias = table.number("bias")
    table.done()
    for name in POSITIVE:
        if weights[name] < 0:
            raise table.error(name, f"`{name}` speaks for an article", "give it a weight of 0 or more")
    for name in NEGATIVE:
        if weights[name] > 0:
            raise table.error(name, f"`{name}` speaks against an article", "give it a weight of 0 or less")
    return weights, bias
