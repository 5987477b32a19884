"""Searching the past: what is asked of whom, for which days, and what came of it.

wanted ─ provider.shards ─> shards ─ provider.search ─> sought ─> ledger and frontier ─ crawl ─> articles
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable
from zoneinfo import ZoneInfo

from tripoint.domain.types import Article, Candidate, Failure, Page, Source
from tripoint.domain.when import Days

DAY = timedelta(days=1)


class ShardState(StrEnum):
    """Where one window of one query stands."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    CAPPED = "capped"  #: the provider gave as much as it gives, and the window cannot be made smaller
    FAILED = "failed"


class FindState(StrEnum):
    """What can be done about something that a provider named."""

    PAGE = "page"  #: its page is in the frontier, or stored
    OPAQUE = "opaque"  #: the provider hides the address, and it was not found at the publisher's
    ELSEWHERE = "elsewhere"  #: its host belongs to no source of the catalogue


@dataclass(frozen=True, slots=True)
class Terms:
    """What an article of one language must name: one word of each group."""

    language: str
    groups: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a backfill looks for."""

    days: Days
    sources: tuple[Source, ...]  #: whose archives are searched, and whose pages are fetched
    terms: tuple[Terms, ...]  #: one a language
    words: tuple[str, ...] = ()  #: of the person's own query; empty where the topic is looked for
    slugs: tuple[str, ...] = ()  #: the core's names without marks, as they stand in addresses
    names: tuple[str, ...] = ()  #: folded; a page that holds none of them is relevant to no topic
    languages: tuple[str, ...] = ("vi", "en")  #: of articles
    only_sources: bool = False  #: whether pages of other outlets are left out although they are at hand


@dataclass(frozen=True, slots=True)
class Shard:
    """One window of one query to one provider; the unit that is resumed."""

    provider: str
    query: str  #: as a person would recognise it; with the window it is the key in the ledger
    start: datetime
    end: datetime
    source: str = ""  #: the one source that it is asked of or about
    language: str = ""
    address: str = ""  #: what is fetched first, where the shard is an address
    cursor: str = ""  #: how far it was done, in the provider's own words

    @property
    def label(self) -> str:
        """Return its days for people."""
        last = self.end - timedelta(seconds=1)
        clock = "" if (self.end - self.start) % DAY == timedelta(0) else " %H:%M"
        first, until = self.start.strftime(f"%Y-%m-%d{clock}"), last.strftime(f"%Y-%m-%d{clock}")
        return first if first == until else f"{first} to {until}"


@dataclass(frozen=True, slots=True)
class Find:
    """Something that a provider named."""

    url: str
    title: str = ""
    published: datetime | None = None  #: only where the provider says that, and not when it saw the page
    outlet: str = ""
    language: str = ""
    snapshot: str = ""  #: where a copy can be fetched when the page is gone
    is_opaque: bool = False  #: the address is the provider's own and leads to nobody but it
    host: str = ""  #: the publisher's, where the address does not tell
    seen: datetime | None = None  #: when the provider saw it


@dataclass(frozen=True, slots=True)
class Sought:
    """What one shard brought."""

    finds: tuple[Find, ...] = ()
    state: ShardState = ShardState.DONE
    reason: str = ""
    split: tuple[Shard, ...] = ()  #: smaller windows that replace it, because it came back full

    @staticmethod
    def failed(failure: Failure, finds: Sequence[Find] = ()) -> Sought:
        """Return a shard that must be asked again, with what it brought until then."""
        return Sought(tuple(finds), ShardState.FAILED, failure.reason)


@dataclass(frozen=True, slots=True)
class Held:
    """An article of a page that a provider holds itself, so that nobody need be asked for it."""

    candidate: Candidate
    article: Article
    page: Page  #: as it was captured, and when


class Shelf(Protocol):
    """Where a provider that holds pages itself puts what it read."""

    @property
    def is_over(self) -> bool:
        """Return whether the provider is to stop now."""
        ...

    async def take(self, shard: Shard, held: Sequence[Held], cursor: str, share: float) -> None:
        """Keep articles, and then how far the shard is done: as its cursor, and as a share of it, 0 to 1."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said to one question."""

    url: str
    status: int
    content_type: str
    body: bytes
    total_bytes: int | None = None  #: of the whole, where only a part was asked for


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a question of an unusual size is waited for, in the place of what holds for pages."""

    timeout_s: float
    most_bytes: int  #: of an answer
    attempts: int


class Ask(Protocol):
    """Asks servers, politely and one question after the other; retries what is worth it."""

    async def get(
        self,
        url: str,
        *,
        pause_s: float = 0.0,
        part: tuple[int, int] | None = None,
        patience: Patience | None = None,
    ) -> Answer | Failure:
        """Fetch an address; `pause_s` is the least time between two questions to its host.

        A `part` is the first and the last byte of it; one that begins behind the end is answered with status 416.
        """
        ...


class Memory(Protocol):
    """What publishers' archives said, so that no address is asked twice in one search."""

    async def recall(self, address: str, settled: datetime) -> Answer | None:
        """Return what an address said when it would say no more, from a time on, or not long ago; None if unknown."""
        ...

    async def keep(self, address: str, answer: Answer) -> None:
        """Remember what an address said."""
        ...


