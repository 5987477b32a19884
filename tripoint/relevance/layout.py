"""What of a text is prose, and what stands between or instead of it: related headlines, captions, lists of links."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from tripoint.domain.text import marked, nfc, strip_marks

_ENDS = frozenset(".!?…:;")
_CLOSES = "\"'”’»)]"
# How a line begins that leads elsewhere, without diacritics; the first two letters stand for themselves.
_SAID = (
    *("read (?:more|also)", "also (?:read|see)", "see also", "related", "more (?:on|from)", "don't miss", "watch"),
    *("recommended", "tags?", "tin (?:lien quan|cung chuyen muc|nong|moi)", "xem (?:them|ngay)"),
    *("doc (?:them|ngay|tiep)", "co the ban quan tam", "dung bo lo", "bai (?:lien quan|viet lien quan)", "tu khoa"),
    *("video dang hot", "moi (?:quy )?(?:ban doc|doc gia)"),
)
_LEADS_ELSEWHERE = re.compile(
    rf"\W*(?:{'|'.join(map(marked, _SAID))})\b|\s*(?:>>|»|►|▶|•\s*>)",
    re.IGNORECASE,
)
_OPENINGS = frozenset(each[:2] for each in _SAID)
_LONG_HEADLINE = 160
_FEW_LINES = 4
_MENU = 4  # lines
_MENU_ITEM = 30  # characters
_LEAST_PROSE = 4  # one part in so many


class Line(NamedTuple):
    """A line that is not blank."""

    text: str  #: composed, without the blanks around it
    end: int  #: offset of the line break behind it
    is_headline: bool  #: short, and not closed as a sentence is


def read_lines(text: str, *, is_composed: bool) -> list[Line]:
    """Return the lines of a text that are not blank, in their order; `is_composed` where it is known to be in NFC."""
    found = []
    end = -1
    for raw in text.split("\n"):
        end += len(raw) + 1
        if line := raw.strip():
            settled = line if is_composed else nfc(line)
            found.append(Line(settled, end, settled[-1] not in _ENDS and _is_headline(settled)))
    return found


def asides(lines: Sequence[Line], spans: Sequence[tuple[int, int]]) -> frozenset[int]:
    """Return the sentences, by index, that lead to other pages: they say nothing of what this one is about.

    A line that says so ("Read more: …", ">> …") is one, with the headlines under it; and so is a line like a headline
    that stands between prose. The first line is not, for a lead may come without a full stop, unless a menu begins
    there: a few words, and further lines without prose under it.
    """
    if not any(is_headline or _leads_elsewhere(line) for line, _, is_headline in lines):
        return frozenset()
    said: set[int] = set()
    likely: set[int] = set()
    index = 0
    is_in_block = False
    begins_short = len(lines) > _MENU and len(lines[0].text) <= _MENU_ITEM
    is_menu = begins_short and all(line.is_headline for line in lines[:_MENU])
    for line, end, is_headline in lines:
        first = index
        while index < len(spans) and spans[index][0] < end:
            index += 1
        if _leads_elsewhere(line):
            is_in_block = True
            said.update(range(first, index))
        elif is_in_block and (is_headline or (line[-1] == "?" and len(line) <= _LONG_HEADLINE)):
            said.update(range(first, index))
        else:
            is_in_block = False
            if is_headline and (first or is_menu):
                likely.update(range(first, index))
    if not said and not likely:
        return frozenset()
    prose = sum(end - start for place, (start, end) in enumerate(spans) if place not in said and place not in likely)
    whole = sum(end - start for place, (start, end) in enumerate(spans) if place not in said)
    # A text whose lines mostly lack full stops is written so, and its lines are all that there is to judge. A short
    # report between a menu and links is less than half of its page.
    found = said | likely if prose * _LEAST_PROSE >= whole else said
    return frozenset(found) if len(found) < len(spans) else frozenset()


def listing(lines: Sequence[Line]) -> float:
    """Return which share of the text stands in lines like headlines, 0 where there are hardly any: a page of links."""
    headlines = [len(line) for line, _, is_headline in lines if is_headline]
    if len(headlines) < _FEW_LINES:
        return 0.0
    return sum(headlines) / sum(len(line) for line, _, _ in lines)


def _leads_elsewhere(line: str) -> bool:
    # How it begins is asked first, for nearly no line begins so.
    return (not line[0].isalnum() or _opens_so(line[:2])) and bool(_LEADS_ELSEWHERE.match(line))


@lru_cache(maxsize=4096)
def _opens_so(letters: str) -> bool:
    return strip_marks(letters.lower()) in _OPENINGS


def _is_headline(line: str) -> bool:
    """Return whether a line that has no mark at its end is none of prose."""
    return len(line) <= _LONG_HEADLINE and line.rstrip(_CLOSES)[-1:] not in _ENDS
