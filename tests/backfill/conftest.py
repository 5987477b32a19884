"""A house that reads the outlets of the past."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from tests.house import House
from tests.newsroom.indexes import Indexes
from tests.newsroom.past import PastOutlet, past_outlets
from tests.newsroom.past_world import PastWorld

FIRST, END = date(2018, 7, 15), date(2018, 9, 15)
ASKED = ("--since", "2018-07-15", "--until", "2018-09-14")

_ARCHIVES = {
    "day-pages": 'archives = ["{base}/archive/{{YYYY}}-{{MM}}-{{DD}}"]',
    "month-sitemaps": 'archives = ["{base}/sitemap-{{YYYY}}-{{MM}}.xml"]',
    "index": 'sitemaps = ["{base}/sitemap.xml"]',
}


def write_catalogue(house: House, world: PastWorld) -> None:
    """Write every outlet of a world into a house's catalogue."""
    entries = []
    for outlet in world.outlets:
        base = world.sites[outlet.name].base
        archive = _ARCHIVES[outlet.shape].format(base=base)
        feeds = "" if "sitemaps =" in archive else f'feeds = ["{base}/rss.xml"]\n'
        entries.append(
            f'[[source]]\nname = "{outlet.name}"\noutlet = "{outlet.title}"\nlanguage = "{outlet.language}"\n'
            f'country = "{outlet.country}"\ntimezone = "{outlet.timezone}"\nhomepage = "{base}/"\n{feeds}{archive}\n'
            f'search = "{base}/search?q={{query}}&page={{page}}"\nsearch_link = "h3.hit a"\n'
        )
    (house.folder / "seeds" / "sources" / "newsroom.toml").write_text("\n".join(entries), encoding="utf-8")


@pytest.fixture
def outlets() -> list[PastOutlet]:
    """Return a small past: two months, 240 pages, 24 of them relevant."""
    return past_outlets(240, FIRST, END, 24)


@pytest.fixture
def past(outlets: list[PastOutlet]) -> Iterator[PastWorld]:
    """Serve it."""
    with PastWorld(outlets, [Indexes]) as world:
        yield world


@pytest.fixture
def reader(past: PastWorld, tmp_path: Path) -> House:
    """Return a house that knows its outlets."""
    (tmp_path / "house").mkdir()
    house = House(tmp_path / "house")
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
