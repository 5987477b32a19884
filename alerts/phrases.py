"""The fixed words of messages, from `phrases.toml` beside this file; the English ones about stories are theirs."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from tripoint.domain.types import Phrase
from tripoint.stories.wording import ENGLISH

LANGUAGES = ("en", "vi")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@lru_cache(maxsize=1)
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Return every phrase by language and name."""
    read: dict[str, dict[str, str]] = tomllib.loads(files("alerts").joinpath("phrases.toml").read_text("utf-8"))
    return {**read, "en": {**read["en"], **ENGLISH}}


def words(language: str) -> Mapping[str, str]:
    """Return the phrases of a language by name."""
    return catalogue()[language]


def weekday(number: int, language: str) -> str:
    """Return the name of a day of the week, Monday being 0."""
    return words(language)[_WEEKDAYS[number]]


def said(phrase: Phrase, language: str, zone: str) -> str:
    """Return a line in a language, its times by the clocks of a zone; what it quotes may hold anything."""
    known = words(language)
    values = dict(phrase.values)
    for key, value in phrase.values:
        if key.endswith("_at"):
            values[key] = _local(value, zone)
        elif key.endswith("_country"):
            values[key] = known.get(f"country.{value}", value)
    return known[phrase.name].format_map(values)


def all_said(phrases: Sequence[Phrase], language: str, zone: str, between: str = "; ") -> str:
    """Return several lines as one."""
    return between.join(said(each, language, zone) for each in phrases)


def _local(moment: str, zone: str) -> str:
    return datetime.fromisoformat(moment).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M %Z")
