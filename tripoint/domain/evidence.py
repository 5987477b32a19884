"""What an alert shows: the telling sentences of a report, frozen when the alert was queued."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

# Headers of a page that could let somebody in as whoever fetched it; they are never kept.
SECRET_HEADERS = frozenset({"set-cookie", "set-cookie2", "cookie", "authorization", "www-authenticate"})


@dataclass(frozen=True, slots=True)
class Marked:
    """A sentence with the spans to highlight, in code points of that sentence."""

    text: str
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Phrase:
    """A line that each reader gets in their own language: its name among the phrases, and what goes into it."""

    name: str
    values: tuple[tuple[str, str], ...] = ()  #: a time has a name that ends in `_at`, and is ISO 8601


@dataclass(frozen=True, slots=True)
class Named:
    """A concept that an article names."""

    facet: str  #: what the topic uses it for
    concept: str  #: language-neutral id
    words: str  #: with which the article names it first


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an alert tells, frozen when it was queued."""

    title: str
    outlet: str
    url: str
    published: datetime | None
    fetched_at: datetime
    language: str
    topic: str
    score: float
    threshold: float
    sentences: tuple[Marked, ...]
    timezone: str = "UTC"  #: zone of the outlet, to show its own time
    what_is_new: str = ""  #: in an update
    corroboration: str = ""  #: who else has the story, one line
    news: tuple[Phrase, ...] = ()  #: `what_is_new` for readers of any language
    behind: tuple[Phrase, ...] = ()  #: `corroboration` for readers of any language
    remarks: tuple[Phrase, ...] = ()  #: how it came here, such as that another channel stays down
    headline: Phrase | None = None  #: where the house itself speaks; `title` has it in English
    facets: tuple[tuple[str, tuple[str, ...]], ...] = ()  #: kind of what was found, and its words in the article
    concepts: tuple[Named, ...] = ()  #: that were found, each once
