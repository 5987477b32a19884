"""What of a text is prose, and what stands between or instead of it: related headlines, captions, lists of links."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tripoint.domain.text import is_nfc, marked, nfc

_ENDS = (".", "!", "?", "…", ":", ";")
_CLOSES = "\"'”’»)]"
_VIETNAMESE = (
    r"tin (?:lien quan|cung chuyen muc|nong|moi)|xem (?:them|ngay)|doc (?:them|ngay|tiep)|co the ban quan tam"
    r"|dung bo lo|bai (?:lien quan|viet lien quan)|tu khoa|video dang hot|moi (?:quy )?(?:ban doc|doc gia)"
)
_LEADS_ELSEWHERE = re.compile(
    r"\W*(?:read (?:more|also)|also (?:read|see)|see also|related|more (?:on|from)|don't miss|watch|recommended|tags?"
    rf"|{marked(_VIETNAMESE)})\b|\s*(?:>>|»|►|▶|•\s*>)",
    re.IGNORECASE,
)
_LONG_HEADLINE = 160
_FEW_LINES = 4


def asides(text: str, spans: Sequence[tuple[int, int]]) -> frozenset[int]:
    """Return the sentences, by index, that lead to other pages: they say nothing of what this one is about.

    A line that says so ("Read more: …", ">> …") is one, with the headlines under it; and so is a line like a headline
    that stands between prose. The first line is not, for a lead may come without a full stop.
    """
    said: set[int] = set()
    likely: set[int] = set()
    index = 0
    is_in_block = False
    settle = str if is_nfc(text) else nfc
    for number, (start, end) in enumerate(_lines(text)):
        line = settle(text[start:end].strip())
        members = []
        while index < len(spans) and spans[index][0] < end:
            members.append(index)
            index += 1
        if not line:
            continue
        is_headline = _is_headline(line)
        if _LEADS_ELSEWHERE.match(line):
            is_in_block = True
            said.update(members)
        elif is_in_block and (is_headline or (line.endswith("?") and len(line) <= _LONG_HEADLINE)):
            said.update(members)
        else:
            is_in_block = False
            if is_headline and number:
                likely.update(members)
    prose = sum(end - start for place, (start, end) in enumerate(spans) if place not in said | likely)
    whole = sum(end - start for place, (start, end) in enumerate(spans) if place not in said)
    # A text whose lines mostly lack full stops is written so, and its lines are all that there is to judge.
    found = said | likely if prose * 2 >= whole else said
    return frozenset(found) if len(found) < len(spans) else frozenset()


def listing(text: str) -> float:
    """Return which share of the text stands in lines like headlines, 0 where there are hardly any: a page of links."""
    lines = [text[start:end].strip() for start, end in _lines(text)]
    lines = [line for line in lines if line]
    headlines = [line for line in lines if _is_headline(line)]
    if len(headlines) < _FEW_LINES:
        return 0.0
    return sum(map(len, headlines)) / sum(map(len, lines))


def _is_headline(line: str) -> bool:
    return len(line) <= _LONG_HEADLINE and not line.rstrip(_CLOSES).endswith(_ENDS)


def _lines(text: str) -> list[tuple[int, int]]:
    found = []
    start = 0
    for line in text.split("\n"):
        found.append((start, start + len(line)))
        start += len(line) + 1
    return found
