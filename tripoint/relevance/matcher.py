"""Finding concepts: one pass over the folded text for all languages, then boundaries, guards, and the longest wins.

Diacritics are never looked at, so a text and the same text without them hold the same concepts at the same places; what
tells "bán" from "bản" is the words beside it, and what tells "My" from English is the rest of its line.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from tripoint.domain.text import Folded, fold, unmark
from tripoint.relevance.lexicon import Alias, Concept, Guard, Lexicon
from tripoint.relevance.syllables import is_vietnamese

_CAPITALS_SHARE = 0.6
_DATELINE = re.compile(r"[ \t]*[a-z][^\n.]{2,60}?\([^()\n]{2,40}\)[ \t]*[-:]")
_SOURCE = re.compile(r"\((?:theo|nguon|source|via|anh|photo)[^()\n]{1,60}\)")
_BESIDE_CHARACTERS = 30  # before an alias, for its guards
_BESIDE = " -\"'"
_NAMING_KINDS = ("act", "move", "forum")
_LEAST_PART = 3  # letters of an act that are worth showing
_IN_WORD = bytes(chr(code).isalnum() and code < 128 for code in range(256))
_CAPITALS = bytes(range(ord("A"), ord("Z") + 1))
_BESIDES = frozenset(_BESIDE)
_PARTS = frozenset(" -")
_OPENS = frozenset(".!?:\"'([-")  # after these a capital is no sign of a name


class Match(NamedTuple):
    """A concept found in a text, offsets in code points of that text."""

    concept: str
    kind: str
    start: int
    end: int


_Found = tuple[int, int, Alias]  # start, minus end (so that of two the longer comes first), and what stands there


class _Beside(NamedTuple):
    """Words that are looked for beside an alias; all at once first, since hardly ever one is there."""

    words: tuple[str, ...]
    guards: tuple[Guard, ...]


class _Asking(NamedTuple):
    """An alias with what it asks of the words beside it, None where it asks nothing."""

    alias: Alias
    capitals: tuple[int, ...]  #: places at which the alias asks for one, where it does
    after: _Beside | None
    before: _Beside | None
    not_after: _Beside | None
    not_before: _Beside | None


class _Pattern(NamedTuple):
    """What one entry of the automaton may stand for, and which of its ends must not lie inside a word."""

    opens_word: bool
    closes_word: bool
    free: Alias | None  # the alias that asks for nothing, wherever it stands
    aliases: tuple[_Asking, ...]


class _Line:
    """A line of the folded text; what it is asked about is found out when it is first asked, for most never are."""

    __slots__ = ("_cased", "_is_capitals", "_is_vietnamese", "end", "start")

    def __init__(self, cased: str, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self._cased = cased
        self._is_capitals: bool | None = None
        self._is_vietnamese: bool | None = None

    @property
    def is_capitals(self) -> bool:
        """Whether it is written in capitals."""
        if self._is_capitals is None:
            self._is_capitals = _is_capitals(self._cased)
        return self._is_capitals

    @property
    def is_vietnamese(self) -> bool:
        """Whether it reads as Vietnamese."""
        if self._is_vietnamese is None:
            self._is_vietnamese = is_vietnamese(self._cased, is_capitals=self.is_capitals)
        return self._is_vietnamese


class Matcher:
    """Knows the automaton of one lexicon; finding is linear in the text and hardly depends on the aliases."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._kinds = {each.id: each.kind for each in lexicon.concepts}
        patterns: dict[str, list[Alias]] = defaultdict(list)
        for concept in lexicon.concepts:
            for alias in concept.aliases:
                patterns[alias.folded].append(alias)
        self._patterns = [_pattern(text, aliases) for text, aliases in patterns.items()]
        self._parts = _named_parts(lexicon)
        # The form that reads a text fastest; it takes about two kilobytes an alias.
        self._automaton = AhoCorasick(list(patterns), implementation=Implementation.DFA)

    def find(self, text: str) -> list[Match]:
        """Return what stands in a text, in its order, no two overlapping; shields are used and not returned."""
        if not text:
            return []
        folded = unmark(text)
        refused_names: set[str] = set()
        kept = _longest(self._accepted(folded, refused_names))
        sure = {alias.concept for _, _, alias in kept if not (alias.needs or alias.name)}
        matches = []
        for start, minus_end, alias in kept:
            concept = alias.concept
            in_doubt = alias.needs or (alias.name and concept in refused_names)
            kind = self._kinds[concept]
            if kind == "shield" or (in_doubt and concept not in sure):
                continue
            for part, part_kind, first, last in self._parts.get((concept, alias.folded), ()):
                matches.append(Match(part, part_kind, *folded.original(start + first, start + last)))
                kind = ""
            if kind:
                matches.append(Match(concept, kind, *folded.original(start, -minus_end)))
        return matches

    def _accepted(self, folded: Folded, refused_names: set[str]) -> list[_Found]:
        """Return what may stand; adds to `refused_names` each concept whose alias is somebody's name here."""
        found: list[_Found] = []
        lines = _Lines(folded)
        hidden = _hidden(folded.text)
        text, patterns = folded.text, self._patterns
        # One look-up for each character beside a match instead of a call; one more stands behind the text.
        in_word = text.encode("ascii").translate(_IN_WORD) + b"\0"
        for index, start, end in self._automaton.find_matches_as_indexes(text, overlapping=True):
            opens_word, closes_word, free, aliases = patterns[index]
            if opens_word and in_word[start - 1]:  # the one before the first is the last, which is none
                continue
            if closes_word and in_word[end]:
                continue
            if hidden and any(a <= start < b for a, b in hidden):
                continue
            if free is not None:
                found.append((start, -end, free))
                continue
            line = lines.at(start)
            for asking in aliases:
                alias = asking.alias
                if _guards_hold(asking, folded, start, end, line):
                    found.append((start, -end, alias))
                    break
                if alias.name and asking.not_after and _stands_before(asking.not_after, folded, start, line):
                    refused_names.add(alias.concept)
        return found


