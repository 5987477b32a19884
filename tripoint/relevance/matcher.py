"""Finding concepts: one pass over the folded text for all languages, then boundaries, guards, and the longest wins.

Diacritics are never looked at, so a text and the same text without them hold the same concepts at the same places; what
tells "bán" from "bản" is the words beside it, and what tells "My" from English is the rest of its line.
"""

from __future__ import annotations

import re
from bisect import bisect_right
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


class _Entry(NamedTuple):
    """What is told of an alias that was found; all of it is known beforehand."""

    concept: str
    kind: str
    needs: bool
    name: bool
    parts: tuple[Match, ...]  #: those it is told as, offsets within the alias; itself where there are none


_Found = tuple[int, int, _Entry]  # start, minus end (so that of two the longer comes first), and what stands there


class _Beside(NamedTuple):
    """Words that are looked for beside an alias; all at once first, since hardly ever one is there."""

    words: tuple[str, ...]
    guards: tuple[Guard, ...]
    edges: frozenset[str]  #: the letters of the words that touch the alias, which tell most of the time


class _Asking(NamedTuple):
    """An alias with what it asks of the words beside it, None where it asks nothing."""

    entry: _Entry
    line: str  #: the language that the line must be in, where it asks for one
    capitals: tuple[int, ...]  #: places at which the alias asks for one, where it does
    after: _Beside | None
    before: _Beside | None
    not_after: _Beside | None
    not_before: _Beside | None


class _Pattern(NamedTuple):
    """What one entry of the automaton may stand for, and which of its ends must not lie inside a word."""

    opens_word: bool
    closes_word: bool
    free: _Entry | None  # the alias that asks for nothing, wherever it stands
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
        parts = _named_parts(lexicon)
        patterns: dict[str, list[_Asking]] = defaultdict(list)
        for concept in lexicon.concepts:
            for alias in concept.aliases:
                named = parts.get((concept.id, alias.folded), ())
                entry = _Entry(concept.id, concept.kind, alias.needs, alias.name, named)
                patterns[alias.folded].append(_asking(alias, entry))
        self._patterns = [_pattern(text, aliases) for text, aliases in patterns.items()]
        # The compact form. A DFA reads no faster and is ten times as large, so that it drives all else from the caches:
        # a judgement took a fifth longer with it.
        self._automaton = AhoCorasick(list(patterns), implementation=Implementation.ContiguousNFA)

    def find(self, text: str) -> list[Match]:
        """Return what stands in a text, in its order, no two overlapping; shields are used and not returned."""
        return self.find_in(unmark(text)) if text else []

    def find_in(self, folded: Folded) -> list[Match]:
        """Return what `find` does for a text whose diacritics were taken off already."""
        refused_names: set[str] = set()
        kept = _longest(self._accepted(folded, refused_names))
        sure: set[str] | None = None
        matches = []
        original = None if folded.is_composed else folded.original
        for start, minus_end, (concept, kind, needs, name, parts) in kept:
            if kind == "shield":
                continue
            if needs or (name and concept in refused_names):
                if sure is None:
                    sure = {each.concept for _, _, each in kept if not (each.needs or each.name)}
                if concept not in sure:
                    continue
            for part, part_kind, first, last in parts or ((concept, kind, 0, -minus_end - start),):
                span = (start + first, start + last)
                matches.append(Match(part, part_kind, *(original(*span) if original else span)))
        return matches

    def _accepted(self, folded: Folded, refused_names: set[str]) -> list[_Found]:
        """Return what may stand; adds to `refused_names` each concept whose alias is somebody's name here."""
        found: list[_Found] = []
        line = _Line("", 0, -1)
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
            if not line.start <= start <= line.end:  # they come in rising order, so that one line is enough to remember
                line = _line_at(folded, start)
            for asking in aliases:
                entry = asking.entry
                if _guards_hold(asking, folded, start, end, line):
                    found.append((start, -end, entry))
                    break
                if entry.name and asking.not_after and _stands_before(asking.not_after, folded, start, line):
                    refused_names.add(entry.concept)
        return found


