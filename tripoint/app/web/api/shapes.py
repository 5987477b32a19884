"""What the API answers with. The schemas of its description are made from these types."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a request was not answered."""

    status: int
    problem: str


@dataclass(frozen=True, slots=True)
class ReportAnswer:
    """An article as a part of its story."""

    article: int
    source: str
    outlet: str
    language: str
    title: str
    url: str
    published: datetime | None
    seen: datetime
    placement: str
    copy_of: int | None
    what_is_new: str
    is_material: bool
    because: str
    wire: str | None
    is_relevant: bool


@dataclass(frozen=True, slots=True)
class StoryAnswer:
    """A story: who has it, and its reports, oldest first."""

    story: str
    title: str
    first_seen: datetime
    first_outlet: str
    corroboration: str
    independent: int
    outlets: tuple[str, ...]
    countries: tuple[str, ...]
    wires: tuple[str, ...]
    languages: tuple[str, ...]
    silent: tuple[str, ...]
    reports: tuple[ReportAnswer, ...]


@dataclass(frozen=True, slots=True)
class StoriesAnswer:
    """Stories, the one with the newest report first."""

    stories: tuple[StoryAnswer, ...]


@dataclass(frozen=True, slots=True)
class SentenceAnswer:
    """A telling sentence, with the stretches of it that matched, in code points."""

    article: int
    language: str
    text: str
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class WholeStoryAnswer:
    """One story with its telling sentences."""

    story: StoryAnswer
    sentences: tuple[SentenceAnswer, ...]


@dataclass(frozen=True, slots=True)
class HitAnswer:
    """A place at which a concept stands; offsets count code points of title or text."""

    concept: str
    facet: str
    zone: str
    surface: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ShareAnswer:
    """One feature of a score: its value, and what it adds to the logit."""

    feature: str
    value: float
    share: float


@dataclass(frozen=True, slots=True)
class AssessmentAnswer:
    """What a topic makes of an article today, and what it made of it when the article came."""

    topic: str
    score: float
    stored_score: float | None
    threshold: float
    relevant: bool
    note: str
    shares: tuple[ShareAnswer, ...]
    hits: tuple[HitAnswer, ...]
    flips: tuple[str, ...]
    feedback: bool | None


@dataclass(frozen=True, slots=True)
class ArticleAnswer:
    """One article, with its judgements."""

    id: int
    story: str
    url: str
    source: str
    outlet: str
    language: str
    title: str
    text: str
    authors: tuple[str, ...]
    published: datetime | None
    date_only: bool
    first_seen: datetime
    revision: int
    assessments: tuple[AssessmentAnswer, ...]


@dataclass(frozen=True, slots=True)
class FoundAnswer:
    """An article that a search found; the marks are code points of the snippet."""

    id: int
    story: str
    source: str
    outlet: str
    language: str
    title: str
    url: str
    published: datetime | None
    first_seen: datetime
    score: float
    is_relevant: bool
    snippet: str
    marks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """A stretch of what was found; where not all was ranked, the best of the newest come first, then the others."""

    articles: tuple[FoundAnswer, ...]
    next_offset: int | None
    all_ranked: bool


@dataclass(frozen=True, slots=True)
class DayAnswer:
    """How much came on a day, in UTC."""

    day: date
    articles: int
    relevant: int
    stories: int


@dataclass(frozen=True, slots=True)
class VolumeAnswer:
    """Days, oldest first."""

    days: tuple[DayAnswer, ...]


@dataclass(frozen=True, slots=True)
class StretchAnswer:
    """A stretch of time in which everything was seen, or in which that is not known."""

    start: datetime
    until: datetime
    is_seen: bool
    reason: str


@dataclass(frozen=True, slots=True)
class SourceAnswer:
    """A source, how it does, and what was seen of it."""

    name: str
    outlet: str
    language: str
    country: str
    homepage: str
    state: str
    since: datetime | None
    reason: str
    share_seen: float | None
    coverage: tuple[StretchAnswer, ...]


@dataclass(frozen=True, slots=True)
class SourcesAnswer:
    """Sources, those that need somebody first."""

    sources: tuple[SourceAnswer, ...]


@dataclass(frozen=True, slots=True)
class AttemptAnswer:
    """One attempt to deliver an alert."""

    attempt: int
    at: datetime
    outcome: str
    detail: str


@dataclass(frozen=True, slots=True)
class AlertAnswer:
    """What was told, to whom, and what became of it."""

    id: int
    story: str
    rule: str
    channel: str
    kind: str
    state: str
    title: str
    outlet: str
    url: str
    topic: str
    score: float
    queued: datetime
    sent: datetime | None
    attempts: tuple[AttemptAnswer, ...]


@dataclass(frozen=True, slots=True)
class AlertsAnswer:
    """Alerts, newest first."""

    alerts: tuple[AlertAnswer, ...]


@dataclass(frozen=True, slots=True)
class TopicAnswer:
    """A topic that is watched."""

    name: str
    title: str
    languages: tuple[str, ...]
    threshold: float
    version: str


@dataclass(frozen=True, slots=True)
class TopicsAnswer:
    """The topics that are watched."""

    topics: tuple[TopicAnswer, ...]


@dataclass(frozen=True, slots=True)
class ThresholdAnswer:
    """What another threshold would change, from the stored scores."""

    topic: str
    threshold: float
    judged: int
    relevant: int
    would_be: int
    gained: int
    lost: int
