"""One small frozen type for each step from a source to a delivery.

Times are aware and in UTC. Offsets count code points of the stored text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import urlsplit

from tripoint.domain.digests import Digest, Period
from tripoint.domain.evidence import Evidence as Evidence
from tripoint.domain.evidence import Marked as Marked
from tripoint.domain.evidence import Named as Named
from tripoint.domain.evidence import Phrase as Phrase


class Found(StrEnum):
    """How a candidate was found; also what kind of listing a URL is."""

    FEED = "feed"
    SITEMAP = "sitemap"
    SECTION = "section"
    LINK = "link"  #: in an article of the same outlet; no listing
    BACKFILL = "backfill"  #: by a search of the past; no listing


class Zone(StrEnum):
    """The part of an article in which a hit lies."""

    TITLE = "title"
    TEXT = "text"


class NotArticleKind(StrEnum):
    """Why a page that was read holds no article."""

    VIDEO = "video"
    GALLERY = "gallery"
    LOGIN = "login"
    INDEX = "index"
    SCRIPT = "script"
    EMPTY = "empty"


class Step(StrEnum):
    """The step at which something went wrong."""

    LISTING = "listing"
    FETCH = "fetch"
    EXTRACT = "extract"
    ASSESS = "assess"
    STORE = "store"
    ALERT = "alert"


class PlacementKind(StrEnum):
    """What an article is to the story that it belongs to."""

    NEW = "new"
    REVISION = "revision"
    DUPLICATE = "duplicate"
    SYNDICATED = "syndicated"
    FURTHER = "further"


class Outcome(StrEnum):
    """How one attempt to deliver an alert ended."""

    ACCEPTED = "accepted"
    TRANSIENT = "transient"
    PERMANENT = "permanent"


class AlertState(StrEnum):
    """Where an alert stands in the outbox."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    DEAD = "dead"  #: given up; `tripoint alerts failed` lists it
    HELD = "held"  #: waits for a digest
    DIGESTED = "digested"  #: told in a digest
    DROPPED = "dropped"  #: by hand


class PollStatus(StrEnum):
    """How a visit to a listing ended."""

    READ = "read"
    UNCHANGED = "unchanged"
    FAILED = "failed"


OUTLET_KINDS = (
    *("daily", "magazine", "portal", "broadcaster", "foreign-service", "agency"),
    *("army", "police", "trade", "ministry", "armed-forces"),
)  #: what an outlet can be; a foreign service broadcasts from abroad in the readers' language