class Provider(Protocol):
    """One index of past news."""

    @property
    def name(self) -> str:
        """Return what `--via` calls it."""
        ...

    def shards(self, wanted: Wanted) -> Sequence[Shard]:
        """Plan: what to ask; pure, so that the same command makes the same shards."""
        ...

    async def search(self, shard: Shard, wanted: Wanted, ask: Ask) -> Sought:
        """Ask one shard; what goes wrong is a state with its reason, never an exception."""
        ...


@runtime_checkable
class Costly(Protocol):
    """A provider whose plan does not tell how much it will ask for."""

    def cost(self, wanted: Wanted) -> str:
        """Say so for people, in a line."""
        ...


@dataclass(frozen=True, slots=True)
class Counted:
    """How a provider did in a job."""

    provider: str
    windows: int = 0
    done: int = 0
    capped: int = 0
    failed: int = 0
    found: int = 0
    known: int = 0
    new: int = 0
    fetched: int = 0
    relevant: int = 0
    waiting: int = 0  #: pages still to be fetched
    lost: int = 0  #: pages that could not be had
    opaque: int = 0
    elsewhere: int = 0
    outside: int = 0  #: articles that were published outside the days that were asked for

    @property
    def incomplete(self) -> int:
        """Return how many windows are not known to be whole."""
        return self.windows - self.done


def bounds(days: Days, zones: Iterable[str]) -> tuple[datetime, datetime]:
    """Return from when until when it is one of these days in one of these zones."""
    places = [ZoneInfo(each) for each in zones] or [ZoneInfo("UTC")]
    first = min(datetime.combine(days.first, time(), place) for place in places)
    end = max(datetime.combine(days.end, time(), place) for place in places)
    return first.astimezone(UTC), end.astimezone(UTC)


def day_start(day: Days) -> datetime:
    """Return the beginning of a stretch of days, by the calendar and in no zone but UTC."""
    return datetime.combine(day.first, time(), UTC)


def is_inside(published: datetime, zone: str, days: Days) -> bool:
    """Return whether an article was published on one of these days of its outlet's calendar."""
    return days.first <= published.astimezone(ZoneInfo(zone)).date() < days.end


def bisected(shard: Shard, least: timedelta) -> tuple[Shard, ...]:
    """Return the halves of a window, later half first; nothing where they would be shorter than the least."""
    half = (shard.end - shard.start) / 2
    half -= half % least
    if half < least:
        return ()
    middle = shard.start + half
    return replace(shard, start=middle, cursor=""), replace(shard, end=middle, cursor="")
