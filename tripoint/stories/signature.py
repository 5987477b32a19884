"""What an article is compared by: terms of a few kinds with how much it makes of each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from tripoint.domain.types import Signature
from tripoint.stories import tokens as t
from tripoint.stories.glossary import Glossary

KINDS = ("word", "title", "gist", "name", "term", "number", "date", "model")
WITHIN_LANGUAGE = frozenset({"word", "title"})
_TITLE, _LEAD, _BODY, _TAIL = 3.0, 2.0, 1.0, 0.4
_LEAD_TOKENS = 60
_GIST_TOKENS = 35
_GIST_KINDS = frozenset({"name", "term", "model", "number"})
_BODY_TOKENS = 300  # what follows is mostly background
_KEPT: dict[str, int | None] = {
    "word": 120,
    "title": 40,
    "gist": 40,
    "name": 60,
    "term": 80,
    "number": 40,
    "date": 12,
    "model": 20,
}


@dataclass(frozen=True, slots=True)
class Rarity:
    """How telling a term is: the natural logarithm of one article in how many has it.

    `known` holds the frequent terms by "kind.language term"; what is not there is as rare as can be told.
    """

    known: Mapping[str, float]
    rarest: float

    def of(self, kind: str, language: str, term: str) -> float:
        """Return how telling a term is."""
        if kind == "gist":
            kind, _, term = term.partition(":")
        return self.known.get(f"{kind}.{language} {term}", self.rarest)


class Reader:
    """Makes signatures."""

    def __init__(self, glossary: Glossary, rarity: Rarity, *, everything: bool = False) -> None:
        self.glossary = glossary
        self.rarity = rarity
        self._kept = dict.fromkeys(KINDS) if everything else _KEPT

    def read(self, title: str, text: str, language: str, at: datetime) -> Signature:
        """Return the terms of an article, by where they stand and how often; the most telling ones of each kind."""
        head, body = t.tokens(title), t.tokens(text)
        zones = (
            (head, _TITLE),
            (body[:_LEAD_TOKENS], _LEAD),
            (body[_LEAD_TOKENS:_BODY_TOKENS], _BODY),
            (body[_BODY_TOKENS:], _TAIL),
        )
        bags: dict[str, dict[str, float]] = {kind: {} for kind in KINDS}
        for found, weight in zones:
            for kind, terms in self._read(found, language, at):
                bag = bags[kind]
                for term in terms:
                    bag[term] = bag.get(term, 0.0) + weight
        bags["title"] = dict.fromkeys(t.words(head, language), 1.0)
        bags["gist"] = self._gist(head, body[:_GIST_TOKENS], language, at)
        return Signature(language, at, {kind: self._most_telling(kind, language, bags[kind]) for kind in KINDS})

    def _gist(self, head: list[t.Token], lead: list[t.Token], language: str, at: datetime) -> dict[str, float]:
        """Return what title and first sentence name, in no language: it tells two affairs of one topic apart."""
        gist: dict[str, float] = {}
        for found in (head, lead):
            for kind, terms in self._read(found, language, at):
                if kind in _GIST_KINDS:
                    for term in set(terms):
                        gist[f"{kind}:{term}"] = gist.get(f"{kind}:{term}", 0.0) + 1.0
        return gist

    def _read(self, found: list[t.Token], language: str, at: datetime) -> Iterable[tuple[str, Iterable[str]]]:
        yield "word", t.words(found, language)
        yield "name", t.names(found)
        yield "term", (term.id for term, _, _ in self.glossary.find(found, language))
        yield "number", t.numbers(found, language)
        yield "date", (f"{month}-{day}" for month, day in t.dates(found, language, at))
        yield "model", t.models(found)

    def _most_telling(self, kind: str, language: str, bag: Mapping[str, float]) -> dict[str, float]:
        def worth(entry: tuple[str, float]) -> tuple[float, str]:
            return -_damped(entry[1]) * self.rarity.of(kind, language, entry[0]), entry[0]

        return {term: round(_damped(weight), 2) for term, weight in sorted(bag.items(), key=worth)[: self._kept[kind]]}


def _damped(weight: float) -> float:
    return 1.0 + math.log(weight) if weight > 1 else weight
