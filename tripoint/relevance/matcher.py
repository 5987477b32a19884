"""Finding concepts: one pass over the folded text for all languages, then boundaries, guards, and the longest wins."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick

from tripoint.domain.text import Folded, fold, has_vietnamese_marks
from tripoint.relevance.lexicon import Alias, Lexicon

_CAPITALS_SHARE = 0.6
_DATELINE = re.compile(r"^[ \t]*[A-ZĐÀ-Ỹ][^\n.]{2,60}?\([^()\n]{2,40}\)[ \t]*[-–—:]", re.MULTILINE)
_SOURCE = re.compile(r"\((?:theo|nguồn|source|via|ảnh|photo)[^()\n]{1,60}\)", re.IGNORECASE)
_BEFORE_CHARACTERS = 30


class Match(NamedTuple):
    """A concept found in a text, offsets in code points of that text."""

    concept: str
    kind: str
    start: int
    end: int


class _Found(NamedTuple):
    alias: Alias
    start: int  # in the folded text
    end: int


class _Pattern(NamedTuple):
    """What one entry of the automaton may stand for, and which of its ends must not lie inside a word."""

    aliases: tuple[tuple[Alias, bool], ...]  # with whether it is the form without diacritics
    is_free: bool  # the first alias asks for nothing, wherever it stands
    opens_word: bool
    closes_word: bool


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    end: int
    has_marks: bool
    is_capitals: bool


class Matcher:
    """Knows the automaton of one lexicon; finding is linear in the text and hardly depends on the aliases."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._kinds = {each.id: each.kind for each in lexicon.concepts}
        patterns: dict[str, list[tuple[Alias, bool]]] = defaultdict(list)
        for concept in lexicon.concepts:
            for alias in concept.aliases:
                patterns[alias.folded].append((alias, False))
                if alias.bare:
                    patterns[alias.bare].append((alias, True))
        self._patterns = [_pattern(text, aliases) for text, aliases in patterns.items()]
        self._automaton = AhoCorasick(list(patterns))

    def find(self, text: str) -> list[Match]:
        """Return what stands in a text, in its order, no two overlapping; shields are used and not returned."""
        folded = fold(text)
        refused_names: set[str] = set()
        kept = _longest(self._accepted(folded, refused_names))
        sure = {alias.concept for alias, _, _ in kept if not (alias.needs or alias.name)}
        matches = []
        for alias, start, end in kept:
            concept = alias.concept
            in_doubt = alias.needs or (alias.name and concept in refused_names)
            kind = self._kinds[concept]
            if kind == "shield" or (in_doubt and concept not in sure):
                continue
            matches.append(Match(concept, kind, *folded.original(start, end)))
        return matches

    def _accepted(self, folded: Folded, refused_names: set[str]) -> Iterator[_Found]:
        """Yield what may stand; adds to `refused_names` each concept whose alias is somebody's name here."""
        lines = _Lines(folded)
        hidden = _hidden(folded)
        text, patterns = folded.text, self._patterns
        length = len(text)
        for index, start, end in self._automaton.find_matches_as_indexes(text, overlapping=True):
            pattern = patterns[index]
            if pattern.opens_word and start and text[start - 1].isalnum():
                continue
            if pattern.closes_word and end < length and text[end].isalnum():
                continue
            if hidden and any(a <= start < b for a, b in hidden):
                continue
            if pattern.is_free:
                yield _Found(pattern.aliases[0][0], start, end)
                continue
            line = lines.at(start)
            for alias, is_bare in pattern.aliases:
                if is_bare and line.has_marks:
                    continue
                if _guards_hold(alias, folded, start, end, line):
                    yield _Found(alias, start, end)
                    break
                if alias.name and _stands(alias.not_after, text[max(0, start - _BEFORE_CHARACTERS) : start], end=True):
                    refused_names.add(alias.concept)


class _Lines:
    """Judges each line once: whether it carries diacritics, and whether it is all capitals."""

    def __init__(self, folded: Folded) -> None:
        self._folded = folded
        self._line = _Line(0, -1, has_marks=False, is_capitals=False)

    def at(self, offset: int) -> _Line:
        """Return the line around an offset; asked in rising order, so that remembering one is enough."""
        if not self._line.start <= offset <= self._line.end:
            text = self._folded.text
            start = text.rfind("\n", 0, offset) + 1
            end = text.find("\n", offset)
            end = len(text) if end < 0 else end
            cased = self._folded.cased[start:end]
            self._line = _Line(start, end, has_vietnamese_marks(cased), _is_capitals(cased))
        return self._line


def _is_capitals(line: str) -> bool:
    head = line[:60]
    if sum(map(str.isupper, head)) * 3 < len(head):
        return False  # counting every letter of every line would take as long as finding the concepts
    letters = sum(map(str.isalpha, line))
    return letters >= 12 and sum(map(str.isupper, line)) > letters * _CAPITALS_SHARE


def _pattern(text: str, aliases: Sequence[tuple[Alias, bool]]) -> _Pattern:
    alias, is_bare = aliases[0]
    asks = alias.case or alias.after or alias.before or alias.not_after or alias.not_before
    return _Pattern(tuple(aliases), not asks and not is_bare, text[0].isalnum(), text[-1].isalnum())


def _guards_hold(alias: Alias, folded: Folded, start: int, end: int, line: _Line) -> bool:
    if alias.case and not line.is_capitals and not _has_capitals(alias.text, folded.cased[start:end]):
        return False
    if not (alias.after or alias.before or alias.not_after or alias.not_before):
        return True
    before = folded.text[max(0, start - _BEFORE_CHARACTERS) : start]
    after = folded.text[end : end + _BEFORE_CHARACTERS]
    if alias.after and not _stands(alias.after, before, end=True):
        return False
    if alias.before and not _stands(alias.before, after, end=False):
        return False
    return not _stands(alias.not_after, before, end=True) and not _stands(alias.not_before, after, end=False)


def _has_capitals(alias: str, surface: str) -> bool:
    return all(b.isupper() for a, b in zip(alias, surface, strict=False) if a.isupper())


def _stands(words: Sequence[str], text: str, *, end: bool) -> bool:
    """Return whether one of the words is the nearest neighbour, parted by a space or a hyphen and nothing else."""
    if not words:
        return False
    if end:
        text = text[-_BEFORE_CHARACTERS:]
        if text[-1:] not in {" ", "-"}:
            return False
        text = text.rstrip(" -\"'“‘")
        return any(
            text.endswith(word) and (len(text) == len(word) or not text[-len(word) - 1].isalnum()) for word in words
        )
    if text[:1] not in {" ", "-"}:
        return False
    text = text.lstrip(" -\"'“‘")
    return any(text.startswith(word) and not text[len(word) : len(word) + 1].isalnum() for word in words)


def _hidden(folded: Folded) -> list[tuple[int, int]]:
    """Return spans that say where a text comes from, such as `MOSCOW (TASS) —` or `(Theo Sputnik)`."""
    if "(" not in folded.cased:
        return []
    return [each.span() for pattern in (_DATELINE, _SOURCE) for each in pattern.finditer(folded.cased)]


def _longest(found: Iterable[_Found]) -> list[_Found]:
    """Return the matches that remain when of any two that overlap the longer one stays, the earlier if alike."""
    kept: list[_Found] = []
    last_start = last_end = 0
    for each in sorted(found, key=lambda one: (one.start, one.start - one.end)):
        _, start, end = each
        if start < last_end:
            if end - start <= last_end - last_start:
                continue
            kept.pop()
        kept.append(each)
        last_start, last_end = start, end
    return kept
