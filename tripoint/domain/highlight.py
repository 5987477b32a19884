"""Where a text has the words that were searched for, with or without marks, and a cut of it that shows them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from tripoint.domain.searchtext import Words
from tripoint.domain.searchwords import words_of
from tripoint.domain.types import Marked

_STARTS = (
    r"(?<![^\W_][\s\S])"  # no letter before the one that was just read: a search for that one is quick, for none is not
)
_AFTER = r"(?![^\W_])"
_BETWEEN = r"[\W_]+"
_MARKS = "[\u0300-\u036f]*"
_SNIPPET = 200  # code points
_LEAD = 60  # of them before the first hit
_MANY = 40  # spans in one snippet
_ENOUGH = 200  # hits of a long text that are tried as a beginning


@dataclass(frozen=True, slots=True)
class Pattern:
    """How to find one word or phrase in text as it is stored."""

    found: re.Pattern[str]  #: with any marks
    typed: str  #: as the person wrote it, in small letters

    def is_exact(self, found: str) -> bool:
        """Return whether what was found has the marks that were typed."""
        return found.casefold().startswith(self.typed)


@lru_cache(maxsize=512)
def pattern(words: Words) -> Pattern:
    """Return how to find it."""
    loose = _BETWEEN.join("".join(_letter(each) + _MARKS for each in word) for word in words.words)
    first = _letter(words.words[0][0])
    end = "" if words.is_prefix else _AFTER
    return Pattern(re.compile(f"{first}{_STARTS}{loose.removeprefix(first)}{end}"), words.typed.casefold())


def _letter(bare: str) -> str:
    variants = _variants().get(bare)
    return f"[{''.join(map(re.escape, variants))}]" if variants else re.escape(bare)


@cache
def _variants() -> dict[str, list[str]]:
    """Return the letters, of the scripts that have marks, that fold to a letter."""
    table: dict[str, list[str]] = {}
    for code in (*range(0x30, 0x250), *range(0x1E00, 0x1F00)):
        if len(folded := words_of(chr(code))) == 1 and len(folded[0]) == 1:
            table.setdefault(folded[0], []).append(chr(code))
    return table


def spans(text: str, asked: Sequence[Words]) -> list[tuple[int, int]]:
    """Return where the text has any of it, in order, without overlap."""
    found = sorted(each.span() for one in asked for each in pattern(one).found.finditer(text))
    joined: list[tuple[int, int]] = []
    for start, end in found:
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def snippet(text: str, asked: Sequence[Words]) -> Marked:
    """Return a stretch of the text that shows most of what was asked, as plain text with the spans to mark."""
    found = spans(text, asked)
    start = _best(text, found)
    end = min(len(text), start + _SNIPPET)
    if end < len(text):
        end = _back_to_space(text, end, start)
    inside = [(max(a, start) - start, min(b, end) - start) for a, b in found if a < end and b > start]
    before = "… " if start else ""
    after = " …" if end < len(text) else ""
    shown = text[start:end].replace("\n", " ")
    return Marked(f"{before}{shown}{after}", tuple((a + len(before), b + len(before)) for a, b in inside[:_MANY]))


def _best(text: str, found: Sequence[tuple[int, int]]) -> int:
    """Return where to begin: so that the most different words are seen, and of equals the first."""
    best, at = 0, 0
    last = 0
    for first, (start, _) in enumerate(found):
        last = max(last, first)
        while last < len(found) and found[last][1] <= start + _SNIPPET - _LEAD:
            last += 1
        kinds = len({text[a:b].casefold() for a, b in found[first:last]})
        if kinds > best:
            best, at = kinds, start
        if first > _ENOUGH:
            break
    begin = max(0, at - _LEAD)
    if begin == 0:
        return 0
    space = max(text.rfind(" ", begin - 20, begin), text.rfind("\n", begin - 20, begin))
    return space + 1 if space >= 0 else begin


def _back_to_space(text: str, end: int, start: int) -> int:
    space = text.rfind(" ", start + _SNIPPET // 2, end + 1)
    return space if space > 0 else end