@dataclass(frozen=True, slots=True)
class Source:
    """One outlet to read, as the catalogue names it."""

    name: str  #: short key, [a-z0-9-]+, unique in the catalogue
    outlet: str  #: the name that readers know
    language: str  #: ISO 639-1 code of what it publishes
    country: str  #: ISO 3166-1 alpha-2 code of its seat
    timezone: str  #: IANA zone in which its pages state times
    homepage: str  #: absolute URL
    feeds: tuple[str, ...] = ()  #: RSS, Atom or JSON Feed URLs
    sitemaps: tuple[str, ...] = ()  #: news sitemaps or sitemap indexes
    sections: tuple[str, ...] = ()  #: pages that list links to articles
    archives: tuple[str, ...] = ()  #: sitemaps or pages of past days (`tripoint.domain.archives`), or an index of them
    search: str = ""  #: its own search page, with {query} and {page}
    search_link: str = ""  #: CSS selector of the links on a search page
    article_pattern: str = ""  #: regular expression that an article URL on a section page matches
    wire: bool = False  #: whether it is a news agency that others copy
    verified: bool = False  #: whether a live check has seen its addresses work
    enabled: bool = True  #: whether crawls read it
    learned: str = ""  #: where its addresses were learned: "feeds: …; sections: …"
    kind: str = ""  #: one of `OUTLET_KINDS`, "" where nobody said

    @property
    def listings(self) -> tuple[tuple[Found, str], ...]:
        """Every address that lists articles, with its kind."""
        return (
            *((Found.FEED, url) for url in self.feeds),
            *((Found.SITEMAP, url) for url in self.sitemaps),
            *((Found.SECTION, url) for url in self.sections),
        )

    @property
    def hosts(self) -> frozenset[str]:
        """Every host that reading it asks, as far as its addresses tell."""
        urls = (self.homepage, *(url for _, url in self.listings))
        return frozenset((urlsplit(url).hostname or "").lower() for url in urls)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something to fetch, and what the listing said about it."""

    url: str  #: normalised absolute URL
    source: str  #: name of the source
    found_by: Found
    found_at: datetime
    title: str = ""  #: hint, may be empty or cut
    published: datetime | None = None  #: hint from a feed or sitemap
    summary: str = ""  #: hint, plain text


@dataclass(frozen=True, slots=True)
class Entered:
    """What of the addresses that were found the frontier took on."""

    fresh: tuple[Candidate, ...] = ()  #: those that were new
    left_out: int = 0  #: new, and not taken on because of a bound
    bound: str = ""  #: the setting that bounds it
    mended: bool = False  #: a blind stretch counts as seen by it

    @property
    def new(self) -> int:
        """How many were new and taken on."""
        return len(self.fresh)

    @property
    def said(self) -> str:
        """What to tell of a bound that was reached, "" where none was."""
        return f"{self.left_out} new addresses left out: crawl.{self.bound} is reached" if self.left_out else ""


@dataclass(frozen=True, slots=True)
class Repair:
    """A look elsewhere for what a listing may have dropped."""

    listing_url: str
    source: str
    since: datetime
    until: datetime
    by: str  #: address of the sitemap, section page or archive page
    reaches_back: bool  #: it lists what is older than the stretch, so that it holds all of it
    found: int = 0  #: new addresses of it that were taken on before


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server gave us to ask whether a listing changed (RFC 9110, conditional requests)."""

    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class Poll:
    """One visit to a listing and what came of it."""

    url: str
    source: str
    kind: Found
    polled_at: datetime
    status: PollStatus
    validators: Validators = Validators()
    listed: int = 0  #: entries that the listing held
    error: str = ""
    fresh_for_s: float = 0.0  #: how long the publisher says that it stays fresh
    retry_after_s: float | None = None  #: what the server asked for when it refused
    hour: int = 12  #: of the outlet's day
    moved_to: str = ""  #: address that answered, where it is another


@dataclass(frozen=True, slots=True)
class Page:
    """A fetched page, before anything was read out of it."""

    url: str  #: as asked for
    final_url: str  #: after redirects
    status: int
    content_type: str  #: the header as sent, may name a charset
    body: bytes  #: decompressed
    fetched_at: datetime
    headers: tuple[tuple[str, str], ...] = ()  #: of the answer, but for those that hold secrets


@dataclass(frozen=True, slots=True)
class Article:
    """The clean text of a page and what is known of its making."""

    url: str  #: final URL of the page
    canonical_url: str  #: one spelling for all addresses of the same page
    title: str  #: NFC, one line
    text: str  #: NFC, paragraphs parted by a newline
    published: datetime | None  #: UTC
    language: str  #: ISO 639-1 code, "" when unknown
    authors: tuple[str, ...]
    outlet: str
    source: str  #: name of the source
    content_hash: str  #: of title and text, see `tripoint.domain.text.content_hash`
    fetched_at: datetime
    date_only: bool = False  #: the page named a day and no time


@dataclass(frozen=True, slots=True)
class NotArticle:
    """A page that was read and holds no article."""

    url: str
    kind: NotArticleKind
    reason: str


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong with one thing, as a value that is stored and shown."""

    step: Step
    subject: str  #: usually the URL
    reason: str  #: one line, no secrets
    retryable: bool
    retry_after_s: float | None = None  #: what the server asked for
    is_poison: bool = False  #: reading it killed or hung the process that read it


Extraction = Article | NotArticle | Failure
"""What reading one page can give."""


class Hit(NamedTuple):
    """One place at which a concept of the lexicon stands in an article.

    A tuple, since an article has a hundred of them, and a frozen dataclass takes three times as long to make.
    """

    concept: str  #: language-neutral id, such as `actor.russia`
    facet: str  #: what the topic uses the concept for: actor, act, platform, forum, person, context or veto
    zone: Zone
    surface: str  #: the characters as stored
    start: int  #: code points into the title or the text
    end: int
    sentence: int  #: index of its sentence in that zone


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence that carries hits, kept so that an alert and a page can show it."""

    zone: Zone
    index: int
    start: int  #: code points into the title or the text
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Share:
    """One feature of the score: its value, and what it adds to the logit."""

    feature: str
    value: float
    share: float


