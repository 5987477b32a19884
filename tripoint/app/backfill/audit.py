"""What others saw in a period, held against the archive; nothing is stored, and no page is fetched."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from storage.audit import AuditStore
from tripoint.app.backfill.asked import BY_DEFAULT, Asked, build_providers
from tripoint.app.backfill.engine import by_host, placed
from tripoint.app.backfill.memory import RunMemory
from tripoint.app.backfill.shelf import NoShelf
from tripoint.app.settings import Settings
from tripoint.domain.audit import Checked, Verdict, judged
from tripoint.domain.backfill import Ask, Find, Provider, ShardState, Wanted, is_inside
from tripoint.domain.coverage import Span, merged
from tripoint.domain.errors import SettingsError
from tripoint.domain.text import one_line
from tripoint.domain.types import Source
from tripoint.domain.urls import canonical_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from tripoint.app.wiring import Stores

OTHERS = ("gdelt", "google-news", "bing-news")  # who sees the news by themselves
_LONGEST_TITLE = 300


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found."""

    checked: tuple[Checked, ...]
    windows: Counter[str] = field(default_factory=Counter)  #: asked, by provider
    failed: tuple[tuple[str, str], ...] = ()  #: provider and reason of windows that could not be asked

    @property
    def missed(self) -> list[Checked]:
        """Return what the archive lacks or does not call relevant."""
        return [each for each in self.checked if each.verdict is not Verdict.HELD]

    @property
    def recall(self) -> float | None:
        """Return the share of the sample that is held; None where others saw nothing."""
        return 1 - len(self.missed) / len(self.checked) if self.checked else None

    @property
    def is_blind(self) -> bool:
        """Return whether nobody could be asked at all."""
        return bool(self.failed) and not self.windows


def check_via(via: Sequence[str]) -> list[str]:
    """Return whom to ask; raises `SettingsError` for those who hold pages and list none."""
    for each in via:
        if each not in BY_DEFAULT and (each.startswith("warc:") or each == "cc-news"):
            mend = f"name some of {', '.join(BY_DEFAULT)}"
            raise SettingsError(f"--via {each}: an audit asks indexes, and this one lists nothing", mend)
    return list(via) or list(OTHERS)


async def run_audit(settings: Settings, asked: Asked, wanted: Wanted, sample: int, say: Callable[[str], None]) -> Audit:
    """Ask a random part of the windows until the sample is full, and look up what they name; the same each time."""
    from crawler.ask import AskSettings, opened_asker
    from crawler.extract.pool import ExtractionPool
    from crawler.robots import RobotsCache
    from crawler.turns import Turns
    from tripoint.app.wiring import crawl_settings, opened_stores, utc_now
    from tripoint.app.writer import Writer, WriterFrontier

    asking = AskSettings(crawl_settings(settings), settings.backfill.retry_s)
    with (
        closing(ExtractionPool(settings.crawl.workers, settings.crawl.extract_timeout_s)) as extractor,
        opened_stores(settings) as stores,
        closing(Writer()) as writer,
    ):
        frontier = WriterFrontier(writer, stores.frontier)
        async with opened_asker(asking, frontier, RobotsCache(utc_now), Turns(), utc_now) as asker:
            dice = random.Random(asked.key)  # noqa: S311 - the same command takes the same sample
            windows: Counter[str] = Counter()
            failed: list[tuple[str, str]] = []
            checked: list[Checked] = []
            for each in build_providers(settings, asked, extractor, NoShelf(), RunMemory(utc_now)):
                finds = await _sampled(each, wanted, asker, sample, dice, windows, failed, say)
                checked += _looked_up(stores, each.name, finds, wanted)
    return Audit(tuple(checked), windows, tuple(failed))


async def _sampled(
    provider: Provider,
    wanted: Wanted,
    ask: Ask,
    sample: int,
    dice: random.Random,
    windows: Counter[str],
    failed: list[tuple[str, str]],
    say: Callable[[str], None],
) -> list[Find]:
    """Return up to so many finds of random windows."""
    todo = list(provider.shards(wanted))
    dice.shuffle(todo)
    finds: dict[str, Find] = {}
    while todo and len(finds) < sample:
        shard = todo.pop()
        sought = await provider.search(shard, wanted, ask)
        finds |= {each.url: each for each in sought.finds if _is_of_days(each, wanted)}
        todo += sought.split
        if sought.state is ShardState.FAILED:
            failed.append((provider.name, sought.reason))
        else:
            windows[provider.name] += 1
        say(f"{provider.name} {shard.label}: {sought.state}, {len(finds)} of {sample} to look up")
    some = list(finds.values())
    return dice.sample(some, sample) if len(some) > sample else some


def _is_of_days(find: Find, wanted: Wanted) -> bool:
    zones = {each.timezone for each in wanted.sources} or {"UTC"}
    return find.published is None or any(is_inside(find.published, each, wanted.days) for each in zones)


def _looked_up(stores: Stores, provider: str, finds: Sequence[Find], wanted: Wanted) -> list[Checked]:
    """Look finds up by address, then by title, and judge each."""
    hosts = by_host(wanted.sources)
    sources = {each.name: each for each in wanted.sources}
    told = [replace(placed(each, hosts), find=_titled(each)) for each in finds]
    pages = {canonical_url(each.find.url): each.find.url for each in told if not each.find.is_opaque}
    store = AuditStore(stores.database)
    known = store.by_address(pages)
    titles = {(each.source, each.find.title) for each in told if each.source and each.find.title}
    by_title = store.by_title(titles)
    spans = _spans(stores, wanted, sources)
    found = []
    for each in told:
        page = known.get(canonical_url(each.find.url)) if not each.find.is_opaque else None
        if page is None or page.article_id is None:
            page = by_title.get((each.source, each.find.title), page)
        verdict, detail = judged(each.find, each.source, page, spans.get(each.source, ()))
        found.append(Checked(provider, each.find, each.source, verdict, detail))
    return found


def _titled(find: Find) -> Find:
    """Return a find with its title as an article's is stored: without the outlet behind it."""
    return replace(find, title=one_line(find.title).removesuffix(f" - {find.outlet}")[:_LONGEST_TITLE])


def _spans(stores: Stores, wanted: Wanted, sources: dict[str, Source]) -> dict[str, list[Span]]:
    from tripoint.domain.backfill import bounds

    start, _ = bounds(wanted.days, [each.timezone for each in wanted.sources])
    return {name: merged(each) for name, each in stores.coverage.since(start).items() if name in sources}


def as_json(asked: Asked, audit: Audit) -> dict[str, Any]:
    """Return everything for scripts."""
    return {
        "since": asked.days.first.isoformat(),
        "until": asked.days.last.isoformat(),
        "sampled": len(audit.checked),
        "recall": audit.recall,
        "verdicts": dict(Counter(str(each.verdict) for each in audit.checked)),
        "windows": dict(audit.windows),
        "failed": [{"provider": provider, "reason": reason} for provider, reason in audit.failed],
        "missed": [
            {
                "provider": each.provider,
                "reason": str(each.verdict),
                "detail": each.detail,
                "title": each.find.title,
                "url": each.find.url,
                "outlet": each.find.outlet or each.find.host,
                "source": each.source,
                "published": each.find.published.isoformat() if each.find.published else None,
            }
            for each in audit.missed
        ],
    }
