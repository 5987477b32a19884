"""A house that reads a world of the past."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from crawler.providers.site_search import queries
from tests.house import House, entry
from tests.newsroom.past import PastOutlet, PastPage
from tests.newsroom.past_world import PastWorld
from tripoint.app.seeds import load_seeds
from tripoint.relevance.querying import terms_of

_ARCHIVES = {
    "day-pages": 'archives = ["{base}/archive/{{YYYY}}-{{MM}}-{{DD}}"]',
    "month-sitemaps": 'archives = ["{base}/sitemap-{{YYYY}}-{{MM}}.xml"]',
    "index": 'sitemaps = ["{base}/sitemap.xml"]',
}


def house_that_reads(past: PastWorld, folder: Path, server: str = "") -> House:
    """Return a house in a new folder that knows every outlet of a world, and asks its indexes without pauses."""
    folder.mkdir()
    house = House(folder, server=server)
    base = past.indexes[0]
    house.settings["backfill"] = {
        "retry_s": 0.05,
        "gdelt_pause_s": 0.0,
        "gdelt_url": f"{base}/gdelt/doc",
        "google_news_url": f"{base}/google/rss/search",
        "bing_news_url": f"{base}/bing/news/search",
        "cdx_url": f"{base}/cdx/search/cdx",
        "snapshot_url": f"{base}/web",
    }
    write_catalogue(house, past)
    return house


def write_catalogue(house: House, world: PastWorld, without: str = "") -> None:
    """Write every outlet of a world into a house's catalogue, or all but one."""
    entries = []
    for outlet in world.outlets:
        if outlet.name == without:
            continue
        base = world.sites[outlet.name].base
        archive = _ARCHIVES[outlet.shape].format(base=base)
        feeds = [] if "sitemaps =" in archive else [f'feeds = ["{base}/rss.xml"]']
        search = f'search = "{base}/search?q={{query}}&page={{page}}"\nsearch_link = "h3.hit a"\n'
        entries.append(entry(outlet, base, *feeds, archive, search))
    (house.folder / "seeds" / "sources" / "newsroom.toml").write_text("\n".join(entries), encoding="utf-8")


def is_searched(outlet: PastOutlet, page: PastPage) -> bool:
    """Return whether a search page of an outlet, asked for the topic, names a page of it."""
    text = f" {page.text} ".lower()
    return any(all(word in text for word in each.lower().split()) for each in _asked(outlet.language))


@cache
def _asked(language: str) -> tuple[str, ...]:
    seeds = load_seeds()
    return queries(terms_of(seeds.topics[0], seeds.lexicon, language))