@dataclass(frozen=True, slots=True)
class Assessment:
    """What an article is about, judged by one topic, with the evidence."""

    topic: str
    topic_version: str  #: hash of the topic and lexicon that judged
    score: float  #: 0 to 1
    threshold: float
    relevant: bool
    facets: tuple[tuple[str, int], ...]  #: facet and how many distinct concepts hit, in a fixed order
    hits: tuple[Hit, ...]
    shares: tuple[Share, ...] = ()
    evidence: tuple[Sentence, ...] = ()  #: the sentences that speak most for it, best first, at most three
    note: str = ""  #: why it was not scored, such as an unsupported language


@dataclass(frozen=True, slots=True)
class Feedback:
    """A reader's verdict on a stored article, with the text that was judged."""

    article_id: int
    topic: str
    relevant: bool
    note: str
    at: datetime
    title: str
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Placement:
    """Which story an article belongs to, and what it adds."""

    story: str  #: key of the story
    kind: PlacementKind
    what_is_new: str = ""  #: against what the story's reports told before; else why there is nothing new
    copy_of: int | None = None  #: id of the article whose text it is
    is_material: bool = False  #: what is new is worth telling those who know the story
    because: str = ""  #: what it shares with the story that it joined
    corroboration: str = ""  #: who else has the story, one line
    news: tuple[Phrase, ...] = ()  #: what is new and worth telling, for readers of any language
    behind: tuple[Phrase, ...] = ()  #: who else has the story, for readers of any language
    independent: int = 1  #: reports of the story that are no copies and come from different newsrooms


UPDATE = "update:"  #: how the kind of an alert begins that tells what is new in a known story
SEARCH = "backfill:"  #: how the story of an alert begins that tells what a search of the past found; its number follows


@dataclass(frozen=True, slots=True)
class AlertKey:
    """What makes an alert the same alert; the outbox holds each key once."""

    story: str
    rule: str
    channel: str
    kind: str  #: "new", "summary", or "update:" and what tells one update of a story from another


@dataclass(frozen=True, slots=True)
class Plan:
    """When an alert goes out, and in which company."""

    due_at: datetime | None = None  #: None is at once; later when held by quiet hours or for a digest
    period: Period | None = None  #: of the digest that it is held for, None for one of its own
    most: int = 0  #: alerts of this rule that this channel gets one by one within `per_s`; 0 is without limit
    per_s: float = 0.0


AT_ONCE = Plan()


@dataclass(frozen=True, slots=True)
class Alert:
    """Whom to tell of what, and why."""

    key: AlertKey
    evidence: Evidence  #: of a digest, its headline
    queued_at: datetime
    plan: Plan = AT_ONCE
    digest: Digest | None = None  #: what it tells, where it tells several stories together


class Verdict(StrEnum):
    """What a rule made of an article for a channel."""

    QUEUED = "queued"  #: told at once
    QUIET = "quiet"  #: held by quiet hours
    DIGEST = "digest"  #: held for a digest
    LIMITED = "limited"  #: over the rule's limit, held for a digest
    TOO_OLD = "too-old"  #: held for the summary of what is old
    BELOW = "below"  #: the score is too low
    NO_MATCH = "no-match"  #: a condition of the rule does not hold
    COPY = "copy"  #: a text that is told already
    KNOWN = "known"  #: its story was told on this channel, and nothing is new
    DISABLED = "disabled"  #: the channel is switched off
    ESCALATED = "escalated"  #: told here too, since another channel stays down


