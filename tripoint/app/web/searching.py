"""A search as page, feeds and API ask it: the parameters, the query, and the same back as an address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from storage.search import Order, SearchPage, SearchQuery
from tripoint.app.web.parameters import Asked, Choice, Flag, Fraction, Moment, Names, Parameter, Whole, Words
from tripoint.app.web.rooms import Rooms

PAGE = 20

PARAMETERS: tuple[Parameter, ...] = (
    Words("q", 'Words, "phrases", prefix*, OR, NOT or -, concept:platform.mi35; empty finds everything.'),
    Moment("since", "Only what was published, or else first seen, since then: 24h, 7d, or a time."),
    Moment("until", "Only what was published, or else first seen, before then."),
    Names("outlet", "Only these sources, by their names."),
    Names("language", "Only these languages, such as vi."),
    Fraction("min_score", "Only what scores so high."),
    Flag("relevant", "Only what is relevant."),
    Words("topic", "What this topic calls relevant, or scores so high.", 100),
)
ORDER = Choice("order", "Best or newest first; the best if not given.", tuple(each.value for each in Order))
LIMIT = Whole("limit", "How many at most.", 20, 1, 100)
OFFSET = Whole("offset", "How many to leave out at the beginning.", 0, 0, 10_000)


@dataclass(frozen=True, slots=True)
class Asking:
    """What somebody looks for, as the form shows it again."""

    asked: Asked

    def __getitem__(self, name: str) -> Any:
        """Return what was asked by a name."""
        return self.asked[name]

    def address(self, **changed: object) -> str:
        """Return the parameters as an address has them, some of them changed; what asks for nothing is left out."""
        said: list[tuple[str, str]] = []
        for name, value in {**self.asked, **changed}.items():
            every = value if isinstance(value, tuple) else (value,)
            said += [(name, _said(each)) for each in every if each not in (None, "", False, 0)]
        return urlencode(said)


def _said(value: object) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return "true" if value is True else str(value)


def query_of(asked: Asked, order: Order, limit: int, offset: int = 0) -> SearchQuery:
    """Return the query that is meant."""
    return SearchQuery(
        text=asked["q"],
        since=asked["since"],
        until=asked["until"],
        outlets=asked["outlet"],
        languages=asked["language"],
        min_score=asked["min_score"],
        relevant_only=asked["relevant"],
        topic=asked["topic"],
        order=order,
        limit=limit,
        offset=offset,
    )


def find(rooms: Rooms, query: SearchQuery) -> SearchPage:
    """Return what is found; raises `MendError` where the words cannot be understood."""
    return rooms.stores.search.find(query)
