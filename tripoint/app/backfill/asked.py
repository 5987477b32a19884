"""What a person asks of the past, checked, and the providers that can answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from tripoint.app.seeds import Seeds
from tripoint.app.settings import BackfillSection, Settings
from tripoint.domain.backfill import Memory, Patience, Provider, Shelf, Terms, Wanted
from tripoint.domain.errors import SettingsError
from tripoint.domain.types import Failure, Step
from tripoint.domain.when import Days, read_days
from tripoint.relevance.prematch import core_names
from tripoint.relevance.querying import slugs_of, terms_of

if TYPE_CHECKING:
    from crawler.warc.search import FileSearch

T = TypeVar("T")
# Those that name what is looked for, the cheapest first; then the archives, which name all that was published.
BY_DEFAULT = ("bing-news", "search", "gdelt", "google-news", "wayback", "archive")
PROVIDERS = (*BY_DEFAULT, "cc-news")  # a month of CC-NEWS is hundreds of gigabytes: only who names it wants that
WARC = "warc:"  # before the path of a file or folder
_WHY_NOTHING = {
    "archive": "no source of these has `archives` or `sitemaps` in the catalogue",
    "search": "no source of these has `search` and `search_link` in the catalogue",
    "cc-news": "it begins on 26 August 2016",
}


class Workers(Protocol):
    """Who reads answers: `crawler.extract.pool.ExtractionPool`."""

    @property
    def workers(self) -> int:
        """Return how many there are."""
        ...

    async def run(self, work: Callable[..., T], *arguments: Any, subject: str) -> T | Failure:
        """Call a function of a module in one."""
        ...


class NoWorkers:
    """Reads nothing, where only the plan of a search is wanted."""

    workers = 1

    async def run(self, work: Callable[..., T], *arguments: Any, subject: str) -> T | Failure:
        """Refuse."""
        return Failure(Step.LISTING, subject, "nothing is read for a plan", retryable=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """One search of the past; what it says makes the job, so that the same command goes on with it."""

    words: tuple[str, ...]
    first: str  #: ISO day
    end: str  #: ISO day after the last
    via: tuple[str, ...]
    sources: tuple[str, ...]
    language: str = ""
    is_open: bool = False  #: whether no end was said: then it is the day on which it is asked, and still the same job

    @property
    def days(self) -> Days:
        """Return the days that are asked for."""
        return Days(date.fromisoformat(self.first), date.fromisoformat(self.end))

    @property
    def said(self) -> dict[str, Any]:
        """Return it as the ledger keeps it, and as `of` reads it: lists are what JSON gives back."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @property
    def key(self) -> str:
        """Return what makes two commands the same job; providers may be added later."""
        said = {key: value for key, value in asdict(self).items() if key not in {"via", "is_open"}}
        if self.is_open:
            said["end"] = ""
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:32]

    @property
    def command(self) -> str:
        """Return the command that asks it."""
        parts = ["tripoint backfill", *(json.dumps(each, ensure_ascii=False) for each in self.words)]
        parts += [f"--since {self.days.first}" + ("" if self.is_open else f" --until {self.days.last}")]
        parts += [f"--via {each}" for each in self.via] + [f"--source {each}" for each in self.sources]
        return " ".join([*parts, *([f"--lang {self.language}"] if self.language else [])])

    @staticmethod
    def of(said: Mapping[str, Any]) -> Asked:
        """Read it as the ledger has it."""
        lists = {key: tuple(said[key]) for key in ("words", "via", "sources")}
        return Asked(**{**said, **lists})


def read_asked(
    words: Sequence[str],
    since: str,
    until: str,
    via: Sequence[str],
    sources: Sequence[str],
    language: str,
    today: date,
) -> Asked:
    """Check what was typed; raises `MendError` with what to write instead."""
    first = read_days(since, today).first
    end = read_days(until, today).end if until else read_days("today", today).end
    if first > today:
        raise SettingsError(f"--since {since} lies ahead: nothing was published yet", "name a day of the past")
    if first >= end:
        raise SettingsError(f"--since {since} ({first}) is after --until {until}", "exchange the two")
    chosen = tuple(dict.fromkeys(map(_provider, via))) or BY_DEFAULT
    if language not in {"", "vi", "en"}:
        raise SettingsError(f"--lang {language}: this language is not searched", "write vi or en")
    return Asked(tuple(words), first.isoformat(), end.isoformat(), chosen, tuple(sources), language, not until)