def _line_at(folded: Folded, offset: int) -> _Line:
    text = folded.text
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    end = len(text) if end < 0 else end
    return _Line(folded.cased[start:end], start, end)


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


def _pattern(text: str, aliases: Sequence[_Asking]) -> _Pattern:
    entry, *asked = aliases[0]
    return _Pattern(text[0].isalnum(), text[-1].isalnum(), None if any(asked) else entry, tuple(aliases))


def _asking(alias: Alias, entry: _Entry) -> _Asking:
    capitals = tuple(place for place, each in enumerate(alias.text) if each.isupper()) if alias.case else ()
    return _Asking(
        entry,
        alias.line,
        capitals,
        _beside(alias.after, -1),
        _beside(alias.before, 0),
        _beside(alias.not_after, -1),
        _beside(alias.not_before, 0),
    )


def _beside(guards: tuple[Guard, ...], edge: int) -> _Beside | None:
    if not guards:
        return None
    words = tuple(guard.word for guard in guards)
    return _Beside(words, guards, frozenset(word[edge] for word in words))


def _guards_hold(asking: _Asking, folded: Folded, start: int, end: int, line: _Line) -> bool:
    _, language, capitals, after, before, not_after, not_before = asking
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
    return not language or line.is_vietnamese is (language == "vi")  # last, for it costs most


def _stands_before(beside: _Beside, folded: Folded, start: int, line: _Line) -> bool:
    """Return whether one of the words is the last before an alias, parted by a space or a hyphen and nothing else."""
    text = folded.text
    if not start or text[start - 1] not in _PARTS:
        return False
    words, guards, edges = beside
    first = max(0, start - _BESIDE_CHARACTERS)
    last = start - 1
    while last > first and text[last - 1] in _BESIDES:
        last -= 1
    if text[last - 1] not in edges or not text.endswith(words, first, last):
        return False
    for word, is_name, is_number in guards:
        begin = last - len(word)
        if begin < first or not text.startswith(word, begin):
            continue
        if begin and text[begin - 1].isalnum() and not is_number:
            continue
        if not is_name or _is_name(folded.cased, begin, line):
            return True
    return False


def _stands_behind(beside: _Beside, folded: Folded, end: int, line: _Line) -> bool:
    """Return whether one of the words is the first behind an alias, parted by a space or a hyphen and nothing else."""
    text = folded.text
    if text[end : end + 1] not in _PARTS:
        return False
    words, guards, edges = beside
    while text[end : end + 1] in _BESIDES:
        end += 1
    if text[end : end + 1] not in edges or not text.startswith(words, end):
        return False
    for word, is_name, is_number in guards:
        last = end + len(word)
        if not text.startswith(word, end) or (text[last : last + 1].isalnum() and not is_number):
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
    """Return the matches that remain when of any that overlap the longest stays, the earliest of those alike."""
    found.sort()  # no two have the same ends, so that entries are never compared
    kept: list[_Found] = []
    last_start = last_end = 0
    for each in found:
        start, minus_end, _ = each
        if start < last_end:
            if -minus_end - start <= last_end - last_start:
                continue
            return _longest_first(found)  # what the last one displaced may stand after all
        kept.append(each)
        last_start, last_end = start, -minus_end
    return kept


def _longest_first(found: Sequence[_Found]) -> list[_Found]:
    starts: list[int] = []
    kept: list[_Found] = []
    for each in sorted(found, key=lambda each: (each[0] + each[1], each[0])):
        place = bisect_right(starts, each[0])
        if (place and -kept[place - 1][1] > each[0]) or (place < len(starts) and starts[place] < -each[1]):
            continue
        starts.insert(place, each[0])
        kept.insert(place, each)
    return kept