class _Lines:
    """Finds the line around an offset, and remembers the last one with what is known of it."""

    def __init__(self, folded: Folded) -> None:
        self._folded = folded
        self._line = _Line("", 0, -1)

    def at(self, offset: int) -> _Line:
        """Return the line around an offset; asked in rising order, so that remembering one is enough."""
        if not self._line.start <= offset <= self._line.end:
            text = self._folded.text
            start = text.rfind("\n", 0, offset) + 1
            end = text.find("\n", offset)
            end = len(text) if end < 0 else end
            self._line = _Line(self._folded.cased[start:end], start, end)
        return self._line


def _is_capitals(line: str) -> bool:
    head = line[:60]
    if _count_capitals(head) * 3 < len(head):
        return False  # counting every letter of every line would take as long as finding the concepts
    letters = sum(map(str.isalpha, line))
    return letters >= 12 and _count_capitals(line) > letters * _CAPITALS_SHARE


def _count_capitals(unmarked: str) -> int:
    return len(unmarked) - len(unmarked.encode("ascii").translate(None, _CAPITALS))


def _named_parts(lexicon: Lexicon) -> dict[tuple[str, str], tuple[Match, ...]]:
    """Return the parts of each alias of an act that names an actor, such as "US bases": each actor, and the act.

    Offsets are those within the alias; the act keeps the longest stretch between the actors.
    """
    actors: dict[str, list[Alias]] = defaultdict(list)
    for concept in lexicon.concepts:
        if concept.kind == "actor":
            for alias in concept.aliases:
                actors[fold(alias.text).text].append(alias)
    automaton = AhoCorasick(list(actors), matchkind=MatchKind.LeftmostLongest)
    names = list(actors)
    found = {}
    for concept in lexicon.concepts:
        for alias in concept.aliases if concept.kind in _NAMING_KINDS else ():
            text = fold(alias.text).text
            parts = [
                Match(each.concept, "actor", start, end)
                for index, start, end in automaton.find_matches_as_indexes(text)
                if not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum())
                for each in actors[names[index]][:1]
                if not each.case or each.text == alias.text[start:end]
            ]
            if parts and (own := _own_part(concept, text, parts)):
                found[concept.id, alias.folded] = tuple(sorted((*parts, own), key=lambda each: each.start))
    return found


def _own_part(concept: Concept, text: str, actors: Sequence[Match]) -> Match | None:
    """Return the longest stretch of an alias that is no actor, or None where too little is left."""
    ends = [0, *(each.end for each in actors)]
    starts = [*(each.start for each in actors), len(text)]
    start, end = max(zip(ends, starts, strict=True), key=lambda each: each[1] - each[0])
    words = text[start:end]
    start += len(words) - len(words.lstrip(_BESIDE))
    end -= len(words) - len(words.rstrip(_BESIDE))
    return Match(concept.id, concept.kind, start, end) if end - start >= _LEAST_PART else None