def _provider(said: str) -> str:
    """Check the name of a provider; a path is made whole, so that the job goes on from another folder too."""
    if said.startswith(WARC) and said != WARC:
        from crawler.warc.local import warc_files

        path = Path(said.removeprefix(WARC)).expanduser().absolute()
        warc_files(path)
        return f"{WARC}{path}"
    if said not in PROVIDERS:
        raise SettingsError(f"there is no provider `{said}`", f"known are {', '.join(PROVIDERS)} and {WARC}PATH")
    return said


def wanted_of(asked: Asked, seeds: Seeds, today: date) -> Wanted:
    """Return what the providers are to look for, of no day that lies ahead.

    Raises `SettingsError` for a source that there is not.
    """
    from tripoint.app.seeds import choose

    chosen = [each for each in choose(seeds.sources, list(asked.sources)) if each.enabled]
    sources = tuple(each for each in chosen if asked.language in {"", each.language})
    if not sources:
        raise SettingsError("no source is left to search", "drop --lang, or name other sources")
    languages = [asked.language] if asked.language else sorted({each.language for each in sources} & {"vi", "en"})
    slugs: dict[str, None] = {}
    groups: list[Terms] = []
    for topic in seeds.topics:
        groups += [terms_of(topic, seeds.lexicon, each) for each in languages]
        slugs |= dict.fromkeys(slugs_of(topic, seeds.lexicon))
    days = asked.days
    return Wanted(
        Days(days.first, max(min(days.end, today + timedelta(days=1)), days.first + timedelta(days=1))),
        sources,
        tuple(groups),
        asked.words,
        tuple(slugs),
        core_names(seeds.topics, seeds.lexicon),
        (asked.language,)
        if asked.language
        else tuple(sorted({each for topic in seeds.topics for each in topic.languages})),
        only_sources=bool(asked.sources),
    )


def nothing_to_ask(providers: Sequence[Provider], wanted: Wanted) -> list[str]:
    """Return a line for each provider that plans no window; raises `SettingsError` where none plans one."""
    silent = [each.name for each in providers if not each.shards(wanted)]
    why = [
        f"{each}: nothing to ask: {_WHY_NOTHING.get(each, 'no source of these is in its languages')}" for each in silent
    ]
    if len(silent) == len(providers):
        raise SettingsError("; ".join(why), "name other providers, sources or days")
    return why


def build_providers(
    settings: Settings, asked: Asked, extractor: Workers, shelf: Shelf, memory: Memory
) -> list[Provider]:
    """Return the chosen providers, in the order in which they are asked."""
    from crawler.providers.archive import ArchiveProvider
    from crawler.providers.gdelt import GdeltProvider
    from crawler.providers.news_rss import BingNewsProvider, GoogleNewsProvider
    from crawler.providers.site_search import SearchProvider
    from crawler.providers.wayback import WaybackProvider

    past = settings.backfill
    archive = ArchiveProvider(extractor, memory)
    known: list[Provider] = [
        BingNewsProvider(extractor, past.bing_news_url),
        SearchProvider(extractor),
        GdeltProvider(extractor, past.gdelt_url, past.gdelt_pause_s),
        GoogleNewsProvider(extractor, archive, past.google_news_url),
        WaybackProvider(extractor, past.cdx_url, past.snapshot_url),
        archive,
    ]
    chosen = [each for each in known if each.name in asked.via]
    paths = [Path(each.removeprefix(WARC)) for each in asked.via if each.startswith(WARC)]
    if paths or "cc-news" in asked.via:
        from crawler.warc.cc_news import CcNewsProvider
        from crawler.warc.local import Sieve, WarcProvider

        search = _file_search(settings, extractor, shelf)
        sieve = Sieve(past.prematch, settings.crawl.max_page_bytes)
        if "cc-news" in asked.via:
            chosen.append(CcNewsProvider(extractor, search, sieve, past.cc_news_url, _patience(past)))
        if paths:
            chosen.append(WarcProvider(search, sieve, paths))
    return chosen


def _patience(past: BackfillSection) -> Patience:
    return Patience(past.cc_news_timeout_s, past.cc_news_part_mb * 1024**2, past.cc_news_attempts)


def _file_search(settings: Settings, extractor: Workers, shelf: Shelf) -> FileSearch:
    """Return who reads WARC files: our workers, or a cluster where the settings name one."""
    from tripoint.app.wiring import crawl_settings, utc_now

    past = settings.backfill
    if not past.ray:
        from crawler.warc.search import WarcSearch

        return WarcSearch(extractor, shelf, utc_now, extractor.workers)
    from crawler.warc.on_ray import RaySearch, RaySettings, check_ray

    check_ray()
    agent, timeout_s = crawl_settings(settings).user_agent, settings.crawl.extract_timeout_s
    return RaySearch(shelf, utc_now, RaySettings(past.ray, _patience(past), past.retry_s, agent, timeout_s))