@dataclass(frozen=True, slots=True)
class Ruling:
    """Why an article was told or not, as it was decided then."""

    verdict: Verdict
    detail: str  #: which condition, by how much, until when
    rule: str = ""  #: "" is every rule
    channel: str = ""  #: "" is every channel of the rule
    until: datetime | None = None  #: it is held


@dataclass(frozen=True, slots=True)
class Hearing:
    """Whom an article is told to, and why not to others."""

    alerts: tuple[Alert, ...] = ()
    rulings: tuple[Ruling, ...] = ()  #: on what no alert came of; the outbox adds its own on each alert


@dataclass(frozen=True, slots=True)
class QueuedAlert:
    """An alert as the outbox holds it."""

    id: int
    alert: Alert
    state: AlertState
    attempts: int
    next_attempt_at: datetime
    last_detail: str = ""
    due_at: datetime | None = None  #: first; the same for every try, another once it is resent by hand
    taken: tuple[str, ...] = ()  #: marks of the services, recipients and parts that have it, where others lack it
    tries: int = 0  #: attempts since `due_at`, which alone count towards giving it up


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to deliver an alert."""

    alert_id: int
    attempt: int  #: counted from 1
    at: datetime
    outcome: Outcome
    detail: str = ""  #: what the service said, no secrets


@dataclass(frozen=True, slots=True)
class Signature:
    """What an article is compared by with those that may tell the same event."""

    language: str
    at: datetime  #: when it was published, else fetched
    bags: Mapping[str, Mapping[str, float]]  #: of each kind of `tripoint.stories.signature.KINDS`: term and its weight


class Carried(StrEnum):
    """How we know whose words a report prints, strongest first."""

    OWN = "own"  #: the outlet is the agency
    DATELINE = "dateline"
    BYLINE = "byline"
    CITED = "cited"  #: the report tells what the agency reported


@dataclass(frozen=True, slots=True)
class Origin:
    """The agency that a report comes from."""

    wire: str
    country: str  #: ISO 3166-1 alpha-2
    how: Carried


@dataclass(frozen=True, slots=True)
class Report:
    """A stored article as a part of its story."""

    article_id: int
    story: str
    source: str
    outlet: str
    language: str
    title: str
    url: str
    published: datetime | None
    seen_at: datetime
    placement: PlacementKind
    what_is_new: str
    is_material: bool
    because: str
    copy_of: int | None
    origin: Origin | None
    is_relevant: bool
    signature: Signature | None  #: None for copies, and for what is not grouped


@dataclass(frozen=True, slots=True)
class Clues:
    """What the archive recognises an article by; stored and indexed with it."""

    keys: tuple[int, ...] = ()  #: copies of a text share some; below 2**32, see `tripoint.stories.fingerprint`
    signature: Signature | None = None  #: None for what is not grouped
    origin: Origin | None = None  #: the agency whose words it prints


@dataclass(frozen=True, slots=True)
class Twin:
    """A stored article that may be a copy."""

    article_id: int
    story: str
    outlet: str
    title: str
    text: str
    content_hash: str


@dataclass(frozen=True, slots=True)
class Known:
    """What the archive holds about an article that is about to be kept."""

    same_url: str = ""  #: story of the article with this canonical URL
    same_url_hash: str = ""  #: content hash of its newest revision
    same_url_title: str = ""
    same_url_text: str = ""
    twins: tuple[Twin, ...] = ()  #: articles elsewhere that share some of its text, likeliest first
    reports: tuple[Report, ...] = ()  #: of the stories of these days, and of its own page's story; oldest first


@dataclass(frozen=True, slots=True)
class Decision:
    """What to write about an article, decided inside the transaction that writes it."""

    placement: Placement
    assessments: tuple[Assessment, ...]
    alerts: tuple[Alert, ...] = ()
    rulings: tuple[Ruling, ...] = ()  #: why others do not hear of it


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of an article in the archive."""

    article_id: int
    placement: Placement
    alerts_queued: int
    is_relevant: bool = False  #: to any topic
