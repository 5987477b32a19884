"""Whose words a report prints: the news agency in its dateline, byline or text."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from tripoint.domain.seedfile import SeedTable
from tripoint.domain.text import nfc
from tripoint.domain.types import Carried, Origin

_HEAD = 300  # characters in which a dateline stands
_TAIL = 160  # and a source line at the end
_COUNTRY = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True, slots=True)
class Wire:
    """A news agency, or an office whose statements are printed as they are."""

    name: str
    country: str  #: ISO 3166-1 alpha-2
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Expected:
    """Whose outlets should carry a story that an actor takes part in."""

    concept: str
    country: str
    adjective: str  #: for "no Pakistani outlet"


@dataclass(frozen=True, slots=True)
class _Patterns:
    wire: Wire
    dateline: re.Pattern[str]
    byline: re.Pattern[str]
    cited: re.Pattern[str]


class Wires:
    """Recognises the agencies of the seeds."""

    def __init__(self, wires: Sequence[Wire], expected: Sequence[Expected] = ()) -> None:
        self.expected = tuple(expected)
        self._patterns = [_patterns(each) for each in wires]
        self._owners = {alias.casefold(): each for each in wires for alias in each.aliases}

    def origin(self, outlet: str, authors: Sequence[str], text: str) -> Origin | None:
        """Return whose words a report prints: the outlet's own, if it is an agency, else dateline, byline, citation."""
        if owner := self._owner(outlet):
            return Origin(owner.name, owner.country, Carried.OWN)
        text = nfc(text)
        # Most texts name one agency or none, and looking for the patterns of all takes longer than judging the article.
        named = [each for each in self._patterns if any(alias in text for alias in each.wire.aliases)]
        signed = " ".join(authors)
        if not named and not any(alias in signed for each in self._patterns for alias in each.wire.aliases):
            return None
        head, tail = text[:_HEAD], text[-_TAIL:]
        if found := _first(named, lambda each: each.dateline, head):
            return Origin(found.name, found.country, Carried.DATELINE)
        for author in authors:
            for word in re.split(r"[,/|;()]| and | - ", author):
                if wire := self._owners.get(word.strip().casefold()):
                    return Origin(wire.name, wire.country, Carried.BYLINE)
        if found := _first(named, lambda each: each.byline, tail) or _first(named, lambda each: each.byline, head):
            return Origin(found.name, found.country, Carried.BYLINE)
        if found := _first(named, lambda each: each.cited, text):
            return Origin(found.name, found.country, Carried.CITED)
        return None

    def _owner(self, outlet: str) -> Wire | None:
        name = outlet.casefold().strip()
        return self._owners.get(name) or self._owners.get(name.removesuffix(" english").removesuffix(" news agency"))


def _first(patterns: Sequence[_Patterns], which: Callable[[_Patterns], re.Pattern[str]], text: str) -> Wire | None:
    """Return the wire whose pattern stands first in a text."""
    best: tuple[int, Wire] | None = None
    for each in patterns:
        found = which(each).search(text)
        if found and (best is None or found.start() < best[0]):
            best = (found.start(), each.wire)
    return best[1] if best else None


def _patterns(wire: Wire) -> _Patterns:
    name = "(?:" + "|".join(re.escape(each) for each in sorted(wire.aliases, key=len, reverse=True)) + r")(?!\w)"
    dateline = (
        rf"\([^()\n]{{0,30}}(?<!\w){name}[^()\n]{{0,12}}\)\s*[-–—:/.]|^[^\n.()]{{0,60}}\({name}\)\s"
        rf"|^[^\n]{{0,60}}/{name}/|^[^\n.]{{0,60}}[,.] ?(?<!\w){name}\s*[-–—:]|^{name}\s*[-–—:]"
    )
    source = r"(?:[Tt]heo |[Nn]guồn:? ?|[Ss]ource:? ?|By )?"
    byline = (
        rf"\(\s*{source}{name}\s*\)|(?:^|\n)\s*{source}{name}\s*(?:\n|$)"
        rf"|/\.\s*{name}|(?:[Tt]heo|[Nn]guồn:) {name}\s*\.?\s*$"
    )
    teller = r"[Tt]heo|hãng tin|[Hh]ãng|[Aa]ccording to|told|(?:quoted|cited|reported|statement) by|[Tt]he"
    title = r"(?: hãng| thông tấn| tin| quân đội| the| military's media wing,?){0,3}"
    told = r"(?:reported|reports|quoted|said|cited|cites|quotes|news agency|đưa tin|dẫn lời|cho biết|cho hay|dẫn)"
    cited = rf"(?:{teller}){title} {name}|(?<!\w){name}(?: \w+)? {told}"
    return _Patterns(wire, re.compile(dateline, re.MULTILINE), re.compile(byline), re.compile(cited))


def parse_wires(tables: Sequence[SeedTable], concepts: Collection[str]) -> Wires:
    """Read and check the agencies of the seeds; raises `SeedError` at the first mistake.

    `concepts` are those of the lexicon, which an expectation may name.
    """
    wires: list[Wire] = []
    expected: list[Expected] = []
    owners: dict[str, str] = {}
    for table in tables:
        for entry in table.tables("wire"):
            wire = Wire(entry.text("name"), entry.text("country"), entry.texts("aliases"))
            entry.done()
            _check_country(entry, wire.country)
            if not wire.aliases:
                raise entry.error("aliases", f'"{wire.name}" has no alias', 'write aliases = ["…"]')
            for alias in wire.aliases:
                if owners.setdefault(alias, wire.name) != wire.name:
                    raise entry.error(
                        "aliases", f'"{alias}" already belongs to {owners[alias]}', "remove one of the two"
                    )
            wires.append(wire)
        for entry in table.tables("expected"):
            each = Expected(entry.text("concept"), entry.text("country"), entry.text("adjective"))
            entry.done()
            _check_country(entry, each.country)
            if each.concept not in concepts:
                raise entry.error("concept", f'"{each.concept}" is no concept', "name one of the lexicon")
            expected.append(each)
        table.done()
    return Wires(wires, expected)


def _check_country(entry: SeedTable, country: str) -> None:
    if not _COUNTRY.fullmatch(country):
        raise entry.error("country", f'"{country}" is no country code', 'write two capitals, such as "VN"')
