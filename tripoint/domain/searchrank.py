"""How good a match is, from its text alone: where the words stand, how often, with which marks, and how new it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tripoint.domain.highlight import Pattern, pattern
from tripoint.domain.searchtext import Words

_TITLE = 2.0  # a word in the title is worth so many first ones in the text
_EXACT = 1.5  # as much as a match counts that has the marks that were typed
_LEAD = 600  # code points: what stands early tells what an article is about
_READ = 8_000  # code points of a text that are looked at
_HALF_LIFE_DAYS = 180.0  # of the part of the rank that age can take away
_NEW = 0.5  # that part
_PLACES_PER_DAY = 4096 * 86_400


@dataclass(frozen=True, slots=True)
class Scored:
    """A match and its rank."""

    place: int
    rank: float


def rank(found: Sequence[tuple[int, str, str]], asked: Sequence[Words]) -> list[Scored]:
    """Return matches (place, title, text), best first; of equals the newer one."""
    if not found:
        return []
    newest = max(place for place, _, _ in found)
    patterns = [pattern(each) for each in asked]
    scored = []
    for place, title, text in found:
        worth = sum(_worth(each, title, text[:_READ]) for each in patterns) / len(patterns)
        age_days = (newest - place) / _PLACES_PER_DAY
        scored.append(Scored(place, worth * (1 - _NEW + _NEW * 0.5 ** (age_days / _HALF_LIFE_DAYS))))
    return sorted(scored, key=lambda each: (-round(each.rank, 9), -each.place))


def _worth(one: Pattern, title: str, text: str) -> float:
    in_title, in_text = one.found.findall(title), one.found.findall(text)
    if not in_title and not in_text:
        return 0.0
    is_early = in_text and one.found.search(text, 0, _LEAD)
    worth = _TITLE * bool(in_title) + math.log2(1 + len(in_text)) / 2 + (1.0 if is_early else 0.0)
    return worth * (_EXACT if any(map(one.is_exact, (*in_title, *in_text))) else 1.0)