def _pattern(text: str, aliases: Sequence[Alias]) -> _Pattern:
    alias = aliases[0]
    asks = alias.line or alias.case or alias.after or alias.before or alias.not_after or alias.not_before
    return _Pattern(text[0].isalnum(), text[-1].isalnum(), None if asks else alias, tuple(map(_asking, aliases)))


def _asking(alias: Alias) -> _Asking:
    lists = (alias.after, alias.before, alias.not_after, alias.not_before)
    capitals = tuple(place for place, each in enumerate(alias.text) if each.isupper()) if alias.case else ()
    return _Asking(
        alias, capitals, *(_Beside(tuple(word for word, _ in each), each) if each else None for each in lists)
    )


def _guards_hold(asking: _Asking, folded: Folded, start: int, end: int, line: _Line) -> bool:
    alias, capitals, after, before, not_after, not_before = asking
    if capitals and not line.is_capitals:
        cased = folded.cased
        for place in capitals:
            if start + place < end and not cased[start + place].isupper():
                return False
    if after and not _stands_before(after, folded, start, line):
        return False
    if before and not _stands_behind(before, folded, end, line):
        return False
    if not_after and _stands_before(not_after, folded, start, line):
        return False
    if not_before and _stands_behind(not_before, folded, end, line):
        return False
    return not alias.line or line.is_vietnamese is (alias.line == "vi")  # last, for it costs most


def _stands_before(beside: _Beside, folded: Folded, start: int, line: _Line) -> bool:
    """Return whether one of the words is the last before an alias, parted by a space or a hyphen and nothing else."""
    text = folded.text
    if not start or text[start - 1] not in _PARTS:
        return False
    words, guards = beside
    first = max(0, start - _BESIDE_CHARACTERS)
    last = start - 1
    while last > first and text[last - 1] in _BESIDES:
        last -= 1
    if not text.endswith(words, first, last):
        return False
    for word, is_name in guards:
        begin = last - len(word)
        if begin < first or not text.startswith(word, begin) or (begin and text[begin - 1].isalnum()):
            continue
        if not is_name or _is_name(folded.cased, begin, line):
            return True
    return False


def _stands_behind(beside: _Beside, folded: Folded, end: int, line: _Line) -> bool:
    """Return whether one of the words is the first behind an alias, parted by a space or a hyphen and nothing else."""
    text = folded.text
    if text[end : end + 1] not in _PARTS:
        return False
    words, guards = beside
    while text[end : end + 1] in _BESIDES:
        end += 1
    if not text.startswith(words, end):
        return False
    for word, is_name in guards:
        last = end + len(word)
        if not text.startswith(word, end) or text[last : last + 1].isalnum():
            continue
        if not is_name or (folded.cased[end].isupper() and not line.is_capitals):
            return True
    return False


def _is_name(cased: str, begin: int, line: _Line) -> bool:
    """Return whether a capital marks a name: not in a line of capitals, nor where a sentence begins."""
    if line.is_capitals or not cased[begin].isupper():
        return False
    before = cased[max(line.start, begin - 2) : begin].rstrip()
    return bool(before) and before[-1] not in _OPENS


def _hidden(text: str) -> list[tuple[int, int]]:
    """Return spans that say where a text comes from, such as `MOSCOW (TASS) —` or `(Theo Sputnik)`."""
    found = []
    line, place = 0, text.find("(")
    before = 0
    while place >= 0:
        if source := _SOURCE.match(text, place):
            found.append(source.span())
        line_break = text.rfind("\n", before, place)
        if line_break >= 0 or not before:  # the first bracket of its line
            line = line_break + 1
            if dateline := _DATELINE.match(text, line):
                found.append(dateline.span())
        before, place = place + 1, text.find("(", place + 1)
    return found


def _longest(found: list[_Found]) -> list[_Found]:
    """Return the matches that remain when of any two that overlap the longer one stays, the earlier if alike."""
    found.sort()  # no two have the same ends, so that aliases are never compared
    kept: list[_Found] = []
    last_start = last_end = 0
    for each in found:
        start, minus_end, _ = each
        if start < last_end:
            if -minus_end - start <= last_end - last_start:
                continue
            kept.pop()
        kept.append(each)
        last_start, last_end = start, -minus_end
    return kept
