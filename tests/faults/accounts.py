"""What must have arrived, what did, and what may have arrived twice: pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

_MARK = re.compile(r"Story (\d+) part (\d+)")


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """One alert, as its title names it."""

    story: int
    part: int

    def __str__(self) -> str:
        return f"Story {self.story} part {self.part}"


def mark_in(text: str) -> Mark:
    """Return the alert that a message tells; raises `ValueError` where it names none, or several."""
    found = set(_MARK.findall(text))
    if len(found) != 1:
        raise ValueError(f"a message names {len(found)} alerts: {text[:200]}")
    story, part = found.pop()
    return Mark(int(story), int(part))


@dataclass(frozen=True, slots=True)
class Account:
    """One channel: what it was to get, what it got in which order, and what was in doubt at each kill."""

    channel: str
    due: frozenset[Mark]
    arrived: Sequence[Mark]
    in_doubt: Mapping[Mark, int]  #: at how many kills it was being sent, and nobody knew whether it had arrived

    @property
    def twice(self) -> Counter[Mark]:
        """Return how many times more than once each arrived."""
        return Counter({each: times - 1 for each, times in Counter(self.arrived).items() if times > 1})

    def problems(self) -> list[str]:
        """Return what was lost, came unasked, came twice without a kill to blame, or came out of order."""
        return [*self._wrong(), *self._out_of_order()]

    def _wrong(self) -> Iterable[str]:
        came = set(self.arrived)
        yield from (f"{self.channel}: {each} never arrived" for each in sorted(self.due - came))
        yield from (f"{self.channel}: {each} was not due" for each in sorted(came - self.due))
        for each, more in self.twice.items():
            allowed = self.in_doubt.get(each, 0)
            if more > allowed:
                yield f"{self.channel}: {each} arrived {more + 1} times, and was in doubt {allowed} times"

    def _out_of_order(self) -> Iterable[str]:
        stories: dict[int, list[int]] = {}
        for each in self.arrived:
            stories.setdefault(each.story, []).append(each.part)
        for story, parts in stories.items():
            told = [part for part, _ in groupby(parts)]  # a repetition follows at once: nothing of the story before it
            if told != sorted(set(told)):
                yield f"{self.channel}: story {story} was told in the order {told}"


def impatient(asked: Sequence[tuple[float, bool]], rest_s: float, kills: Sequence[float]) -> int:
    """Return how often a server was asked again before the rest was over that it had asked for.

    `asked` has when each request came, and whether it was answered so. A rest into which a kill fell does not count:
    the answer may not have been recorded.
    """
    times = 0
    for (at, is_asked), (after, _) in pairwise(asked):
        too_soon = is_asked and after - at < rest_s - 0.1
        times += too_soon and not any(at <= each <= after for each in kills)
    return times
