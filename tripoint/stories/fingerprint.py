"""Near-duplicates: a few numbers that copies of a text share, and a careful look at those that share some.

A text is the set of its runs of four words. Its fingerprint is the smallest of their hashes: a copy with another
byline, a cut ending or moved paragraphs keeps most of them, whatever its length, so that an index of twelve rows an
article finds it (bottom-k sketch, A. Broder, "On the resemblance and containment of documents", 1997). What the index
finds is compared in full before anybody calls it a copy.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Set
from dataclasses import dataclass
from itertools import accumulate
from zlib import crc32

from tripoint.domain.text import fold

KEYS = 12
SHARED_KEYS = 2  # one may be a phrase that a whole outlet uses
_LEAD = 40  # runs of words that tell what is reported; a new lead over an old background is no copy
_LEAST = 25  # a text of fewer runs is too short to tell
_CONTAINED = 0.8
_LEAD_CONTAINED = 0.7
_SHORTEST = 0.35  # of the longer one: what keeps less is an excerpt
_RUN = 4
_WORD = re.compile(r"\w+")
_CORRECTS = re.compile(r"\b(correct(?:ed|ion|s)|retract(?:ed|ion|s)|withdraw[sn]?|đính chính|cải chính|gỡ bài)\b")


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What is compared of a text; `keys` are stored and indexed."""

    keys: tuple[int, ...]  #: rising; below 2**32
    runs: frozenset[int]
    lead: tuple[int, ...]
    numbers: frozenset[str]  #: of the whole text
    lead_numbers: frozenset[str]
    corrects: bool  #: its head says that it corrects or withdraws an earlier report


def fingerprint(title: str, text: str) -> Fingerprint:
    """Return the fingerprint of a text; the title says only whether it is a correction."""
    folded = fold(text).text
    words = _WORD.findall(folded)
    # Four bytes a character, so that a run's place in the bytes is known without encoding each word.
    coded = " ".join(words).encode("utf-32-le")
    begins = list(accumulate((4 * len(each) + 4 for each in words), initial=0))
    runs = [crc32(coded[begin : end - 4]) for begin, end in zip(begins, begins[_RUN:], strict=False)]
    distinct = frozenset(runs)
    corrects = bool(_CORRECTS.search(fold(title).text) or _CORRECTS.search(folded[:200]))
    numbers = [each for each in words if each.isdigit()]
    in_lead = sum(each.isdigit() for each in words[:_LEAD])
    return Fingerprint(
        keys=tuple(heapq.nsmallest(KEYS, distinct)),
        runs=distinct,
        lead=tuple(runs[:_LEAD]),
        numbers=frozenset(numbers),
        lead_numbers=frozenset(numbers[:in_lead]),
        corrects=corrects,
    )


def is_copy(one: Fingerprint, other: Fingerprint) -> bool:
    """Return whether two texts are one text, give or take bylines, cut endings and the order of paragraphs.

    Where each lead has a number that the other text lacks, one form was filled in twice: two reports, not one.
    """
    fewer, more = sorted((one, other), key=lambda each: len(each.runs))
    if len(fewer.runs) < _LEAST:
        return fewer.runs == more.runs and bool(fewer.runs)
    if one.lead_numbers - other.numbers and other.lead_numbers - one.numbers:
        return False
    if one.corrects != other.corrects or len(fewer.runs) < _SHORTEST * len(more.runs):
        return False
    shared = len(fewer.runs & more.runs)
    if shared < _CONTAINED * len(fewer.runs):
        return False
    return _holds_lead(one.lead, other.runs) and _holds_lead(other.lead, one.runs)


def _holds_lead(lead: tuple[int, ...], runs: Set[int]) -> bool:
    return sum(each in runs for each in lead) >= _LEAD_CONTAINED * len(lead)
