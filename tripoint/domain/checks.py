"""What the daily self-check found, and what of it is worth telling. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    good: bool
    found: str  #: one line
    mend: str = ""  #: what to do, where it is not good


@dataclass(frozen=True, slots=True)
class KeptCheck:
    """What was found of one thing, and since when it is so."""

    check: Check
    since: datetime
    at: datetime


def is_news(before: KeptCheck | None, now: Check) -> bool:
    """Say whether a person should hear of it: that it became bad, or that what was bad is well again."""
    return not now.good if before is None else before.check.good != now.good


def summary(checks: Sequence[Check]) -> str:
    """Return a line: first what is wrong, with its mend, then the rest."""
    mends = {each.name: f" — {each.mend}" if each.mend else "" for each in checks}
    wrong = [f"{each.name}: {each.found}{mends[each.name]}" for each in checks if not each.good]
    well = [f"{each.name}: {each.found}" for each in checks if each.good]
    said = [f"WRONG {'; '.join(wrong)}"] if wrong else []
    return ". ".join([*said, f"well {'; '.join(well)}"] if well else said)
