"""What a search of the past will ask for, told before anything is asked. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tripoint.app.settings import Settings
from tripoint.domain.backfill import Costly, Provider, Shard, Wanted

MANY = 5_000  #: requests of which a person is asked first
PAGES_A_DAY = 100  #: that an outlet publishes, by which its archive is guessed; big ones publish several hundred
_HELD = ("warc", "cc-news")  # whose windows are files, of which `cost` tells

WindowKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Part:
    """What one provider will be asked."""

    provider: str
    windows: int
    least_s: float  #: however fast its servers answer, for the waits between two requests to a host


@dataclass(frozen=True, slots=True)
class Plan:
    """What a search will ask for."""

    shards: tuple[Shard, ...]
    parts: tuple[Part, ...]
    outlets: int  #: whose archives list all that they published, of which each page is fetched
    pages: int  #: that these are guessed to list
    pages_least_s: float
    more: tuple[str, ...]  #: what providers say themselves

    @property
    def requests(self) -> int:
        """Return how many requests there will be at the least, with the pages of archives as they are guessed."""
        return len(self.shards) + self.pages

    @property
    def is_much(self) -> bool:
        """Return whether a person would want to be asked first."""
        return self.requests > MANY

    def lines(self) -> list[str]:
        """Return it for people."""
        said = ", ".join(f"{each.provider} {each.windows:,}" for each in self.parts if each.windows)
        least = f" in {lasting(least_s)} or more" if (least_s := sum(each.least_s for each in self.parts)) >= 60 else ""
        found = [f"{len(self.shards):,} windows, at least one request each{least}: {said}; and one for each page found"]
        if self.pages > len(self.shards):
            took = f" and {lasting(self.pages_least_s)}" if self.pages_least_s >= 60 else ""
            found.append(
                f"archive: all that {_number(self.outlets, 'outlet')} published is listed, and each page is fetched: "
                f"about {self.pages:,} pages{took}, if an outlet publishes {PAGES_A_DAY} a day; a QUERY, --source or "
                "fewer days make it less, --via leaves it out, --limit stops it early"
            )
        return [*found, *self.more]


def plan_of(
    providers: Sequence[Provider], wanted: Wanted, settings: Settings, settled: Collection[WindowKey] = ()
) -> Plan:
    """Return what is still to be asked: all windows but those that are settled."""
    pauses = {"gdelt": max(settings.backfill.gdelt_pause_s, settings.crawl.delay_s)}
    shards: list[Shard] = []
    parts: list[Part] = []
    for each in providers:
        mine = [shard for shard in each.shards(wanted) if key_of(shard) not in settled]
        # The archives and search pages of outlets are on their own hosts, an index is on one.
        hosts = Counter(shard.source if each.name in {"archive", "search"} else "" for shard in mine)
        pause_s = 0.0 if each.name in _HELD else pauses.get(each.name, settings.crawl.delay_s)
        parts.append(Part(each.name, len(mine), pause_s * max(hosts.values(), default=0)))
        shards += mine
    days = 0 if wanted.words else (wanted.days.end - wanted.days.first).days
    asked = {shard.source for shard in shards if shard.provider == "archive"}
    outlets = sum(bool(each.archives) for each in wanted.sources if each.name in asked)
    pages = days * PAGES_A_DAY if outlets else 0
    more = tuple(each.cost(wanted) for each in providers if isinstance(each, Costly))
    return Plan(tuple(shards), tuple(parts), outlets, outlets * pages, pages * settings.crawl.delay_s, more)


def key_of(shard: Shard) -> WindowKey:
    """Return what tells a window from others of its job."""
    return shard.provider, shard.query, shard.label


def lasting(seconds: float) -> str:
    """Return a time for people, in the unit that suits it."""
    for unit, size in (("day", 86_400), ("hour", 3_600)):
        if seconds >= 2 * size:
            return _number(round(seconds / size), unit)
    return _number(max(1, round(seconds / 60)), "minute")


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
